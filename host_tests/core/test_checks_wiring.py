"""The time that a bus needs for a round, and the pins of the contactors."""

from bess.core.checks_wiring import check_board, round_ms
from bess.core.config import check
from host_tests.core.bench_pack import settings_of
from host_tests.core.bench_site import modules, site


def test_a_round_of_a_bus():
    """16 reads of 48 registers: 109 bytes each, 5 ms of silence and 20 ms of patience."""
    for rate, wanted_ms in ((115_200, 552), (9600, 2217), (1200, 14_934)):
        bus = modules(16)
        bus["baud"] = rate
        assert round_ms(bus) == wanted_ms, (rate, round_ms(bus))
    bus = modules(2)
    bus["kind"] = "tcp"
    assert round_ms(bus) == 50, "a network takes no time"
    bus = {"kind": "rtu", "baud": 9600, "devices": [
        {"kind": "jk_bms"}, {"kind": "sunspec_pcs"}, {"kind": "sunspec_meter"}]}
    assert round_ms(bus) == 1 + 75 + 3 * 75 + (183 + 3 * (150 + 123)) * 10_000 // 9600, (
        round_ms(bus), "each of the three parts waits for the inverter and the meter")


def test_modules_of_different_kinds():
    bus = {"kind": "rtu", "baud": 9600, "devices": [
        {"kind": "bess_module"}, {"kind": "jk_bms"}, {"kind": "sunspec_pv"}]}
    assert round_ms(bus) == 25 + 75 + 3 * 25 + 1 + (109 + 183 + 3 * 117) * 10_000 // 9600


def pin(gpio, **changes):
    row = {"gpio": gpio, "mode": "out"}
    row.update(changes)
    return row


def board(chip="esp32", **changes):
    pins = {"negative_coil": pin(25), "precharge_coil": pin(26), "positive_coil": pin(27),
            "negative_feedback": pin(35), "precharge_feedback": pin(36),
            "positive_feedback": pin(39), "lamp": pin(4)}
    pins.update(changes)
    return {"chip": chip, "pins": pins}


def without(name):
    found = board()
    del found["pins"][name]
    return found


WIRED = check({"links": site()})[0]
BOARDS = (
    # board, words of its only fault, why
    (without("precharge_coil"), "precharge_coil has no gpio", "no output"),
    (without("positive_feedback"), "positive_feedback has no gpio", "no feedback"),
    (board(negative_coil=pin("25")), "negative_coil has no gpio", "a text is no pin"),
    (board(lamp=pin(27)), "positive_coil and lamp share gpio 27 (C12)", "a lamp with a coil"),
    (board(positive_coil=pin(12)), "positive_coil is gpio 12, wanted: one that stays low", "read"),
    (board(positive_coil=pin(14)), "positive_coil is gpio 14", "pulses at reset"),
    (board(positive_coil=pin(34)), "positive_coil is gpio 34", "no output"),
    (board("esp32s3", precharge_coil=pin(18), positive_coil=pin(7)),
     "precharge_coil is gpio 18", "pulses at power-up"),
    (board("esp32c3", precharge_coil=pin(8)), "precharge_coil is gpio 8", "strap"),
    (board(negative_coil=pin(25, active=0)), "negative_coil is active at a low level", "on at 0"),
)


def test_boards():
    for table, words, why in BOARDS:
        faults = check_board(WIRED, table)
        assert len(faults) == 1 and words in faults[0], (why, faults)
        assert check_board(check({"contactors": "none"})[0], table) == [], why
    for table in (board(), board("esp32s3", precharge_coil=pin(6), positive_coil=pin(7)),
                  board("virtual", positive_coil=pin(12)),
                  board(None, lamp=pin(2))):
        assert check_board(WIRED, table) == [], table


def test_a_pair_that_shares_a_pin_is_named_from_both_sides():
    faults = check_board(WIRED, board(positive_coil=pin(25)))
    assert len(faults) == 2 and "negative_coil and positive_coil share gpio 25" in faults[0]


def test_a_board_that_is_none():
    for table in (None, [], 7, {}, {"pins": []}, {"pins": {"lamp": 3, "negative_coil": None}},
                  {"pins": {"lamp": {}}, "chip": []}):
        faults = check_board(WIRED, table)
        assert len(faults) == 6, (table, faults)


def test_contactors_need_a_current():
    faults = check_board(check({})[0], board())
    assert len(faults) == 1 and "a module on a link that tells the current" in faults[0], faults


FREE = (
    # chip, number of pins, those that stay low at reset (its data sheet)
    ("esp32", 40, [4] + list(range(16, 34))),
    ("esp32s3", 49, [1, 2] + list(range(4, 18)) + list(range(21, 26)) + list(range(33, 43))
     + [47, 48]),
    ("esp32c3", 22, [0, 1, 3, 4, 5, 6, 7, 10]),
)


def test_pins_that_stay_low():
    for chip, count, free in FREE:
        low = []
        for gpio in range(count):
            faults = check_board(WIRED, {"chip": chip, "pins": {"positive_coil": pin(gpio)}})
            if not [text for text in faults if "stays low" in text]:
                low.append(gpio)
        assert low == free, (chip, low)


WANTED = (
    # settings, pins beside the usual ones, words of the faults, why
    ({"door_input": "open"}, {}, ("door has no gpio (C12)",), "an input that is read"),
    ({"door_input": "open"}, {"door": pin(18)}, (), "there it is"),
    ({"fire_input": "closed", "contactors": "none"}, {}, ("fire has no gpio",),
     "whoever has the contactors"),
    ({"fire_input": "closed"}, {"fire": pin(35)},
     ("negative_feedback and fire share", "fire and negative_feedback share"), "one pin for two"),
    ({}, {"heater": pin(14)}, ("heater is gpio 14, wanted: one that stays low",), "pulses"),
    ({}, {"alarm_relay": pin(18, active=0)}, ("alarm_relay is active at a low level",),
     "no alarm while the board is dead"),
    ({}, {"shed_1": pin(18), "shed_2": pin(18)}, ("shed_1 and shed_2", "shed_2 and shed_1"),
     "one output for two groups of loads"),
    ({}, {"fan": pin(None)}, ("fan has no gpio",), "named, but nowhere"),
    ({"packs": 2}, {},
     ("negative_coil_2 has no", "precharge_coil_2 has no", "positive_coil_2 has no",
      "negative_feedback_2 has no", "precharge_feedback_2 has no", "positive_feedback_2 has no"),
     "a set for each pack"),
    ({"contactors": "strings", "strings_p": 2}, {},
     ("negative_coil_2 has no", "precharge_coil_2 has no", "positive_coil_2 has no",
      "negative_feedback_2", "precharge_feedback_2", "positive_feedback_2"), "a second set"),
    ({"contactors": "strings", "strings_p": 2},
     {"negative_coil_2": pin(16), "precharge_coil_2": pin(17), "positive_coil_2": pin(12),
      "negative_feedback_2": pin(18), "precharge_feedback_2": pin(19),
      "positive_feedback_2": pin(21)}, ("positive_coil_2 is gpio 12",), "as safe as the first"),
)


def test_further_inputs_outputs_and_sets():
    for changes, pins, words, why in WANTED:
        settings = settings_of(**changes)
        settings.links = WIRED.links
        faults = check_board(settings, board(**pins))
        assert len(faults) == len(words), (why, faults)
        for text, word in zip(faults, words):
            assert word in text, (why, text)
