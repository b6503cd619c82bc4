"""Contactor sets of strings: two of them, a second start, silence, and what is said about them."""

from bess.core.battery import strings
from bess.core.battery.sequence import REST
from bess.core.battery.strings import Strings
from bess.core.events import Events
from bess.core.image import Image
from bess.core.points import (
    EVENT_STRING_JOINED, EVENT_STRING_WAITING, INPUTS, M_PACK_MV, STRING_INPUTS,
)
from host_tests.core.battery.test_strings import Rig
from host_tests.core.bench_pack import VOLTS_52_MV, Bench, settings_of


def test_the_coils_of_a_set_and_how_many_sets_there_may_be():
    """They are bits of the outputs and of the feedbacks; five sets fill the 15 that there are."""
    assert (strings.K_MINUS, strings.PRECHARGE, strings.K_PLUS, strings.SETS_MAX) == (1, 2, 4, 5)


SETS = (
    # strings, wiring, feedbacks of the first set, of all sets, proofs, mask, why
    (1, "strings", 0b1010, 0o7, None, 0o7, "one string: the inputs, less the loop"),
    (4, "common", 0b1010, 0o7777, None, 0o7, "one set for all of them"),
    (2, "strings", 0b1010, 0o65, 0o65, 0o77, "two sets: their own point"),
    (5, "strings", 0b1010, 0o77777, 0o77777, 0o77777, "the most there may be"),
)


def test_whose_feedbacks_count():
    for count, wiring, inputs, string_inputs, proofs, mask, why in SETS:
        settings = settings_of(strings_p=count, contactors=wiring)
        image = Image()
        sets = Strings(settings, image, Bench().manager.pack, Events())
        assert sets.proofs() is None, (why, "unknown")
        image.now[INPUTS], image.now[STRING_INPUTS] = inputs, string_inputs
        assert sets.proofs() == (5 if proofs is None else proofs), why
        assert sets.mask == mask, why


def test_two_strings_join():
    bench = Bench(strings_p=2, contactors="strings")
    for _ in range(200):
        bench.manager.image.put(STRING_INPUTS, ~bench.manager.sequence.coils & 0o77, bench.now_ms)
        if bench.ticks == 10:
            assert bench.manager.start() == 0
        bench.tick()
    assert bench.manager.sequence.coils == 0o55 and bench.has(EVENT_STRING_JOINED) == 1
    assert bench.manager.pack.strings_on == 2


def test_a_new_start_says_anew_who_waits():
    rig = Rig()
    rig.pack.rows[4][M_PACK_MV] = VOLTS_52_MV + 3000
    for starts in (1, 2):
        rig.started().step(3000)
        assert rig.count(EVENT_STRING_WAITING) == starts
        rig.sequence.stop(rig.now_ms, True)
        rig.until(REST)


def test_the_next_start_is_led_by_the_first_again():
    rig = Rig()
    rig.silent = 0b11
    rig.step(3000)
    rig.started().step(1000)
    assert rig.sequence.strings.lead == 1
    rig.sequence.stop(rig.now_ms, True)
    rig.until(REST)
    rig.silent = 0
    rig.step(1000)
    rig.started().step(1000)
    assert rig.sequence.strings.lead == 0 and rig.sequence.coils == 0o555


def test_who_is_on_the_bus():
    rig = Rig().started()
    rig.step(1000)
    assert rig.pack.joined == 0b111
    rig.silent = 0b101000
    rig.step(3000)
    assert rig.pack.joined == 0b111, "silent is not out"
    rig.pack.exclude(3)
    rig.step(200)
    assert rig.pack.joined == 0b101 and rig.sequence.coils == 0o505
    rig.pack.exclude(5)
    rig.step(200)
    assert rig.pack.joined == 0b001 and rig.sequence.coils == 0o005


def test_of_a_silent_string_nothing_is_said():
    rig = Rig()
    rig.silent = 0b001100
    rig.step(3000)
    rig.started().step(2000)
    assert rig.sequence.coils == 0o505 and rig.count(EVENT_STRING_WAITING) == 0


def test_who_has_joined_waits_no_more():
    rig = Rig().started()
    rig.step(1000)
    rig.current_ma = 50_000
    rig.step(1000)
    assert rig.sequence.coils == 0o555 and rig.count(EVENT_STRING_WAITING) == 0
