"""Finds the best choice of branches where the relaxed plan took a bridge in part.

The worth is carried backwards as a row of pieces (branches.py). The relaxed plan says where it
pays to look: its marginal worths, one `price` a slot, bound what any plan can be worth, because
with stored energy bought and sold at these prices every slot can be optimised for itself. With
B[t] the bound for the slots from t on, a stored energy x at the start of slot t can be on the way
to a plan at most `slack` below the bound only if

    worth[t](x) - price * x >= B[t] - slack

The powers of the relaxed plan are a plan too: it takes what a bridge really is worth at the point
where the relaxed plan stands on it. What it loses there is the slack, so that the best plan is
always found.

Where the row grows wide all the same, the slack is made smaller by a *guide*: the best plan on the
branches on which the relaxed one stands. To follow it up to slot t and from there on what the row
says its stored energy is worth is a plan as well, and a better one with every slot gone through.
"""

from array import array
from micropython import const
from bess.core.market import branches
from bess.core.market.branches import PATH, Piece
from bess.core.market.stage import mul

_ROUNDED = const(8)              # what rounding may lose in a slot
_WIDE = const(2)                 # pieces of a row from which on a guide pays


class Search:
    """`run` is a generator, one slice a step; then `choice` has the branch of each slot."""

    def __init__(self, sweep):
        self._sweep = sweep
        n = len(sweep.taken) - 1
        self._prices = [0] * n      # the relaxed plan's worth of a unit during each slot
        self._bound = 0
        self._peaks = array("q")    # of every branch: most that it is worth at its slot's price
        self._slack = _ROUNDED * n
        self._lost = None           # what the guide loses to the bound in each slot and at its end
        self._ahead = 0             # and in all those that are not yet gone through
        self._left = 0              # what it has stored at their end
        self.gap = None             # bound less what the best plan is worth
        self.choice = bytearray(n)

    def run(self):
        yield from self._relaxed()
        path = yield from self._search()
        while path is not None:
            step, path = path
            self.choice[step // PATH] = step % PATH
            if step & 63 == 0:
                yield

    def _relaxed(self):
        """Prices and choice of the relaxed plan, and what it loses to the bound."""
        sweep, stage = self._sweep, self._sweep.stage
        left, key = sweep.now, sweep.low_keys[0]
        for t in range(len(self._prices)):
            price, units = key >> 1, sweep.taken[t]
            self._prices[t] = price
            left -= units
            key = sweep.key_at(t + 1, left, key)
            first, last = stage.slots[t], stage.slots[t + 1]
            for b in range(first, last):
                self._peaks.append(_peak(stage, b, price))
            if last - first > 1:
                worth, b = stage.at(t, units)
                self.choice[t] = b - first
                self._slack += max(self._peaks[first:last]) - worth + mul(price, units)
            yield

    def _guide(self, end):
        """The best plan on the branches of the relaxed one, up to slot `end`."""
        sweep, stage = self._sweep, self._sweep.stage
        sweep.choice = self.choice[:]
        yield from sweep.merge()
        self._lost = array("q")
        self._left = sweep.now
        for t in range(end):
            price, units = self._prices[t], sweep.taken[t]
            self._left -= units
            step = self._prices[t + 1] - price
            limit = sweep.ceiling if step > 0 else sweep.floors[t + 1]
            lost = (max(self._peaks[stage.slots[t]:stage.slots[t + 1]]) + mul(price, units)
                    - stage.at(t, units)[0] + mul(step, limit - self._left))
            self._lost.append(lost)
            self._ahead += lost
            yield

    def _search(self):
        """Carry the row back to now; gives the path of its best piece there."""
        sweep, prices = self._sweep, self._prices
        t = len(prices)
        price = prices[t - 1]
        floor, ceiling = sweep.floors[t], sweep.ceiling
        steps = ([sweep.end_key], [ceiling - floor]) if floor < ceiling else ([], [])
        pieces = [Piece(floor, ceiling, steps)]
        gain = (sweep.end_key >> 1) - price
        self._bound = mul(max(0, gain), ceiling - floor) - mul(price, floor)
        pieces[0].peak = self._bound
        while t:
            t -= 1
            pieces = yield from self._before(t, price, pieces)
            pieces = branches.within(pieces, sweep.floors[t], ceiling)
            if not pieces:
                return None
            if self._lost:
                self._left += sweep.taken[t]
                self._ahead -= self._lost[t]
                self._tighten(pieces, price)
            elif len(pieces) > _WIDE and self._lost is None:
                yield from self._guide(t)
                self._tighten(pieces, price)
            if t and prices[t - 1] != price:
                step = price - prices[t - 1]
                price = prices[t - 1]
                self._bound += mul(step, sweep.floors[t] if step < 0 else ceiling)
            elif len(pieces) == 1 or t & 3:     # cutting pays now and then, not in every slot
                continue
            least = self._bound - self._slack
            row = []
            for piece in pieces:
                if piece.prune(price, least):
                    row.append(piece)
                if len(row) & 3 == 0:
                    yield
            pieces = row
        return self._best(pieces, price)

    def _tighten(self, pieces, price):
        """The slack is no more than what the guide loses that goes on as the row says."""
        left = self._left
        for piece in pieces:
            if piece.left <= left <= piece.right:
                lost = self._ahead + self._bound - piece.at(left)[2] + mul(price, left)
                self._slack = min(self._slack, lost + _ROUNDED * len(self._prices))

    def _before(self, t, price, pieces):
        """The row before slot t, out of the row after it; branches too far off are left out."""
        sweep = self._sweep
        stage = sweep.stage
        first, last = stage.slots[t], stage.slots[t + 1]
        peaks = self._peaks
        best = max(peaks[first:last])
        self._bound += best
        least = self._bound - self._slack
        many = last - first > 1
        while peaks[last - 1] < best - self._slack:
            last -= 1
        result = None
        for b in range(first, last):
            peak = peaks[b]
            if peak < best - self._slack:
                continue
            row = []
            for piece in pieces:
                if piece.peak + peak >= least:
                    if b < last - 1:
                        piece = piece.copy()
                    if many:
                        piece.path = (t * PATH + b - first, piece.path)
                    piece.add(stage, b)
                    piece.peak += peak
                    sweep.operations += len(piece.keys)
                    branches.append(row, piece)
                    yield
            if result and row:
                row = yield from branches.upper(result, row)
            result = row or result
        return result or []

    def _best(self, pieces, price):
        """The path of the best piece at what is stored now."""
        now = self._sweep.now
        path = None
        for piece in pieces:
            if piece.left <= now <= piece.right:
                gap = self._bound - piece.at(now)[2] + mul(price, now)
                if self.gap is None or gap <= self.gap:
                    self.gap = gap
                    path = piece.path
        return path


def _peak(stage, b, price):
    """The most that a branch is worth when the energy taken out costs `price`."""
    worth = stage.worths[b] - mul(price, stage.starts[b])
    for i in range(stage.ends[b], stage.ends[b + 1]):
        gain = (stage.keys[i] >> 1) - price
        if gain <= 0:
            break
        worth += mul(gain, stage.lengths[i])
    return worth
