"""Finds the best choice of branches where the relaxed plan took a bridge in part.

The worth is carried backwards as a row of pieces (branches.py). The relaxed plan says where it
pays to look: its marginal worths, one `price` a slot, bound what any plan can be worth, because
with stored energy bought and sold at these prices every slot can be optimised for itself. With
B[t] the bound for the slots from t on, a stored energy x at the start of slot t can be on the way
to a plan at most `slack` below the bound only if

    worth[t](x) - price * x >= B[t] - slack

A first pass keeps what is near the best of its row: it finds a good plan, and by how much that
may miss the best one. The second keeps everything that this gap permits, and so the best.
"""

from micropython import const
from bess.core.market import branches
from bess.core.market.branches import Piece
from bess.core.market.stage import mul

_NARROW = const(11)              # first pass: a full battery's worth / 2**7
_ENOUGH = const(16)             # a gap not worth a second pass: / 2**16


class Search:
    """`run` is a generator, one slice a step; then `choice` has the branch of each slot."""

    def __init__(self, sweep):
        self._sweep = sweep
        self._prices = _prices(sweep)
        self._bound = 0
        self._path = None
        self._gap = None            # bound less what the best plan so far is worth
        self.choice = bytearray(len(self._prices))

    def run(self):
        full = mul(max(max(self._prices), 1), self._sweep.ceiling)
        yield from self._pass(full >> _NARROW, True)
        enough = full >> _ENOUGH
        if self._gap is None or self._gap > enough:
            slack = None if self._gap is None else self._gap + enough
            yield from self._pass(slack, False)
        path = self._path
        while path is not None:
            t, number, path = path
            self.choice[t] = number

    def _pass(self, slack, near_best):
        """Carry the row back to now and take the best path; slack is None: cut nothing."""
        sweep, prices = self._sweep, self._prices
        t = len(prices)
        price = prices[t - 1]
        floor, ceiling = sweep.floors[t], sweep.ceiling
        steps = ([sweep.end_key], [ceiling - floor]) if floor < ceiling else ([], [])
        pieces = [Piece(floor, ceiling, steps)]
        self._bound = _peak(pieces[0], price)
        while t:
            t -= 1
            sweep.stage.load(t)
            sweep.operations += sweep.stage.count
            pieces = yield from self._before(t, price, slack, pieces)
            pieces = branches.within(pieces, sweep.floors[t], ceiling)
            yield
            if t:
                step = prices[t] - prices[t - 1]
                price = prices[t - 1]
                self._bound += mul(step, sweep.floors[t] if step < 0 else ceiling)
                if slack is not None and pieces:
                    peaks = [_peak(piece, price) for piece in pieces]
                    best = max(peaks) if near_best else self._bound
                    _cut(pieces, peaks, price, best - slack)
            if not pieces:
                return
        self._take(pieces, price)

    def _before(self, t, price, slack, pieces):
        """The row before slot t, out of the row after it; branches too far off are left out."""
        stage = self._sweep.stage
        rows = stage.branches or ((0, stage.count, stage.start, 0),)
        peaks = [_branch_peak(stage, row, price) for row in rows]
        best = max(peaks)
        self._bound += best
        result = None
        for number in range(len(rows)):
            if slack is None or peaks[number] >= best - slack:
                row = pieces
                if len(rows) > 1:
                    row = [piece.copy(t, number) for piece in pieces]
                row = yield from _row(stage, rows[number], row)
                if result:
                    row = yield from branches.upper(result, row)
                result = row
        return result

    def _take(self, pieces, price):
        """Remember the path of the best piece at what is stored now, if better than before."""
        now = self._sweep.now
        for piece in pieces:
            if piece.left <= now <= piece.right:
                gap = self._bound - piece.at(now)[2] + mul(price, now)
                if self._gap is None or gap < self._gap:
                    self._gap = gap
                    self._path = piece.path


def _prices(sweep):
    """The relaxed plan's marginal worth of a unit during each slot."""
    units = sweep.now
    key = sweep.low_keys[0]
    prices = []
    for t in range(len(sweep.taken) - 1):
        prices.append(key >> 1)
        units -= sweep.taken[t]
        key = sweep.key_at(t + 1, units, key)
    return prices


def _row(stage, branch, pieces):
    """Add a branch to every piece; they are changed."""
    row = []
    for piece in pieces:
        piece.add(stage, branch)
        branches.append(row, piece)
        yield
    return row


def _peak(piece, price):
    """The most that a piece is worth when its energy costs `price`."""
    worth = piece.worth - mul(price, piece.left)
    for i in range(len(piece.keys)):
        gain = (piece.keys[i] >> 1) - price
        if gain <= 0:
            break
        worth += mul(gain, piece.lengths[i])
    return worth


def _branch_peak(stage, branch, price):
    """The most that a branch is worth when the energy taken out costs `price`."""
    i, end, start, worth = branch
    worth -= mul(price, start)
    while i < end:
        gain = (stage.keys[i] >> 1) - price
        if gain <= 0:
            break
        worth += mul(gain, stage.lengths[i])
        i += 1
    return worth


def _cut(pieces, peaks, price, least):
    """Cut both ends of a row as far as they are worth less than `least` + price * x."""
    first, last = 0, len(pieces)
    while first < last and peaks[first] < least:
        first += 1
    while first < last and peaks[last - 1] < least:
        last -= 1
    if last < len(pieces):
        del pieces[last:]
    if first:
        del pieces[:first]
    if pieces:
        _cut_left(pieces[0], price, least)
        _cut_right(pieces[-1], price, least)


def _cut_left(piece, price, least):
    worth = piece.worth - mul(price, piece.left)
    while worth < least and piece.keys:
        worth += mul((piece.keys[0] >> 1) - price, piece.lengths[0])
        if worth < least:
            piece.trim(piece.left + piece.lengths[0], piece.right)


def _cut_right(piece, price, least):
    worth = piece.worth - mul(price, piece.left)
    for i in range(len(piece.keys)):
        worth += mul((piece.keys[i] >> 1) - price, piece.lengths[i])
    while worth < least and piece.keys:
        worth -= mul((piece.keys[-1] >> 1) - price, piece.lengths[-1])
        if worth < least:
            piece.trim(piece.left, piece.right - piece.lengths[-1])
