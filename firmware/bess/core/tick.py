"""Time as the control loop knows it: milliseconds modulo 2**30.

The counter wraps every 12.4 days on the chip and in every test that asks for it. Keep a start
and a span, never an end: the difference is right across the wrap, a comparison is not.
"""

from micropython import const

TICK_MASK = const(0x3FFFFFFF)


def elapsed_ms(now_ms, then_ms):
    """Milliseconds since `then_ms`, also across the wrap; a stamp from the future reads as old."""
    return (now_ms - then_ms) & TICK_MASK


class Dwell:
    """Says whether a condition has held for `span_ms` on end."""

    def __init__(self, span_ms):
        self.span_ms = span_ms
        self._since_ms = 0
        self._on = False
        self._full = False          # stays so while it holds, also beyond a wrap of the counter

    def held(self, condition, now_ms):
        """True when `condition` is true now and was in every call for at least the span."""
        if not condition:
            self._on = self._full = False
            return False
        if not self._on:
            self._on = True
            self._since_ms = now_ms
        if not self._full:
            self._full = (now_ms - self._since_ms) & TICK_MASK >= self.span_ms
        return self._full
