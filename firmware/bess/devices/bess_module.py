"""Battery module with the BESS module map, version 1: 48 V LFP over Modbus RTU.

Registers 0..47 are one coherent sample that one read brings whole: map id and version, cells in
series, a counter of samples, the fields below, and from 32 on the voltage of each cell. Register
100 asks for balancing. On this wire the current counts + for charging.
"""

from micropython import const

from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_CYCLES, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS,
    M_SOC_PM, M_SOH_PM, M_STATE, MODULE_POINTS,
)
from bess.core.tick import TICK_MASK, elapsed_ms
from bess.devices.module_row import CELL_MV_MAX, CELL_MV_MIN, is_plausible, publish
from bess.devices.polling import WRITE_ONE, Poll
from bess.protocols.modbus import ABANDONED
from bess.protocols.registers import i16, i32, u16
from bess.protocols.transactions import Request

_REGISTERS = const(48)
_MAP_ID = const(0x4253)
_MAP_VERSION = const(1)
_CELLS = const(2)
_COUNTER = const(3)
_FIRST_CELL = const(32)
_CELLS_FEWEST = const(15)
_CELLS_MOST = const(16)
_BALANCE = const(100)
_BALANCE_REFRESH_MS = const(20_000)     # the module forgets the request after 60 s

# point, register, factor or what else it is
_COLUMNS = const(3)
_TURNED = const(0)           # two registers, signed, and turned round
_SIGNED = const(255)
_FIELDS = bytes((
    M_FULL_DAH, 5, 1,
    M_PACK_MV, 6, 10,
    M_CURRENT_MA, 8, _TURNED,
    M_SOC_PM, 10, 1,
    M_SOH_PM, 11, 1,
    M_CELL_MV_MAX, 12, 1,
    M_CELL_MV_MIN, 13, 1,
    M_CELL_DC_MAX, 14, _SIGNED,
    M_CELL_DC_MIN, 15, _SIGNED,
    M_CHARGE_MA_MAX, 16, 100,
    M_DISCHARGE_MA_MAX, 17, 100,
    M_CHARGE_MV_MAX, 18, 10,
    M_STATE, 19, 1,
    M_PROTECTIONS, 21, 1,
    M_FAULTS, 22, 1,
    M_CYCLES, 23, 1,
))

# Values of the answer in hand: it comes whole and is used at once, so one list serves all.
_SAMPLE = [None] * MODULE_POINTS


class Module:
    """Module number `index` of `pack`, counted from 0.

    balance: False never asks the module to balance. rejected: samples that were implausible or
    of another map; samples: those handed to the pack.
    """

    urgent = False
    # Sixteen of these live on one chip: what most of them never change stands here once.
    rejected = 0
    samples = 0
    _balance = True
    _ask = None                 # made when there is something to ask
    _counter = None             # of the last answer; the first alone does not prove life
    _balancing = 0              # what the module was told last
    _told_ms = 0
    _latency_ms = 0

    def __init__(self, unit, index, pack, period_ms=500, balance=True, latency_ms=0):
        self.unit = unit
        self._index = index
        self._pack = pack
        self._poll = Poll(unit, 0, _REGISTERS, period_ms)
        if latency_ms:
            self._latency_ms = latency_ms
        if not balance:
            self._balance = False

    def next_write(self, now_ms):
        """The balance request, when it changed or has to be repeated."""
        if not self._balance:
            return None
        wanted = getattr(self._pack, "balance_wanted", 0) >> self._index & 1
        due = wanted and elapsed_ms(now_ms, self._told_ms) >= _BALANCE_REFRESH_MS
        if wanted == self._balancing and not due:
            return None
        self._balancing = wanted
        self._told_ms = now_ms
        if self._ask is None:
            self._ask = Request(self.unit, WRITE_ONE, _BALANCE, 1)
        self._ask.data[1] = wanted
        return self._ask

    def next_read(self, now_ms):
        """The sample, every period."""
        return self._poll.ask(now_ms) if self._poll.overdue_ms(now_ms) >= 0 else None

    def done(self, request, data, now_ms):
        """An answer; a new and plausible sample goes to the pack."""
        if request is not self._poll:
            return
        if u16(data, 0) != _MAP_ID or u16(data, 2) != _MAP_VERSION:
            self.rejected += 1
            return
        counter = u16(data, 2 * _COUNTER)
        known = self._counter
        self._counter = counter
        if known is None or counter == known:
            return
        for k in range(0, len(_FIELDS), _COLUMNS):
            at, factor = 2 * _FIELDS[k + 1], _FIELDS[k + 2]
            if factor == _TURNED:
                value = -i32(data, at)
            elif factor == _SIGNED:
                value = i16(data, at)
            else:
                value = (data[at] << 8 | data[at + 1]) * factor
            _SAMPLE[_FIELDS[k]] = value
        if is_plausible(_SAMPLE) and self._cells_are_whole(data):
            self.samples += 1
            sampled_ms = (now_ms - self._latency_ms) & TICK_MASK
            publish(_SAMPLE, self._pack, self._index, sampled_ms)
        else:
            self.rejected += 1

    def failed(self, request, code, now_ms):
        """The age of the sample tells the rest; a balance request comes again with its refresh."""
        if request is self._poll and code == ABANDONED:
            self._poll.at_once = True

    def _cells_are_whole(self, data):
        """Every cell has a voltage; the extremes are never milder than the cells themselves."""
        cells = u16(data, 2 * _CELLS)
        if not _CELLS_FEWEST <= cells <= _CELLS_MOST:
            return False
        sample = _SAMPLE
        highest, lowest = sample[M_CELL_MV_MAX], sample[M_CELL_MV_MIN]
        for at in range(2 * _FIRST_CELL, 2 * (_FIRST_CELL + cells), 2):
            mv = data[at] << 8 | data[at + 1]
            if not CELL_MV_MIN <= mv <= CELL_MV_MAX:
                return False
            if mv > highest:
                highest = mv
            if mv < lowest:
                lowest = mv
        sample[M_CELL_MV_MAX], sample[M_CELL_MV_MIN] = highest, lowest
        return True
