"""Tests in MAINTENANCE: low power, one contactor, a trickle charge; each with a dead man's switch.

A test ends when it is not renewed for 5 s, after its time, with a trip, or when asked.
"""

from micropython import const

from bess.core.tick import TICK_MASK

NONE = const(0)
POWER = const(1)
CONTACTOR = const(2)
TRICKLE = const(3)

_RENEW_MS = const(5000)
_POWER_MS = const(60_000)
_POWER_W_MIN = const(500)


class Test:
    """kind: NONE, POWER, CONTACTOR or TRICKLE; wish_w: power wished (+ discharges).

    charge_w, discharge_w: what a test may move at most, magnitudes. sign: the test of the signs
    while it runs, else None; verdict: what the last one found, see sign_test.py, 0 is nothing yet.
    """

    def __init__(self, settings):
        self.kind = NONE
        self.wish_w = 0
        self.coils = 0
        self.power_w_max = max(settings.w_rated // 20, _POWER_W_MIN)
        self.charge_w = min(self.power_w_max, settings.charge_w_max)
        self.discharge_w = min(self.power_w_max, settings.discharge_w_max)
        self.sign = None
        self.verdict = 0
        self._since_ms = 0
        self._renewed_ms = 0

    def begin(self, kind, wish_w, coils, now_ms):
        """Start a test, or renew the one of the same kind."""
        if kind != self.kind:
            self._since_ms = now_ms
        self.kind = kind
        self.wish_w = wish_w
        self.coils = coils
        self._renewed_ms = now_ms

    def end(self):
        """Nothing is tested any more."""
        self.kind = NONE
        self.wish_w = self.coils = 0
        self.sign = None

    def over(self, now_ms, flows=True):
        """True in the tick in which a test has not been renewed, or has had its time.

        flows: power may flow; the start of the inverter before takes nothing off the time.
        """
        if not self.kind:
            return False
        if not flows:
            self._since_ms = now_ms
        late = (now_ms - self._renewed_ms) & TICK_MASK > _RENEW_MS
        long = self.kind == POWER and (now_ms - self._since_ms) & TICK_MASK > _POWER_MS
        return late or long
