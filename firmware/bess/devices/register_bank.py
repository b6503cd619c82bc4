"""The controller's own Modbus map: what core/points.py says, served from the image.

Read: the blocks of docs/registers.md, the SunSpec common model at 40000. Write: the control
block, all or nothing. A value that is unknown reads as the largest u16 or u32, or the smallest
i16 or i32. Registers with calls behind them are served by register_calls.py, once asked for.
"""

from micropython import const

from bess.core.control.modes import REFUSED_LOCAL_ONLY
from bess.core.events import PACK_SHIFT, SIZE as EVENTS_SIZE
from bess.core.points import (
    CALLS_BASE, CALLS_END, CALL_ITEMS_BASE, CALL_ITEMS_END, CAUSES, CONTROL_BASE, CONTROL_SPAN,
    EVENT_BASE, EVENT_POINTS, EVENT_STRIDE, E_AGE_S, E_DATA, E_ID, E_LEVEL, E_NUMBER, E_PACK,
    INPUTS, LINK_BASE, LINK_STRIDE, MODULES, MODULE_BASE, MODULE_STRIDE, M_AGE_DS, M_LIVE, OUTPUTS,
    REMOTE_LIFE_S, REMOTE_RELEASE, REMOTE_W, SHUTDOWN, SITE_SPAN, START, TRIPS,
)
from bess.core.tick import elapsed_ms
from bess.devices.register_maps import HOLE
from bess.protocols.modbus import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE

PACK_BASE = const(10_000)           # the site block of each pack
PACK_STRIDE = const(200)
_SUNSPEC_BASE = const(40000)
_AGE_DS_MAX = const(65534)
_BITS = (INPUTS, OUTPUTS, CAUSES, TRIPS)        # discrete inputs, 16 a word
_UNKNOWN = (0xFFFF, 0xFFFF, 0x8000, 0x8000, 0xFFFF, 0xFFFF, 0x8000, 0x0000)


