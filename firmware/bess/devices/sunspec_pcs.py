"""Battery inverter (PCS) with SunSpec models 103, 123, 124, and 120 to 122 where it has them.

What it says of the grid: lost with the event GRID_DISCONNECT of model 103, or when it runs while
model 122 says twice that it is not connected (it supplies an island then); present when 122 says
that it is connected. Not connected and not running says nothing: its own relay is open.
"""

from micropython import const

from bess.core.points import BATTERY_W, DC_MV, GRID_CHZ, PCS_GRID, PCS_STATE, PCS_UNCONFIRMED
from bess.core.tick import TICK_MASK
from bess.devices.sunspec_device import ONCE, Block, SunspecDevice
from bess.devices.sunspec_setup import CONTROLS, STORAGE
from bess.devices.sunspec_storage import CONTROLS_REGISTERS, STORAGE_REGISTERS, StorageControl
from bess.protocols.modbus import TIMEOUT
from bess.protocols.sunspec import (
    AC_CHZ, AC_DC_MV, AC_EVENTS, AC_MODELS, AC_REGISTERS, AC_STATE, AC_W, NAMEPLATE_CHARGE_W,
    NAMEPLATE_DISCHARGE_W, NAMEPLATE_W, SETTINGS_W_MAX, STATUS_GRID, STATUS_STORAGE,
    is_null_frame, point,
)

_CHECK_MS = const(1000)      # model 123 and 124, to see a change by somebody else
_AC = const(0)
_STORAGE = const(1)
_CONTROLS = const(2)
_STATUS = const(5)

# PCS_STATE by St: 1 off, 2 sleeping, 3 starting, 4 MPPT, 5 throttled, 6 shutting down, 7 fault,
# 8 standby
_STATES = (None, 0, 4, 1, 2, 2, 4, 3, 4)
_RUNNING = const(2)
_POWER_TIMES_RATED = const(2)        # a reading beyond it is none
_GRID_EVENT = const(16)              # of Evt1: GRID_DISCONNECT
_GRID_PRESENT = const(1)             # of the point PCS_GRID
_GRID_LOST = const(2)
_STATUS_REGISTERS = const(5)
_APART = const(-2)

# row, point of the image, lowest, highest
_READINGS = (AC_CHZ, GRID_CHZ, 4000, 7000, AC_DC_MV, DC_MV, 0, 2_000_000)
# by index of the rating: row, block
_RATINGS = (NAMEPLATE_W, 3, NAMEPLATE_CHARGE_W, 3, NAMEPLATE_DISCHARGE_W, 3,
            SETTINGS_W_MAX, 4, STATUS_STORAGE, 5)


