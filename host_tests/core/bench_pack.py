"""A pack on the bench: a manager with a plant that obeys at once, and faults to switch on.

Every tick is 100 ms. Modules bring a sample each 500 ms, one tick apart; the meter each second;
the inverter, the contactors and the inputs each tick.
"""

import micropython

from bess.core import config
from bess.core.battery.sequence import K_MINUS, K_PLUS, PCS_RUNNING, PRECHARGE
from bess.core.control.calls import PowerManager
from bess.core.control.modes import IDLE, STANDBY
from bess.core.points import (
    BATTERY_W, DC_MV, GRID_W, INPUTS, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN,
    M_CHARGE_MA_MAX, M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV,
    M_PROTECTIONS, M_SOC_PM, M_STATE, PCS_STATE, PCS_UNCONFIRMED,
)
from bess.core.tick import TICK_MASK

TICK_MS = 100
VOLTS_52_MV = 52_800
SITE = (("w_rated", 20_000), ("charge_w_max", 20_000), ("discharge_w_max", 20_000),
        ("strings_p", 4), ("module_ma_rated", 157_000), ("self_use", 0))


def settings_of(**changes):
    """Settings of the virtual site: 4 modules in parallel, 20 kW; changes by key.

    They need not fit each other: the bench's inverter is as large with one module as with four.
    """
    values = {row[0]: row[4] for row in config.FIELDS}
    known = len(values)
    values.update(dict(SITE))
    values.update(changes)
    assert len(values) == known, "unknown setting among %s" % sorted(changes)
    return config.settings_of(values, [])


def healthy(row, soc_pm=500):
    """Fill a module's row with values that limit nothing."""
    row[M_SOC_PM] = soc_pm
    row[M_PACK_MV] = VOLTS_52_MV
    row[M_CURRENT_MA] = 0
    row[M_CELL_MV_MAX], row[M_CELL_MV_MIN] = 3305, 3295
    row[M_CELL_DC_MAX], row[M_CELL_DC_MIN] = 260, 240
    row[M_CHARGE_MA_MAX] = row[M_DISCHARGE_MA_MAX] = 157_000
    row[M_STATE], row[M_PROTECTIONS], row[M_FAULTS] = 3, 0, 0
    row[M_FULL_DAH] = 3140


class Bench:
    """start_ms: first tick; the other arguments change settings.

    Faults to set: loop_ok, stuck_open and welded (coil bits), silent (module bits), pcs_answers,
    pcs_state (None follows the command), pcs_w (None follows the command), unconfirmed,
    meter_w (None: silent), bus_stuck (the bus does not fill), load_ma (current whatever happens).
    locked: every step runs with the heap locked.
    """

    def __init__(self, start_ms=1000, locked=False, **changes):
        self.settings = settings_of(**changes)
        self.manager = PowerManager(self.settings)
        self.now_ms = start_ms
        self.locked = locked
        self.loop_ok = self.pcs_answers = True
        self.stuck_open = self.welded = self.silent = 0
        self.pcs_state = self.pcs_w = self.meter_w = self.load_ma = None
        self.bus_stuck = False
        self.unconfirmed = 0
        self.ticks = 0
        for row in self.manager.pack.rows:
            healthy(row)

    def tick(self):
        """What the plant says, then one step; returns the manager."""
        manager = self.manager
        self._inputs(manager.image)
        self._modules(manager)
        if self.pcs_answers:
            self._inverter(manager)
        if self.meter_w is not None and self.ticks % 10 == 0:
            manager.image.put(GRID_W, self.meter_w, self.now_ms)
        if self.locked:
            micropython.heap_lock()
        try:
            manager.step(self.now_ms)
        finally:
            if self.locked:
                micropython.heap_unlock()
        manager.wishes.load_wanted()
        self.now_ms = (self.now_ms + TICK_MS) & TICK_MASK
        self.ticks += 1
        return manager

    def run(self, span_ms):
        """Ticks for span_ms; returns the manager."""
        for _ in range(span_ms // TICK_MS):
            self.tick()
        return self.manager

    def until(self, condition, span_ms):
        """Milliseconds until condition(manager) holds after a tick; fails after span_ms."""
        for ticks in range(span_ms // TICK_MS):
            if condition(self.tick()):
                return (ticks + 1) * TICK_MS
        raise AssertionError("not within %d ms" % span_ms)

    def started(self, battery_w=None):
        """This bench, running; battery_w: constant power that is reached."""
        self.run(1000)
        assert self.manager.start() == 0
        self.until(lambda manager: manager.mode == IDLE, 20_000)
        if battery_w is not None:
            assert self.manager.set_constant_power(battery_w, 0) == 0
            self.until(lambda manager: manager.command.battery_w == battery_w, 20_000)
            self.run(600)               # the modules' currents follow
        return self

    def rows(self, column, value):
        """Set one column of every module."""
        for row in self.manager.pack.rows:
            row[column] = value

    def has(self, event):
        """How often an event stands in the ring."""
        events, found = self.manager.events, 0
        for back in range(32):
            slot = events.slot(back)
            if slot >= 0 and events.event(slot) == event:
                found += 1
        return found

    def coils(self):
        """Contactor coils that the manager wants, as the board's outputs show them."""
        return self.manager.outputs() & (K_MINUS | PRECHARGE | K_PLUS)

    def power_w(self):
        """Measured power of the inverter."""
        if self.pcs_w is not None:
            return self.pcs_w
        return self.manager.command.battery_w if self.manager.command.run else 0

    def _inputs(self, image):
        closed = self.coils() & ~self.stuck_open | self.welded
        image.put(INPUTS, (1 if self.loop_ok else 0) | (~closed & 7) << 1, self.now_ms)

    def _modules(self, manager):
        pack = manager.pack
        on_bus = self.coils() & K_PLUS or self.settings.contactors == "none"
        total_ma = self.power_w() * 1000 // (VOLTS_52_MV // 1000) if on_bus else 0
        if self.load_ma is not None:
            total_ma = self.load_ma
        for i in range(pack.count):
            if self.ticks % 5 == i % 5 and not self.silent >> i & 1:
                pack.rows[i][M_CURRENT_MA] = total_ma // pack.strings_p
                pack.put(i, self.now_ms)

    def _inverter(self, manager):
        image, state = manager.image, self.pcs_state
        if state is None:
            state = PCS_RUNNING if manager.command.run else 0
        image.put(PCS_STATE, state, self.now_ms)
        image.put(BATTERY_W, self.power_w(), self.now_ms)
        filled = self.coils() & (PRECHARGE | K_PLUS) and not self.bus_stuck
        image.put(DC_MV, VOLTS_52_MV * self.settings.modules_s if filled else 0, self.now_ms)
        image.put(PCS_UNCONFIRMED, self.unconfirmed, self.now_ms)


# conditions for `until`


def causes(manager):
    """Latched causes as numbers."""
    return tuple([n for n in range(16) if manager.latched >> n & 1])


def trips(manager):
    """Present trips as numbers."""
    return tuple([n for n in range(16) if manager.trips.present >> n & 1])


def in_standby(manager):
    return manager.mode == STANDBY


def is_open(manager):
    """True when no contactor coil is wanted."""
    return manager.outputs() & (K_MINUS | PRECHARGE | K_PLUS) == 0


def latched(manager):
    return manager.latched != 0