class RegisterBank:
    """Serves and accepts registers for protocols/modbus.Server."""

    def __init__(self, manager, links, name):
        # here: the chip need not keep the tables, nor what reads them
        from bess.core.points import CONTROL_MAP, EVENT_MAP, LINK_MAP, MODULE_MAP, SITE_MAP
        from bess.devices.register_maps import common_model, slots_of
        self.identity = (b"BESS controller", name.encode(), b"1")
        self._manager = manager
        self._links = links
        self._site = slots_of(SITE_MAP, SITE_SPAN)
        self._control = slots_of(CONTROL_MAP, CONTROL_SPAN)
        self._module = slots_of(MODULE_MAP, MODULE_STRIDE)
        self._link = slots_of(LINK_MAP, LINK_STRIDE)
        self._event = slots_of(EVENT_MAP, EVENT_STRIDE)
        self._event_row = [None] * EVENT_POINTS
        self._control_row = [None] * (REMOTE_RELEASE + 3)
        self._sunspec = common_model(name)
        self._life_s = 60
        self._calls = None

    def read_registers(self, fc, address, count, out, at):
        """Fill out[at:] with `count` registers; 0, or exception 2 beyond a block."""
        end = address + count
        if end <= SITE_SPAN:
            _fill(self._site, address, count, self._manager.image.now, out, at)
            return 0
        pack, offset = divmod(address - PACK_BASE, PACK_STRIDE)
        if 0 <= pack < len(self._manager.packs) and offset + count <= SITE_SPAN:
            _fill(self._site, offset, count, self._manager.packs[pack].image.now, out, at)
            return 0
        if CONTROL_BASE <= address and end <= CONTROL_BASE + CONTROL_SPAN:
            self._fill_control()
            _fill(self._control, address - CONTROL_BASE, count, self._control_row, out, at)
            return 0
        if _SUNSPEC_BASE <= address and 2 * (end - _SUNSPEC_BASE) <= len(self._sunspec):
            first = 2 * (address - _SUNSPEC_BASE)
            for i in range(2 * count):
                out[at + i] = self._sunspec[first + i]
            return 0
        calls = self._calls_at(address)
        if calls:
            return calls.read(address, end, out, at)
        return self._read_repeated(address, end, out, at)

    def _calls_at(self, address):
        """Who serves a register with calls behind it, loaded when first asked; None for others."""
        if not (CALLS_BASE <= address < CALLS_END or CALL_ITEMS_BASE <= address < CALL_ITEMS_END):
            return None
        if self._calls is None:
            from bess.devices import register_calls
            self._calls = register_calls.Calls(self._manager)
        return self._calls

    def _read_repeated(self, address, end, out, at):
        manager = self._manager
        modules = manager.image.now[MODULES]
        if MODULE_BASE <= address and end <= MODULE_BASE + MODULE_STRIDE * modules:
            base, stride = MODULE_BASE, MODULE_STRIDE
            slots, row_of = self._module, self._module_row
        elif LINK_BASE <= address and end <= LINK_BASE + LINK_STRIDE * len(self._links):
            base, stride = LINK_BASE, LINK_STRIDE
            slots, row_of = self._link, self._link_row
        elif EVENT_BASE <= address and end <= EVENT_BASE + EVENT_STRIDE * EVENTS_SIZE:
            base, stride = EVENT_BASE, EVENT_STRIDE
            slots, row_of = self._event, self._event_at
        else:
            return ILLEGAL_ADDRESS
        while address < end:
            item, offset = divmod(address - base, stride)
            count = min(stride - offset, end - address)
            _fill(slots, offset, count, row_of(item), out, at)
            address += count
            at += 2 * count
        return 0

    def _module_row(self, item):
        packs = self._manager.packs
        pack = packs[item // packs[0].pack.count].pack
        item %= pack.count
        row = pack.rows[item]
        row[M_LIVE] = pack.live[item]
        age_ds = elapsed_ms(self._manager.now_ms, pack.at_ms[item]) // 100
        row[M_AGE_DS] = min(age_ds, _AGE_DS_MAX)
        return row

    def _link_row(self, item):
        return self._links[item].row(self._manager.now_ms)

    def _event_at(self, back):
        manager, row = self._manager, self._event_row
        events = manager.events
        slot = events.slot(back)
        for i in range(EVENT_POINTS):
            row[i] = None
        if slot >= 0:
            row[E_NUMBER] = (events.count - back) & 0xFFFF
            row[E_ID] = events.event(slot)
            level = events.level(slot)
            row[E_LEVEL], row[E_PACK] = level & 3, level >> PACK_SHIFT
            row[E_DATA] = events.data(slot)
            row[E_AGE_S] = elapsed_ms(manager.now_ms, events.at_ms(slot)) // 1000
        return row

    def _fill_control(self):
        row, manager = self._control_row, self._manager
        row[REMOTE_W] = manager.remote_w()
        row[REMOTE_LIFE_S] = self._life_s
        row[REMOTE_RELEASE] = 0
        row[START] = manager.run_wanted
        row[SHUTDOWN] = 1 if manager.latched else 0

    def write_registers(self, address, count, data, at):
        """Write whole values of the control block.

        0, or exception 2 (not writable, or half of a 32-bit value), 3 (out of range), 4 (the
        state forbids it).
        """
        calls = self._calls_at(address)
        if calls:
            return calls.write(address, count, data, at)
        first = address - CONTROL_BASE
        if first < 0 or first + count > CONTROL_SPAN:
            return ILLEGAL_ADDRESS
        if first == 1 or first + count == 1:
            return ILLEGAL_ADDRESS
        words = [data[at + 2 * i] << 8 | data[at + 2 * i + 1] for i in range(count)]
        value = {self._control[first + i] >> 3: words[i] for i in range(count)}
        if REMOTE_W in value:
            value[REMOTE_W] = words[0] << 16 | words[1]
            if words[0] & 0x8000:
                value[REMOTE_W] -= 1 << 32
        return self._check(value) or self._obey(value)

    def _check(self, value):
        settings = self._manager.settings
        power_w = value.get(REMOTE_W, 0)
        packs = len(self._manager.packs)
        good = (-settings.charge_w_max * packs <= power_w <= settings.discharge_w_max * packs
                and 1 <= value.get(REMOTE_LIFE_S, 1) <= 3600
                and value.get(REMOTE_RELEASE, 0) <= 1
                and value.get(START, 0) <= 1
                and value.get(SHUTDOWN, 0) <= 1)
        return 0 if good else ILLEGAL_VALUE

    def _obey(self, value):
        manager = self._manager
        if value.get(SHUTDOWN):
            manager.emergency_shutdown()
        if manager.latched and (REMOTE_W in value or value.get(START)):
            return DEVICE_FAILURE
        self._life_s = value.get(REMOTE_LIFE_S, self._life_s)
        if START in value and self._switch(value[START]):
            return DEVICE_FAILURE
        if REMOTE_W in value and manager.ask_remote(value[REMOTE_W], self._life_s * 1000):
            return DEVICE_FAILURE
        if value.get(REMOTE_RELEASE):
            manager.release_remote()
        return 0

    def _switch(self, run):
        """Start or stop on a change only: who writes cyclically must not re-arm trips."""
        manager = self._manager
        if run and not manager.run_wanted:
            return manager.refuse(REFUSED_LOCAL_ONLY) if manager.local else manager.start()
        if manager.run_wanted and not run:
            return manager.stop()
        return 0

    def read_bits(self, fc, address, count, out, at):
        """FC 2: words INPUTS, OUTPUTS, CAUSES, TRIPS from 0, 16 bits each; FC 1: coil 0, START."""
        if address + count > (1 if fc == 1 else 16 * len(_BITS)):
            return ILLEGAL_ADDRESS
        for i in range((count + 7) >> 3):
            out[at + i] = 0
        for i in range(count):
            if self._bit(fc, address + i):
                out[at + (i >> 3)] |= 1 << (i & 7)
        return 0

    def _bit(self, fc, number):
        if fc == 1:
            return self._manager.run_wanted
        word = self._manager.image.now[_BITS[number >> 4]]
        return word is not None and word >> (number & 15) & 1

    def write_bits(self, address, count, data, at):
        """Coil 0: 1 start, 0 stop."""
        if address or count != 1:
            return ILLEGAL_ADDRESS
        return self._obey({START: data[at] & 1})


def _fill(slots, first, count, values, out, at):
    """Registers first.. of a block out of its row of values; the server's hot loop."""
    for i in range(first, first + count):
        slot = slots[i]
        if slot == HOLE:
            word = 0
        else:
            word = values[slot >> 3]
            if word is None:
                word = _UNKNOWN[slot & 7]
            elif slot & 5 == 4:
                word >>= 16
        out[at] = word >> 8 & 0xFF
        out[at + 1] = word & 0xFF
        at += 2
