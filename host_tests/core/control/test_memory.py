"""What survives a restart: every field comes back, and the records keep their form."""

from bess.core.control import memory, restoring
from bess.core.control.modes import EMERGENCY, MAINTENANCE, STANDBY
from bess.core.points import CAUSE_INPUT, CAUSE_LATCH_UNREADABLE
from host_tests.core.bench_pack import Bench


def manager_of(**changes):
    return Bench(**changes).manager


LATCHES = (
    # record: causes, first, maintenance, local, wish to run, openings; mode, latched, why
    (b"\x00\x00\x00\x00\x00\x00\x00\x00", STANDBY, 0, "nothing"),
    (b"\x00\x02\x01\x00\x00\x00\x00\x00", EMERGENCY, 1 << CAUSE_INPUT, "an emergency"),
    (b"\x00\x02\x01\x01\x00\x00\x01\x02", MAINTENANCE, 1 << CAUSE_INPUT, "a person was there"),
    (b"\x00\x00\x00\x00\x01\x00\x00\x07", STANDBY, 0, "a person at the cabinet had it"),
)


def test_the_latch():
    for record, mode, latched, why in LATCHES:
        manager = manager_of()
        restoring.restore_latch(manager, record)
        assert (manager.mode, manager.latched) == (mode, latched), why
        assert manager.first_cause == record[2], why
        assert manager.local == (record[4] == 1), why
        assert manager.openings == record[6] * 256 + record[7], why
        assert memory.dump_latch(manager) == record, (why, "and is stored again as it was")


def test_a_latch_that_nobody_can_read_is_a_cause():
    manager = manager_of()
    restoring.restore_latch(manager, None)
    assert manager.mode == EMERGENCY and manager.latched == 1 << CAUSE_LATCH_UNREADABLE
    assert manager.first_cause == CAUSE_LATCH_UNREADABLE


def test_the_wish_to_run():
    for record, runs in ((b"\x00\x00\x00\x00\x00\x01\x00\x00", True),
                         (b"\x00\x00\x00\x00\x00\x00\x00\x00", False),
                         (b"\x00\x00\x00\x01\x00\x01\x00\x00", False)):
        bench = Bench()
        restoring.restore_latch(bench.manager, record)
        bench.run(12_000)
        assert (bench.manager.run_wanted == 1) == runs, record


def test_parameters():
    bench = Bench()
    charge = (2, 3001, 4002, 50_003, 904, 65, 0)
    discharge = (6006, 7007, 48_008, 109, 70)
    assert bench.manager.set_charge_params(*charge) == 0
    assert bench.manager.set_discharge_params(*discharge) == 0
    bench.tick()
    record = memory.dump_params(bench.manager)
    after = Bench()
    restoring.restore_params(after.manager, None)
    after.tick()
    assert after.manager.charge_params.w_max == 0, "nothing stored: the defaults"
    restoring.restore_params(after.manager, record)
    after.tick()
    found = after.manager.charge_params
    assert (found.method, found.w_max, found.ma_max, found.mv_max, found.soc_pm_target,
            found.minutes_max, found.balancing) == charge
    found = after.manager.discharge_params
    assert (found.w_max, found.ma_max, found.mv_min, found.soc_pm_min,
            found.minutes_max) == discharge
    assert memory.dump_params(after.manager) == record


def test_counters():
    manager = manager_of()
    counters = manager.views.counters
    for i in range(8):
        counters.wh[i], counters.rest[i] = 1000 + i, 2000 + i
    record = memory.dump_counters(manager)
    assert len(record) == 64
    after = manager_of()
    restoring.restore_counters(after, None)
    assert after.views.counters.wh == [0] * 8
    restoring.restore_counters(after, record)
    assert after.views.counters.wh == [1000 + i for i in range(8)]
    assert list(after.views.counters.rest) == [2000 + i for i in range(8)]


def test_what_makes_no_sense_is_refused():
    for restore in (restoring.restore_latch, restoring.restore_params, restoring.restore_counters,
                    restoring.restore_soc, restoring.restore_schedule):
        for record in (b"", b"\x01", bytes(63), bytes(65)):
            try:
                restore(manager_of(), record)
            except ValueError:
                continue
            raise AssertionError((restore, record))


def test_schedule_and_count():
    manager = manager_of()
    restoring.restore_schedule(manager, None)
    restoring.restore_soc(manager, None)
    assert manager.get_schedule(0) is None and manager.wishes.soc.soc_pm is None
    assert manager.add_schedule((1, 7, 5, 30, 3, 0, 60, 1)) == 0
    manager.wishes.soc.soc_pm, manager.wishes.soc.sigma_pm = 640, 12
    after = manager_of()
    restoring.restore_schedule(after, memory.dump_schedule(manager))
    restoring.restore_soc(after, memory.dump_soc(manager))
    assert after.get_schedule(0) == (True, 7, 5, 30, 3, 0, 60, True)
    assert (after.wishes.soc.soc_pm, after.wishes.soc.sigma_pm) == (640, 12)
