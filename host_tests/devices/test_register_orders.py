"""Registers with calls behind them: operation, reset, alarms, and what people there keep."""

from bess.core.call_points import ALARM_BASE, CHARGE_BASE, ENTRY_BASE, RESET_BASE
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_CAUSE_PRESENT, REFUSED_LATCHED,
    REFUSED_LOCAL_ONLY, REFUSED_NO_PERSON, REFUSED_NOT_STARTED, REFUSED_RANGE, STANDBY,
)
from bess.core.points import (
    BY_MANUAL, CAUSE_COMMANDED, CAUSE_INPUT, EVENT_REFUSED, M_CELL_MV_MAX, M_CELL_MV_MIN,
)
from host_tests.core.bench_pack import latched
from host_tests.devices.panel import UNKNOWN, Panel, long

_SPREAD = 48                        # diagnoses
_CELL_HIGH = 32
# address, words, mode, power in W, why
ORDERS = (
    (302, long(-3000) + (5,), CHARGE, -3000, "constant power for 5 min"),
    (302, long(2500) + (0,), DISCHARGE, 2500, "until stopped"),
    (306, long(1500) + (10,), DISCHARGE, 1500, "a discharge"),
    (301, (800,), CHARGE, -20_000, "a charge by the method, at the rating"),
    (300, (CHARGE,), CHARGE, -20_000, "the same by its mode"),
    (300, (DISCHARGE,), DISCHARGE, 20_000, "discharge by its mode"),
)


def test_operations_move_power():
    for address, words, mode, power_w, why in ORDERS:
        panel = Panel()
        panel.bench.started()
        assert panel.write(address, *words) == 0, why
        panel.bench.run(12_000)
        manager = panel.manager
        assert (manager.mode, manager.requests.rank) == (mode, BY_MANUAL), why
        assert manager.requests.wish_w == power_w, why
        assert panel.read(300) == [mode]


def test_what_is_asked_for_can_be_read():
    panel = Panel()
    assert panel.read(300, 12) == [STANDBY, UNKNOWN, 0x8000, 0, UNKNOWN, 0, UNKNOWN, UNKNOWN,
                                   UNKNOWN, 0, 2, 0]
    panel.bench.started()
    panel.write(302, *(long(-3000) + (5,)))
    panel.bench.run(61_000)
    assert panel.read(302, 3) == list(long(-3000)) + [4], "minutes that are left, rounded up"
    panel.write(306, *(long(1500) + (0,)))
    panel.bench.tick()
    assert panel.read(302, 7) == [0x8000, 0, UNKNOWN, 0] + list(long(1500)) + [UNKNOWN]


# address, words, exception, refusal (None: no call), why
REFUSED = (
    (300, (6,), 3, REFUSED_RANGE, "no such mode"),
    (300, (CHARGE,), 4, REFUSED_NOT_STARTED, "it is off"),
    (300, (MAINTENANCE,), 4, REFUSED_NO_PERSON, "nobody enters from afar"),
    (301, (1001,), 3, REFUSED_RANGE, "fuller than full"),
    (302, long(-20_001) + (5,), 3, REFUSED_RANGE, "above the rating"),
    (302, long(-3000) + (1441,), 3, REFUSED_RANGE, "more than a day"),
    (302, long(-3000), 2, None, "a power without its minutes"),
    (304, (5,), 2, None, "minutes without a power"),
    (303, (5, 5, 5), 2, None, "half of it"),
    (306, long(3000), 2, None, "a power without its minutes"),
    (306, long(-1) + (0,), 3, REFUSED_RANGE, "a discharge that charges"),
    (309, (0,), 3, REFUSED_RANGE, "1 stops"),
    (310, (4,), 3, REFUSED_RANGE, "no such connection"),
    (311, (0,), 2, None, "read only"),
    (300, (3, 0), 2, None, "two orders in one"),
    (340, (5,), 2, None, "read only"),
    (482, (256,), 3, REFUSED_RANGE, "no such alarm"),
    (460, (1,), 2, None, "tests are started at the cabinet"),
    (470, (1,), 2, None, "read only"),
    (5000, (1,), 2, None, "read only"),
)


