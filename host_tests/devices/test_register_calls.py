"""Registers with calls behind them: parameters and schedule, taken whole."""

from bess.core.call_points import ALARM_BASE, CHARGE_BASE, DISCHARGE_BASE, ENTRY_BASE
from bess.core.control.modes import CHARGE, REFUSED_LOOSER, REFUSED_MODE, REFUSED_RANGE
from bess.core.points import EVENT_REFUSED, UTC_DAY, UTC_S
from host_tests.devices.panel import UNKNOWN, Panel, long

TAKE_CHARGE = CHARGE_BASE + 11
CHARGE_SET = (2, 0) + long(5000) + long(70_000) + long(0) + (800, 90, 0)
DISCHARGE_SET = long(6000) + long(0) + long(0) + (300, 60)
ENTRY_SET = (1, 7, 22, 30, CHARGE, 0) + long(-4000) + (240, 1)

# address, registers, why
BEYOND = (
    (312, 1, "past the operations"), (311, 2, "past them by one"), (344, 1, "past the reset"),
    (CHARGE_BASE + 11, 2, "past the charge parameters"), (399, 2, "begins in a gap"),
    (DISCHARGE_BASE + 9, 1, "past the discharge parameters"), (447, 1, "past the schedule"),
    (466, 1, "past maintenance"), (475, 1, "past calibration"), (483, 1, "past the alarms"),
    (ENTRY_BASE + 256, 1, "a 17th entry"), (ENTRY_BASE + 255, 2, "the last entry and one more"),
    (ENTRY_BASE - 1, 1, "before the entries"), (ALARM_BASE + 512, 1, "a 33rd alarm"),
)


def test_reads_and_writes_beyond_a_block_are_exception_2():
    panel = Panel()
    for address, count, why in BEYOND:
        assert panel.read(address, count) == -2, why
        assert panel.write(address, *([0] * count)) == 2, why


def test_nothing_is_loaded_before_somebody_asks():
    panel = Panel()
    bank = panel.server._bank
    panel.read(0, 100)
    panel.write(202, 30)
    assert bank._calls is None
    panel.read(300)
    calls = bank._calls
    panel.read(ENTRY_BASE)
    assert calls is not None and bank._calls is calls, "and then once"


# --- sets ---------------------------------------------------------------------------------


def test_charge_parameters_in_one_request():
    panel = Panel()
    assert panel.write(CHARGE_BASE, *(CHARGE_SET + (1,))) == 0
    assert panel.manager.charge_params.w_max == 0, "not before the next tick"
    panel.bench.tick()
    params = panel.manager.charge_params
    assert (params.method, params.w_max, params.ma_max, params.mv_max) == (2, 5000, 70_000, 0)
    assert (params.soc_pm_target, params.minutes_max, params.balancing) == (800, 90, 0)
    assert tuple(panel.read(CHARGE_BASE, 12)) == CHARGE_SET + (0,)


def test_discharge_parameters_in_one_request():
    panel = Panel()
    assert panel.write(DISCHARGE_BASE, *(DISCHARGE_SET + (1,))) == 0
    panel.bench.tick()
    params = panel.manager.discharge_params
    assert (params.w_max, params.ma_max, params.mv_min) == (6000, 0, 0)
    assert (params.soc_pm_min, params.minutes_max) == (300, 60)
    assert tuple(panel.read(DISCHARGE_BASE, 9)) == DISCHARGE_SET + (0,)


def test_register_by_register_nothing_counts_before_it_is_taken():
    panel = Panel()
    for offset, word in enumerate(CHARGE_SET):
        assert panel.write(CHARGE_BASE + offset, word) == 0
    panel.bench.tick()
    assert panel.manager.charge_params.w_max == 0
    assert tuple(panel.read(CHARGE_BASE, 12)) == CHARGE_SET + (1,), "what waits is what is read"
    assert panel.write(TAKE_CHARGE, 1) == 0
    panel.bench.tick()
    assert panel.manager.charge_params.w_max == 5000
    assert panel.read(TAKE_CHARGE) == [0]


def test_a_part_of_a_set_keeps_the_rest():
    panel = Panel()
    panel.write(CHARGE_BASE, *(CHARGE_SET + (1,)))
    panel.bench.tick()
    panel.write(CHARGE_BASE + 8, 700)
    panel.write(TAKE_CHARGE, 1)
    panel.bench.tick()
    params = panel.manager.charge_params
    assert (params.soc_pm_target, params.w_max, params.minutes_max) == (700, 5000, 90)


def changed(words, offset, *others):
    return words[:offset] + others + words[offset + len(others):]


