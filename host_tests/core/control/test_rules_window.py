"""What each rule leaves of the window, seen at the manager after a tick: to the watt."""

from bess.core.battery.sequence import EMPTY, PCS_FAULT
from bess.core.control.modes import EMERGENCY, MAINTENANCE, STANDBY
from bess.core.points import (
    BY_PROTECT_CHARGE, BY_SELF_USE, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX,
    M_DISCHARGE_MA_MAX, WHY_BMS_CURRENT, WHY_CELL_HIGH, WHY_GRID_CHARGING_OFF, WHY_MAINTENANCE,
    WHY_METER_STALE, WHY_MODE, WHY_MODULE_SILENT, WHY_PARAMETERS, WHY_PCS_SILENT, WHY_RATING,
    WHY_TRIP,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench

SITE = {"charge_w_max": 15_000, "discharge_w_max": 12_000}
OPEN = (-15_000, WHY_RATING, 12_000, WHY_RATING)


def closed(why):
    return 0, why, 0, why


def window_of(manager):
    window = manager.window
    return window.lo_w, window.lo_why, window.hi_w, window.hi_why


def test_the_ratings_open_each_side():
    bench = Bench(**SITE)
    assert window_of(bench.run(1000)) == closed(WHY_MODE), "at rest"
    assert window_of(bench.started().manager) == OPEN


PARAMETERS = (
    # charge parameters, discharge parameters, lo, lo why, hi, hi why, why (52.8 V, 950 pm)
    ({}, {}, -15_000, WHY_RATING, 12_000, WHY_RATING, "0 limits nothing"),
    ({"w_max": 3000}, {}, -3000, WHY_PARAMETERS, 12_000, WHY_RATING, "power in"),
    ({}, {"w_max": 2500}, -15_000, WHY_RATING, 2500, WHY_PARAMETERS, "power out"),
    ({"ma_max": 40_000}, {}, -2112, WHY_PARAMETERS, 12_000, WHY_RATING, "40 A in"),
    ({}, {"ma_max": 40_000}, -15_000, WHY_RATING, 2006, WHY_PARAMETERS,
     "40 A out: the inverter takes its part"),
    ({"ma_max": 40_000, "w_max": 2000}, {"ma_max": 50_000, "w_max": 2600}, -2000,
     WHY_PARAMETERS, 2508, WHY_PARAMETERS, "the smaller of both"),
    ({"ma_max": 6 * 10**6}, {"ma_max": 6 * 10**6}, -15_000, WHY_RATING, 12_000, WHY_RATING,
     "more"),
)


def test_parameters():
    for charge, discharge, lo_w, lo_why, hi_w, hi_why, why in PARAMETERS:
        bench = Bench(eta_pm=950, **SITE).started()
        assert bench.manager.set_charge_params(**charge) == 0
        assert bench.manager.set_discharge_params(**discharge) == 0
        assert window_of(bench.tick()) == (lo_w, lo_why, hi_w, hi_why), why


def test_a_current_needs_a_voltage():
    bench = Bench(**SITE)
    bench.silent = 15
    bench.manager.set_charge_params(ma_max=1000, w_max=900)
    bench.manager.set_discharge_params(ma_max=1000)
    assert window_of(bench.run(500)) == closed(WHY_MODE), "unknown: no error"


SILENCES = (
    # commands in a row, inverter answers, window, why
    (0, True, OPEN, "all is well"),
    (2, True, OPEN, "two are not three"),
    (3, True, closed(WHY_PCS_SILENT), "three: the next one would be believed too early"),
    (None, True, OPEN, "nothing was commanded"),
    (0, False, closed(WHY_PCS_SILENT), "its power is unknown"),
)


def test_an_inverter_that_does_not_answer():
    for unconfirmed, answers, wanted, why in SILENCES:
        bench = Bench(**SITE).started()
        bench.unconfirmed, bench.pcs_answers = unconfirmed, answers
        assert window_of(bench.run(2500)) == wanted, why


SPREADS = (
    # highest and lowest cell, window, why
    (3400, 3101, (-20_000, WHY_RATING, 20_000, WHY_RATING), "299 mV"),
    (3400, 3100, (-16_579, WHY_BMS_CURRENT, 15_750, WHY_BMS_CURRENT), "half of 4 x 157 A, 52.8 V"),
)


def test_cells_far_apart_halve_what_the_modules_permit():
    for high_mv, low_mv, wanted, why in SPREADS:
        bench = Bench().started()
        bench.manager.pack.rows[2][M_CELL_MV_MAX] = high_mv
        bench.manager.pack.rows[2][M_CELL_MV_MIN] = low_mv
        assert window_of(bench.run(1500)) == wanted, (why, window_of(bench.manager))
    bench.manager.pack.rows[2][M_CELL_MV_MAX] = 3560
    assert window_of(bench.run(1500))[1] == WHY_CELL_HIGH, "a curve permits less"
    bench.manager.pack.rows[2][M_CELL_MV_MAX] = 3400
    bench.manager.pack.rows[2][M_CELL_MV_MIN] = 3200
    assert window_of(bench.run(1500)) == SPREADS[0][2], "200 mV: over"


def test_a_trip_comes_before_the_mode():
    bench = Bench(**SITE).started(3000)
    bench.pcs_state = PCS_FAULT
    assert window_of(bench.tick()) == closed(WHY_TRIP)
    assert bench.manager.mode == STANDBY


def test_an_emergency_closes_both_sides():
    bench = Bench(**SITE).started(3000)
    bench.manager.emergency_shutdown()
    assert window_of(bench.tick()) == closed(WHY_MODE) and bench.manager.mode == EMERGENCY


def test_while_the_pack_empties_the_command_may_only_fall():
    for power_w in (6000, -6000):
        bench = Bench(**SITE).started(power_w)
        manager = bench.manager
        manager.stop()
        seen = 0
        before_w = power_w
        for _ in range(40):
            bench.tick()
            if manager.sequence.step != EMPTY:
                break
            lo_w, lo_why, hi_w, hi_why = window_of(manager)
            assert (lo_why, hi_why) == (WHY_MODE, WHY_MODE)
            assert (lo_w, hi_w) == (min(before_w, 0), max(before_w, 0)), (before_w, lo_w, hi_w)
            assert abs(manager.command.battery_w) <= abs(before_w)
            before_w = manager.command.battery_w
            seen += 1
        assert seen > 5 and abs(before_w) < 2000


def test_a_test_has_its_own_small_window():
    bench = Bench(charge_w_max=900, discharge_w_max=12_000)
    manager = bench.run(1000)
    assert manager.enter_maintenance() == 0
    bench.until(lambda m: m.stopped(), 5000)
    for _ in range(15):
        assert manager.test_power(400) == 0
        bench.run(1000)
    assert manager.mode == MAINTENANCE and manager.command.battery_w == 400
    assert window_of(manager) == (-900, WHY_RATING, 1000, WHY_MAINTENANCE), "5 % of 20 kW"


def strong(start_ms=1000):
    """A pack of which one string alone permits all: the last one to fall silent bounds nothing."""
    bench = Bench(start_ms, module_ma_rated=400_000, **SITE)
    bench.rows(M_CHARGE_MA_MAX, 400_000)
    bench.rows(M_DISCHARGE_MA_MAX, 400_000)
    return bench.started()


def test_a_test_may_move_as_much_in_as_out():
    bench = Bench()
    manager = bench.run(1000)
    assert manager.enter_maintenance() == 0
    bench.until(lambda m: m.stopped(), 5000)
    for _ in range(15):
        assert manager.test_power(-400) == 0
        bench.run(1000)
    assert window_of(manager) == (-1000, WHY_MAINTENANCE, 1000, WHY_MAINTENANCE)


def test_what_the_modules_permit():
    """Four strings with 20 A in and 10 A out each, at 52.8 V; the inverter takes its part out."""
    bench = Bench(eta_pm=950, **SITE).started()
    bench.rows(M_CHARGE_MA_MAX, 20_000)
    bench.rows(M_DISCHARGE_MA_MAX, 10_000)
    assert window_of(bench.run(600)) == (-4224, WHY_BMS_CURRENT, 2006, WHY_BMS_CURRENT)


EXEMPT = (
    # owner permits it, who asks, charges, why
    (1, "cells", True, "deep cells are charged from the grid all the same"),
    (0, "cells", False, "not where the owner says no"),
    (1, "person", False, "nobody else is"),
)


def test_a_protective_charge_may_come_from_the_grid():
    for permitted, asks, charges, why in EXEMPT:
        bench = Bench(allow_grid_charging=0, protect_from_grid=permitted)
        bench.meter_w = 3000
        bench.started()
        manager = bench.manager
        if asks == "cells":
            bench.rows(M_CELL_MV_MIN, 2840)
        else:
            manager.set_constant_power(-2000, 0)
        bench.run(6000)
        if charges:
            assert manager.requests.rank == BY_PROTECT_CHARGE
            assert manager.command.battery_w == manager.window.lo_w < -500, why
            assert manager.window.lo_why != WHY_GRID_CHARGING_OFF, why
        else:
            assert (manager.window.lo_w, manager.command.battery_w) == (0, 0), why
            assert manager.window.lo_why == WHY_GRID_CHARGING_OFF, why


def test_the_fade_takes_a_permille_each_millisecond():
    for start_ms in (1000, TICK_MASK - 20_000):
        for module in (0, 1, 4):                # a fade that begins 0, 1 or 4 ticks later
            bench = strong(start_ms)
            bench.until(lambda m: m.pack.fresh & 1, 500)
            bench.run(100 * module)
            bench.silent = 15
            seen = 0
            for _ in range(75):
                manager = bench.tick()
                late_ms = (manager.now_ms - manager.pack.last_ms) & TICK_MASK
                if manager.pack.strings_live or late_ms <= 5000:
                    assert window_of(manager) == OPEN, late_ms
                    continue
                left = max(6000 - late_ms, 0)
                assert window_of(manager) == (-15 * left, WHY_MODULE_SILENT, 12 * left,
                                              WHY_MODULE_SILENT), late_ms
                seen += 1
            assert seen > 15


def test_the_fade_to_the_millisecond():
    """The tick need not come every 100 ms sharp."""
    for late_ms, lo_w, hi_w in ((5000, -15_000, 12_000), (5001, -14_985, 11_988),
                                (5999, -15, 12), (6000, 0, 0), (6001, 0, 0)):
        bench = strong()
        bench.silent = 15
        bench.run(4500)
        manager = bench.manager
        bench.now_ms = manager.pack.last_ms + late_ms
        bench.tick()
        assert (manager.window.lo_w, manager.window.hi_w) == (lo_w, hi_w), late_ms


METER = (
    # battery W when the meter falls silent, ms, lo, hi, why
    (4000, 15_000, -15_000, 12_000, "fresh enough"),
    (4000, 16_500, 0, 4000, "15 s: discharge may only fall, charge does not begin"),
    (-4000, 16_500, -4000, 0, "the same for charge"),
    (4000, 31_500, 0, 0, "30 s: nothing is discharged any more"),
    (-4000, 31_500, -4000, 0, "charge may go on"),
)


def test_self_use_on_an_old_meter_only_moves_towards_zero():
    for power_w, span_ms, lo_w, hi_w, why in METER:
        bench = Bench(self_use=1, **SITE)
        bench.meter_w = 0
        bench.started()
        manager = bench.manager
        for _ in range(60):                     # a load, or sun, of 4 kW
            bench.meter_w = power_w - bench.power_w()
            bench.run(1000)
        assert manager.requests.rank == BY_SELF_USE
        assert abs(manager.command.battery_w - power_w) < 50, manager.command.battery_w
        steady_w = manager.command.battery_w
        bench.meter_w = None
        bench.run(span_ms - 1000)
        window = manager.window
        wanted = [steady_w if w == power_w else w for w in (lo_w, hi_w)]
        if hi_w == 0 and power_w > 0:
            assert window.hi_w == 0 and window.hi_why == WHY_METER_STALE, why
        else:
            assert [window.lo_w, window.hi_w] == wanted, (why, window.lo_w, window.hi_w)
            assert (window.lo_why == WHY_METER_STALE) == (lo_w != -15_000), why


def test_an_old_meter_matters_to_self_use_alone():
    bench = Bench(self_use=1, **SITE)
    bench.meter_w = 0
    bench.started(2000)
    bench.meter_w = None
    assert window_of(bench.run(40_000)) == OPEN, "a person asks for the power"
