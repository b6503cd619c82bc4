"""Parameters of charging and discharging bound every request, in the tick that takes them."""

from bess.core.battery.rounds import LIMIT
from bess.core.control.modes import REFUSED_LOOSER
from bess.core.points import (
    EVENT_DISCHARGE_COMPLETE, M_CELL_MV_MIN, M_PACK_MV, M_SOC_PM,
    WHY_PACK_VOLTAGE, WHY_RATING, WHY_SOC_MIN,
)
from host_tests.core.bench_pack import Bench
from host_tests.core.control.test_occurrences import completed

POWER_W = 1000
BOUNDS = (
    # parameters of discharging, permitted, reason, why; modules at 52.8 V and 50 %
    ({"soc_pm_min": 500}, False, WHY_SOC_MIN, "at the minimum"),
    ({"soc_pm_min": 600}, False, WHY_SOC_MIN, "below it"),
    ({"soc_pm_min": 470}, True, WHY_RATING, "the band of 30 ends here"),
    ({"soc_pm_min": 485}, True, WHY_SOC_MIN, "in the band"),
    ({"mv_min": 52_800}, False, WHY_PACK_VOLTAGE, "at the minimum"),
    ({"mv_min": 53_500}, False, WHY_PACK_VOLTAGE, "below it"),
    ({"mv_min": 52_000}, True, WHY_RATING, "well above it"),
    ({"mv_min": 52_600}, True, WHY_PACK_VOLTAGE, "in the band"),
)


def remote(battery_w):
    bench = Bench().started()
    assert bench.manager.ask_remote(battery_w, 3_600_000) == 0
    bench.run(3000)
    assert bench.manager.command.battery_w == battery_w
    return bench


def test_voltage_and_charge_of_the_discharge_parameters_bound_a_remote_setpoint():
    for values, permitted, reason, why in BOUNDS:
        bench = remote(POWER_W)
        manager = bench.manager
        assert manager.set_discharge_params(**values) == 0
        bench.tick()
        assert (manager.command.battery_w > 0) == permitted, why
        assert manager.window.hi_why == reason, (why, manager.window.hi_why)
        assert manager.set_discharge_params() == 0
        bench.run(3000)
        assert manager.command.battery_w > 0 or not permitted, why


def test_the_bounds_of_the_parameters_have_their_hysteresis():
    bench = remote(POWER_W)
    manager = bench.manager
    assert manager.set_discharge_params(soc_pm_min=500) == 0
    for soc_pm, permitted in ((500, False), (519, False), (520, True), (501, True)):
        bench.rows(M_SOC_PM, soc_pm)
        bench.run(2000)
        assert (manager.window.hi_w > 0) == permitted, soc_pm


def test_the_voltage_of_the_charge_parameters_bounds_a_remote_setpoint():
    for mv_max, permitted, why in ((52_800, True, "reached"), (52_200, False, "1 % above"),
                                   (0, True, "as configured")):
        bench = remote(-POWER_W)
        assert bench.manager.set_charge_params(mv_max=mv_max) == 0
        bench.tick()
        assert (bench.manager.command.battery_w < 0) == permitted, why
        if not permitted:
            assert bench.manager.window.lo_why == WHY_PACK_VOLTAGE, why


def test_parameters_are_not_looser_than_what_stands_for_no_setting():
    manager = Bench().manager
    assert manager.set_discharge_params(mv_min=46_399) == REFUSED_LOOSER, "2 900 mV a cell"
    assert manager.set_discharge_params(mv_min=46_400) == 0
    assert manager.set_charge_params(mv_max=57_601) == REFUSED_LOOSER, "3 600 mV a cell"
    assert manager.set_charge_params(mv_max=57_600) == 0


def test_the_minimum_voltage_ends_a_discharge_also_where_none_is_stated():
    bench = Bench().started()
    assert bench.manager.start_discharging(1000, 0) == 0
    bench.run(3000)
    bench.rows(M_PACK_MV, 46_401)
    bench.rows(M_CELL_MV_MIN, 2899)
    bench.run(5000)
    assert completed(bench, EVENT_DISCHARGE_COMPLETE) is None, "a low cell only bars it"
    bench.rows(M_PACK_MV, 46_400)
    bench.run(2000)
    assert completed(bench, EVENT_DISCHARGE_COMPLETE) == LIMIT
    assert bench.manager.requests.rank == 0


TIMEOUTS = (
    # power, minutes, command after 61 s, why; time-outs: charge 1 min, discharge 1 min
    (1000, 0, 0, "a discharge without an end"),
    (-1000, 0, 0, "a charge without an end"),
    (1000, 2, 1000, "it has an end of its own"),
    (-1000, 2, -1000, "it has an end of its own"),
)


def test_a_constant_power_without_an_end_has_the_time_out_of_the_parameters():
    for power_w, minutes, after_w, why in TIMEOUTS:
        bench = Bench().started()
        manager = bench.manager
        assert manager.set_charge_params(minutes_max=1) == 0
        assert manager.set_discharge_params(minutes_max=1) == 0
        bench.tick()
        assert manager.set_constant_power(power_w, minutes) == 0
        bench.run(59_000)
        assert manager.command.battery_w == power_w, why
        bench.run(2000)
        assert manager.command.battery_w == after_w, why
    assert manager.set_constant_power(0, 0) == 0
    bench.run(61_000)
    assert manager.requests.rank == 60, "a hold at 0 W is none of both"
