"""Registers with calls of the power manager behind them: docs/registers.md from 300 on.

The register bank loads this module when somebody first asks for one of them, in the server's task
and not in a tick: a site that is only watched and given setpoints never has it in its RAM.

A set (parameters, an entry of the schedule) is written into a stage, one for all clients, and
taken whole by the write of its last register. What a call refuses is an exception and, as every
refusal, an event.
"""

from micropython import const

from bess.core.call_points import (
    ACKNOWLEDGE, ALARMS_BASE, ALARMS_MAP, ALARMS_SPAN, ALARM_BASE, ALARM_MAP, ALARM_STRIDE,
    CALIBRATION_BASE, CALIBRATION_MAP, CALIBRATION_SPAN, CHARGE_BASE, CHARGE_MAP, CHARGE_SPAN,
    DISCHARGE_BASE, DISCHARGE_MAP, DISCHARGE_SPAN, ENTRY_BASE, ENTRY_MAP, ENTRY_SPAN, ENTRY_STRIDE,
    MAINTENANCE_BASE, MAINTENANCE_MAP, MAINTENANCE_SPAN, OPERATE_BASE, OPERATE_MAP, OPERATE_SPAN,
    RESET_BASE, RESET_MAP, RESET_SPAN, SCHEDULE_BASE, SCHEDULE_MAP, SCHEDULE_SPAN,
)
from bess.core.control.alarms import (
    A_ACKNOWLEDGED, A_ACTIVE, A_COUNT, A_DATA, A_FIRST_S, A_ID, A_LAST_S, A_LEVEL, A_POINTS,
    SIZE as ALARMS_MAX,
)
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, ENTRIES, MAINTENANCE, REFUSED_DIRECTION, REFUSED_LOCAL_ONLY,
    REFUSED_LOOSER, REFUSED_MODE, REFUSED_NO_PERSON, REFUSED_RANGE, STANDBY,
)
from bess.core.control.people import ON_SITE
from bess.core.points import BY_MANUAL, UPTIME_S
from bess.core.request import slot_of
from bess.core.tick import elapsed_ms
from bess.protocols.modbus import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE
from bess.protocols.registers import I32, U16, decode, u16

# of each block: first register, registers of an item, items, its map; sets first, as below
_BLOCKS = (
    ENTRY_BASE, ENTRY_STRIDE, ENTRIES, ENTRY_MAP,
    CHARGE_BASE, CHARGE_SPAN, 1, CHARGE_MAP,
    DISCHARGE_BASE, DISCHARGE_SPAN, 1, DISCHARGE_MAP,
    OPERATE_BASE, OPERATE_SPAN, 1, OPERATE_MAP,
    RESET_BASE, RESET_SPAN, 1, RESET_MAP,
    SCHEDULE_BASE, SCHEDULE_SPAN, 1, SCHEDULE_MAP,
    MAINTENANCE_BASE, MAINTENANCE_SPAN, 1, MAINTENANCE_MAP,
    CALIBRATION_BASE, CALIBRATION_SPAN, 1, CALIBRATION_MAP,
    ALARMS_BASE, ALARMS_SPAN, 1, ALARMS_MAP,
    ALARM_BASE, ALARM_STRIDE, ALARMS_MAX, ALARM_MAP,
)
_COLUMNS = const(4)
_ENTRY = const(0)
_CHARGE = const(4)
_DISCHARGE = const(8)
_RESET = const(16)
# last register of a set's item
_TAKES = (ENTRY_SPAN - 1, CHARGE_SPAN - 1, DISCHARGE_SPAN - 1)
_NOTHING = const(-1)
_STAGE_MS = const(60_000)
# what the last register of a set may be told
_TAKE = const(1)
_REMOVE = const(2)
_ENABLE = const(3)
_DISABLE = const(4)
# registers that are an order each, by their addresses; a power goes with its minutes
_SET_MODE = OPERATE_BASE
_CHARGE_TO = OPERATE_BASE + 1
_CONSTANT = OPERATE_BASE + 2
_DISCHARGE_AT = OPERATE_BASE + 6
_STOP = OPERATE_BASE + 9
_SET_GRID = OPERATE_BASE + 10
_RESET_IT = RESET_BASE + 1
_SCHEDULE_ON = SCHEDULE_BASE
_ACKNOWLEDGE = ALARMS_BASE + ACKNOWLEDGE
_ALL = const(255)
_MINUTE_MS = const(60_000)
_UNKNOWN = (-1, -0x8000, -1, -0x80000000)       # by kind, as docs/registers.md says


