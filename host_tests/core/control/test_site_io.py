"""Inputs with their polarity, outputs with their hysteresis."""

import micropython

from bess.core.battery.pack import Pack
from bess.core.control.checks import SITE_AUX, SITE_DOOR, SITE_FIRE, SITE_INSULATION
from bess.core.control.site_io import (
    OUT_ALARM_OK, OUT_FAN, OUT_HEATER, OUT_LIFE, OUT_SHED_1, OUT_TRIP, SiteIo,
)
from bess.core.image import Image
from bess.core.points import INPUTS, M_CELL_DC_MAX, M_CELL_DC_MIN, M_PACK_MV
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy

FIRE, INSULATION, DOOR, AUX = 16, 32, 64, 128       # bits of INPUTS, 1 = contact closed
ALL = FIRE | INSULATION | DOOR | AUX
TRIP_DOOR, TRIP_AUX = 1 << 10, 1 << 11


class Wiring:
    """Settings: every input is wired and healthy when closed."""

    def __init__(self, **changes):
        self.fire_input = self.insulation_input = self.door_input = self.aux_input = "closed"
        self.door_trips = self.aux_trips = 1
        for name in changes:
            setattr(self, name, changes[name])


class Rig:
    def __init__(self, start_ms=1000, modules_s=1, **changes):
        self.image, self.pack = Image(), Pack(modules_s, 1, 2000, 157_000)
        self.io = SiteIo(Wiring(**changes))
        self.now_ms = start_ms
        self.alarmed = self.burning = False
        self.sample(None, 0)

    def sample(self, column, value):
        """All modules bring a sample with this value."""
        for i in range(self.pack.count):
            row = self.pack.rows[i]
            healthy(row)
            if column is not None:
                row[column] = value
                if column == M_CELL_DC_MAX:
                    row[M_CELL_DC_MIN] = value
            self.pack.put(i, self.now_ms)
        self.pack.update(self.now_ms)

    def read(self, inputs):
        """(conditions, trips) of these inputs."""
        self.image.now[INPUTS] = inputs
        micropython.heap_lock()
        self.io.read(self.image, self.pack)
        micropython.heap_unlock()
        return self.io.conditions, self.io.trips

    def drive(self, span_ms=100):
        """The outputs without the life sign."""
        for _ in range(span_ms // 100):
            micropython.heap_lock()
            self.io.drive(self.pack, self.alarmed, self.burning, self.now_ms)
            micropython.heap_unlock()
            self.now_ms = (self.now_ms + 100) & TICK_MASK
        return self.io.outputs & ~OUT_LIFE


CONTACTS = (
    # settings, inputs, conditions, trips, why
    ({}, ALL, 0, 0, "all closed"),
    ({}, ALL & ~FIRE, SITE_FIRE, 0, "fire"),
    ({}, ALL & ~INSULATION, SITE_INSULATION, 0, "insulation"),
    ({}, ALL & ~DOOR, 0, TRIP_DOOR, "door"),
    ({}, ALL & ~AUX, 0, TRIP_AUX, "supply"),
    ({}, 15, SITE_FIRE | SITE_INSULATION, TRIP_DOOR | TRIP_AUX, "all wires broken"),
    ({}, None, SITE_FIRE | SITE_INSULATION, TRIP_DOOR | TRIP_AUX, "cannot be read"),
    ({"door_trips": 0}, ALL & ~DOOR, SITE_DOOR, 0, "a door that only warns"),
    ({"aux_trips": 0}, ALL & ~AUX, SITE_AUX, 0, "a supply that only warns"),
    ({"fire_input": "none"}, ALL & ~FIRE, 0, 0, "not wired"),
    ({"fire_input": "none"}, None, SITE_INSULATION, TRIP_DOOR | TRIP_AUX, "not wired, unread"),
    ({"fire_input": "open"}, ALL & ~FIRE, 0, 0, "healthy when open"),
    ({"fire_input": "open"}, ALL, SITE_FIRE, 0, "closed by smoke"),
    ({"door_input": "open"}, None, SITE_FIRE | SITE_INSULATION, TRIP_DOOR | TRIP_AUX, "unread"),
)


def test_contacts():
    for settings, inputs, conditions, trips, why in CONTACTS:
        rig = Rig(**settings)
        assert rig.read(inputs) == (conditions, trips), (why, rig.read(inputs))
        healthy_inputs = ALL
        for name, bit in (("fire_input", FIRE), ("door_input", DOOR)):
            if settings.get(name) == "open":
                healthy_inputs &= ~bit
        assert rig.read(healthy_inputs) == (0, 0), (why, "healthy again")


def test_nothing_is_wired():
    rig = Rig(fire_input="none", insulation_input="none", door_input="none", aux_input="none")
    for inputs in (0, ALL, None):
        assert rig.read(inputs) == (0, 0)


MEASURED = (
    # modules in series, insulation in ohm, is too low, why (105 V: 10 500 ohm)
    (2, 10_500, False, "100 ohm per volt"),
    (2, 10_499, True, "less"),
    (2, None, False, "not measured"),
    (1, 10, False, "52 V may be touched"),
)


def test_measured_insulation():
    for modules_s, ohm, wanted, why in MEASURED:
        rig = Rig(modules_s=modules_s)
        rig.io.insulation_ohm = ohm
        assert rig.read(ALL) == (SITE_INSULATION if wanted else 0, 0), why
        rig.io.insulation_ohm = None
        assert rig.read(ALL) == (0, 0), why


def test_60_v_are_not_above_60_v():
    for pack_mv, wanted in ((60_000, 0), (60_001, SITE_INSULATION)):
        rig = Rig()
        rig.sample(M_PACK_MV, pack_mv)
        rig.io.insulation_ohm = 100
        assert rig.read(ALL)[0] == wanted, pack_mv


def test_insulation_without_a_voltage_is_not_judged():
    rig = Rig(modules_s=2)
    rig.io.insulation_ohm = 10
    assert rig.read(ALL)[0] == SITE_INSULATION
    rig.now_ms += 5000
    rig.pack.update(rig.now_ms)
    assert rig.pack.strings_live == 0 and rig.read(ALL)[0] == 0


def test_bits_of_the_point():
    bits = (OUT_TRIP, OUT_FAN, OUT_HEATER, OUT_SHED_1, OUT_ALARM_OK, OUT_LIFE)
    assert bits == (8, 32, 64, 128, 512, 1024)
    io = SiteIo(Wiring())
    assert (io.conditions, io.trips, io.outputs) == (0, 0, 0), "low until the first tick"


FAN = ((350, 0, "not above 35.0"), (351, 1, "above"), (301, 1, "stays"), (300, 0, "off"),
       (350, 0, "stays off"), (400, 1, "on"))
HEATER = ((50, 0, "not below 5.0"), (49, 1, "below"), (99, 1, "stays"), (100, 0, "off"),
          (51, 0, "stays off"), (-200, 1, "on"))


def test_fan():
    rig = Rig()
    for hot_dc, wanted, why in FAN:
        rig.sample(M_CELL_DC_MAX, hot_dc)
        assert rig.drive() & OUT_FAN == wanted * OUT_FAN, (hot_dc, why)
        assert not rig.io.outputs & OUT_HEATER


def test_heater():
    rig = Rig()
    rig.io.charge_wanted = True
    for cold_dc, wanted, why in HEATER:
        rig.sample(M_CELL_DC_MIN, cold_dc)
        assert rig.drive() & OUT_HEATER == wanted * OUT_HEATER, (cold_dc, why)
    rig.io.charge_wanted = False
    assert not rig.drive() & OUT_HEATER, "nobody wants to charge"


def test_fire_takes_fan_and_heater():
    rig = Rig()
    rig.io.charge_wanted = True
    rig.sample(M_CELL_DC_MAX, 500)
    rig.pack.rows[0][M_CELL_DC_MIN] = 0
    rig.pack.put(0, rig.now_ms)
    rig.pack.update(rig.now_ms)
    assert rig.drive() & (OUT_FAN | OUT_HEATER) == OUT_FAN | OUT_HEATER
    rig.burning = True
    assert rig.drive() & (OUT_FAN | OUT_HEATER) == 0
    rig.burning = False
    assert rig.drive() & (OUT_FAN | OUT_HEATER) == OUT_FAN | OUT_HEATER


def test_what_is_unknown_is_not_heated_and_cooled_as_before():
    rig = Rig()
    rig.io.charge_wanted = True
    rig.sample(M_CELL_DC_MAX, 20)
    rig.pack.rows[0][M_CELL_DC_MAX] = 400
    rig.pack.put(0, rig.now_ms)
    rig.pack.update(rig.now_ms)
    assert rig.drive() & (OUT_FAN | OUT_HEATER) == OUT_FAN | OUT_HEATER
    rig.now_ms += 3000
    rig.pack.update(rig.now_ms)
    assert rig.drive() & (OUT_FAN | OUT_HEATER) == OUT_FAN


def test_trip_alarm_and_shed():
    rig = Rig()
    assert rig.drive() == OUT_ALARM_OK, "energised: all is well"
    rig.alarmed = True
    assert rig.drive() == 0, "an alarm lets the relay fall"
    rig.alarmed = False
    for shed, wanted in ((1, OUT_SHED_1), (2, 2 * OUT_SHED_1), (3, 3 * OUT_SHED_1), (0, 0)):
        rig.io.shed = shed
        assert rig.drive() == OUT_ALARM_OK | wanted, shed


def test_life_sign():
    for start_ms in (1000, TICK_MASK - 3000):
        rig = Rig(start_ms)
        rig.drive(2000)
        seen = []
        for _ in range(60):
            rig.drive()
            seen.append(rig.io.outputs & OUT_LIFE)
        changes = [i for i in range(1, 60) if seen[i] != seen[i - 1]]
        assert [b - a for a, b in zip(changes, changes[1:])] == [10] * (len(changes) - 1)
        assert len(changes) >= 5, "it toggles each second"
    rig = Rig()
    rig.drive(2000)
    before = rig.io.outputs & OUT_LIFE
    toggles = 0
    for _ in range(67):                 # ticks that are late by half: no drift
        rig.drive()
        rig.now_ms += 50
        toggles += rig.io.outputs & OUT_LIFE != before
        before = rig.io.outputs & OUT_LIFE
    assert toggles == 10
