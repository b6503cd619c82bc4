"""The contactor sets of parallel strings: the first one is precharged, the others join the bus.

A set has three coils: K-, precharge, K+ in bits 3 s .. 3 s + 2 of string s; a feedback bit of 1
proves open. With one common set there is only string 0 and nothing to join.
"""

from micropython import const

from bess.core.events import INFO, WARNING
from bess.core.points import (
    DC_MV, EVENT_STRING_JOINED, EVENT_STRING_WAITING, INPUTS, STRING_INPUTS,
)

SETS_MAX = const(5)
K_MINUS = const(1)
PRECHARGE = const(2)
K_PLUS = const(4)
_MAIN = const(5)
_PROOFS = const(7)


class Strings:
    """lead: string that is precharged first. coils: those of the strings that have joined it.

    mask: the feedback bits that there are.
    """

    def __init__(self, settings, image, pack, events):
        self.sets = settings.strings_p if settings.contactors == "strings" else 1
        self.mask = (1 << 3 * self.sets) - 1
        self.lead = 0
        self.coils = 0
        self._image = image
        self._pack = pack
        self._events = events
        self._small_ma = pack.rated_ma * settings.strings_p // 50
        self._waiting = 0           # bits of the strings of which it was said that they wait
        self._whole = 0             # coils when all have joined

    def choose(self):
        """Take the first live string as the one that is precharged; the others are apart."""
        self.coils = self._waiting = self._whole = 0
        if self.sets == 1:
            return
        self.lead = 0
        while self.lead < self.sets - 1 and not self._pack.string_live[self.lead]:
            self.lead += 1
        self._pack.join(1 << self.lead)
        for s in range(self.sets):
            if s != self.lead:
                self._whole |= _MAIN << 3 * s

    def open(self):
        """All coils of the joined strings off."""
        self.coils = 0

    def proofs(self):
        """Feedbacks of all sets, 1 = proven open; None while nobody knows."""
        now = self._image.now
        if self.sets > 1:
            return now[STRING_INPUTS]
        inputs = now[INPUTS]
        return None if inputs is None else inputs >> 1 & _PROOFS

    def lead_mv(self):
        """Voltage of the string that is precharged, in mV."""
        return self._pack.pack_mv if self.sets == 1 else self._pack.string_mv(self.lead)

    def tick(self, now_ms):
        """The bus is closed: let one more string join when it fits, drop those that are silent.

        False when all have joined, as usual, and nothing was to be done.
        """
        if self.sets == 1 or (self.coils == self._whole
                              and self._pack.strings_live == self._pack.strings_p):
            return False
        if self._pack.string_excluded(self.lead):
            self._hand_over()
        nearest, least_mv = -1, 0
        for s in range(self.sets):
            off_mv = -1 if s == self.lead else self._decide(s, now_ms)
            if off_mv >= 0 and (nearest < 0 or off_mv < least_mv):
                nearest, least_mv = s, off_mv
        if nearest >= 0:
            self.coils |= K_MINUS << 3 * nearest
        return True

    def _hand_over(self):
        """The leading string is left out: one that has joined leads, and its contactors open."""
        for s in range(self.sets):
            if self.coils >> 3 * s & _PROOFS == _MAIN:
                self.coils &= ~(_MAIN << 3 * s)
                self._whole ^= _MAIN << 3 * s | _MAIN << 3 * self.lead
                self._pack.join(self._pack.joined & ~(1 << self.lead))
                self.lead = s
                return

    def _decide(self, s, now_ms):
        """Next step of one more string; how far it is from the bus when it may begin, else -1."""
        pack, shift = self._pack, 3 * s
        coils = self.coils >> shift & _PROOFS
        if not pack.string_live[s]:
            if coils and pack.string_excluded(s):
                self.coils &= ~(_PROOFS << shift)
                pack.join(pack.joined & ~(1 << s))
            return -1
        if coils == _MAIN:
            return -1
        off_mv = self._off_mv(s)
        if coils == K_MINUS:
            proofs = self.proofs()
            if off_mv < 0:
                self.coils &= ~(_PROOFS << shift)       # the bus has moved meanwhile
            elif proofs is not None and not proofs >> shift & K_MINUS:
                self.coils |= _MAIN << shift
                pack.join(pack.joined | 1 << s)
                self._events.note(EVENT_STRING_JOINED, INFO, s, now_ms)
            return -1
        if off_mv < 0 and not self._waiting >> s & 1:
            self._waiting |= 1 << s
            self._events.note(EVENT_STRING_WAITING, WARNING, s, now_ms)
        return off_mv

    def _off_mv(self, s):
        """Distance to the bus in mV; -1 beyond 1 % of it, or when more than a little flows."""
        bus_mv = self._image.now[DC_MV]
        if bus_mv is None:
            bus_mv = self.lead_mv()
        off_mv = abs(self._pack.string_mv(s) - bus_mv)
        fits = off_mv * 100 <= bus_mv and abs(self._pack.current_ma) <= self._small_ma
        return off_mv if fits else -1