class Calls:
    """Reads and writes these registers for devices/register_bank.py."""

    def __init__(self, manager):
        self._manager = manager
        self._refusal = self._reset_refusal = 0
        self._block = self._item = 0
        self._staged = self._stage = None       # (block, item) and its registers as bytes
        self._staged_ms = 0
        self._values = (
            self._entry, self._charge, self._discharge, self._operate, self._reset,
            self._schedule, self._maintenance, self._calibration, self._alarms, self._alarm,
        )

    def read(self, address, end, out, at):
        """Fill out[at:] with the registers address..end-1; 0, or exception 2."""
        while address < end:
            first = self._find(address)
            if first < 0:
                return ILLEGAL_ADDRESS
            data = self._shown()
            for i in range(2 * (address - first), min(len(data), 2 * (end - first))):
                out[at] = data[i]
                at += 1
            address = first + len(data) // 2
        return 0

    def write(self, address, count, data, at):
        """0, or exception 2 (no register to write), 3 (a value), 4 (the state forbids it)."""
        first = self._find(address)
        if first < 0:
            return ILLEGAL_ADDRESS
        try:
            if self._block <= _DISCHARGE:
                refusal = self._set(address - first, count, data, at)
            else:
                refusal = self._order(address, count, data, at)
        except ValueError:
            refusal = self._manager.refuse(REFUSED_RANGE)
        if refusal is None:
            return ILLEGAL_ADDRESS
        self._refusal = refusal
        if refusal == 0:
            return 0
        value = refusal == REFUSED_RANGE or refusal == REFUSED_LOOSER
        return ILLEGAL_VALUE if value or refusal == REFUSED_DIRECTION else DEVICE_FAILURE

    def _find(self, address):
        """First register of the item that has this one, which is remembered; -1 without any."""
        for block in range(0, len(_BLOCKS), _COLUMNS):
            offset, stride = address - _BLOCKS[block], _BLOCKS[block + 1]
            if 0 <= offset < stride * _BLOCKS[block + 2]:
                self._block, self._item = block, offset // stride
                return address - offset % stride
        return -1

    # --- sets -----------------------------------------------------------------------------

    def _set(self, offset, count, data, at):
        """Put registers on the stage; with the last of them, take the set. A refusal or None."""
        take = _TAKES[self._block // _COLUMNS]
        if offset + count - 1 > take:
            return None
        if self._manager.local:
            return self._manager.refuse(REFUSED_LOCAL_ONLY)
        order = u16(data, at + 2 * count - 2) if offset + count - 1 == take else 0
        here = (self._block, self._item)
        waits = self._waits(here)
        if order == 0 or count > 1:
            if not waits:
                self._stage = self._in_force()
            for i in range(2 * count):
                self._stage[2 * offset + i] = data[at + i]
            self._staged, self._staged_ms = here, self._manager.now_ms
            if order == 0:
                return 0
        elif order == _TAKE and not waits:
            return self._manager.refuse(REFUSED_MODE)       # somebody else has used the stage
        self._staged = None
        return self._take(order)

    def _waits(self, here):
        """True while registers of this item are on the stage."""
        age_ms = elapsed_ms(self._manager.now_ms, self._staged_ms)
        return self._staged == here and age_ms <= _STAGE_MS

    def _take(self, order):
        manager, item = self._manager, self._item
        if self._block == _ENTRY and order == _REMOVE:
            return manager.remove_schedule(item)
        if self._block == _ENTRY and (order == _ENABLE or order == _DISABLE):
            return manager.enable_schedule(item, order == _ENABLE)
        if order != _TAKE:
            return manager.refuse(REFUSED_RANGE)
        rows, values = _BLOCKS[self._block + 3], []
        for i in range(0, len(rows) - 2, 2):
            code = rows[i] << 8 | rows[i + 1]
            values.append(decode(code & 7, self._stage, 2 * (code >> 3)))
        if self._block == _ENTRY:
            return manager.update_schedule(item, values)
        if self._block == _CHARGE:
            return manager.set_charge_params(*values)
        return manager.set_discharge_params(*values)

    # --- orders ---------------------------------------------------------------------------

    def _order(self, address, count, data, at):
        """One call for one write; its refusal, or None when these registers are no order."""
        manager = self._manager
        timed = address == _CONSTANT or address == _DISCHARGE_AT
        if count != (3 if timed else 1):
            return None
        value = decode(I32 if timed else U16, data, at)
        stops = address == _SET_MODE and (value == STANDBY or value == EMERGENCY)
        if manager.local and not stops:
            return manager.refuse(REFUSED_LOCAL_ONLY)
        if address == _RESET_IT:
            self._reset_refusal = manager.reset_emergency(False, value)
            return self._reset_refusal
        if address == _SCHEDULE_ON and value <= 1:
            return manager.enable_scheduling(value)
        if address == _ACKNOWLEDGE and value <= _ALL:
            manager.acknowledge(-1 if value == _ALL else value)
            return 0
        if address == _SCHEDULE_ON or address == _ACKNOWLEDGE:
            return manager.refuse(REFUSED_RANGE)
        return self._operation(address, value, u16(data, at + 4) if timed else 0)

    def _operation(self, address, value, minutes):
        manager = self._manager
        if address == _SET_MODE and value == MAINTENANCE:
            return manager.enter_maintenance("", False)
        if address == _SET_MODE and value != CHARGE and value != DISCHARGE:
            return manager.set_mode(value)
        if address == _STOP:
            return manager.stop_operation() if value == 1 else manager.refuse(REFUSED_RANGE)
        if address == _SET_GRID:
            return manager.set_grid_connection(value)
        if address not in (_SET_MODE, _CHARGE_TO, _CONSTANT, _DISCHARGE_AT):
            return None
        if manager.mode == MAINTENANCE:
            return manager.refuse(REFUSED_NO_PERSON)
        if address == _SET_MODE:
            return manager.set_mode(value)
        if address == _CHARGE_TO:
            return manager.start_charging(value)
        if address == _CONSTANT:
            return manager.set_constant_power(value, minutes)
        return manager.start_discharging(value, minutes)

    # --- what is read ---------------------------------------------------------------------

    def _shown(self):
        """Registers of the item that was found: from the stage while it waits there."""
        if self._waits((self._block, self._item)):
            data = bytearray(self._stage)
            data[2 * _TAKES[self._block // _COLUMNS] + 1] = 1
            return data
        return self._in_force()

    def _in_force(self):
        values = self._values[self._block // _COLUMNS]()
        rows, data = _BLOCKS[self._block + 3], bytearray(2 * _BLOCKS[self._block + 1])
        for i in range(len(rows) // 2):
            code = rows[2 * i] << 8 | rows[2 * i + 1]
            value = values[i] if values else None
            if value is None:
                value = _UNKNOWN[code & 7]
            at = code >> 2 & ~1
            last = at + 3 if code & 2 else at + 1
            while last >= at:
                data[last] = value & 0xFF
                value >>= 8
                last -= 1
        return data

    def _entry(self):
        fields = self._manager.get_schedule(self._item)
        return None if fields is None else fields + (0,)

    def _charge(self):
        params = self._manager.charge_params
        return (params.method, params.w_max, params.ma_max, params.mv_max, params.soc_pm_target,
                params.minutes_max, params.balancing, 0)

    def _discharge(self):
        params = self._manager.discharge_params
        return (params.w_max, params.ma_max, params.mv_min, params.soc_pm_min, params.minutes_max,
                0)

    def _operate(self):
        manager = self._manager
        manual, wish_w = manager.wishes.manual, manager.requests.wish_of(slot_of(BY_MANUAL))
        left_ms = manager.requests.left_ms if manager.requests.rank == BY_MANUAL else None
        left_min = None if left_ms is None else (left_ms + _MINUTE_MS - 1) // _MINUTE_MS
        constant = manual != CHARGE and manual != DISCHARGE
        return (manager.mode, None, wish_w if constant else None, left_min if constant else None,
                wish_w if manual == DISCHARGE else None, None, 0, manager.grid.kind,
                self._refusal)

    def _reset(self):
        manager, latched, present = self._manager, 0, 0
        for each in manager.packs:
            latched |= each.latched
            present |= each.diagnosis.causes & each.latched
        may = manager.settings.remote_reset == 1 and latched and not latched & ON_SITE
        number = manager.reset_number() if may else None
        return number, None, present, self._reset_refusal

    def _schedule(self):
        schedule, used = self._manager.wishes.schedule, 0
        if schedule is None:
            return 1, None, None, None, 0
        for entry in range(ENTRIES):
            if schedule.get(entry) is not None:
                used += 1
        if schedule.entry < 0:
            return schedule.enabled, None, None, None, used
        return schedule.enabled, schedule.mode, schedule.power_w, schedule.left_s, used

    def _maintenance(self):
        test = self._manager.test
        return test.kind, test.coils, test.wish_w, test.power_w_max

    def _calibration(self):
        soc = self._manager.wishes.soc
        return soc.due, soc.wanted, soc.full_s, soc.disagrees

    def _alarms(self):
        alarms, row, listed = self._manager.alarms, [0] * A_POINTS, 0
        for i in range(ALARMS_MAX * len(self._manager.packs)):
            listed += alarms.read(i, row)
        return listed, min(alarms.lost, 65_534), None

    def _alarm(self):
        """The item'th row that is in use, with ages for times."""
        alarms, row, before = self._manager.alarms, [0] * A_POINTS, self._item
        now_s = self._manager.image.now[UPTIME_S]
        for i in range(ALARMS_MAX * len(self._manager.packs)):
            if alarms.read(i, row):
                if before == 0:
                    return (row[A_ID], row[A_LEVEL], row[A_ACTIVE], row[A_ACKNOWLEDGED],
                            now_s - row[A_FIRST_S], now_s - row[A_LAST_S], row[A_COUNT],
                            row[A_DATA])
                before -= 1
        return None
