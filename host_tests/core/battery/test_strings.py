"""Contactor sets of parallel strings: precharge of the first, the others join one by one."""

from bess.core.battery.pack import Pack
from bess.core.battery.sequence import (
    CHECK, FAILED_CONTACTOR, KEEP, PCS_RUNNING, REST, RUN, WELDED, Sequence,
)
from bess.core.battery.strings import Strings
from bess.core.events import Events
from bess.core.image import Image
from bess.core.points import (
    BATTERY_W, DC_MV, EVENT_STRING_JOINED, EVENT_STRING_WAITING, INPUTS, M_CURRENT_MA, M_PACK_MV,
    PCS_STATE, PCS_UNCONFIRMED, STRING_INPUTS,
)
from host_tests.core.bench_pack import VOLTS_52_MV, healthy, settings_of


class Rig:
    """Three strings of two modules each with a contactor set of its own."""

    def __init__(self, **changes):
        settings = settings_of(modules_s=2, strings_p=3, contactors="strings", **changes)
        self.image, self.events = Image(), Events()
        self.pack = Pack(2, 3, 2000, settings.module_ma_rated)
        self.sequence = Sequence(settings, self.image, self.pack, self.events)
        self.now_ms = 0
        self.silent = 0                     # bits of modules
        self.stuck = 0                      # feedback bits that stay open
        self.current_ma = 0
        for row in self.pack.rows:
            healthy(row)
        now = self.image.now
        now[INPUTS], now[PCS_STATE], now[PCS_UNCONFIRMED] = 15, PCS_RUNNING, 0
        now[BATTERY_W], now[DC_MV] = 0, 2 * VOLTS_52_MV
        self.step(0)

    def step(self, span_ms=100):
        for _ in range(max(1, span_ms // 100)):
            for i in range(6):
                if not self.silent >> i & 1:
                    self.pack.rows[i][M_CURRENT_MA] = self.current_ma
                    self.pack.put(i, self.now_ms)
            self.pack.update(self.now_ms)
            self.image.now[STRING_INPUTS] = ~self.sequence.coils & 0o777 | self.stuck
            self.sequence.tick(self.now_ms)
            self.now_ms += 100
        return self.sequence

    def until(self, step, limit_ms=20_000):
        start_ms = self.now_ms
        while self.sequence.step != step:
            self.step()
            assert self.now_ms - start_ms < limit_ms, (step, self.sequence.step)
        return self

    def started(self):
        self.sequence.start(self.now_ms)
        return self.until(RUN)

    def count(self, event):
        return sum([self.events.event(k) == event for k in range(self.events.count)])


def test_the_first_is_precharged_the_others_join():
    rig = Rig()
    rig.sequence.start(rig.now_ms)
    seen = []
    for _ in range(40):
        if not seen or seen[-1] != rig.sequence.coils:
            seen.append(rig.sequence.coils)
        rig.step()
    assert seen[:4] == [0, 0o001, 0o003, 0o007], "K-, precharge, K+ of the first"
    assert seen[-1] == 0o555 and rig.sequence.step == RUN
    assert rig.pack.strings_on == 3 and rig.count(EVENT_STRING_JOINED) == 2


def test_before_the_others_join_the_first_stands_alone():
    rig = Rig()
    rig.sequence.start(rig.now_ms)
    rig.step(200)
    assert (rig.pack.strings_live, rig.pack.strings_on) == (3, 1)
    assert rig.pack.charge_ma_max == 157_000


JOINS = (
    # mV of each module of string 1, current before, joins, why
    (VOLTS_52_MV + 528, 0, True, "1 % above the bus"),
    (VOLTS_52_MV + 529, 0, False, "more would equalise through the contactor"),
    (VOLTS_52_MV - 529, 0, False, "nor below"),
    (VOLTS_52_MV, 1_570, True, "hardly any current"),
    (VOLTS_52_MV, 3_140, True, "2 % of the rating on the bus"),
    (VOLTS_52_MV, 3_141, False, "more"),
    (VOLTS_52_MV, -3_141, False, "in either direction"),
    (VOLTS_52_MV, 20_000, False, "not into a bus that carries current"),
)


def test_a_string_joins_only_when_it_fits():
    for string_mv, current_ma, joins, why in JOINS:
        rig = Rig()
        rig.pack.rows[2][M_PACK_MV] = rig.pack.rows[3][M_PACK_MV] = string_mv
        rig.sequence.start(rig.now_ms)
        rig.step(1000)
        rig.current_ma = current_ma
        rig.step(5000)
        assert (rig.sequence.coils >> 3 & 7 == 5) == joins, why
        assert rig.sequence.step == RUN, (why, "the others run without it")
        assert (rig.count(EVENT_STRING_WAITING) > 0) == (not joins), why


def test_a_waiting_string_joins_later_and_is_said_once():
    rig = Rig()
    rig.pack.rows[4][M_PACK_MV] = VOLTS_52_MV + 3000
    rig.started().step(3000)
    assert rig.sequence.coils == 0o055 and rig.count(EVENT_STRING_WAITING) == 1
    rig.pack.rows[4][M_PACK_MV] = VOLTS_52_MV
    rig.step(500)
    assert rig.sequence.coils == 0o555 and rig.pack.strings_on == 3


MOVED = (
    # DC voltage of the bus and current when K- of the others has closed, why
    (2 * (VOLTS_52_MV + 1100), 0, "the inverter has begun to charge: 2 % above the string"),
    (2 * VOLTS_52_MV, 6_000, "current flows meanwhile"),
)


def test_a_bus_that_moves_while_a_string_joins_lets_it_go_again():
    for bus_mv, current_ma, why in MOVED:
        rig = Rig()
        rig.sequence.start(rig.now_ms)
        while rig.sequence.coils != 0o015:
            rig.step()
        rig.image.now[DC_MV], rig.current_ma = bus_mv, current_ma
        rig.step(200)
        assert rig.sequence.coils == 0o005 and rig.pack.strings_on == 1, why
        rig.image.now[DC_MV], rig.current_ma = 2 * VOLTS_52_MV, 0
        rig.step(1000)
        assert rig.sequence.coils == 0o555, (why, "and it joins later")


NEAREST = (
    # mV of each module of the strings 1 and 2 off the bus, who joins in this order, why
    (300, 200, (0o005, 0o105, 0o515, 0o555), "the nearest to the bus comes first"),
    (-200, 300, (0o005, 0o015, 0o155, 0o555), "above or below is the same"),
    (200, 200, (0o005, 0o015, 0o155, 0o555), "equally near: the first of them"),
    (900, 200, (0o005, 0o105, 0o505), "one that does not fit holds nobody up"),
)


def test_the_nearest_joins_first_one_at_a_time():
    for one_mv, two_mv, wanted, why in NEAREST:
        rig, seen = Rig(), []
        for i, off_mv in ((2, one_mv), (4, two_mv)):
            rig.pack.rows[i][M_PACK_MV] = rig.pack.rows[i + 1][M_PACK_MV] = VOLTS_52_MV + off_mv
        rig.sequence.start(rig.now_ms)
        for _ in range(80):
            coils = rig.sequence.coils & 0o555
            if coils >= 0o005 and (not seen or seen[-1] != coils):
                seen.append(coils)
            rig.step()
        assert tuple(seen) == wanted, (why, seen)


def test_the_contactors_of_a_leading_string_that_is_left_out_open_too():
    rig = Rig().started()
    rig.step(1000)
    rig.silent = 0b000001
    rig.step(3000)
    assert rig.sequence.coils == 0o555, "silent: its limits are left out, no more"
    rig.pack.exclude(0)
    rig.step(200)
    assert rig.sequence.coils == 0o550 and rig.pack.joined == 0b110
    assert rig.sequence.strings.lead == 1 and rig.sequence.step == RUN
    rig.silent = 0b000101
    rig.step(3000)
    rig.pack.exclude(2)
    rig.step(200)
    assert rig.sequence.coils == 0o500 and rig.pack.joined == 0b100, "and so on"
    rig.silent = 0b010101
    rig.step(3000)
    rig.pack.exclude(4)
    rig.step(200)
    assert rig.sequence.coils == 0o500, "the last one stays: what all of them do is an emergency"
    rig.sequence.stop(rig.now_ms, True)
    rig.step(10_000)
    assert rig.sequence.coils == 0 and rig.sequence.step == REST


def test_a_silent_first_string_is_passed_over():
    rig = Rig()
    rig.silent = 1
    rig.step(3000)
    rig.started().step(1000)
    assert rig.sequence.strings.lead == 1 and rig.sequence.coils == 0o550
    assert rig.pack.strings_on == 2


def test_a_joining_string_whose_k_minus_does_not_close_stays_out():
    rig = Rig()
    rig.stuck = 0o010                       # K- of string 1 always says open
    rig.started().step(2000)
    assert rig.sequence.coils == 0o515 and rig.pack.strings_on == 2
    assert rig.sequence.feedback_wrong()


def test_an_excluded_string_is_opened():
    rig = Rig().started()
    rig.step(1000)
    rig.silent = 0b001000
    rig.step(3000)
    assert rig.sequence.coils == 0o555, "silent: its limits are left out, no more"
    rig.pack.exclude(3)
    rig.step(200)
    assert rig.sequence.coils == 0o505 and rig.pack.strings_on == 2


def test_all_open_at_the_stop_and_a_weld_in_any_set_is_seen():
    rig = Rig().started()
    rig.step(1000)
    rig.sequence.stop(rig.now_ms, True)
    rig.until(REST)
    assert rig.sequence.coils == 0 and rig.sequence.failed != WELDED
    real = rig.step
    rig.sequence.start(rig.now_ms)
    assert rig.sequence.step == CHECK
    rig.image.now[STRING_INPUTS] = 0o777 & ~0o400       # K+ of string 2 is closed
    for _ in range(12):
        rig.sequence.tick(rig.now_ms)
        rig.now_ms += 100
    assert rig.sequence.step == REST and rig.sequence.failed in (0, FAILED_CONTACTOR)
    assert real().coils == 0


def test_kept_strings_stay_joined():
    rig = Rig(standby_contactors="closed").started()
    rig.step(1000)
    rig.sequence.stop(rig.now_ms)
    rig.until(KEEP)
    assert rig.sequence.coils == 0o555
    rig.sequence.start(rig.now_ms)
    rig.until(RUN)
    assert rig.sequence.coils == 0o555


def test_without_a_reading_of_the_bus_the_first_string_is_the_measure():
    for string_mv, joins in ((VOLTS_52_MV + 528, True), (VOLTS_52_MV + 529, False)):
        rig = Rig()
        rig.pack.rows[2][M_PACK_MV] = rig.pack.rows[3][M_PACK_MV] = string_mv
        rig.started()
        rig.image.now[DC_MV] = None
        rig.step(1000)
        assert (rig.sequence.coils >> 3 & 7 == 5) == joins, string_mv


def test_one_common_set_has_nothing_to_join():
    settings = settings_of(modules_s=1, strings_p=4)
    image, events, pack = Image(), Events(), Pack(1, 4, 2000, settings.module_ma_rated)
    strings = Strings(settings, image, pack, events)
    assert (strings.sets, strings.mask) == (1, 0o7)
    for i in range(4):
        healthy(pack.rows[i])
        pack.put(i, 0)
    pack.update(0)
    strings.choose()
    strings.tick(0)
    assert strings.coils == 0 and events.count == 0
    assert pack.strings_on == 4, "all of them stand on the bus"
    assert strings.proofs() is None, "nobody knows"
    image.now[INPUTS] = 0o12                # the loop's bit is no feedback
    assert strings.proofs() == 0o5


def test_the_voltage_that_precharge_waits_for():
    rig = Rig()
    rig.pack.rows[0][M_PACK_MV] = 50_000
    rig.silent = 0
    rig.step()
    strings = rig.sequence.strings
    assert strings.lead_mv() == 50_000 + VOLTS_52_MV, "of the string that leads"
    strings.lead = 2
    assert strings.lead_mv() == 2 * VOLTS_52_MV
    settings = settings_of(modules_s=2, strings_p=3)
    common = Strings(settings, rig.image, rig.pack, rig.events)
    mean_mv = (6 * VOLTS_52_MV - (VOLTS_52_MV - 50_000)) // 3
    assert common.lead_mv() == mean_mv, "with one set: the mean of all"


def test_when_all_strings_are_silent_the_last_one_leads():
    rig = Rig()
    rig.silent = 0o77
    rig.step(3000)
    rig.sequence.strings.choose()
    assert rig.sequence.strings.lead == 2
