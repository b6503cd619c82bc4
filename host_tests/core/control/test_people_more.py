"""The trickle charge of a deep pack, the seen alarms, tests that end by themselves."""

from bess.core.control import maintenance
from bess.core.control.alarms import A_ACKNOWLEDGED, A_POINTS
from bess.core.control.modes import (
    EMERGENCY, MAINTENANCE, REFUSED_NO_PERSON, REFUSED_RANGE,
)
from bess.core.points import (
    BY_TEST, CAUSE_COMMANDED, CAUSE_CONTACTOR, CAUSE_FIRE, CAUSE_INPUT, CAUSE_INSULATION,
    EVENT_TEST, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_PACK_MV, M_SOC_PM,
)
from host_tests.core.bench_pack import Bench, latched


def maintained(**changes):
    bench = Bench(**changes)
    bench.run(1000)
    assert bench.manager.enter_maintenance() == 0
    bench.until(lambda m: m.stopped(), 5000)
    return bench


def deep(cell_mv):
    """A pack that was found deeply discharged; a person has come with the key."""
    bench = Bench(service_key="brass")
    bench.rows(M_CELL_MV_MIN, cell_mv)
    bench.until(latched, 5000)
    bench.until(lambda m: m.stopped(), 20_000)
    assert bench.manager.enter_maintenance("brass") == 0
    bench.run(500)
    return bench


TRICKLES = (
    # lowest cell, modules speak, refusal, why
    (2000, True, 0, "deep, but a cell that may come back"),
    (1999, True, REFUSED_RANGE, "a dead cell is not charged any more"),
    (2000, False, REFUSED_RANGE, "nobody knows the cells"),
)


def test_only_a_living_cell_is_recovered():
    for cell_mv, speak, refusal, why in TRICKLES:
        bench = deep(cell_mv)
        if not speak:
            bench.silent = 15
            bench.run(8000)
        assert bench.manager.test_trickle() == refusal, why
        assert (bench.manager.test.kind == maintenance.TRICKLE) == (not refusal), why


# lowest cell, coldest cell in 0.1 degC, refusal, why
COLD_TRICKLES = (
    (2999, 49, REFUSED_RANGE, "a deep cell that is too cold: metal plates out"),
    (2999, 50, 0, "deep, at 5 degC"),
    (3000, 49, 0, "no deep cell: cold alone is the window's affair"),
)


def test_a_deep_cell_is_recovered_at_five_degrees():
    for cell_mv, cell_dc, refusal, why in COLD_TRICKLES:
        bench = deep(2400)
        bench.rows(M_CELL_MV_MIN, cell_mv)
        bench.rows(M_CELL_DC_MIN, cell_dc)
        bench.run(1500)
        assert bench.manager.test_trickle() == refusal, why


def test_a_pack_that_cools_down_ends_its_recovery():
    bench = deep(2400)
    manager = bench.manager
    for _ in range(8):
        assert manager.test_trickle() == 0
        bench.run(1000)
    assert manager.command.battery_w < 0
    bench.rows(M_CELL_DC_MIN, 45)
    bench.run(1000)
    for _ in range(8):
        assert manager.test_trickle() == REFUSED_RANGE
        bench.run(1000)
    assert manager.command.battery_w == 0


def test_a_deep_pack_is_charged_although_the_cause_is_latched():
    bench = deep(2400)
    manager = bench.manager
    for _ in range(20):
        assert manager.test_trickle() == 0
        bench.run(1000)
    assert manager.mode == MAINTENANCE and manager.is_emergency()
    assert -1000 <= manager.command.battery_w < 0


def test_a_trickle_charge_flows_and_outlasts_a_minute():
    bench = maintained()
    manager = bench.manager
    assert manager.test_trickle() == 0
    for _ in range(70):
        bench.run(1000)
        assert manager.test_trickle() == 0, "renewed each second"
    assert manager.command.battery_w == -1000 and manager.requests.rank == BY_TEST
    assert manager.mode == MAINTENANCE and bench.has(EVENT_TEST) == 1
    bench.run(5300)
    assert manager.command.battery_w == 0, "nobody is there any more"
    bench.until(lambda m: m.stopped(), 20_000)
    assert bench.coils() == 0


