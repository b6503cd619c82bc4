"""Islands: which loads are shed when, and how they come back."""

from bess.core.control.grid_watch import FOLLOWING, LOST, PRESENT
from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_LOAD_RESTORED, EVENT_LOAD_SHED
from bess.core.tick import TICK_MASK
from host_tests.core.control.island_rig import Rig


TIMES = (
    # attribute, condition to set, ms until it tells, result, why
    ("shed", {"current_ma": 100_001}, 10_000, 1, "overload"),
    ("blackout", {"cell_mv_min": 2900}, 30_000, True, "a low cell"),
    ("shed", {"strings_live": 0}, 5000, 3, "silence"),
)


def test_times_to_the_millisecond():
    for name, changes, span_ms, wanted, why in TIMES:
        rig = Rig()
        rig.tick()
        for key in changes:
            setattr(rig.pack, key, changes[key])
        rig.island.tick(FOLLOWING, False, None, rig.now_ms)
        rig.island.tick(FOLLOWING, False, None, rig.now_ms + span_ms - 1)
        assert not getattr(rig.island, name), (why, "too early")
        rig.island.tick(FOLLOWING, False, None, rig.now_ms + span_ms)
        assert getattr(rig.island, name) == wanted, why
    rig = Rig()
    rig.pack.soc_pm_min = 400
    rig.tick()
    rig.pack.soc_pm_min = 900
    rig.island.tick(FOLLOWING, False, None, rig.now_ms + 59_999)
    assert rig.island.shed == 1
    rig.island.tick(FOLLOWING, False, None, rig.now_ms + 60_000)
    assert rig.island.shed == 0


SHED = (
    # SoC, outputs shed, why
    (401, 0, "enough"),
    (400, 1, "the first"),
    (301, 1, "the first"),
    (300, 3, "both"),
    (None, 0, "unknown SoC sheds nothing, silence does"),
)


def test_loads_are_shed_by_state_of_charge():
    for soc_pm, shed, why in SHED:
        rig = Rig()
        rig.tick()
        rig.noted()
        rig.pack.soc_pm_min = soc_pm
        assert rig.tick().shed == shed, why
        assert rig.noted() == [(EVENT_LOAD_SHED, WARNING, n) for n in (1, 2) if shed >> n - 1 & 1]
        assert rig.tick().shed == shed and rig.noted() == [], "said once"


def test_with_the_grid_nothing_is_shed():
    rig = Rig(pcs_grid=PRESENT)
    rig.pack.soc_pm_min, rig.pack.current_ma = 50, 200_000
    rig.pack.cell_mv_min, rig.pack.cell_mv_max = 2800, 3600
    island = rig.tick(40_000)
    assert (island.shed, island.blackout, island.curtail) == (0, False, False)
    rig.pcs_grid = LOST
    assert rig.tick().shed == 3, "an overload before the island counts for nothing: SoC does"
    assert island.curtail


def test_loads_come_back_60_s_apart():
    for start_ms in (1000, TICK_MASK - 100_000):
        rig = Rig(start_ms=start_ms)
        rig.pack.soc_pm_min = 300
        assert rig.tick().shed == 3
        rig.noted()
        rig.pack.soc_pm_min = 399
        assert rig.tick(70_000).shed == 3, "not enough for either"
        rig.pack.soc_pm_min = 400
        assert rig.tick().shed == 1, "the second was shed 60 s ago"
        assert rig.noted() == [(EVENT_LOAD_RESTORED, INFO, 2)]
        rig.pack.soc_pm_min = 499
        assert rig.tick(70_000).shed == 1
        rig.pack.soc_pm_min = 500
        assert rig.tick().shed == 0
        assert rig.noted() == [(EVENT_LOAD_RESTORED, INFO, 1)]
        rig.pack.soc_pm_min = 300
        rig.tick()
        rig.pack.soc_pm_min = 800
        assert rig.tick(59_900).shed == 3
        assert rig.tick().shed == 1, "60 s after it was shed"
        assert rig.tick(59_900).shed == 1
        assert rig.tick().shed == 0, "60 s after the other"


def test_overload_sheds_one_output_every_10_s():
    rig = Rig()
    rig.pack.current_ma = 100_000
    assert rig.tick(20_000).shed == 0, "at the limit"
    rig.pack.current_ma = 100_001
    assert rig.tick(10_000).shed == 0
    assert rig.tick().shed == 1, "above it for 10 s"
    assert rig.tick(10_000).shed == 1
    assert rig.tick().shed == 3, "still above it"
    assert rig.tick(70_000).shed == 3, "nothing comes back into an overload"
    rig.pack.current_ma = 100_000
    assert rig.tick(60_000).shed == 3
    assert rig.tick().shed == 1
    rig.pack.current_ma = 100_001
    rig.tick(9000)
    rig.pack.current_ma = 50_000
    rig.tick()
    rig.pack.current_ma = 100_001
    assert rig.tick(9000).shed == 1, "without a break"
    rig.pack.strings_live = 0
    assert rig.tick(2000).shed == 1, "a current nobody renews is no evidence"


def test_a_blocked_discharge_is_an_overload():
    rig = Rig()
    rig.pack.discharge_ma_max = 0
    assert rig.tick(10_100).shed == 1


def test_loads_return_one_by_one_when_the_grid_does():
    rig = Rig()
    rig.pack.soc_pm_min = 250
    rig.tick()
    rig.pcs_grid = PRESENT
    assert rig.tick(59_900).shed == 3
    assert rig.tick().shed == 1, "whatever the SoC"
    assert rig.tick(60_000).shed == 0


def test_what_was_shed_stays_so_for_the_black_start():
    rig = Rig()
    rig.pack.soc_pm_min = 100
    assert rig.tick().blackout
    rig.run, rig.pack.soc_pm_min = 0, 900
    island = rig.tick(200_000)
    assert island.shed == 3 and not island.islanded
    rig.run = FOLLOWING
    assert rig.tick().shed == 1, "60 s have passed long ago"


def test_silent_modules_shed_everything_after_5_s():
    rig = Rig()
    rig.tick()
    rig.pack.strings_live = 0
    assert rig.tick(4900).shed == 0
    assert rig.tick().shed == 3
    assert rig.island.curtail, "nobody could say that there is room"
    assert not rig.island.blackout
    rig.pack.strings_live = 1
    assert rig.tick(59_900).shed == 3
    assert rig.tick().shed == 1
