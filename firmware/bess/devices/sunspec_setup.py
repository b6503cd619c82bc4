"""Timers and permissions of SunSpec models 123 and 124 that a commanded inverter should have.

They are tried and not insisted on: on many devices one or the other is read-only.
"""

from micropython import const

from bess.devices.polling import WRITE
from bess.protocols.modbus import TIMEOUT
from bess.protocols.registers import u16
from bess.protocols.transactions import Request

# blocks, as bits
STORAGE = const(1)
CONTROLS = const(2)

_REVERT_S = const(255)
# block, register, value wanted where the device implements it
_COLUMNS = const(3)
_WANTED = bytes((
    STORAGE, 15, _REVERT_S,          # InOutWRte_RvrtTms
    STORAGE, 14, 0,                  # InOutWRte_WinTms: no random delay
    STORAGE, 16, 0,                  # InOutWRte_RmpTms: the ramp is ours
    STORAGE, 17, 1,                  # ChaGriSet: charging from the grid
    CONTROLS, 2, 0,                  # Conn_WinTms
))
_TRIES = const(3)
_NOT_IMPLEMENTED = const(0xFFFF)


class Setup:
    """due: settings that differ, as bits. reverts: the device holds the revert time."""

    def __init__(self, unit, revert_s):
        self.request = Request(unit, WRITE, 0, 1)
        self.due = 0
        self.reverts = False
        self._revert_s = revert_s
        self._row = 0
        self._tries = bytearray(len(_WANTED) // _COLUMNS)

    def begin(self):
        """Another device, or the same anew: all may be tried again."""
        self.due = 0
        self.reverts = False
        for i in range(len(self._tries)):
            self._tries[i] = 0

    def look(self, block, data):
        """Compare the registers of a block, header first, with what they should be."""
        for i in range(len(self._tries)):
            if _WANTED[_COLUMNS * i] != block:
                continue
            at, wanted = 2 * _WANTED[_COLUMNS * i + 1], _WANTED[_COLUMNS * i + 2]
            if at + 2 <= len(data):
                word = u16(data, at)
                good = word == self._value(wanted)
                if wanted == _REVERT_S:
                    self.reverts = good
                if good or word == _NOT_IMPLEMENTED or self._tries[i] >= _TRIES:
                    self.due &= ~(1 << i)
                else:
                    self.due |= 1 << i

    def next(self, storage_address, controls_address):
        """The request for the first that is due; the next look() judges it."""
        row = 0
        while not self.due >> row & 1:
            row += 1
        at = _COLUMNS * row
        block, register, wanted = _WANTED[at], _WANTED[at + 1], _WANTED[at + 2]
        self._row = row
        self.due &= ~(1 << row)
        self._tries[row] += 1
        request, value = self.request, self._value(wanted)
        request.address = (storage_address if block == STORAGE else controls_address) + register
        request.data[0] = value >> 8
        request.data[1] = value & 0xFF
        return request

    def failed(self, code):
        """The device refused, and will again; or it did not answer."""
        if code < TIMEOUT:
            self._tries[self._row] = _TRIES

    def _value(self, wanted):
        return self._revert_s if wanted == _REVERT_S else wanted
