"""Commanding an inverter through SunSpec models 124 (power) and 123 (run or stop).

Model 124 gives a window for the battery's power, + discharging, with the base B = WChaMax:
    -InWRte * B where bit 0 of StorCtl_Mod is set  <=  power  <=  OutWRte * B where bit 1 is set
Exactly P is both edges at P: InWRte = -P / B, OutWRte = P / B, mode 3. Both rates lie side by side
and go out in one write, so no moment sees a lower edge above the upper one. Mode is a write of
its own: between it and the rates stand registers that are read-only, or belong to others, and a
write over them would be refused whole or undo somebody's change.

The desired state is compared register by register with what the device is known to hold; what
differs is written, read back, and counts as confirmed only when it reads back equal. All of it is
repeated within a third of the revert time. A stop or a zero goes first and waits for nothing.

Conn_RvrtTms is the revert time while running and 0 while stopped: a stop that reverts would be a
start. The limit WMaxLimPct of model 123 is never touched: where one stands, somebody set it.
"""

from micropython import const

from bess.core.points import PCS_UNCONFIRMED
from bess.core.tick import elapsed_ms
from bess.devices.polling import WRITE
from bess.devices.sunspec_setup import CONTROLS, STORAGE, Setup
from bess.protocols.modbus import ABANDONED, ILLEGAL_ADDRESS, ILLEGAL_VALUE, TIMEOUT
from bess.protocols.registers import u16
from bess.protocols.sunspec import STORAGE_RATE_SF, STORAGE_W_MAX, point
from bess.protocols.transactions import Request

# registers of model 124 and 123, and what of each model is read back
STORAGE_REGISTERS = const(26)
CONTROLS_REGISTERS = const(5)
_MODE_AT = const(5)
_OUT_AT = const(12)
_IN_AT = const(13)
_CONN_TIMER_AT = const(3)
_CONN_AT = const(4)

# what is desired and known, as raw words
_OUT = const(0)
_IN = const(1)
_MODE = const(2)
_CONN = const(3)
_WORDS = const(4)
_BOTH_EDGES = const(3)

# group: first word, words, block, register
_GROUPS = ((_OUT, 2, STORAGE, _OUT_AT), (_MODE, 1, STORAGE, _MODE_AT),
           (_CONN, 1, CONTROLS, _CONN_AT))
_RUN_ORDER = (0, 1, 2)       # power first, so that the start finds it in force
_STOP_ORDER = (2, 0, 1)
_ALL = const(7)

_NOT_IMPLEMENTED = const(0xFFFF)
_INT16_MAX = const(32767)
_BASE_W_MAX = const(100_000_000)     # ten times it still fits a small integer
_RETRY_MS = const(500)
_STOP_RETRY_MS = const(100)
_HOLD_MS = const(1000)
_UNCONFIRMED_MAX = const(65_534)
_S_MAX = const(65_534)


def portion(power_w, base_w, digits, full):
    """power_w / base_w with `digits` decimal digits as an integer, towards zero, at most `full`.

    The remainder of a division by hand, so that no step exceeds ten times the base.
    """
    if power_w >= base_w:
        return full
    q, rest = 0, power_w
    for _ in range(digits):
        rest *= 10
        q = q * 10 + rest // base_w
        rest %= base_w
        if q > full:
            return full
    return q


