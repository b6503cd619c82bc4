"""What only people may ask: reset from afar, authority, MAINTENANCE and its tests."""

from bess.core.battery.sequence import HOLD, K_MINUS, K_PLUS
from bess.core.control import maintenance
from bess.core.control.modes import (
    CHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_CAUSE_PRESENT, REFUSED_LATCHED,
    REFUSED_LOCAL_ONLY, REFUSED_MODE, REFUSED_NO_PERSON, REFUSED_RANGE, STANDBY,
)
from bess.core.points import (
    BY_MANUAL, BY_TEST, CAUSE_CELL_LOW, CAUSE_INPUT, EVENT_AUTHORITY, EVENT_PCS_OVERRULED,
    EVENT_REFUSED, EVENT_TEST, M_CELL_MV_MIN, WHY_MAINTENANCE, WHY_MODE,
)
from host_tests.core.bench_pack import Bench, latched


def maintained(**changes):
    bench = Bench(**changes)
    bench.run(1000)
    assert bench.manager.enter_maintenance() == 0
    bench.tick()
    return bench


def commanded(bench):
    """This bench with an emergency that a person asked for, its cause gone for 5 s."""
    bench.manager.emergency_shutdown()
    bench.until(latched, 200)
    bench.run(15_000)
    return bench


def test_enter_and_leave():
    bench = maintained()
    manager = bench.manager
    assert manager.mode == MAINTENANCE and bench.coils() == 0
    assert manager.start() == REFUSED_MODE
    assert manager.enter_maintenance() == REFUSED_MODE, "it is there already"
    assert manager.leave_maintenance() == 0 and manager.mode == STANDBY
    assert manager.leave_maintenance() == REFUSED_MODE
    assert bench.has(EVENT_REFUSED) == 3


ENTRIES = (
    # power before, mode before, refusal, why
    (None, IDLE, 0, "from IDLE: it stops first"),
    (-3000, CHARGE, REFUSED_MODE, "not while power flows"),
)


def test_from_a_running_pack():
    for battery_w, mode, refusal, why in ENTRIES:
        bench = Bench().started(battery_w)
        assert bench.manager.mode == mode
        assert bench.manager.enter_maintenance() == refusal, why
        if refusal:
            assert bench.manager.mode == mode, "changed nothing"
            continue
        bench.until(lambda m: m.stopped(), 10_000)
        assert (bench.coils(), bench.manager.run_wanted) == (0, 0)


def test_nobody_enters_from_afar():
    bench = Bench()
    bench.run(500)
    manager = bench.manager
    assert manager.enter_maintenance(person=False) == REFUSED_NO_PERSON
    manager.enter_maintenance()
    assert manager.leave_maintenance(person=False) == REFUSED_NO_PERSON
    assert manager.set_authority(True, person=False) == REFUSED_NO_PERSON


def test_it_survives_a_restart():
    bench = Bench()
    bench.manager.restore_maintenance()
    bench.run(60_000)
    assert bench.manager.mode == MAINTENANCE and bench.coils() == 0


POWERS = (
    # asked, refusal, reached, why
    (200, 0, 200, "the commissioning sign test"),
    (-200, 0, -200, "and its other half"),
    (1000, 0, 1000, "5 % of 20 kW"),
    (1001, REFUSED_RANGE, 0, "more is no test"),
    (-1001, REFUSED_RANGE, 0, "nor that"),
)


def test_power_test():
    for battery_w, refusal, reached_w, why in POWERS:
        bench = maintained()
        manager = bench.manager
        assert manager.test_power(battery_w) == refusal, why
        for _ in range(15):
            if not refusal:
                manager.test_power(battery_w)
            bench.run(1000)
        assert manager.command.battery_w == reached_w and manager.mode == MAINTENANCE, why
        assert (manager.requests.rank == BY_TEST) == (not refusal), why


def test_the_ramp_of_a_test_is_slow():
    bench = maintained()
    manager = bench.manager
    manager.test_power(1000)
    bench.until(lambda m: m.command.battery_w > 0, 4900)
    before_w = manager.command.battery_w
    bench.run(1000)
    assert manager.command.battery_w - before_w == 400, "2 % of 20 kW a second"


