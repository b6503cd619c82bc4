"""JK BMS of the PB series over "RS485 Modbus" (V1.0, V1.1): a module that switches its own poles.

Addresses count bytes: base + byte offset, while the quantity counts registers, at most 40 in a
read. So one sample is three reads, and it counts only when all came within 2 s. The current
limits are settings, read once and again every 10 min. Nothing is ever written: settings wear the
flash, and its switches are no control outputs.

Quirks: + is charging; temperatures below zero come as 1000 + tenths of a degree, or as usual.
"""

from micropython import const

from bess.core.points import (
    FAULT_CELL_FAULT, FAULT_CHARGE_SWITCH, FAULT_COMMUNICATION, FAULT_DISCHARGE_SWITCH,
    FAULT_SENSOR, FAULT_SHORT_CIRCUIT, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN,
    M_CHARGE_MA_MAX, M_CHARGE_MV_MAX, M_CURRENT_MA, M_CYCLES, M_DISCHARGE_MA_MAX, M_FAULTS,
    M_FULL_DAH, M_PACK_MV, M_PROTECTIONS, M_SOC_PM, M_SOH_PM, M_STATE, MODULE_POINTS,
    PROTECTION_CELL_OV, PROTECTION_CELL_UV, PROTECTION_CHARGE_COLD, PROTECTION_CHARGE_HOT,
    PROTECTION_CHARGE_OC, PROTECTION_DISCHARGE_HOT, PROTECTION_DISCHARGE_OC, PROTECTION_PACK_OV,
    PROTECTION_PACK_UV,
)
from bess.core.tick import TICK_MASK, elapsed_ms
from bess.devices.module_row import CELL_MV_MAX, CELL_MV_MIN, is_plausible, publish
from bess.devices.polling import Poll, keep
from bess.protocols.modbus import ABANDONED
from bess.protocols.registers import HIGH8, I32, LOW8, U32, decode, decode_rows, i16, u16

_STEP = const(2)                    # the address moves by 2 per register
_SPAN_MS = const(2000)
_SETTINGS_MS = const(600_000)
_SETTINGS_RETRY_MS = const(2000)

# address, registers of the parts of a sample; together less than the kept bytes
_CELLS, _PACK, _TICKS = (0x1200, 32), (0x1290, 33), (0x12F0, 7)
_PARTS = (_CELLS, _PACK, _TICKS)
_KEPT_AT = (0, 64, 130)
_KEPT = const(144)
_SETTINGS = (0x1020, 40)

_CELLS_MOST = const(32)
_CHARGE_LIMIT, _DISCHARGE_LIMIT, _CELL_COUNT = 0x102C, 0x1038, 0x106C
_CHARGE_CELL_MV = const(0x1020)     # V1.1; requested for each cell

_PACK_FIELDS = (
    (M_PACK_MV, 0x1290, U32, 1, 1),
    (M_CURRENT_MA, 0x1298, I32, -1, 1),
    (M_SOC_PM, 0x12A6, LOW8, 10, 1),
    (M_FULL_DAH, 0x12AC, U32, 1, 100),
    (M_CYCLES, 0x12B0, U32, 1, 1),
    (M_SOH_PM, 0x12B8, HIGH8, 10, 1),
)
_ALARMS = const(0x12A0)
_BATTERY_DC = ((1, 1, 0x129C), (2, 1, 0x129E), (3, 2, 0x12F8), (4, 2, 0x12FA), (5, 2, 0x12FC))
_SENSORS = const(0x12D0)            # high byte: bit n = battery sensor n is there
# address, kind of the byte, bit of M_STATE that it sets unless it is 0
_STATES = ((0x12C0, HIGH8, 1), (0x12C0, LOW8, 2), (0x12A6, HIGH8, 4), (0x12D0, LOW8, 8))

_HOT = 1 << PROTECTION_CHARGE_HOT | 1 << PROTECTION_DISCHARGE_HOT
# bit of the alarm word, bits of M_PROTECTIONS, bits of M_FAULTS. Without a row: wire resistance,
# GPS, default password, parallel module: nothing that the battery is protected from.
_ALARM_BITS = (
    (1, _HOT, 0),                                   # switches too hot
    (2, 0, 1 << FAULT_CELL_FAULT),                  # cell count differs from the setting
    (3, 0, 1 << FAULT_SENSOR),                      # current sensor
    (4, 1 << PROTECTION_CELL_OV, 0),
    (5, 1 << PROTECTION_PACK_OV, 0),
    (6, 1 << PROTECTION_CHARGE_OC, 0),
    (7, 0, 1 << FAULT_SHORT_CIRCUIT),               # while charging
    (8, 1 << PROTECTION_CHARGE_HOT, 0),
    (9, 1 << PROTECTION_CHARGE_COLD, 0),
    (10, 0, 1 << FAULT_COMMUNICATION),              # inside the BMS
    (11, 1 << PROTECTION_CELL_UV, 0),
    (12, 1 << PROTECTION_PACK_UV, 0),
    (13, 1 << PROTECTION_DISCHARGE_OC, 0),
    (14, 0, 1 << FAULT_SHORT_CIRCUIT),              # while discharging
    (15, 1 << PROTECTION_DISCHARGE_HOT, 0),
    (16, 0, 1 << FAULT_CHARGE_SWITCH),
    (17, 0, 1 << FAULT_DISCHARGE_SWITCH),
    (20, 0, 1 << FAULT_DISCHARGE_SWITCH),           # does not switch on
    (21, _HOT, 0),                                  # battery too hot
    (22, 0, 1 << FAULT_SENSOR),                     # temperature sensor
)


def celsius_dc(raw):
    """Temperature in 0.1 degC out of a signed register: from 990 on it means 1000 - t."""
    return 1000 - raw if raw >= 990 else raw


