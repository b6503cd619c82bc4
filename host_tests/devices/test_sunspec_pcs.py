"""The inverter: found, read, lost and found again."""

import micropython

from bess.core.points import BATTERY_W, DC_MV, GRID_CHZ, PCS_GRID, PCS_STATE, PCS_UNCONFIRMED
from bess.core.tick import TICK_MASK
from host_tests.devices.inverter import B, CONN, MODE, MODELS, Bench
from host_tests.devices.peer import STEP_MS


def test_found_at_every_base():
    for base in (40000, 0, 50000):
        for models in (MODELS, (1, 101, 123, 124), (1, 120, 124, 160, 103, 123)):
            bench = Bench(models, base)
            assert bench.device.known and bench.device.control.usable, (base, models)
            bench.ask(1, -2000)
            assert bench.rates() == (3, 1000, -1000, 1), (base, models)


def test_ratings():
    bench = Bench()
    assert bench.device.ratings[0] == B and bench.device.ratings[3] == 0
    assert Bench((1, 103, 123, 124)).device.ratings == [None] * 5


def test_a_slow_line_still_polls():
    bench = Bench()
    bench.ask(1, 5000)
    bench.wire.exchanges = 1
    before = bench.image.puts[BATTERY_W]
    for i in range(200):
        bench.ask(1, 1000 + 100 * (i & 63), STEP_MS)     # a new command for each exchange
    assert bench.image.puts[BATTERY_W] - before >= 9, "5 a second"


def test_silence_and_return():
    bench = Bench()
    bench.ask(1, 5000)
    bench.wire.dead = True
    bench.wire.run(15_000)
    assert bench.image.values[PCS_UNCONFIRMED] >= 3
    bench.set(124, MODE, 0)         # it reverted meanwhile
    bench.set(123, CONN, 0)
    bench.wire.dead = False
    bench.wire.run(31_000)
    assert bench.rates() == (3, -2500, 2500, 1)
    assert bench.image.values[PCS_UNCONFIRMED] == 0 and bench.overruled == 0


def test_a_stop_reaches_an_inverter_that_was_silent_soon():
    bench = Bench()
    bench.ask(1, 5000)
    bench.wire.dead = True
    bench.wire.run(60_000)
    bench.ask(0, 0, 5000)
    bench.wire.dead = False
    bench.wire.run(1500)
    assert bench.rates() == (3, 0, 0, 0)


def test_tick_wrap():
    bench = Bench(start_ms=(1 << 30) - 5000)
    bench.ask(1, 5000, 3000)
    bench.written()
    bench.wire.run(10_000)
    assert bench.wire.now_ms < 10_000
    assert 3 <= len(bench.written()) <= 10
    bench.ask(1, -5000)
    assert bench.rates() == (3, 2500, -2500, 1)
    assert bench.image.values[PCS_UNCONFIRMED] == 0


def test_chain_that_moved():
    bench = Bench()
    bench.ask(1, 5000)
    other = Bench((1, 103, 123, 124), settle=False)
    for i in range(len(bench.registers.words)):
        words = other.registers.words
        bench.registers.words[i] = words[i] if i < len(words) else 0
    bench.where = other.where
    bench.wire.run(8000)
    assert bench.device.walks == 2
    assert bench.rates() == (3, -2500, 2500, 1)


# offset of 103, raw, point, value, why
READINGS = (
    (14, -4321, BATTERY_W, -4321, "charging"), (14, 7000, BATTERY_W, 7000, "discharging"),
    (16, 4998, GRID_CHZ, 4998, ""), (16, 0xFFFF, GRID_CHZ, None, "not implemented"),
    (16, 9000, GRID_CHZ, None, "no grid has 90 Hz"), (29, 5234, DC_MV, 523_400, "0.1 V"),
    (29, 0xFFFF, DC_MV, None, "not implemented"),
    (38, 1, PCS_STATE, 0, "off"), (38, 2, PCS_STATE, 4, "sleeping"),
    (38, 3, PCS_STATE, 1, "starting"), (38, 4, PCS_STATE, 2, "MPPT is running"),
    (38, 5, PCS_STATE, 2, "throttled is running"), (38, 6, PCS_STATE, 4, "shutting down"),
    (38, 7, PCS_STATE, 3, "fault"), (38, 8, PCS_STATE, 4, "standby"),
    (38, 9, PCS_STATE, None, "nobody knows"), (38, 0, PCS_STATE, None, "no state"),
    (38, 0xFFFF, PCS_STATE, None, "not implemented"),
)