def test_a_small_inverter_is_tested_with_500_w():
    bench = maintained(w_rated=3000, charge_w_max=3000, discharge_w_max=3000)
    assert bench.manager.test_power(500) == 0
    assert bench.manager.test_power(501) == REFUSED_RANGE


def test_the_window_of_a_test():
    bench = maintained()
    manager = bench.manager
    assert (manager.window.lo_w, manager.window.hi_w) == (0, 0)
    assert manager.window.lo_why == WHY_MODE
    for _ in range(5):
        manager.test_power(100)
        bench.run(1000)
    assert (manager.window.lo_w, manager.window.hi_w) == (-1000, 1000)
    assert manager.window.hi_why == WHY_MAINTENANCE


def test_a_test_that_nobody_renews_ends():
    bench = maintained()
    manager = bench.manager
    for _ in range(8):
        manager.test_power(500)
        bench.run(1000)
    assert manager.command.battery_w == 500
    bench.run(3900)
    assert manager.command.battery_w == 500, "within 5 s"
    bench.until(lambda m: m.test.kind == maintenance.NONE, 300)
    bench.until(lambda m: m.stopped(), 10_000)
    assert bench.coils() == 0 and manager.mode == MAINTENANCE
    assert bench.has(EVENT_TEST) == 2, "begun and ended"


def test_a_power_test_ends_after_a_minute_though_renewed():
    bench = maintained()
    manager = bench.manager
    ticks = 0
    while manager.test.kind or not ticks:
        if ticks % 10 == 0:
            manager.test_power(500)
        bench.tick()
        ticks += 1
        assert ticks < 700
    assert ticks >= 600


def test_a_trip_ends_a_test():
    bench = maintained()
    manager = bench.manager
    for _ in range(8):
        manager.test_power(500)
        bench.run(1000)
    bench.pcs_state = 3
    bench.until(lambda m: m.trips.present, 1000)
    assert manager.test.kind == maintenance.NONE and manager.command.battery_w == 0
    assert manager.mode == MAINTENANCE


def test_an_emergency_ends_a_test_and_the_mode():
    bench = maintained()
    manager = bench.manager
    manager.test_power(500)
    bench.run(1000)
    bench.loop_ok = False
    bench.until(latched, 500)
    assert manager.mode == EMERGENCY and manager.test.kind == maintenance.NONE
    assert manager.requests.wish_w == 0


CALLS = (
    # call in MAINTENANCE with a running test, what is left of it, why
    ("stop", maintenance.NONE, "ends the test"),
    ("stop_operation", maintenance.NONE, "ends the test"),
)


def test_calls_during_a_test():
    for name, kind, why in CALLS:
        bench = maintained()
        manager = bench.manager
        manager.set_constant_power(300, 0)
        bench.run(500)
        assert manager.test.kind == maintenance.POWER, "constant power is a test here"
        assert manager.leave_maintenance() == REFUSED_MODE, "not while a test runs"
        assert getattr(manager, name)() == 0
        assert manager.test.kind == kind, why
        bench.until(lambda m: m.stopped(), 10_000)
        assert manager.leave_maintenance() == 0


def test_contactor_test():
    bench = maintained()
    manager = bench.manager
    for coil in (K_MINUS, K_PLUS, 0):
        assert manager.test_contactor(coil) == 0
        bench.run(1000)
        assert bench.coils() == coil and manager.sequence.step == HOLD
    assert manager.test_contactor(K_MINUS | K_PLUS) == REFUSED_RANGE, "that closes the circuit"
    assert manager.test_power(100) == REFUSED_MODE, "one test at a time"
    bench.run(6000)
    assert manager.test.kind == maintenance.NONE and manager.stopped() and bench.coils() == 0
    assert Bench().manager.test_contactor(K_MINUS) == REFUSED_MODE, "not in STANDBY"


def test_a_contactor_that_does_not_follow_is_an_emergency():
    bench = maintained()
    bench.stuck_open = K_PLUS
    bench.manager.test_contactor(K_PLUS)
    bench.until(latched, 1500)


