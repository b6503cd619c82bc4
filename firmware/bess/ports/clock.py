"""The only place that asks the platform for the time.

Ticks count milliseconds modulo 2**30 everywhere: that is what the chip does by itself; the desktop
would count for ever and hide every wrap bug. Dates are seconds since 1970 in UTC everywhere: the
chip counts from 2000.
"""

import time

from micropython import const

from bess.core.tick import TICK_MASK


_EPOCH_2000_S = const(946684800)    # seconds from 1970-01-01 to 2000-01-01
_YEAR_2024_S = const(1704067200)    # an unset clock starts long before this

if hasattr(time, "ticks_ms"):
    _raw_ms = time.ticks_ms
    _raw_us = time.ticks_us
else:
    def _raw_ms():
        return time.monotonic_ns() // 1000000

    def _raw_us():
        return time.monotonic_ns() // 1000


class Clock:
    """Ticks and the date. One object for the whole program, handed to whoever needs it.

    Args:
        start_ms (int, ms): what `ticks_ms()` shows now; tests start shortly before the wrap.
            None takes the platform's own count.
    """

    def __init__(self, start_ms=None):
        offset = 0 if start_ms is None else start_ms - _raw_ms()
        self._offset_ms = offset & TICK_MASK
        self._shift_s = 0       # added to the platform's seconds when it has no settable clock
        self._base_s = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0

    def ticks_ms(self):
        """Milliseconds modulo 2**30. Allocates nothing: both terms stay small on the chip."""
        raw = _raw_ms() & TICK_MASK
        room = TICK_MASK - self._offset_ms
        return raw - room - 1 if raw > room else raw + self._offset_ms

    def ticks_us(self):
        """Microseconds modulo 2**30 (18 minutes), for spans measured with `elapsed_ms`."""
        return _raw_us() & TICK_MASK

    def epoch_s(self):
        """Seconds since 1970 in UTC, or None while the clock was not set."""
        seconds = int(time.time()) + self._base_s + self._shift_s
        return seconds if seconds >= _YEAR_2024_S else None

    def set_epoch(self, epoch_s):
        """Set the date; the chip's clock keeps it over a soft reset.

        Raises ValueError for a date before 2024: nobody sets that on purpose.
        """
        if epoch_s < _YEAR_2024_S:
            raise ValueError("epoch_s: got %d, wants 2024 or later" % epoch_s)
        self._set_chip(epoch_s - self._base_s)
        self._shift_s = epoch_s - self._base_s - int(time.time())

    def _set_chip(self, seconds):
        try:
            from machine import RTC
        except ImportError:
            return      # a desktop: the shift does it
        year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
        RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
