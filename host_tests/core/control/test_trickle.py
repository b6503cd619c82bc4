"""TRICKLE keeps its limits as a test in MAINTENANCE too; after a refusal nothing else goes on."""

from bess.core.battery.rounds import LIMIT, STOPPED
from bess.core.battery.stages import TRICKLE as METHOD
from bess.core.control.maintenance import NONE, TRICKLE
from bess.core.control.modes import CHARGE, REFUSED_MODE, REFUSED_RANGE
from bess.core.points import M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_SOC_PM
from host_tests.core.bench_pack import Bench
from host_tests.core.control.test_occurrences import MONDAY, Hours

READINGS = (
    # lowest cell, coldest, highest, refusal, why
    (2999, 49, 3305, REFUSED_RANGE, "a deep cell is not charged below 5 degC"),
    (2999, 50, 3305, 0, "at 5 degC it is"),
    (3000, 49, 3305, 0, "nor does that matter to a cell that is not deep"),
    (3290, 240, 3399, 0, "topping up"),
    (3290, 240, 3400, REFUSED_RANGE, "never a float"),
)


def maintained():
    bench = Bench()
    bench.run(1000)
    assert bench.manager.enter_maintenance() == 0
    bench.run(500)
    return bench


def renewed(bench, seconds):
    """The last answer of a test that somebody holds for so long."""
    answer = 0
    for _ in range(seconds):
        answer = bench.manager.test_trickle()
        bench.run(1000)
    return answer


def read(bench, low_mv, cold_dc, high_mv):
    bench.rows(M_CELL_MV_MIN, low_mv)
    bench.rows(M_CELL_DC_MIN, cold_dc)
    bench.rows(M_CELL_MV_MAX, high_mv)
    bench.run(1000)


def test_where_it_is_refused():
    for low_mv, cold_dc, high_mv, refusal, why in READINGS:
        bench = maintained()
        read(bench, low_mv, cold_dc, high_mv)
        assert bench.manager.test_trickle() == refusal, why
        assert bench.manager.test.kind == (NONE if refusal else TRICKLE), why


def test_where_it_ends():
    for low_mv, cold_dc, high_mv, refusal, why in READINGS:
        bench = maintained()
        assert renewed(bench, 12) == 0 and bench.manager.command.battery_w < 0
        read(bench, low_mv, cold_dc, high_mv)
        assert bench.manager.test_trickle() == refusal, why
        assert bench.manager.test.kind == (NONE if refusal else TRICKLE), why


def test_two_hours_a_day():
    bench = maintained()
    manager = bench.manager
    assert renewed(bench, 12) == 0
    flowing_min = 0
    while manager.test_trickle() == 0:      # as if each renewal came a minute later
        manager._trickle_ms = (bench.now_ms - 60_000) & 0x3FFFFFFF
        flowing_min += 1
        assert flowing_min <= 121
        bench.run(100)
    assert flowing_min >= 118 and manager.test.kind == NONE
    bench.run(15_000)
    assert manager.test_trickle() == REFUSED_RANGE, "the rest of the day too"
    assert manager.leave_maintenance() == 0
    assert manager.test_trickle() == REFUSED_MODE


def test_a_scheduled_trickle_that_is_refused_leaves_nothing_of_the_charge_before():
    bench = Hours().started()
    manager = bench.manager
    for hour in (1, 3):
        assert manager.add_schedule((1, 7, hour, 0, CHARGE, -1000, 60, 1)) >= 0
    bench.clock(MONDAY, 100, 0, 3)
    bench.rows(M_SOC_PM, 950)
    bench.clock(MONDAY, 100, 3, 3)
    charge = manager.wishes.operations.charge
    assert charge.done == LIMIT
    bench.clock(MONDAY, 200, 0, 1)
    assert manager.set_charge_params(method=METHOD) == 0
    bench.rows(M_CELL_MV_MIN, 2950)
    bench.rows(M_CELL_DC_MIN, 40)
    bench.clock(MONDAY, 259, 58, 3)
    assert charge.done == STOPPED
    bench.rows(M_SOC_PM, 600)
    bench.rows(M_CELL_MV_MIN, 3290)
    assert bench.clock(MONDAY, 300, 5, 4) == 0, "no CC-CV of an hour ago"