def test_from_an_emergency_with_the_service_key():
    bench = Bench(service_key="4711")
    bench.run(1000)
    bench.rows(M_CELL_MV_MIN, 2400)
    bench.until(latched, 2000)
    manager = bench.manager
    bench.run(2000)
    assert manager.enter_maintenance() == REFUSED_LATCHED, "no key"
    assert manager.enter_maintenance("4712") == REFUSED_LATCHED, "the wrong one"
    bench.loop_ok = False
    bench.run(500)
    assert manager.enter_maintenance("4711") == REFUSED_CAUSE_PRESENT, "the loop is open"
    assert Bench().manager.enter_maintenance("") == 0, "no emergency, no key"
    bench = Bench(service_key="4711")
    bench.run(1000)
    bench.rows(M_CELL_MV_MIN, 2400)
    bench.until(latched, 2000)
    bench.run(2000)
    manager = bench.manager
    assert manager.enter_maintenance("4711") == 0
    bench.run(1000)
    assert manager.mode == MAINTENANCE and manager.latched == 1 << CAUSE_CELL_LOW
    assert manager.outputs() & 8 == 0, "the trip output lets a test close"
    for _ in range(20):
        manager.test_power(-100)
        bench.run(1000)
    assert manager.command.battery_w < 0, "deep cells can be recovered"
    assert manager.reset_emergency() == REFUSED_MODE
    manager.stop()
    bench.until(lambda m: m.stopped(), 10_000)
    assert manager.leave_maintenance() == 0 and manager.mode == EMERGENCY


def test_without_a_key_in_the_configuration_nobody_enters():
    bench = commanded(Bench())
    assert bench.manager.enter_maintenance("") == REFUSED_LATCHED


def test_reset_from_afar_needs_the_setting_and_a_fresh_number():
    bench = commanded(Bench())
    manager = bench.manager
    assert manager.reset_emergency(False, manager.reset_number()) == REFUSED_NO_PERSON
    bench = commanded(Bench(remote_reset=1))
    manager = bench.manager
    assert manager.reset_emergency(False) == REFUSED_NO_PERSON, "no number was given out"
    number = manager.reset_number()
    assert manager.reset_emergency(False, number + 1) == REFUSED_NO_PERSON
    assert manager.reset_emergency(False, number) == REFUSED_NO_PERSON, "good for one try"
    number = manager.reset_number()
    bench.run(60_100)
    assert manager.reset_emergency(False, number) == REFUSED_NO_PERSON, "60 s"
    number = manager.reset_number()
    bench.run(59_000)
    assert manager.reset_emergency(False, number) == 0 and manager.mode == STANDBY


def test_some_causes_are_never_reset_from_afar():
    bench = Bench(remote_reset=1)
    bench.loop_ok = False
    bench.run(1000)
    bench.loop_ok = True
    bench.run(10_000)
    manager = bench.manager
    assert manager.latched == 1 << CAUSE_INPUT
    assert manager.reset_emergency(False, manager.reset_number()) == REFUSED_NO_PERSON
    assert manager.reset_emergency() == 0


def test_authority():
    bench = Bench(self_use=1)
    bench.meter_w = 3020
    bench.started()
    bench.run(3000)
    manager = bench.manager
    manager.ask_remote(2000, 60_000)
    bench.tick()
    assert manager.set_authority(True) == 0 and bench.has(EVENT_AUTHORITY) == 1
    bench.tick()
    assert manager.requests.rank == 0, "neither the remote side nor self-use moves power"
    assert manager.ask_remote(2000, 60_000) == REFUSED_LOCAL_ONLY
    manager.set_constant_power(1000, 0)
    bench.tick()
    assert manager.requests.rank == BY_MANUAL
    manager.stop_operation()
    assert manager.set_authority(True) == 0 and bench.has(EVENT_AUTHORITY) == 1, "no change"
    assert manager.set_authority(False) == 0 and bench.has(EVENT_AUTHORITY) == 2
    bench.run(500)
    assert manager.requests.rank != 0


def test_a_third_party_at_the_inverter_is_an_event():
    bench = Bench().started()
    bench.manager.note_overruled(bench.now_ms)
    assert bench.has(EVENT_PCS_OVERRULED) == 1
