"""Several packs under any wishes and losses: they never fight, leave no window and no cap."""

from hypothesis import given, strategies as st

from bess.core.control.modes import EMERGENCY
from bess.core.points import M_CELL_MV_MAX, M_CELL_MV_MIN, M_SOC_PM
from host_tests.core.bench_packs import SiteBench

PACKS = 3
PACK = st.integers(0, PACKS - 1)
W = st.integers(-30_000, 30_000)

DEEDS = st.one_of(
    st.tuples(st.just("power"), W),
    st.tuples(st.just("remote"), W),
    st.tuples(st.just("charge"), st.just(0)),
    st.tuples(st.just("discharge"), st.integers(0, 30_000)),
    st.tuples(st.just("load"), st.integers(-20_000, 20_000)),
    st.tuples(st.just("soc"), PACK, st.sampled_from((30, 90, 120, 500, 940, 1000))),
    st.tuples(st.just("cell"), PACK, st.sampled_from((2850, 2950, 3300, 3440, 3500))),
    st.tuples(st.just("fault"), PACK, st.booleans()),
    st.tuples(st.just("silent"), PACK, st.booleans()),
    st.tuples(st.just("stop"), PACK),
    st.tuples(st.just("start"),),
    st.tuples(st.just("loop"), st.booleans()),
    st.tuples(st.just("reset"),),
)


def do(bench, deed, *values):
    site = bench.site
    if deed == "power":
        site.set_constant_power(values[0], 5)
    elif deed == "remote":
        site.ask_remote(values[0], 20_000)
    elif deed == "charge":
        site.start_charging(0)
    elif deed == "discharge":
        site.start_discharging(values[0], 5)
    elif deed == "load":
        bench.load_w = values[0]
    elif deed == "soc":
        bench.plants[values[0]].rows(M_SOC_PM, values[1])
    elif deed == "cell":
        bench.plants[values[0]].rows(M_CELL_MV_MAX, max(values[1], 3300) + 5)
        bench.plants[values[0]].rows(M_CELL_MV_MIN, min(values[1], 3300))
    elif deed == "fault":
        bench.plants[values[0]].pcs_state = 3 if values[1] else None
    elif deed == "silent":
        bench.plants[values[0]].silent = 3 if values[1] else 0
    elif deed == "stop":
        site.packs[values[0]].stop()
    elif deed == "loop":
        bench.loop_ok = values[0]
    else:
        getattr(site, {"start": "start", "reset": "reset_emergency"}[deed])()


def judge(bench):
    site, commands = bench.site, bench.commands()
    assert not (min(commands) < 0 < max(commands)), commands
    window = site.window
    assert window.lo_w <= 0 <= window.hi_w
    assert window.lo_w <= sum(commands) <= window.hi_w, (window.lo_w, commands, window.hi_w)
    for each in site.packs:
        assert each.window.lo_w <= each.command.battery_w <= each.window.hi_w
        assert each.first_cause != 13, "an invariant was broken"
        if each.mode == EMERGENCY:
            assert each.command.battery_w == 0


@given(deeds=st.lists(st.tuples(DEEDS, st.integers(1, 60)), min_size=1, max_size=15),
       caps=st.sampled_from(({}, {"import_w_max": 8000, "export_w_max": 3000},
                             {"allow_grid_export": 0}, {"self_use": 1})))
def test_packs_never_fight_and_stay_inside(deeds, caps):
    bench = SiteBench(PACKS, soc_pm_floor=50, **caps)
    bench.load_w = 2000
    bench.started()
    for deed, ticks in deeds:
        do(bench, *deed)
        for _ in range(ticks):
            bench.tick()
            judge(bench)
