"""The computed points of the image: each shows what it names, unknown where nothing is known."""

from bess.core.battery.sequence import K_MINUS, K_PLUS
from bess.core.control.modes import BLOCKED, EMERGENCY, IDLE, OFF, RUNNING
from bess.core.events import EMERGENCY as ALARM
from bess.core.points import (
    ALARMS, ALARM_LEVEL, AUTHORITY, BATTERY_W, BY_MANUAL, BY_REMOTE, CAUSES, CAUSE_COMMANDED,
    CAUSE_INPUT, CELL_DC_MAX, CELL_DC_MIN, CELL_MV_MAX, CELL_MV_MIN, CHARGE_W_RATED, COMMAND_W,
    COUNTED_PM, CYCLES_PM, DC_MA, DISCHARGE_W_RATED, EMPTY_MIN, ENERGY_WH_RATED, EVENT_COUNT,
    EVENT_FLOW_CHANGE, FIRST_CAUSE, FLOW, GRID_CONNECTION, GRID_STATE, GRID_W, HI_REASON, HI_W,
    IMBALANCE_PM, ISLAND, LEFT_WH, LOAD_W, LO_REASON, LO_W, MAP_LENGTH, MAP_VERSION,
    METER_AGE_DS, MODE, MODULES, MODULES_LIVE, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX,
    M_CELL_MV_MIN, M_SOC_PM, OPENINGS, OUTPUTS, OWNER, PACK_MV, PHASE, PV_W, REQUEST_LEFT_S,
    ROOM_WH, RUN, SCHEDULE_ENTRY, SIGMA_PM, SITE_SPAN, SOC_PM, STRING_COILS, TRIPS, UPTIME_S,
    UTC_DAY, UTC_S, VAR_PM, WHY_MODE, WHY_RATING, WISH_W,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench

TRIP_OUTPUT, LAMP = 8, 16


def shows(bench, points, why):
    """Every point of the flat list has the value that follows it."""
    now = bench.manager.image.now
    for k in range(0, len(points), 2):
        assert now[points[k]] == points[k + 1], (why, points[k], now[points[k]])


def test_before_the_first_tick():
    bench = Bench(charge_w_max=15_000, discharge_w_max=12_000, module_wh_rated=15_000)
    shows(bench, (MAP_VERSION, 1, MAP_LENGTH, SITE_SPAN, CHARGE_W_RATED, 15_000,
                  DISCHARGE_W_RATED, 12_000, ENERGY_WH_RATED, 60_000, MODULES, 4, UPTIME_S, 0),
          "made")


def test_at_rest():
    bench = Bench(grid_connection=2)
    bench.run(1500)
    shows(bench, (LO_W, 0, HI_W, 0, LO_REASON, WHY_MODE, HI_REASON, WHY_MODE, OWNER, 0, WISH_W, 0,
                  COMMAND_W, 0, RUN, 0, PHASE, OFF, STRING_COILS, 0, CAUSES, 0, TRIPS, 0,
                  FIRST_CAUSE, 0, OPENINGS, 0, ALARMS, 0, ALARM_LEVEL, 0, AUTHORITY, 0,
                  GRID_CONNECTION, 2, ISLAND, 0, VAR_PM, None, REQUEST_LEFT_S, None,
                  SCHEDULE_ENTRY, None, METER_AGE_DS, None, LOAD_W, None), "at rest")


def test_while_it_runs():
    bench = Bench(charge_w_max=15_000, discharge_w_max=12_000).started(3000)
    manager = bench.manager
    bench.rows(M_CELL_MV_MAX, 3310)
    bench.rows(M_CELL_MV_MIN, 3301)
    bench.rows(M_CELL_DC_MAX, 255)
    bench.rows(M_CELL_DC_MIN, 231)
    bench.rows(M_SOC_PM, 512)
    bench.run(1500)
    shows(bench, (LO_W, -15_000, HI_W, 12_000, LO_REASON, WHY_RATING, HI_REASON, WHY_RATING,
                  OWNER, BY_MANUAL, WISH_W, 3000, COMMAND_W, 3000, RUN, 1, PHASE, RUNNING,
                  MODE, manager.mode, STRING_COILS, K_MINUS | K_PLUS, MODULES_LIVE, 4,
                  SOC_PM, 512, CELL_MV_MAX, 3310, CELL_MV_MIN, 3301, CELL_DC_MAX, 255,
                  CELL_DC_MIN, 231, PACK_MV, 52_800, DC_MA, 57_692, IMBALANCE_PM, 1000,
                  BATTERY_W, 3000, EVENT_COUNT, manager.events.count, SIGMA_PM, 50), "it runs")
    now = manager.image.now
    assert now[OUTPUTS] & (7 | LAMP | TRIP_OUTPUT) == K_MINUS | K_PLUS | LAMP
    assert now[GRID_STATE] == manager.island.state
    capability = manager.capability
    assert (now[LEFT_WH], now[ROOM_WH]) == (capability.left_wh, capability.room_wh)
    assert now[EMPTY_MIN] == capability.empty_min > 60
    assert now[COUNTED_PM] == 499, "our own count began at 500 and does not follow"


def test_silent_modules_show_nothing():
    bench = Bench().started()
    bench.silent = 15
    bench.until(lambda m: m.pack.strings_live == 0, 3000)
    shows(bench, (SOC_PM, None, CELL_MV_MAX, None, CELL_MV_MIN, None, CELL_DC_MAX, None,
                  CELL_DC_MIN, None, PACK_MV, None, DC_MA, None, MODULES_LIVE, 0),
          "in the tick in which the last one falls silent")
    bench.silent = 0
    bench.run(1500)
    shows(bench, (SOC_PM, 500, MODULES_LIVE, 4), "back")


def test_an_emergency():
    bench = Bench().started(3000)
    bench.loop_ok = False
    bench.run(1500)
    bench.manager.emergency_shutdown()
    bench.run(3000)
    shows(bench, (MODE, EMERGENCY, CAUSES, 1 << CAUSE_INPUT | 1 << CAUSE_COMMANDED, FIRST_CAUSE,
                  CAUSE_INPUT, RUN, 0, COMMAND_W, 0, ALARM_LEVEL, ALARM + 2), "both causes")
    now = bench.manager.image.now
    assert now[OUTPUTS] & (TRIP_OUTPUT | LAMP | 7) == TRIP_OUTPUT
    assert now[ALARMS] == bench.manager.alarms.active >= 1


def test_phase_says_blocked_when_it_may_not_start():
    bench = Bench().started()
    bench.pcs_state = 3
    bench.run(10_000)
    now = bench.manager.image.now
    assert now[TRIPS] == 2 and now[PHASE] == BLOCKED, "a trip"
    bench.pcs_state = None
    bench.run(1000)
    assert now[TRIPS] == 0 and now[PHASE] == BLOCKED, "it waits for its restart"
    bench.manager.stop()
    bench.run(1000)
    assert now[PHASE] == OFF, "nobody wants it any more"


def test_the_authority():
    bench = Bench()
    assert bench.manager.set_authority(True) == 0
    bench.run(500)
    assert bench.manager.image.now[AUTHORITY] == 1
    bench.manager.set_authority(False)
    bench.run(500)
    assert bench.manager.image.now[AUTHORITY] == 0


LIFE = (
    # ms asked for, ms later, seconds left, why
    (10_000, 3000, 6, "6.9 s: whole seconds, rounded down"),
    (10_000, 3500, 6, "6.4 s"),
    (10_000, 4000, 5, "5.9 s: asked in the tick before the first"),
    (10_000, 9500, 0, "the last second"),
    (1_000_000, 500, 999, "999.4 s"),
    (1_000_100, 0, 1000, "1000 s sharp"),
    (10_000, 10_500, None, "over"),
)


def test_how_long_a_request_lives():
    for life_ms, later_ms, left_s, why in LIFE:
        bench = Bench().started()
        while bench.ticks % 5:
            bench.tick()
        bench.manager.ask_remote(500, life_ms)
        bench.run(later_ms + 100)
        assert bench.manager.image.now[REQUEST_LEFT_S] == left_s, why
        assert bench.manager.image.now[OWNER] == (0 if left_s is None else BY_REMOTE), why


def test_seconds_since_the_start():
    for start_ms in (1000, TICK_MASK - 30_000):
        bench = Bench(start_ms)
        for seconds in (1, 2, 10, 60):
            bench.run(seconds * 1000 + 400 - 100 * bench.ticks)
            found = bench.manager.image.now[UPTIME_S]
            assert found == seconds, (seconds, found)


def test_seconds_do_not_drift():
    """A tick of 130 ms, and one that completes a second exactly; told in one of five ticks."""
    bench = Bench()
    for _ in range(5004):
        bench.tick()
        bench.now_ms += 30
    assert bench.manager.image.now[UPTIME_S] == 650, "130 ms * 5003 are 650.4 s"
    for late_ms, seconds in ((99, 0), (100, 1)):
        bench = Bench()
        bench.run(800)
        assert bench.manager.image.now[UPTIME_S] == 0
        bench.now_ms += 100 + late_ms
        bench.tick()
        assert bench.manager.image.now[UPTIME_S] == seconds, "told in the ninth tick"


def test_the_entry_that_runs():
    bench = Bench().started()
    manager = bench.manager
    manager.image.now[UTC_DAY], manager.image.now[UTC_S] = 20_000, 3600
    manager.add_schedule((1, 7, 5, 0, IDLE, 0, 60, 1))
    bench.run(1500)
    assert manager.image.now[SCHEDULE_ENTRY] is None
    manager.add_schedule((1, 7, 1, 0, IDLE, 0, 60, 1))
    bench.run(1500)
    assert manager.image.now[SCHEDULE_ENTRY] == 1
    manager.update_schedule(0, (1, 7, 1, 0, IDLE, 0, 60, 1))
    bench.run(1500)
    assert manager.image.now[SCHEDULE_ENTRY] == 0, "the lowest"


def test_the_age_of_the_meter_has_an_end():
    bench = Bench()
    for age_ms, age_ds in ((0, 0), (99, 0), (100, 1), (6_553_399, 65_533), (6_553_400, 65_534),
                           (9_000_000, 65_534)):
        bench.manager.image.put(GRID_W, 100, bench.now_ms)
        bench.tick()
        while bench.ticks % 5 != 3:             # times are told in the fourth of five ticks
            bench.tick()
        bench.now_ms = bench.manager.image.at_ms[GRID_W] + age_ms
        bench.tick()
        found = bench.manager.image.now[METER_AGE_DS]
        assert found == age_ds, (age_ms, found)


LOADS = (
    # grid, battery, PV, load, why
    (1000, 0, None, 1000, "no PV is none"),
    (1000, 0, 0, 1000, "at night"),
    (1000, 0, 300, 1300, "sun feeds the load, too"),
    (-500, 0, 800, 300, "the rest is exported"),
    (-500, 800, None, 300, "the battery feeds"),
    (1500, -800, None, 700, "the battery charges"),
)


def test_the_load_is_what_is_left():
    for grid_w, battery_w, pv_w, load_w, why in LOADS:
        bench = Bench()
        bench.meter_w, bench.pcs_w = grid_w, battery_w
        for _ in range(25):
            if pv_w is not None:
                bench.manager.image.put(PV_W, pv_w, bench.now_ms)
            bench.tick()
        assert bench.manager.image.now[LOAD_W] == load_w, why
        bench.pcs_answers = False
        bench.run(4000)
        assert bench.manager.image.now[LOAD_W] is None, "the battery's part is unknown"
        bench.pcs_answers = True
        bench.run(2000)
        bench.meter_w = None
        bench.run(16_000)
        assert bench.manager.image.now[LOAD_W] is None, "the grid's part is unknown"


def test_a_change_of_the_flow_is_an_event():
    bench = Bench()
    bench.meter_w = 1000
    bench.run(6000)
    now, events = bench.manager.image.now, bench.manager.events

    def told():
        found = []
        for back in range(31, -1, -1):
            slot = events.slot(back)
            if slot >= 0 and events.event(slot) == EVENT_FLOW_CHANGE:
                found.append(events.data(slot))
        return found

    assert now[FLOW] == 3 and told() == [3], "from nothing: grid to load"
    bench.meter_w, bench.pcs_w = 0, 1000
    bench.run(6000)
    assert now[FLOW] == 4 and told() == [3, 3 * 256 + 4], "battery to load"
    bench.pcs_answers = False
    bench.run(4000)
    assert now[FLOW] is None and len(told()) == 2, "unknown is no flow, and no event"
    bench.pcs_answers = True
    bench.run(6000)
    assert told()[2:] == [4]


def test_cycles_are_told_with_the_seconds():
    bench = Bench(module_wh_rated=15_000)
    bench.pcs_w = 20_000
    bench.run(400_000)
    now = bench.manager.image.now
    expected = bench.manager.capability.cycles_pm(0, 2222)
    assert now[CYCLES_PM] == expected > 0, now[CYCLES_PM]
    assert now[MODE] != IDLE
