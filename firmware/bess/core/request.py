"""Who asks for what until when. The highest rank that is alive wins; a wish of 0 W is a wish."""

from array import array

from micropython import const

from bess.core.tick import TICK_MASK

# ranks, highest first; the rank is also the number that names the owner on every interface
RANKS = (90, 80, 70, 60, 50, 40, 30, 25, 20, 10)
SLOTS = const(10)
FOR_EVER = const(0)


def slot_of(rank):
    """Index of a rank in RANKS; ValueError names the ranks there are."""
    if rank not in RANKS:
        raise ValueError("rank %d, allowed: %s" % (rank, RANKS))
    return RANKS.index(rank)


class Requests:
    """One request per rank: wish in W (+ discharges), start and life in ms.

    rank: owner of the winning request after `settle`, 0 when nobody asks.
    wish_w: its wish, 0 when nobody asks.
    ended: bits of the slots whose request has ended, until somebody takes them.
    """

    def __init__(self):
        self.rank = 0
        self.wish_w = 0
        self.left_ms = None
        self.ended = 0
        self._wish_w = array("i", [0] * SLOTS)
        self._alive = bytearray(SLOTS)
        self._source = bytearray(SLOTS)
        self._since_ms = array("i", [0] * SLOTS)
        self._life_ms = array("i", [0] * SLOTS)
        self._ranks = bytes(RANKS)

    def ask(self, slot, wish_w, now_ms, life_ms=FOR_EVER, source=0):
        """State or renew a wish; it ends `life_ms` from now (0: when it is withdrawn).

        source: number of who asks; `held` says when a rank belongs to another one.
        """
        self._source[slot] = source
        self._wish_w[slot] = wish_w
        self._since_ms[slot] = now_ms
        self._life_ms[slot] = life_ms
        self._alive[slot] = 1

    def held(self, slot, source):
        """True while a request of this rank lives that somebody else than `source` made."""
        return self._alive[slot] != 0 and self._source[slot] != source

    def withdraw(self, slot):
        """End a request; True when there was one."""
        alive = self._alive[slot]
        if alive:
            self._alive[slot] = 0
            self.ended |= 1 << slot
        return alive != 0

    def wish_of(self, slot):
        """Wish in W of the request of this slot, None while there is none."""
        return self._wish_w[slot] if self._alive[slot] else None

    def settle(self, now_ms, allowed=-1):
        """End what is over and find the winner. allowed: bits of the slots that may win."""
        alive, life_ms, since_ms = self._alive, self._life_ms, self._since_ms
        winner = -1
        for slot in range(SLOTS):
            if alive[slot]:
                life = life_ms[slot]
                if life and (now_ms - since_ms[slot]) & TICK_MASK >= life:
                    alive[slot] = 0
                    self.ended |= 1 << slot
                elif winner < 0 and allowed >> slot & 1:
                    winner = slot
        self.left_ms = None
        if winner < 0:
            self.rank = self.wish_w = 0
            return
        self.rank = self._ranks[winner]
        self.wish_w = self._wish_w[winner]
        if life_ms[winner]:
            self.left_ms = life_ms[winner] - ((now_ms - since_ms[winner]) & TICK_MASK)
