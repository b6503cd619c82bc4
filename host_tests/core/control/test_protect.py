"""Protective charge and balancing: what begins them, what ends them, on new samples only."""

import micropython

from bess.core.battery.pack import Pack
from bess.core.control.protect import Protect
from bess.core.events import INFO, WARNING, Events
from bess.core.points import (
    EVENT_BALANCING, EVENT_PROTECT_CHARGE, M_CELL_MV_MAX, M_CELL_MV_MIN, M_PACK_MV, M_SOC_PM,
    M_STATE,
)
from host_tests.core.bench_pack import healthy

BOTH_ON = 3
FORCE = 16
ASKED, CELL, CHARGE_LOW = 1, 2, 4       # data of the event, as the interfaces show it


class Settings:
    eta_pm = 1000
    pack_mah = 200_000
    soc_pm_floor = 50


COLUMNS = {"low": M_CELL_MV_MIN, "high": M_CELL_MV_MAX, "soc": M_SOC_PM, "state": M_STATE,
           "pack_mv": M_PACK_MV}


class Rig:
    """A pack of two modules of 100 Ah at 50.0 V: 5 % of C is 500 W."""

    def __init__(self, modules=2):
        self.pack = Pack(1, modules, 5000, 157_000)
        for row in self.pack.rows:
            healthy(row)
            row[M_PACK_MV] = 50_000
        self.events = Events()
        self.protect = Protect(Settings(), self.pack)
        self.now_ms = 1000
        self.sample()

    def set(self, module=0, **columns):
        for name in columns:
            self.pack.rows[module][COLUMNS[name]] = columns[name]
        return self

    def sample(self, *modules, span_ms=500):
        """New samples of the modules (all when none is named), and a tick."""
        self.now_ms += span_ms
        for i in modules or range(self.pack.count):
            self.pack.put(i, self.now_ms)
        return self.tick(0)

    def tick(self, span_ms=100):
        self.now_ms += span_ms
        self.pack.update(self.now_ms)
        self.protect.tick(self.events, self.now_ms)
        return self

    def noted(self, event):
        """(level, data) of the events of this number, oldest first."""
        events, found = self.events, []
        for back in range(31, -1, -1):
            slot = events.slot(back)
            if slot >= 0 and events.event(slot) == event:
                found.append((events.level(slot), events.data(slot)))
        return found


BEGINS = (
    # columns of one module, what began it (0: nothing), wish, why
    ({}, 0, 0, "healthy"),
    ({"low": 2851}, 0, 0, "low, not too low"),
    ({"low": 2850}, CELL, -500, "a deep cell"),
    ({"low": 2800}, CELL, -500, "still the full protective current"),
    ({"low": 2799}, CELL, -200, "deeper: a trickle"),
    ({"low": 2000}, CELL, -200, "the deepest that may be charged"),
    ({"low": 1999}, CELL, 0, "dead cells are not charged"),
    ({"soc": 51}, 0, 0, "above the floor"),
    ({"soc": 50}, CHARGE_LOW, -500, "the floor"),
    ({"soc": 0}, CHARGE_LOW, -500, "below"),
    ({"soc": None}, 0, 0, "unknown is not low"),
    ({"soc": None, "low": 2850}, CELL, -500, "the cell alone decides"),
    ({"state": BOTH_ON | FORCE}, ASKED, -500, "the module asks"),
    ({"state": None}, 0, 0, "a BMS that does not say"),
    ({"state": 8 | 32}, 0, 0, "other bits"),
    ({"state": FORCE, "low": 2700, "soc": 10}, ASKED | CELL | CHARGE_LOW, -200, "all of them"),
    ({"low": 2850, "pack_mv": 44_000}, CELL, -470, "current times mean voltage"),
)


def test_begins():
    for module in (0, 1):
        for columns, why_began, wish_w, why in BEGINS:
            rig = Rig().set(module, **columns).sample()
            assert rig.protect.active == (why_began != 0), why
            assert rig.protect.wish_w == wish_w, (why, rig.protect.wish_w)
            wanted = [(WARNING, why_began)] if why_began else []
            assert rig.noted(EVENT_PROTECT_CHARGE) == wanted, why
            rig.sample()
            assert rig.noted(EVENT_PROTECT_CHARGE) == wanted, (why, "said once")


ENDS = (
    # columns at the begin, then, ended, wish, why
    ({"low": 2850}, {"low": 2999}, False, -500, "not yet rested"),
    ({"low": 2850}, {"low": 3000}, True, 0, "rested"),
    ({"low": 2700}, {"low": 2800}, False, -500, "from trickle to the full protective current"),
    ({"soc": 40}, {"soc": 79}, False, -500, "not yet the margin"),
    ({"soc": 40}, {"soc": 80}, True, 0, "30 pm above the floor"),
    ({"soc": 40}, {"soc": 80, "low": 2999}, False, -500, "the charge alone is not enough"),
    ({"low": 2850}, {"low": 3000, "soc": 79}, False, -500, "the cells alone are not enough"),
    ({"low": 2850}, {"low": 3000, "soc": None}, True, 0, "unknown charge: the cells decide"),
    ({"state": FORCE}, {"state": FORCE}, False, -500, "the module still asks"),
    ({"state": FORCE}, {"state": BOTH_ON}, True, 0, "it asks no more"),
    ({"state": FORCE}, {"state": None}, True, 0, "nor does a BMS that no longer says"),
)