class JkModule:
    """Module number `index` of `pack`, counted from 0. rejected, samples: as in bess_module."""

    urgent = False

    def __init__(self, unit, index, pack, period_ms=1000, latency_ms=0):
        self.unit = unit
        self.rejected = 0
        self.samples = 0
        self._index = index
        self._pack = pack
        self._latency_ms = latency_ms
        self._polls = [Poll(unit, address, count, period_ms) for address, count in _PARTS]
        self._settings = Poll(unit, _SETTINGS[0], _SETTINGS[1], _SETTINGS_RETRY_MS)
        self._cells = 0             # in series; 0 until the settings are known
        self._part = 0              # of the sample that is being read
        self._began_ms = 0          # first answer of this sample
        self._kept = bytearray(_KEPT)
        self._seen = False          # a first sample alone does not prove life
        self._changed = False
        self._cells_good = False
        self._sensors = 0
        self._sample = [None] * MODULE_POINTS

    def next_write(self, now_ms):
        """Nothing is ever written to this BMS."""
        return None

    def next_read(self, now_ms):
        """The settings when they are due, else the next part of the sample."""
        if self._settings.overdue_ms(now_ms) >= 0:
            return self._settings.ask(now_ms)
        poll = self._polls[self._part]
        if not self._cells or self._part == 0 and poll.overdue_ms(now_ms) < 0:
            return None
        return poll.ask(now_ms)

    def done(self, request, data, now_ms):
        """An answer; with the last part of a sample it goes to the pack, if it is new."""
        if request is self._settings:
            self._take_settings(data)
            return
        part = self._part
        if request is not self._polls[part]:
            return
        if part == 0:
            self._began_ms = now_ms
            self._changed = False
        if keep(self._kept, _KEPT_AT[part], data):
            self._changed = True
        if part == 0:
            self._take_cells(data)
        else:
            self._take_part(part, data)
        self._part = part + 1 if part + 1 < len(_PARTS) else 0
        if self._part == 0:
            self._finish(now_ms)

    def failed(self, request, code, now_ms):
        """A sample with a missing part is none; it begins anew with the next period."""
        if request is self._settings:
            return
        if code == ABANDONED:
            self._polls[self._part].at_once = True
        else:
            self._part = 0

    def _take_settings(self, data):
        sample = self._sample
        sample[M_CHARGE_MA_MAX] = decode(U32, data, _CHARGE_LIMIT - _SETTINGS[0])
        sample[M_DISCHARGE_MA_MAX] = decode(U32, data, _DISCHARGE_LIMIT - _SETTINGS[0])
        cells = decode(U32, data, _CELL_COUNT - _SETTINGS[0])
        if 1 <= cells <= _CELLS_MOST:
            self._cells = cells
            sample[M_CHARGE_MV_MAX] = cells * decode(U32, data, _CHARGE_CELL_MV - _SETTINGS[0])
            self._settings.period_ms = _SETTINGS_MS
        else:
            self.rejected += 1
            self._cells = 0
            self._settings.period_ms = _SETTINGS_RETRY_MS

    def _take_cells(self, data):
        """Extremes of the cells; not good while one of them has no plausible voltage."""
        self._cells_good = self._cells > 0
        highest, lowest = CELL_MV_MIN, CELL_MV_MAX
        for i in range(self._cells):
            mv = u16(data, 2 * i)
            if not CELL_MV_MIN <= mv <= CELL_MV_MAX:
                self._cells_good = False
            if mv > highest:
                highest = mv
            if mv < lowest:
                lowest = mv
        sample = self._sample
        sample[M_CELL_MV_MAX], sample[M_CELL_MV_MIN] = highest, lowest

    def _take_part(self, part, data):
        address, sample = _PARTS[part][0], self._sample
        if part == 1:
            decode_rows(_PACK_FIELDS, data, address, sample, _STEP)
            sample[M_CELL_DC_MAX] = sample[M_CELL_DC_MIN] = None
            self._sensors = data[_SENSORS - address]
            self._take_state(data, address)
            self._take_alarms(data, _ALARMS - address)
        for sensor, where, first in _BATTERY_DC:
            if where == part and self._sensors >> sensor & 1:
                self._take_temperature(celsius_dc(i16(data, first - address)))

    def _take_temperature(self, dc):
        sample = self._sample
        if sample[M_CELL_DC_MAX] is None or dc > sample[M_CELL_DC_MAX]:
            sample[M_CELL_DC_MAX] = dc
        if sample[M_CELL_DC_MIN] is None or dc < sample[M_CELL_DC_MIN]:
            sample[M_CELL_DC_MIN] = dc

    def _take_state(self, data, address):
        state = 0
        for first, kind, bit in _STATES:
            if decode(kind, data, first - address):
                state |= bit
        self._sample[M_STATE] = state

    def _take_alarms(self, data, at):
        protections = faults = 0
        high, low = u16(data, at), u16(data, at + 2)
        for bit, protection, fault in _ALARM_BITS:
            if (high >> bit - 16 if bit >= 16 else low >> bit) & 1:
                protections |= protection
                faults |= fault
        self._sample[M_PROTECTIONS], self._sample[M_FAULTS] = protections, faults

    def _finish(self, now_ms):
        """All parts are there: is it a sample, is it new, did it come in time?"""
        seen, self._seen = self._seen, True
        if not seen or not self._changed:
            return
        late = elapsed_ms(now_ms, self._began_ms) > _SPAN_MS
        if late or not self._cells_good or not is_plausible(self._sample):
            self.rejected += 1
            return
        self.samples += 1
        publish(self._sample, self._pack, self._index,
                (self._began_ms - self._latency_ms) & TICK_MASK)