def test_refused_orders():
    for address, words, code, refusal, why in REFUSED:
        panel = Panel()
        assert panel.write(address, *words) == code, why
        if refusal is not None:
            assert panel.told() == (refusal, EVENT_REFUSED, refusal), why
        assert panel.manager.mode == STANDBY and panel.manager.requests.rank == 0, why


def test_stop_and_grid_type():
    panel = Panel()
    assert panel.write(310, 1) == 0 and panel.read(310) == [1], "in STANDBY"
    panel.write(310, 2)
    panel.bench.started(-3000)
    assert panel.write(310, 1) == 4, "not while it runs"
    assert panel.write(309, 1) == 0
    panel.bench.tick()
    assert panel.manager.requests.rank == 0
    panel.write(302, *(long(-3000) + (5,)))
    assert panel.write(300, IDLE) == 0
    panel.bench.tick()
    assert panel.manager.requests.rank == 0 and panel.manager.run_wanted == 1
    assert panel.write(300, STANDBY) == 0 and panel.manager.run_wanted == 0
    assert panel.write(300, EMERGENCY) == 0
    panel.bench.tick()
    assert panel.manager.latched == 1 << CAUSE_COMMANDED
    assert panel.write(302, *(long(-3000) + (5,))) == 4
    assert panel.told()[0] == REFUSED_LATCHED


# --- people at the cabinet ----------------------------------------------------------------


def test_local_leaves_stop_and_shutdown():
    panel = Panel()
    panel.bench.started(-3000)
    panel.manager.set_authority(True)
    for address, words in ((300, (CHARGE,)), (302, long(1000) + (1,)), (309, (1,)), (440, (0,)),
                           (CHARGE_BASE, (0,) * 11 + (1,)), (ENTRY_BASE + 10, (2,)),
                           (482, (255,))):
        assert panel.write(address, *words) == 4, address
        assert panel.told() == (REFUSED_LOCAL_ONLY, EVENT_REFUSED, REFUSED_LOCAL_ONLY), address
    assert panel.manager.requests.wish_w == -3000
    assert panel.write(204, 0) == 0 and panel.manager.run_wanted == 0
    assert panel.write(204, 1) == 4 and panel.manager.run_wanted == 0, "nobody starts it from afar"
    assert panel.write(300, STANDBY) == 0 and panel.write(300, EMERGENCY) == 0
    panel.bench.tick()
    assert panel.manager.latched


def test_maintenance_belongs_to_the_person_there():
    panel = Panel()
    panel.manager.enter_maintenance()
    panel.bench.run(1000)
    for address, words in ((300, (CHARGE,)), (300, (DISCHARGE,)), (301, (0,)),
                           (302, long(200) + (0,)), (306, long(200) + (0,))):
        assert panel.write(address, *words) == 4, address
        assert panel.told()[0] == REFUSED_NO_PERSON, address
        assert panel.manager.test.kind == 0
    assert panel.read(460, 6) == [0, 0, 0, 0, 0, 1000]
    assert panel.manager.test_power(-200) == 0
    assert panel.read(460, 6) == [1, 0] + list(long(-200)) + [0, 1000]
    assert panel.write(300, STANDBY) == 0 and panel.manager.test.kind == 0, "a stop ends the test"


# --- reset from afar ----------------------------------------------------------------------


def commanded(**changes):
    panel = Panel(**changes)
    panel.write(300, EMERGENCY)
    panel.bench.until(latched, 200)
    panel.bench.run(15_000)
    return panel