def test_ends():
    for columns, then, ended, wish_w, why in ENDS:
        rig = Rig().set(**columns).sample()
        assert rig.protect.active, why
        rig.set(**then).sample()
        assert rig.protect.active != ended and rig.protect.wish_w == wish_w, why
        said = rig.noted(EVENT_PROTECT_CHARGE)
        assert (said[-1] == (INFO, 0)) == ended and len(said) == 1 + ended, (why, said)


def test_it_begins_anew():
    rig = Rig()
    for _ in range(3):
        rig.set(low=2850).sample().set(low=3300).sample()
    assert len(rig.noted(EVENT_PROTECT_CHARGE)) == 6 and not rig.protect.active


def test_only_new_samples_count():
    rig = Rig().set(low=2850)
    for _ in range(20):
        rig.tick()
    assert not rig.protect.active, "nobody has measured that yet"
    rig.sample()
    assert rig.protect.active
    rig.set(low=3300)
    for _ in range(20):
        rig.tick()
    assert rig.protect.active


def test_silence_changes_nothing():
    rig = Rig().set(low=2850).sample()
    rig.set(low=3300)
    for _ in range(60):
        rig.tick(200)
    assert rig.pack.strings_live == 0
    assert rig.protect.active and rig.protect.wish_w == -500, "the window looks after its age"


def test_a_silent_module_asks_for_nothing():
    rig = Rig().set(state=FORCE).sample()
    for _ in range(12):
        rig.sample(1)
    assert rig.pack.strings_live == 1
    assert not rig.protect.active, "its string is away, the others need no charge"
    rig.pack.exclude(0)
    rig.sample()
    assert not rig.protect.active, "nor does one that was left out"


def test_a_module_whose_string_is_not_whole_is_no_pack():
    rig = Rig()
    rig.pack = Pack(2, 1, 5000, 157_000)
    for row in rig.pack.rows:
        healthy(row)
    rig.protect = Protect(Settings(), rig.pack)
    rig.set(low=2700).sample(0).sample(0)
    assert not rig.protect.active and rig.protect.wish_w == 0


# --- balancing --------------------------------------------------------------------------------

BALANCE = (
    # highest, lowest cell, bit afterwards from 0, from 1, why
    (3399, 3300, 0, 1, "below 3 400 mV nothing begins"),
    (3400, 3391, 0, 1, "9 mV apart: nothing begins"),
    (3400, 3390, 1, 1, "10 mV apart near full"),
    (3500, 3400, 1, 1, "well above"),
    (3400, 3394, 0, 1, "6 mV: goes on"),
    (3400, 3395, 0, 0, "5 mV: even"),
    (3381, 3371, 0, 1, "goes on down to 3 380"),
    (3380, 3300, 0, 0, "far from full"),
)


def test_balance():
    for high_mv, low_mv, from_off, from_on, why in BALANCE:
        for module in (0, 1):
            rig = Rig().set(module, high=high_mv, low=low_mv).sample()
            assert rig.pack.balance_wanted == from_off << module, (why, "from off")
            rig.set(module, high=3450, low=3400).sample()
            assert rig.pack.balance_wanted == 1 << module
            rig.set(module, high=high_mv, low=low_mv).sample()
            assert rig.pack.balance_wanted == from_on << module, (why, "from on")


def test_balancing_is_said_when_the_first_begins_and_the_last_ends():
    rig = Rig()
    rig.set(0, high=3450, low=3400).sample()
    rig.set(1, high=3450, low=3400).sample()
    assert rig.pack.balance_wanted == 3
    rig.set(0, high=3300, low=3290).sample()
    rig.set(1, high=3300, low=3290).sample()
    assert rig.noted(EVENT_BALANCING) == [(INFO, 1), (INFO, 0)]


def test_balancing_can_be_switched_off():
    rig = Rig().set(0, high=3450, low=3400).sample()
    rig.protect.balancing = 0
    assert rig.sample().pack.balance_wanted == 0
    assert rig.noted(EVENT_BALANCING) == [(INFO, 1), (INFO, 0)]


def test_each_module_is_judged_by_its_own_sample():
    rig = Rig().set(0, high=3450, low=3400).set(1, high=3450, low=3400)
    assert rig.sample(1).pack.balance_wanted == 2
    assert rig.sample(0).pack.balance_wanted == 3
    rig = Rig(5).set(3, high=3450, low=3400)
    assert rig.sample().pack.balance_wanted == 8


def test_a_silent_module_is_not_asked_to_balance():
    rig = Rig().set(0, high=3450, low=3400).sample()
    for _ in range(12):
        rig.sample(1)
    assert rig.pack.balance_wanted == 0
    assert rig.noted(EVENT_BALANCING) == [(INFO, 1), (INFO, 0)]


def test_sixteen_modules_stay_small_integers_and_allocate_nothing():
    rig = Rig(16)
    rig.protect._mah = 6_400_000
    for i in range(16):
        rig.set(i, high=3450, low=2840, state=FORCE, pack_mv=100_000)
    for values in ((3450, 2840), (3300, 3300)):
        for row in rig.pack.rows:
            row[M_CELL_MV_MAX], row[M_CELL_MV_MIN] = values
        for i in range(16):
            rig.pack.put(i, rig.now_ms)
        rig.pack.update(rig.now_ms)
        micropython.heap_lock()
        try:
            rig.protect.tick(rig.events, rig.now_ms)
        finally:
            micropython.heap_unlock()
        assert rig.protect.active and rig.protect.wish_w == -32_000
    assert rig.pack.balance_wanted == 0
