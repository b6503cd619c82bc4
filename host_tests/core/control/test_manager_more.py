"""What the manager tells its tables, and what it does when it does not know its own state."""

from bess.core.control.checks import SITE_CALIBRATION, SITE_OPENINGS, SITE_SOC, SITE_STUCK
from bess.core.control.grid_rules import INTERACTIVE, ISOLATED
from bess.core.control.modes import EMERGENCY, IDLE, MAINTENANCE, STANDBY
from bess.core.points import (
    CAUSE_INVARIANT, EVENT_INVARIANT, EVENT_MODE_CHANGE, EVENT_TEST, TRIP_GRID_UNEXPECTED,
)
from host_tests.core.bench_pack import Bench, trips

OPENINGS = (
    # openings under load, flag, why
    (9, 0, "not worth a word"),
    (10, SITE_OPENINGS, "the contactors have had their share"),
    (11, SITE_OPENINGS, "and more"),
)


def test_many_openings_under_load_are_a_warning():
    for openings, flag, why in OPENINGS:
        bench = Bench()
        bench.manager.openings = openings
        bench.run(300)
        assert bench.manager.diagnosis.flags & SITE_OPENINGS == flag, why


def test_what_the_battery_knows_of_itself_is_watched():
    bench = Bench()
    manager = bench.manager
    bench.run(1000)
    assert manager.diagnosis.flags & (SITE_SOC | SITE_STUCK | SITE_CALIBRATION) == 0
    assert manager.wishes.load() == 0
    manager.wishes.operations.charge.stuck = True
    bench.tick()
    assert manager.diagnosis.flags & (SITE_SOC | SITE_STUCK) == SITE_STUCK
    manager.wishes.operations.charge.stuck = False
    manager.wishes.soc.disagrees = True
    bench.tick()
    assert manager.diagnosis.flags & (SITE_SOC | SITE_STUCK) == SITE_SOC
    manager.wishes.soc.disagrees = False
    manager.wishes.soc.due = True
    bench.tick()
    assert manager.diagnosis.flags & (SITE_SOC | SITE_CALIBRATION) == SITE_CALIBRATION


UNEXPECTED = (
    # connection, power at the meter, trips, why
    (ISOLATED, 201, True, "a grid where there should be none"),
    (ISOLATED, -201, True, "in either direction"),
    (ISOLATED, 200, False, "the meter's own error"),
    (INTERACTIVE, 2000, False, "there it belongs"),
)


def test_power_from_a_grid_that_is_not_there_is_a_trip_of_the_running_pack():
    for kind, meter_w, tripped, why in UNEXPECTED:
        bench = Bench()
        flags = bench.manager.trips
        assert bench.manager.set_grid_connection(kind) == 0
        bench.meter_w = meter_w
        bench.run(5000)
        assert not flags.flags >> TRIP_GRID_UNEXPECTED & 1, (why, "for 5 s")
        bench.run(300)
        assert (flags.flags >> TRIP_GRID_UNEXPECTED & 1 == 1) == tripped, why
        assert TRIP_GRID_UNEXPECTED not in trips(bench.manager), "nothing runs yet"
        bench.meter_w = 0
        bench.run(2000)
        assert not flags.flags >> TRIP_GRID_UNEXPECTED & 1, (why, "gone at once")


UNKNOWN = (
    # mode, mode that may not follow, why
    (STANDBY, 1, "CHARGE only from IDLE on"),
    (MAINTENANCE, IDLE, "a person leaves it first"),
)


def test_a_transition_that_the_table_does_not_know_is_a_breach():
    for mode, following, why in UNKNOWN:
        bench = Bench()
        bench.run(500)
        manager = bench.manager
        if mode == MAINTENANCE:
            manager.enter_maintenance()
        changes = bench.has(EVENT_MODE_CHANGE)
        manager._enter(following, bench.now_ms)
        assert manager.mode == EMERGENCY and manager.latched == 1 << CAUSE_INVARIANT, why
        assert bench.has(EVENT_INVARIANT) == 1, why
        assert bench.has(EVENT_MODE_CHANGE) == changes + 1, "into EMERGENCY, and no other"
        assert manager.command.battery_w == 0 == manager.command.run


def test_stop_without_a_test_says_nothing_about_one():
    bench = Bench()
    bench.run(500)
    bench.manager.enter_maintenance()
    assert bench.manager.stop() == 0 and bench.has(EVENT_TEST) == 0
    bench.manager.test_power(100)
    assert bench.has(EVENT_TEST) == 1
    bench.manager.stop()
    bench.manager.stop()
    assert bench.has(EVENT_TEST) == 2, "its end, once"