class StorageControl:
    """Brings {run, battery_w} of `command` into the device.

    usable: base and scale factor are known. verify: bits of the blocks that have to be read back.
    unconfirmed: commands in a row without confirmation. overruled: times that somebody else
    changed what was confirmed; on_overruled(now_ms) is called then.
    """

    def __init__(self, unit, image, command, w_rated, revert_ms):
        self.usable = False
        self.verify = 0
        self.unconfirmed = 0
        self.overruled = 0
        self.on_overruled = None
        self._image = image
        self._command = command
        self._w_rated = w_rated
        self._revert_s = min(max(1, revert_ms // 1000), _S_MAX)
        self.setup = Setup(unit, self._revert_s)
        self._refresh_ms = revert_ms // 4
        self._requests = [Request(unit, WRITE, 0, row[1]) for row in _GROUPS]
        self._timed_stop = Request(unit, WRITE, 0, 2)       # Conn_RvrtTms and Conn
        self._has_timer = True
        self._address = [0, 0, 0]           # by block
        self._base_w = 0                    # 0 until model 124 was read
        self._controls_read = False
        self._digits = 0
        self._full = 0
        self._want = [0] * _WORDS
        self._known = [None] * _WORDS       # in the device, as far as we know
        self._sent = [None] * _WORDS        # last tried
        self._refresh = 0
        self._mid_round = False
        self._yielded = False
        self._paused = False
        self._failed_ms = self._wrote_ms = self._refreshed_ms = 0

    def place(self, storage_address, controls_address, now_ms):
        """The models were found: nothing is known of their contents yet."""
        self._address[STORAGE] = storage_address
        self._address[CONTROLS] = controls_address
        for request, row in zip(self._requests, _GROUPS):
            request.address = self._address[row[2]] + row[3]
        self._timed_stop.address = controls_address + _CONN_TIMER_AT
        self.setup.begin()
        self._has_timer = True
        self.usable = self._controls_read = False
        self._base_w = self.verify = 0
        self._paused = False
        self._refreshed_ms = now_ms
        self._refresh = _ALL
        self.forget()
        for i in range(_WORDS):
            self._sent[i] = None

    def stop_waits(self):
        """True while a stop or a zero is commanded that the device is not known to hold."""
        if not self.usable:
            return False
        known, command = self._known, self._command
        if command.run and command.battery_w:
            return False
        return (not command.run and known[_CONN] != 0 or known[_OUT] != 0 or known[_IN] != 0
                or known[_MODE] != _BOTH_EDGES)

    def next_write(self, now_ms, read_is_due):
        """The next register that differs; None when all is as it should be, or has to wait."""
        if not self.usable:
            return None
        zero = not self._command.run or not self._command.battery_w
        if self._paused:
            if elapsed_ms(now_ms, self._failed_ms) < (_STOP_RETRY_MS if zero else _RETRY_MS):
                return None
            self._paused = False
        self._aim()
        if elapsed_ms(now_ms, self._refreshed_ms) >= self._refresh_ms:
            self._refreshed_ms = now_ms
            self._refresh = _ALL
        if not self.stop_waits():
            if self._holds(now_ms, read_is_due):
                return None
            if self.setup.due:
                return self.setup.next(self._address[STORAGE], self._address[CONTROLS])
        for group in _STOP_ORDER if self._want[_CONN] == 0 else _RUN_ORDER:
            if self._differs(group) or self._refresh >> group & 1:
                return self._fill(group)
        return None

    def wrote(self, request, now_ms):
        """A write was acknowledged: it holds until the read-back says otherwise."""
        if request is self.setup.request:
            return
        group = self._group_of(request)
        first, count, block, _ = _GROUPS[group]
        at = len(request.data) - 2 * count
        for i in range(count):
            self._known[first + i] = u16(request.data, at + 2 * i)
        self._refresh &= ~(1 << group)
        self.verify |= block
        self._wrote_ms = now_ms
        self._mid_round = self._differs(0) or self._differs(1) or self._differs(2)
        self._yielded = False

    def write_failed(self, request, code, now_ms):
        """A write was refused (code below TIMEOUT), not answered, or abandoned for a stop."""
        if request is self.setup.request:
            self.setup.failed(code)
        else:
            first, count, _, _ = _GROUPS[self._group_of(request)]
            for i in range(count):
                self._known[first + i] = None
        if code == ABANDONED:
            return
        if request is self._timed_stop and code in (ILLEGAL_ADDRESS, ILLEGAL_VALUE):
            self._has_timer = False         # the same again, without the timer
        elif request is not self.setup.request or code >= TIMEOUT:
            self._fail(now_ms, code)

    def read_failed(self, block, code, now_ms):
        """A block could not be read; when it was the read-back, the command is unconfirmed."""
        if code != ABANDONED and self.verify & block:
            self.verify &= ~block
            self._fail(now_ms, code)
            self.forget()

    def forget(self):
        """A device that was away may have reverted, or be another one: write everything again."""
        for i in range(_WORDS):
            self._known[i] = None

    def take_storage(self, data, now_ms):
        """Model 124 as it is now, header first; False when its scale or base is unusable."""
        base_w, sf = point(data, STORAGE_W_MAX), point(data, STORAGE_RATE_SF)
        if base_w is None or not 0 < base_w <= _BASE_W_MAX or sf is None or sf > 2:
            self.verify &= ~STORAGE
            self._fail(now_ms, 0)
            return False
        if base_w != self._base_w or 2 - sf != self._digits:
            self._base_w = base_w
            self._digits = 2 - sf
            self._full = min(10 ** self._digits, _INT16_MAX)
        self.usable = self._controls_read
        same = self._compare(_OUT, data, _OUT_AT)
        same = self._compare(_IN, data, _IN_AT) and same
        same = self._compare(_MODE, data, _MODE_AT) and same
        self.setup.look(STORAGE, data)
        self._judge(STORAGE, same, now_ms)
        return True

    def take_controls(self, data, now_ms):
        """Model 123 as it is now, header first."""
        self._controls_read = True
        self.usable = self._base_w > 0
        self._has_timer = self._has_timer and u16(data, 2 * _CONN_TIMER_AT) != _NOT_IMPLEMENTED
        same = self._compare(_CONN, data, _CONN_AT)
        self.setup.look(CONTROLS, data)
        self._judge(CONTROLS, same, now_ms)

    # desired

    def _aim(self):
        command, want = self._command, self._want
        power_w = command.battery_w if command.run else 0
        size = portion(min(abs(power_w), self._w_rated), self._base_w, self._digits, self._full)
        out = size if power_w > 0 else -size
        want[_OUT] = out & 0xFFFF
        want[_IN] = -out & 0xFFFF
        want[_MODE] = _BOTH_EDGES
        want[_CONN] = 1 if command.run else 0

    def _differs(self, group):
        first, count, _, _ = _GROUPS[group]
        for i in range(first, first + count):
            if self._want[i] != self._known[i]:
                return True
        return False

    def _holds(self, now_ms, read_is_due):
        """A usual command lets its forerunner be read back, and one poll pass in between."""
        if self._mid_round:
            return False
        if self.verify and elapsed_ms(now_ms, self._wrote_ms) < _HOLD_MS:
            return True
        if read_is_due and not self._yielded:
            self._yielded = True
            return True
        return False

    def _fill(self, group):
        first, count, _, _ = _GROUPS[group]
        request = self._requests[group]
        at = 0
        if group == 2 and self._has_timer:
            request = self._timed_stop
            _put(request.data, 0, self._revert_s if self._want[_CONN] else 0)
            at = 2
        for i in range(count):
            self._sent[first + i] = self._want[first + i]
            _put(request.data, at + 2 * i, self._want[first + i])
        return request

    def _group_of(self, request):
        for group in range(len(self._requests)):
            if self._requests[group] is request:
                return group
        return 2

    # read back

    def _compare(self, slot, data, register):
        """Note what the device holds; False when it was known otherwise."""
        word, known = u16(data, 2 * register), self._known[slot]
        self._known[slot] = word
        return known is None or known == word

    def _judge(self, block, same, now_ms):
        if self.verify & block:
            self.verify &= ~block
            if not same:
                self._fail(now_ms, 0)
            elif not self.verify and self._all_held():
                self.unconfirmed = 0
                self._image.put(PCS_UNCONFIRMED, 0, now_ms)
        elif not same:
            self.overruled += 1
            if self.on_overruled is not None:
                self.on_overruled(now_ms)

    def _all_held(self):
        for i in range(_WORDS):
            if self._sent[i] is not None and self._sent[i] != self._known[i]:
                return False
        return True

    def _fail(self, now_ms, code):
        """One command more that the device did not confirm; it is tried again after a pause."""
        self.unconfirmed = min(self.unconfirmed + 1, _UNCONFIRMED_MAX)
        self._image.put(PCS_UNCONFIRMED, self.unconfirmed, now_ms)
        self._paused = True
        self._failed_ms = now_ms
        self._mid_round = False
        if code == TIMEOUT:
            self.forget()


def _put(data, at, word):
    data[at] = word >> 8 & 0xFF
    data[at + 1] = word & 0xFF
