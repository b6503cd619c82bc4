"""Calls that operate a pack: to which value each argument is taken, and what each one sets."""

from bess.core.control.modes import (
    DISCHARGE, IDLE, REFUSED_FULL, REFUSED_LOOSER, REFUSED_MODE, REFUSED_RANGE, STANDBY,
)
from bess.core.control.operate import LIMITS, STATS, STATUS
from bess.core.points import EVENT_REFUSED
from host_tests.core.bench_pack import Bench

CHARGE_KEYS = ("method", "w_max", "ma_max", "mv_max", "soc_pm_target", "minutes_max", "balancing")
DISCHARGE_KEYS = ("w_max", "ma_max", "mv_min", "soc_pm_min", "minutes_max")
ENTRY = (1, 7, 1, 0, IDLE, 0, 60, 1)

RANGES = (
    # call, argument, lowest, highest; bench: 20 kW, SoC 0..1000 pm, no voltages of its own
    ("set_charge_params", "method", 0, 3),
    ("set_charge_params", "w_max", 0, 20_000),
    ("set_charge_params", "ma_max", 0, 6_000_000),
    ("set_charge_params", "mv_max", 0, 2_000_000),
    ("set_charge_params", "soc_pm_target", 0, 1000),
    ("set_charge_params", "minutes_max", 0, 1440),
    ("set_charge_params", "balancing", 0, 1),
    ("set_discharge_params", "w_max", 0, 20_000),
    ("set_discharge_params", "ma_max", 0, 6_000_000),
    ("set_discharge_params", "mv_min", 0, 2_000_000),
    ("set_discharge_params", "soc_pm_min", 0, 1000),
    ("set_discharge_params", "minutes_max", 0, 1440),
    ("set_mode", "mode", 0, 5),
    ("set_grid_connection", "kind", 0, 3),
)


ALLOWED = "%s is %d, allowed: a whole number %d..%d"


def fault_of(call, *arguments, **named):
    """What the error of the call says; None without one."""
    try:
        call(*arguments, **named)
    except ValueError as fault:
        return str(fault)
    return None


def test_each_argument_has_its_range():
    for call, name, low, high in RANGES:
        manager = Bench(soc_pm_max=1000, soc_pm_min=0).manager
        for value in (low, high):
            answer = getattr(manager, call)(**{name: value})
            assert answer in (0, 1, 2, REFUSED_LOOSER), (call, name, value)
        for value in (low - 1, high + 1):
            said = fault_of(getattr(manager, call), **{name: value})
            assert said == ALLOWED % (name, value, low, high), call


OPERATIONS = (
    # call, arguments, name of the one that is wrong, its value, lowest, highest
    ("start_charging", (-1,), "soc_pm_target", -1, 0, 1000),
    ("start_charging", (1001,), "soc_pm_target", 1001, 0, 1000),
    ("start_discharging", (-1, 0), "battery_w", -1, 0, 15_000),
    ("start_discharging", (15_001, 0), "battery_w", 15_001, 0, 15_000),
    ("start_discharging", (0, -1), "minutes", -1, 0, 1440),
    ("start_discharging", (0, 1441), "minutes", 1441, 0, 1440),
    ("set_constant_power", (0, -1), "minutes", -1, 0, 1440),
    ("set_constant_power", (0, 1441), "minutes", 1441, 0, 1440),
    ("get_schedule", (-1,), "entry", -1, 0, 15),
    ("get_schedule", (16,), "entry", 16, 0, 15),
    ("remove_schedule", (16,), "entry", 16, 0, 15),
    ("enable_schedule", (16, True), "entry", 16, 0, 15),
)


def test_each_operation_has_its_range():
    bench = Bench(discharge_w_max=15_000).started()
    manager = bench.manager
    for call, arguments, name, value, low, high in OPERATIONS:
        said = fault_of(getattr(manager, call), *arguments)
        assert said == ALLOWED % (name, value, low, high), call
    assert manager.wishes.manual == 0 and bench.tick().requests.rank == 0
    for arguments in ((15_000, 1440), (0, 0)):
        assert manager.start_discharging(*arguments) == 0
    assert manager.start_charging(950) == 0, "the maximum of the settings"
    assert manager.start_charging(951) == REFUSED_LOOSER
    assert manager.wishes.manual == 1, "the charge to 950 goes on"


LIMITS_OF = {"charge_w_max": 4000, "discharge_w_max": 3000, "charge_mv_max": 55_000,
             "discharge_mv_min": 48_000}