# set, base, exception, refusal, why
BAD_SETS = (
    (changed(CHARGE_SET, 0, 4) + (1,), CHARGE_BASE, REFUSED_RANGE, "a fifth method"),
    (changed(CHARGE_SET, 2, *long(20_001)) + (1,), CHARGE_BASE, REFUSED_RANGE, "above the rating"),
    (changed(CHARGE_SET, 8, 1001) + (1,), CHARGE_BASE, REFUSED_RANGE, "fuller than full"),
    (changed(CHARGE_SET, 8, 951) + (1,), CHARGE_BASE, REFUSED_LOOSER, "above soc_pm_max"),
    (changed(CHARGE_SET, 9, 1441) + (1,), CHARGE_BASE, REFUSED_RANGE, "more than a day"),
    (changed(CHARGE_SET, 10, 2) + (1,), CHARGE_BASE, REFUSED_RANGE, "balancing is 0 or 1"),
    (CHARGE_SET + (2,), CHARGE_BASE, REFUSED_RANGE, "nothing but 1 takes a set"),
    (changed(DISCHARGE_SET, 6, 99) + (1,), DISCHARGE_BASE, REFUSED_LOOSER, "below soc_pm_min"),
    (changed(DISCHARGE_SET, 7, 1441) + (1,), DISCHARGE_BASE, REFUSED_RANGE, "more than a day"),
    (DISCHARGE_SET + (3,), DISCHARGE_BASE, REFUSED_RANGE, "only entries are enabled"),
    (changed(ENTRY_SET, 1, 8) + (1,), ENTRY_BASE, REFUSED_RANGE, "an eighth day"),
    (changed(ENTRY_SET, 2, 24) + (1,), ENTRY_BASE, REFUSED_RANGE, "a 24th hour"),
    (changed(ENTRY_SET, 4, 4) + (1,), ENTRY_BASE, REFUSED_RANGE, "EMERGENCY by the clock"),
    (changed(ENTRY_SET, 6, *long(4000)) + (1,), ENTRY_BASE, REFUSED_RANGE, "a charge that feeds"),
    (changed(ENTRY_SET, 8, 0) + (1,), ENTRY_BASE, REFUSED_RANGE, "no time"),
    (ENTRY_SET + (5,), ENTRY_BASE, REFUSED_RANGE, "nothing that an entry knows"),
)


def test_bad_sets_are_exception_3_and_an_event_and_change_nothing():
    for words, base, refusal, why in BAD_SETS:
        panel = Panel()
        before = panel.read(base, len(words))
        assert panel.write(base, *words) == 3, why
        assert panel.told() == (refusal, EVENT_REFUSED, refusal), why
        panel.bench.tick()
        assert panel.read(base, len(words)) == before, why


def test_what_was_written_waits_for_a_minute():
    for span_ms, code in ((59_900, 0), (60_200, 4)):
        panel = Panel()
        panel.write(CHARGE_BASE + 9, 45)
        panel.bench.run(span_ms)
        assert panel.write(TAKE_CHARGE, 1) == code, span_ms
        panel.bench.tick()
        assert panel.manager.charge_params.minutes_max == (0 if code else 45)
        if code:
            assert panel.told()[0] == REFUSED_MODE


def test_another_set_takes_the_stage():
    panel = Panel()
    panel.write(CHARGE_BASE + 9, 45)
    panel.write(ENTRY_BASE, 1)
    assert panel.read(CHARGE_BASE + 9) == [0]
    assert panel.write(TAKE_CHARGE, 1) == 4, "the client learns that his set is gone"
    panel.write(ENTRY_BASE, *(ENTRY_SET + (1,)))
    assert panel.write(ENTRY_BASE + 10, 1) == 4, "taken once"


def test_a_set_is_written_up_to_its_end_only():
    panel = Panel()
    assert panel.write(CHARGE_BASE + 10, 1, 1, 0) == 2
    assert panel.write(ENTRY_BASE + 10, 1, 0) == 2, "the gap behind an entry"
    assert panel.write(ENTRY_BASE + 11, 0) == 2


# --- schedule -----------------------------------------------------------------------------


def test_schedule_entries():
    panel = Panel()
    at = ENTRY_BASE + 16 * 3
    assert panel.read(at, 5) == [UNKNOWN] * 5, "a free entry"
    assert panel.read(at + 6, 2) == [0x8000, 0]
    assert panel.write(at, *(ENTRY_SET + (1,))) == 0
    assert panel.manager.get_schedule(3) == (True, 7, 22, 30, CHARGE, -4000, 240, True)
    assert tuple(panel.read(at, 11)) == ENTRY_SET + (0,)
    assert panel.read(at + 11, 5) == [0] * 5, "the gap"
    assert panel.read(446) == [1]
    assert panel.write(at + 10, 4) == 0
    assert panel.manager.get_schedule(3)[0] is False
    assert panel.write(at + 10, 3) == 0
    assert panel.manager.get_schedule(3)[0] is True
    assert panel.write(at + 10, 2) == 0
    assert panel.manager.get_schedule(3) is None
    for order in (2, 3, 4):
        assert panel.write(at + 10, order) == 3, "there is nothing to do that to"
        assert panel.told() == (REFUSED_RANGE, EVENT_REFUSED, REFUSED_RANGE)


def test_the_last_entry_and_several_in_one_read():
    panel = Panel()
    assert panel.write(ENTRY_BASE + 16 * 15, *(changed(ENTRY_SET, 2, 5) + (1,))) == 0
    assert panel.manager.get_schedule(15)[2] == 5
    words = panel.read(ENTRY_BASE + 16 * 14 + 2, 30)
    assert words[0] == UNKNOWN and words[16] == 5


def test_a_free_entry_needs_all_of_it():
    panel = Panel()
    panel.write(ENTRY_BASE + 2, 5)
    assert panel.write(ENTRY_BASE + 10, 1) == 3
    assert panel.manager.get_schedule(0) is None


def test_schedule_as_a_whole():
    panel = Panel()
    now = panel.manager.image.now
    assert panel.read(440, 7) == [1, UNKNOWN, 0x8000, 0, UNKNOWN, UNKNOWN, 0]
    now[UTC_DAY], now[UTC_S] = 20_000, 22 * 3600 + 40 * 60
    panel.write(ENTRY_BASE + 16, *(ENTRY_SET + (1,)))
    panel.bench.tick()
    assert panel.read(440, 7) == [1, CHARGE] + list(long(-4000) + long(230 * 60)) + [1]
    assert panel.write(440, 0) == 0
    panel.bench.tick()
    assert panel.read(440, 2) == [0, UNKNOWN]
    assert panel.write(440, 2) == 3 and panel.write(440, 1) == 0
    assert panel.read(440) == [1] and panel.write(441, 1) == 2
