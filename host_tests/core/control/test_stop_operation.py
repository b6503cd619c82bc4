"""stop_operation in every state: what it ends, what it skips, what it leaves alone."""

from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_LATCHED, STANDBY,
)
from bess.core.points import BY_MANUAL, BY_SCHEDULE
from host_tests.core.bench_pack import Bench
from host_tests.core.bench_packs import SiteBench
from host_tests.core.control.test_wishes import clock

OFTEN, ONCE = 1, 0


def running(mode, repeat, started=True, power_w=0, **changes):
    """A bench in the middle of an occurrence of entry 0."""
    bench = Bench(**changes)
    if started:
        bench.started()
    clock(bench, 0, 59)
    bench.run(1000)
    assert bench.manager.add_schedule((1, 7, 1, 0, mode, power_w, 60, repeat)) == 0
    bench.run(200)
    clock(bench, 1, 1)
    bench.run(5000)
    assert bench.manager.wishes.schedule.entry == 0
    return bench


def starting(bench):
    bench.manager.start()
    bench.run(300)


def blocked(bench):
    bench.pcs_state = 3
    bench.run(3000)


def latched(bench):
    bench.manager.emergency_shutdown()
    bench.tick()


def maintained(bench):
    bench.manager.stop()
    bench.run(20_000)
    assert bench.manager.enter_maintenance() == 0
    bench.run(300)


# started, mode of the entry, what happens then, mode of the pack, answer, skipped, why
STATES = (
    (False, CHARGE, None, STANDBY, 0, False, "not started"),
    (False, CHARGE, starting, STANDBY, 0, False, "it starts"),
    (True, CHARGE, blocked, STANDBY, 0, False, "a trip"),
    (True, IDLE, None, IDLE, 0, True, "the entry holds 0 W"),
    (True, CHARGE, None, CHARGE, 0, True, "it charges"),
    (True, DISCHARGE, None, DISCHARGE, 0, True, "it discharges"),
    (True, CHARGE, latched, EMERGENCY, REFUSED_LATCHED, False, "an emergency"),
    (True, CHARGE, maintained, MAINTENANCE, 0, False, "only a test could end"),
)


def test_the_running_occurrence_is_skipped_only_where_it_runs():
    for started, entry_mode, happens, mode, answer, skipped, why in STATES:
        for repeat in (OFTEN, ONCE):
            bench = running(entry_mode, repeat, started)
            if happens is not None:
                happens(bench)
            manager = bench.manager
            schedule = manager.wishes.schedule
            assert manager.mode == mode, (why, manager.mode)
            kept, changes = schedule.dump(), schedule.changes
            assert manager.stop_operation() == answer, why
            assert (schedule.dump() != kept) == (schedule.changes != changes) == skipped, why
            bench.run(200)
            clock(bench, 1, 2)
            bench.run(200)
            assert (schedule.entry < 0) == skipped, why


def test_an_occurrence_that_was_not_skipped_runs_after_the_start():
    bench = running(CHARGE, OFTEN, started=False, power_w=-3000)
    assert bench.manager.stop_operation() == 0
    assert bench.manager.start() == 0
    bench.run(20_000)
    assert bench.manager.requests.rank == BY_SCHEDULE and bench.manager.command.battery_w == -3000


def test_what_a_person_asked_for_and_waits_in_standby_ends():
    bench = Bench()
    bench.run(1000)
    manager = bench.manager
    assert manager.start() == manager.start_discharging(2000, 0) == 0
    bench.run(300)
    assert manager.mode == STANDBY and manager.requests.rank == BY_MANUAL
    assert manager.stop_operation() == 0
    bench.run(20_000)
    assert manager.mode == IDLE and manager.command.battery_w == 0


# what happens to the first pack of the site, why
SITES = (
    (lambda pack: None, "all of them run"),
    (lambda pack: pack.stop(), "the first is in STANDBY"),
    (lambda pack: pack.emergency_shutdown(), "the first has an emergency"),
)


def test_the_occurrence_of_a_site_is_skipped_while_a_pack_runs():
    for happens, why in SITES:
        bench = SiteBench().started()
        site = bench.site
        assert site.add_schedule((1, 7, 1, 0, DISCHARGE, 3000, 60, 1)) == 0
        clock(bench, 1, 1)
        bench.run(5000)
        happens(site.packs[0])
        bench.run(8000)
        kept = site.wishes.schedule.dump()
        site.packs[0].stop_operation()
        assert site.wishes.schedule.dump() == kept, (why, "it is the site's")
        assert site.mode == DISCHARGE and site.stop_operation() == 0, why
        clock(bench, 1, 2)
        bench.run(10_000)
        assert site.wishes.schedule.entry < 0, why
        assert bench.commands() == [0, 0, 0], why


def test_a_site_at_rest_has_nothing_to_skip():
    bench = SiteBench()
    bench.run(500)
    assert bench.site.stop_operation() == 0, "no schedule either"
    assert bench.site.add_schedule((1, 7, 1, 0, DISCHARGE, 3000, 60, 1)) == 0
    clock(bench, 1, 1)
    bench.run(1000)
    schedule = bench.site.wishes.schedule
    kept = schedule.dump()
    assert schedule.entry == 0 and bench.site.mode == STANDBY
    assert bench.site.stop_operation() == 0 and schedule.dump() == kept