LOOSER = (
    # call, argument, taken, looser, why
    ("set_charge_params", "w_max", 4000, 4001, "the limit itself may be stated"),
    ("set_charge_params", "mv_max", 55_000, 55_001, ""),
    ("set_charge_params", "soc_pm_target", 950, 951, ""),
    ("set_discharge_params", "w_max", 3000, 3001, ""),
    ("set_discharge_params", "mv_min", 48_000, 47_999, ""),
    ("set_discharge_params", "mv_min", 0, 1, "0 is the default, 1 a wish"),
    ("set_discharge_params", "soc_pm_min", 100, 99, ""),
    ("set_discharge_params", "soc_pm_min", 0, 1, "0 is the default, 1 a wish"),
)


def test_parameters_up_to_the_limit():
    for call, name, taken, looser, why in LOOSER:
        manager = Bench(**LIMITS_OF).manager
        assert getattr(manager, call)(**{name: looser}) == REFUSED_LOOSER, (call, name, why)
        assert getattr(manager, call)(**{name: taken}) == 0, (call, name, why)


def test_each_parameter_lands_where_it_belongs_whole_at_the_next_tick():
    bench = Bench()
    manager = bench.manager
    charge, discharge = (2, 3001, 4002, 50_003, 904, 65, 0), (6006, 7007, 48_008, 109, 70)
    manager.set_charge_params(*charge)
    manager.set_discharge_params(*discharge)
    assert manager.charge_params.w_max == manager.discharge_params.w_max == 0
    bench.tick()
    for keys, values, params in ((CHARGE_KEYS, charge, manager.charge_params),
                                 (DISCHARGE_KEYS, discharge, manager.discharge_params)):
        assert [getattr(params, key) for key in keys] == list(values)
    manager.set_charge_params()
    manager.set_discharge_params()
    bench.tick()
    assert [getattr(manager.charge_params, key) for key in CHARGE_KEYS] == [0] * 6 + [1]
    assert [getattr(manager.discharge_params, key) for key in DISCHARGE_KEYS] == [0] * 5


def test_lists_that_are_filled_in():
    bench = Bench().started(3000)
    manager = bench.manager
    for i in range(len(manager.image.now)):
        manager.image.now[i] = 1000 + i
    for points, fill in ((STATUS, manager.status), (LIMITS, manager.limits),
                         (STATS, manager.stats)):
        out = [None] * len(points)
        fill(out)
        assert out == [manager.image.now[point] for point in points]
        assert len(set(points)) == len(points)


def test_entries_of_the_schedule():
    bench = Bench()
    manager = bench.manager
    assert manager.get_schedule(0) is None and manager.get_schedule(15) is None
    assert [manager.add_schedule(ENTRY) for _ in range(16)] == list(range(16))
    assert bench.has(EVENT_REFUSED) == 0
    assert manager.add_schedule(ENTRY) == -1 and bench.has(EVENT_REFUSED) == 1
    assert manager.events.data(manager.events.slot(0)) == REFUSED_FULL
    assert manager.remove_schedule(0) == 0 and manager.remove_schedule(0) == REFUSED_RANGE
    assert manager.enable_schedule(0, False) == REFUSED_RANGE
    assert manager.enable_schedule(15, False) == 0 and not manager.get_schedule(15)[0]
    assert manager.enable_schedule(15, True) == 0 and manager.get_schedule(15)[0]
    assert manager.update_schedule(0, ENTRY) == 0 and manager.get_schedule(0)[6] == 60
    for on in (False, True):
        assert manager.enable_scheduling(on) == 0 and manager.wishes.schedule.enabled == on


def test_the_connection_changes_at_rest_only():
    bench = Bench().started(1000)
    manager = bench.manager
    assert manager.set_grid_connection(3) == REFUSED_MODE, "it runs"
    manager.stop()
    assert manager.mode == STANDBY and not manager.stopped()
    assert manager.set_grid_connection(3) == REFUSED_MODE, "it is still stopping"
    bench.until(lambda m: m.stopped(), 20_000)
    assert manager.set_grid_connection(3) == 0 and manager.grid.kind == 3
    assert manager.enter_maintenance() == 0
    assert manager.set_grid_connection(2) == REFUSED_MODE, "a person is at the cabinet"


def test_a_callback_hears_what_it_asked_for():
    manager = Bench().manager
    assert manager.unregister_callback(-1, print) == 0, "nobody listens"
    assert manager.register_callback(-1, print) == manager.register_callback(3, print) == 0
    assert manager.unregister_callback(3, print) == 1
    assert manager.unregister_callback(-1, print) == 1
    assert manager.unregister_callback(-1, print) == 0


def test_the_mode_discharge_has_no_end_of_its_own():
    bench = Bench().started()
    manager = bench.manager
    assert manager.set_discharge_params(w_max=4000, minutes_max=1) == 0
    bench.tick()
    assert manager.set_mode(DISCHARGE) == 0
    bench.run(30_000)
    assert manager.command.battery_w == 4000
    bench.run(35_000)
    assert manager.requests.rank == 0, "the time-out of the parameters ends it"
    assert manager.acknowledge() == manager.acknowledge(7) == 0, "no alarm"