def test_readings():
    bench = Bench(latency_ms=50)
    for offset, raw, point, value, why in READINGS:
        bench.ac(offset, raw)
        bench.wire.run(300)
        assert bench.image.values[point] == value, (why, bench.image.values[point])
        assert bench.wire.now_ms - bench.image.at_ms[point] <= 260 + 50
        bench.ac(offset, {16: 5000, 29: 5100, 38: 1}.get(offset, raw))


def test_samples_that_are_none():
    for pairs, why in (
        (((14, 0x8000),), "W not implemented"), (((15, 0x8000),), "no scale factor"),
        (((14, 30_001), (15, 1)), "300 kW out of a 30 kW inverter"),
        (((14, 0), (16, 0), (10, 0), (38, 7)), "null frame"),
    ):
        bench = Bench()
        for offset, raw in pairs:
            bench.ac(offset, raw)
        before = bench.image.puts[BATTERY_W]
        bench.wire.run(1000)
        assert bench.image.puts[BATTERY_W] == before, why
        assert bench.device.rejected + bench.device.null_frames >= 4, why


def test_polls_keep_their_pace_while_the_command_changes():
    bench = Bench()
    before = bench.image.puts[BATTERY_W]
    for i in range(100):
        bench.ask(1, 1000 + 100 * i, 100)
    assert bench.image.puts[BATTERY_W] - before >= 45, "5 a second"
    assert bench.rates() == (3, -5450, 5450, 1)
    assert bench.image.values[PCS_UNCONFIRMED] == 0


def test_no_heap():
    bench = Bench()
    bench.registers.keep_log = False
    for run, power_w in ((1, 5000), (1, -5000), (1, 0), (0, 0)):
        bench.ask(run, power_w, 9000)
    before = bench.image.puts[BATTERY_W]
    micropython.heap_lock()
    try:
        for i in range(40):
            bench.ask(1 if i % 10 else 0, (i - 20) * 777, 300)
    finally:
        micropython.heap_unlock()
    assert bench.image.puts[BATTERY_W] > before + 40
    assert bench.wire.now_ms & ~TICK_MASK == 0


PRESENT, LOST = 1, 2
RUNS, OFF = 4, 1
GRIDS = (
    # St and low half of Evt1 of 103, ECPConn of 122, what the point says, why
    (RUNS, 0, 1, PRESENT, "connected"), (OFF, 0, 1, PRESENT, "connected, at rest"),
    (RUNS, 0, 0, LOST, "it runs and is not connected: an island"),
    (OFF, 0, 0, None, "its own relay is open"), (3, 0, 0, None, "on its way"),
    (RUNS, 0, 0xFFFF, None, "not implemented"),
    (RUNS, 16, 1, LOST, "the event says it, whatever else"), (OFF, 16, 0, LOST, "at rest, too"),
    (RUNS, 0xFFEF, 1, PRESENT, "every other event"), (RUNS, 0xFFFF, 1, PRESENT, "no events"),
    (RUNS, 0, 0xFFFE, LOST, "other bits of the connection"),
)


def on_grid(state, events, connected, models=MODELS):
    bench = Bench(models)
    bench.ac(38, state)
    bench.ac(41, events)
    if 122 in models:
        bench.set(122, 4, connected)
    bench.wire.run(3500)
    return bench


def test_the_grid():
    for state, events, connected, grid, why in GRIDS:
        assert on_grid(state, events, connected).image.values[PCS_GRID] == grid, why


def test_the_grid_without_model_122():
    models = (1, 103, 123, 124)
    assert on_grid(RUNS, 0, 0, models).image.values[PCS_GRID] is None
    assert on_grid(RUNS, 16, 0, models).image.values[PCS_GRID] == LOST


def test_a_start_is_no_island():
    """Model 122 is read once a second: it may still say what was before the relay closed."""
    bench = on_grid(OFF, 0, 0)
    bench.ac(38, RUNS)
    for _ in range(40):
        bench.wire.run(STEP_MS)
        assert bench.image.values[PCS_GRID] is None, "one late answer is not enough"
    bench.set(122, 4, 1)
    bench.wire.run(1100)
    assert bench.image.values[PCS_GRID] == PRESENT
    bench.set(122, 4, 0)
    bench.wire.run(2200)
    assert bench.image.values[PCS_GRID] == LOST
    bench.ac(38, OFF)
    bench.wire.run(400)
    assert bench.image.values[PCS_GRID] is None, "the island has ended: it says nothing"


def test_a_status_that_cannot_be_read_says_nothing():
    bench = on_grid(RUNS, 0, 1)
    bench.device.missed(bench.device._blocks[5], 4, bench.wire.now_ms)
    bench.wire.run(240)
    assert bench.image.values[PCS_GRID] is None
    bench.wire.run(1100)
    assert bench.image.values[PCS_GRID] == PRESENT