class SunspecPcs(SunspecDevice):
    """Puts BATTERY_W, GRID_CHZ, DC_MV, PCS_STATE, PCS_GRID, PCS_UNCONFIRMED and obeys `command`.

    command: object with run (0 or 1) and battery_w (+ discharges). w_rated: no command exceeds it.
    revert_ms: the inverter shall fall back when it has not been commanded for so long.
    ratings: [rated W, charging W, discharging W, W setting, storage status bits] as the device
    states them, None where it does not. null_frames: answers that were no measurement.
    """

    def __init__(self, unit, image, command, w_rated, revert_ms=30_000, period_ms=200,
                 latency_ms=0):
        blocks = (
            Block(unit, AC_MODELS, AC_REGISTERS, period_ms),
            Block(unit, (124,), STORAGE_REGISTERS, _CHECK_MS),
            Block(unit, (123,), CONTROLS_REGISTERS, _CHECK_MS),
            Block(unit, (120,), 28, ONCE, False),
            Block(unit, (121,), 32, ONCE, False),
            Block(unit, (122,), _STATUS_REGISTERS, _CHECK_MS, False),
        )
        super().__init__(unit, blocks)
        self.control = StorageControl(unit, image, command, w_rated, revert_ms)
        self.ratings = [None] * (len(_RATINGS) // 2)
        self.null_frames = 0
        self._image = image
        self._w_most = min(_POWER_TIMES_RATED * w_rated, 1_000_000)
        self._latency_ms = latency_ms
        self._connected = 0         # 1 to the grid, 0 nobody knows, -n it ran without it n times
        self._runs = False
        image.put(PCS_UNCONFIRMED, 0, 0)

    @property
    def urgent(self):
        """True while a stop or a zero has not been written."""
        return self.known and self.control.stop_waits()

    def next_write(self, now_ms):
        """The register of the command that is due next."""
        if not self.known:
            return None
        return self.control.next_write(now_ms, self._blocks[_AC].overdue_ms(now_ms) >= 0)

    def next_read(self, now_ms):
        """A read-back goes first, then whatever is most overdue."""
        if self.known and self.control.verify:
            return self._blocks[
                _STORAGE if self.control.verify & STORAGE else _CONTROLS].ask(now_ms)
        return super().next_read(now_ms)

    def done(self, request, data, now_ms):
        """An answer, or the acknowledgement of a write."""
        if data is None:
            self.control.wrote(request, now_ms)
        else:
            super().done(request, data, now_ms)

    def failed(self, request, code, now_ms):
        """What went out was refused, not answered, or abandoned for a stop command."""
        if request.fc > 4:
            self.control.write_failed(request, code, now_ms)
        else:
            super().failed(request, code, now_ms)

    def found(self, now_ms):
        self.control.place(self._blocks[_STORAGE].address,
                           self._blocks[_CONTROLS].address, now_ms)

    def take(self, block, data, now_ms):
        blocks = self._blocks
        if block is blocks[_AC]:
            self._take_ac(data, now_ms)
        elif block is blocks[_STORAGE]:
            if not self.control.take_storage(data, now_ms):
                self.rejected += 1
        elif block is blocks[_CONTROLS]:
            self._take_controls(data, now_ms)
        else:
            for i in range(len(self.ratings)):
                if block is blocks[_RATINGS[2 * i + 1]]:
                    self.ratings[i] = point(data, _RATINGS[2 * i])
            if block is blocks[_STATUS]:
                self._connect(point(data, STATUS_GRID))

    def _take_controls(self, data, now_ms):
        if len(data) < 2 * CONTROLS_REGISTERS:
            self.rejected += 1
        else:
            self.control.take_controls(data, now_ms)

    def missed(self, block, code, now_ms):
        if code == TIMEOUT:
            self.control.forget()
        if block is self._blocks[_STATUS]:
            self._connected = 0
        if block is self._blocks[_STORAGE]:
            self.control.read_failed(STORAGE, code, now_ms)
        elif block is self._blocks[_CONTROLS]:
            self.control.read_failed(CONTROLS, code, now_ms)

    def _take_ac(self, data, now_ms):
        if len(data) < 2 * AC_REGISTERS or is_null_frame(data):
            self.null_frames += 1
            return
        power_w = point(data, AC_W)
        if power_w is None or not -self._w_most <= power_w <= self._w_most:
            self.rejected += 1
            return
        sampled_ms = (now_ms - self._latency_ms) & TICK_MASK
        image = self._image
        image.put(BATTERY_W, power_w, sampled_ms)
        for k in range(0, len(_READINGS), 4):
            value = point(data, _READINGS[k])
            good = value is not None and _READINGS[k + 2] <= value <= _READINGS[k + 3]
            image.put(_READINGS[k + 1], value if good else None, sampled_ms)
        state = point(data, AC_STATE)
        good = state is not None and state < len(_STATES)
        image.put(PCS_STATE, _STATES[state] if good else None, sampled_ms)
        self._runs = good and _STATES[state] == _RUNNING
        if not self._runs and self._connected < 0:
            self._connected = 0
        image.put(PCS_GRID, self._grid(point(data, AC_EVENTS)), sampled_ms)

    def _connect(self, word):
        """Connection bits of model 122; None where it has none."""
        if word is None or not word & 1 and not self._runs:
            self._connected = 0
        elif word & 1:
            self._connected = 1
        elif self._connected > _APART:
            self._connected = min(self._connected, 0) - 1

    def _grid(self, events):
        """What it says of the grid, for PCS_GRID; None when that is nothing."""
        if events is not None and events & _GRID_EVENT or self._connected == _APART:
            return _GRID_LOST
        return _GRID_PRESENT if self._connected > 0 else None
