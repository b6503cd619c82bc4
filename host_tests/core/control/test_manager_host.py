"""Any image, any call, any silence: the tick never raises and never breaks what must hold."""

from hypothesis import given, strategies as st

from bess.core.battery.sequence import K_PLUS
from bess.core.control.modes import CHARGE, DISCHARGE, EMERGENCY
from bess.core.points import (
    BATTERY_W, CAUSE_INVARIANT, DC_MV, GRID_W, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX,
    M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH,
    M_PACK_MV, M_PROTECTIONS, M_SOC_PM, M_STATE, PCS_STATE, PCS_UNCONFIRMED, PV_W,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench

BITS4 = st.integers(0, 15)
POWER_W = st.integers(-1_000_000, 1_000_000) | st.integers(-25_000, 25_000)
COLUMNS = {
    M_SOC_PM: st.none() | st.integers(0, 1000),
    M_PACK_MV: st.integers(10_000, 100_000),
    M_CURRENT_MA: st.integers(-1_000_000, 1_000_000),
    M_CELL_MV_MAX: st.integers(1, 6000) | st.integers(3400, 3700),
    M_CELL_MV_MIN: st.integers(1, 6000) | st.integers(2700, 3100),
    M_CELL_DC_MAX: st.integers(-500, 1500),
    M_CELL_DC_MIN: st.integers(-500, 1500),
    M_CHARGE_MA_MAX: st.integers(0, 1_000_000),
    M_DISCHARGE_MA_MAX: st.integers(0, 1_000_000),
    M_STATE: st.none() | st.integers(0, 7),
    M_PROTECTIONS: st.none() | st.integers(0, 1023),
    M_FAULTS: st.none() | st.sampled_from((0, 0, 0, 1, 32)),
    M_FULL_DAH: st.none() | st.integers(0, 65_534),
}
POINTS = {
    BATTERY_W: st.none() | POWER_W, GRID_W: st.none() | POWER_W, PV_W: st.none() | POWER_W,
    DC_MV: st.none() | st.integers(0, 2_000_000), PCS_STATE: st.none() | st.integers(0, 4),
    PCS_UNCONFIRMED: st.none() | st.integers(0, 65_534),
}
REMOTE_W = st.integers(-20_000, 20_000)

ACTIONS = st.one_of(
    st.tuples(st.just("run"), st.sampled_from((100, 500, 2000, 5500, 11_000, 62_000))),
    st.sampled_from(list(COLUMNS)).flatmap(
        lambda column: st.tuples(st.just("row"), BITS4, st.just(column), COLUMNS[column])),
    st.sampled_from(list(POINTS)).flatmap(
        lambda point: st.tuples(st.just("put"), st.just(point), POINTS[point],
                                st.integers(0, 3000))),
    st.tuples(st.just("set"), st.just("silent"), BITS4),
    st.tuples(st.just("set"), st.just("pcs_answers"), st.booleans()),
    st.tuples(st.just("set"), st.just("pcs_state"), st.none() | st.integers(0, 4)),
    st.tuples(st.just("set"), st.just("pcs_w"), st.none() | POWER_W),
    st.tuples(st.just("set"), st.just("meter_w"), st.none() | POWER_W),
    st.tuples(st.just("set"), st.just("unconfirmed"), st.integers(0, 4)),
    st.tuples(st.just("set"), st.just("bus_stuck"), st.booleans()),
    st.tuples(st.just("set"), st.just("loop_ok"), st.booleans()),
    st.tuples(st.just("set"), st.just("welded"), st.integers(0, 7)),
    st.tuples(st.just("jump"), st.integers(0, 1 << 29)),
    st.tuples(st.just("ask_remote"), REMOTE_W, st.integers(1000, 60_000)),
    st.tuples(st.just("set_constant_power"), REMOTE_W, st.integers(0, 2)),
    st.tuples(st.sampled_from(("start", "stop", "stop_operation", "release_remote",
                               "emergency_shutdown", "reset_emergency"))),
)


def do(bench, action):
    """Change the world as an action says."""
    name, arguments = action[0], action[1:]
    if name == "row":
        index, column, value = arguments
        bench.manager.pack.rows[index % 4][column] = value
    elif name == "put":
        point, value, age_ms = arguments
        bench.manager.image.put(point, value, (bench.now_ms - age_ms) & TICK_MASK)
    elif name == "set":
        setattr(bench, *arguments)
    elif name == "jump":
        bench.now_ms = (bench.now_ms + arguments[0]) & TICK_MASK
    else:
        getattr(bench.manager, name)(*arguments)


class Watch:
    """What must hold after every step, judged apart from the code's own invariants."""

    def __init__(self, bench):
        self.bench = bench
        self.before_w = 0
        self.latched_ms = 0

    def judge(self):
        manager = self.bench.manager
        window, command = manager.window, manager.command
        w = command.battery_w
        assert not manager.latched >> CAUSE_INVARIANT & 1, "an invariant was broken"
        assert window.lo_w <= 0 <= window.hi_w and window.lo_w <= w <= window.hi_w
        assert -20_000 <= window.lo_w and window.hi_w <= 20_000
        assert w * self.before_w >= 0, "through zero only by a tick at zero"
        assert abs(w) - abs(self.before_w) <= manager.ramp.up_w * 200 // 1000 + 1
        assert w <= 0 or manager.mode != CHARGE
        assert w >= 0 or manager.mode != DISCHARGE
        assert not w or command.run, "power only while it runs"
        assert not w or manager.image.now[BATTERY_W] is not None
        assert not command.run or self.bench.coils() & K_PLUS
        if manager.latched:
            assert manager.mode == EMERGENCY and not w and not command.run
            assert manager.outputs() & 8, "trip output"
        self.latched_ms = self.latched_ms + 100 if manager.latched else 0
        if self.latched_ms > 7400:
            assert self.bench.coils() == 0, "open 7 s after the emergency, whatever happens"
        self.before_w = w


@given(st.integers(0, TICK_MASK), st.booleans(), st.lists(ACTIONS, max_size=60))
def test_anything(start_ms, running, actions):
    bench = Bench(start_ms, self_use=1)
    bench.meter_w = 800
    if running:
        bench.started(3000)
    watch = Watch(bench)
    watch.before_w = bench.manager.command.battery_w
    for action in actions:
        span_ms = 200
        if action[0] == "run":
            span_ms = action[1]
        else:
            do(bench, action)
        for _ in range(span_ms // 100):
            bench.tick()
            watch.judge()