def test_reset_from_afar():
    panel = commanded(remote_reset=1)
    number = panel.read(RESET_BASE)[0]
    assert 1 <= number <= 65_534
    assert panel.write(RESET_BASE + 1, number + 1) == 4, "another number"
    assert panel.write(RESET_BASE + 1, number) == 4, "good for one try"
    assert panel.read(RESET_BASE + 3) == [REFUSED_NO_PERSON]
    number = panel.read(RESET_BASE, 4)[0]
    panel.bench.run(60_100)
    assert panel.write(RESET_BASE + 1, number) == 4, "60 s"
    number = panel.read(RESET_BASE)[0]
    assert panel.write(RESET_BASE + 1, number) == 0
    assert panel.manager.mode == STANDBY and not panel.manager.latched
    assert panel.read(RESET_BASE, 4) == [UNKNOWN, UNKNOWN, 0, 0]


def test_where_a_person_must_come_there_is_no_number():
    panel = commanded()
    assert panel.read(RESET_BASE) == [UNKNOWN], "remote_reset is 0"
    panel = Panel(remote_reset=1)
    assert panel.read(RESET_BASE) == [UNKNOWN], "there is no emergency"
    panel.bench.loop_ok = False
    panel.bench.run(1000)
    panel.bench.loop_ok = True
    panel.bench.run(10_000)
    assert panel.manager.latched == 1 << CAUSE_INPUT
    assert panel.read(RESET_BASE) == [UNKNOWN], "somebody pressed the button"
    assert panel.write(RESET_BASE + 1, 1) == 4


def test_a_cause_that_is_present_is_named():
    panel = Panel(remote_reset=1)
    panel.bench.rows(M_CELL_MV_MAX, 3760)
    panel.bench.run(5000)
    assert panel.manager.latched == 1 << 4
    number, _, present, _ = panel.read(RESET_BASE, 4)
    assert present == 1 << 4
    assert panel.write(RESET_BASE + 1, number) == 4
    assert panel.read(RESET_BASE + 3) == [REFUSED_CAUSE_PRESENT]


# --- alarms, calibration ------------------------------------------------------------------


def listed(panel):
    """Ids of the list: without gaps, and nothing behind them."""
    count = panel.read(480)[0]
    ids = [panel.read(ALARM_BASE + 16 * n)[0] for n in range(count)]
    assert UNKNOWN not in ids and panel.read(ALARM_BASE + 16 * count) == [UNKNOWN]
    return ids


def test_alarm_list():
    panel = Panel()
    panel.bench.run(1500)
    assert panel.read(480, 2) == [0, 0] and panel.read(ALARM_BASE) == [UNKNOWN]
    panel.bench.rows(M_CELL_MV_MAX, 3660)
    panel.bench.run(20_000)
    ids = listed(panel)
    assert _SPREAD in ids and _CELL_HIGH in ids
    at = ALARM_BASE + 16 * ids.index(_SPREAD)
    words = panel.read(at, 12)
    assert words[:4] == [_SPREAD, 1, 1, 0], "a warning, active, unseen"
    assert words[4] == words[6] == 0 and 0 < words[7] <= words[5] <= 20, "seconds ago"
    assert words[8] == 4 and words[10:] == [0, 15], "four modules, one after the other"
    assert panel.write(482, _SPREAD) == 0
    assert panel.read(at + 3) == [1]
    at = ALARM_BASE + 16 * ids.index(_CELL_HIGH)
    assert panel.read(at, 4) == [_CELL_HIGH, 2, 1, 0], "a block that nobody has acknowledged"
    panel.bench.rows(M_CELL_MV_MIN, 3655)
    panel.bench.run(5000)
    ids = listed(panel)
    assert _SPREAD not in ids and _CELL_HIGH in ids, "over and acknowledged: it leaves"
    assert panel.write(482, 255) == 0
    assert panel.read(ALARM_BASE + 3) == [1]


def test_calibration():
    panel = Panel()
    soc = panel.manager.wishes.soc
    assert panel.read(470, 5) == [0, 0, 0, 0, 0]
    soc.full_s, soc.due, soc.wanted, soc.disagrees = 70_000, True, True, True
    assert panel.read(470, 5) == [1, 1, 1, 70_000 - 65_536, 1]