def test_two_per_cent_of_a_small_pack():
    bench = maintained(strings_p=1, w_rated=20_000, module_ma_rated=157_000)
    manager = bench.manager
    assert manager.test_trickle() == 0
    settings = manager.settings
    dc_w = settings.pack_mah // 50 * 52_800 // 1_000_000
    assert manager.test.wish_w == -(dc_w * 1000 // settings.eta_pm), "charging costs the losses"
    assert -400 < manager.test.wish_w < -300


def test_a_seen_alarm_says_so():
    bench = Bench()
    bench.run(1000)
    manager = bench.manager
    manager.emergency_shutdown()
    bench.until(latched, 200)
    bench.run(500)
    out = [0] * A_POINTS
    assert manager.alarms.active > 0 and manager.alarms.read(0, out)
    assert out[A_ACKNOWLEDGED] == 0
    assert manager.acknowledge() == manager.alarms.active
    assert manager.alarms.read(0, out) and out[A_ACKNOWLEDGED] == 1
    assert manager.acknowledge() == 0, "nothing new to see"


def test_soc_and_cells_bound_a_test_too():
    bench = maintained()
    bench.rows(M_SOC_PM, 990)
    bench.rows(M_CELL_MV_MAX, 3655)
    bench.rows(M_PACK_MV, 57_000)
    bench.run(1000)
    assert bench.manager.test_power(-400) == 0
    for _ in range(8):
        bench.run(1000)
        bench.manager.test_power(-400)
        assert bench.manager.command.battery_w == 0


CAUSES = (
    # cause, reset from afar, why
    (CAUSE_INPUT, False, "somebody has pressed the button"),
    (CAUSE_CONTACTOR, False, "a contactor may be welded"),
    (CAUSE_INSULATION, False, "somebody may touch it"),
    (CAUSE_FIRE, False, "somebody looks first"),
    (CAUSE_COMMANDED, True, "who asked for it from afar may end it"),
)


def remembering(cause):
    """A manager that restarts with an emergency whose cause has been gone for long."""
    bench = Bench(remote_reset=1)
    bench.manager.restore_latch(1 << cause, cause)
    bench.run(20_000)
    return bench


def test_what_may_be_reset_from_afar():
    for cause, allowed, why in CAUSES:
        manager = remembering(cause).manager
        answer = manager.reset_emergency(False, manager.reset_number())
        assert answer == (0 if allowed else REFUSED_NO_PERSON), why
        assert manager.is_emergency() != allowed, why


def test_a_number_that_was_never_given_out_resets_nothing():
    for number in (0, 1, -1):
        manager = remembering(CAUSE_COMMANDED).manager
        assert manager.reset_emergency(False, number) == REFUSED_NO_PERSON, number
    number = manager.reset_number()
    assert 1 <= number <= 65_534
    assert manager.reset_emergency(False, 0) == REFUSED_NO_PERSON
    for spent in (0, 1, -1, number):
        assert manager.reset_emergency(False, spent) == REFUSED_NO_PERSON, spent


def test_a_number_is_good_for_a_minute_to_the_end():
    for span_ms, answer in ((60_000, 0), (60_001, REFUSED_NO_PERSON)):
        bench = remembering(CAUSE_COMMANDED)
        number = bench.manager.reset_number()
        bench.run(59_900)
        bench.now_ms += span_ms - 60_000
        bench.tick()
        assert bench.manager.reset_emergency(False, number) == answer, span_ms


AGAIN = (
    # what was latched before, what happens in MAINTENANCE, why
    ("input", "input", "the button is pressed again"),
    ("call", "call", "a shutdown is asked again"),
    ("input", "call", "another cause"),
    ("call", "input", "the other way round"),
)


def press(bench, how):
    if how == "input":
        bench.loop_ok = False
    else:
        bench.manager.emergency_shutdown()


def test_an_emergency_ends_a_test_although_its_cause_is_latched():
    for before, then, why in AGAIN:
        bench = Bench(service_key="brass")
        manager = bench.manager
        bench.run(1000)
        press(bench, before)
        bench.run(1000)
        bench.loop_ok = True
        bench.run(10_000)
        assert manager.enter_maintenance("brass") == 0
        for _ in range(8):
            manager.test_power(500)
            bench.run(1000)
        assert manager.command.battery_w == 500, why
        press(bench, then)
        bench.until(lambda m: m.mode == EMERGENCY, 500)
        assert (manager.command.run, manager.command.battery_w) == (0, 0), why
        assert manager.test.kind == maintenance.NONE, why
        bench.run(1200)
        assert bench.coils() == 0, (why, "open within a second")
