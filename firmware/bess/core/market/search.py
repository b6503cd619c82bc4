"""Finds the best choice of branches where the relaxed plan took a bridge in part.

The worth is carried backwards as a row of pieces (branches.py). The relaxed plan says where it
pays to look: its marginal worths, one `price` a slot, bound what any plan can be worth, because
with stored energy bought and sold at these prices every slot can be optimised for itself. With
B[t] the bound for the slots from t on, a stored energy x at the start of slot t can be on the way
to a plan at most `slack` below the bound only if

    worth[t](x) - price * x >= B[t] - slack

so that both ends of the row are cut as far as this fails. When the plan found is worth at least
the bound less the slack, nothing better was cut: it is optimal. Else the slack was too small.
"""

from micropython import const
from bess.core.market import branches
from bess.core.market.branches import Piece
from bess.core.market.stage import mul

_FIRST = const(60_000)
_WIDER = const(8)
_TRIES = const(4)               # the last one without a bound


def best_choice(sweep):
    """The branch of each slot, as a bytearray; a generator that yields after each slice."""
    prices = _prices(sweep)
    slack = _FIRST
    for i in range(_TRIES):
        if i == _TRIES - 1:
            slack = None
        path = yield from _pass(sweep, prices, slack)
        if path is not None:
            break
        slack *= _WIDER
    choice = bytearray(len(prices))
    while path:
        t, number, path = path
        choice[t] = number
    return choice


def _prices(sweep):
    """The relaxed plan's marginal worth of a unit during each slot."""
    units = sweep.now
    key = sweep.low_keys[0]
    prices = []
    for t in range(len(sweep.taken) - 1):
        prices.append(key >> 1)
        units -= sweep.taken[t]
        if units <= sweep.floors[t + 1]:
            other = sweep.low_keys[t + 1]
        else:
            other = sweep.high_keys[t + 1] if units >= sweep.ceiling else None
        if other is not None:
            key = other
    return prices


def _pass(sweep, prices, slack):
    """The path to the best plan, () where it takes no branch; None when it may have been cut."""
    stage, floors, ceiling = sweep.stage, sweep.floors, sweep.ceiling
    t = len(prices)
    key = sweep.end_key
    price = prices[t - 1]
    pieces = [Piece(floors[t], ceiling, ([key], [ceiling - floors[t]]))]
    bound = _peak(pieces[0], price)
    while t:
        t -= 1
        stage.load(t)
        sweep.operations += stage.count
        bound += _stage_peak(stage, price)
        pieces = yield from _before(stage, t, pieces)
        pieces = branches.within(pieces, floors[t], ceiling)
        if t:
            step = prices[t] - prices[t - 1]
            price = prices[t - 1]
            bound += mul(step, floors[t] if step < 0 else ceiling)
            if slack is not None:
                pieces = _cut(pieces, price, bound - slack)
                if not pieces:
                    return None
        sweep.stats=max(getattr(sweep,'stats',0),len(pieces))
    best = None
    for piece in pieces:
        if piece.left <= sweep.now <= piece.right:
            worth = piece.at(sweep.now)[2] - mul(price, sweep.now)
            if best is None or worth > best:
                best = worth
                path = piece.path
    sweep.gap = bound - best
    if slack is not None and best < bound - slack:
        return None
    return path or ()


def _before(stage, t, pieces):
    """The row before slot t, out of the row after it."""
    if stage.branches is None:
        return (yield from _row(stage, t, pieces, (None, (0, stage.count, stage.start, 0))))
    result = None
    for number in range(len(stage.branches)):
        row = yield from _row(stage, t, pieces, (number, stage.branches[number]))
        result = branches.upper(result, row) if result else row
        yield
    return result


def _row(stage, t, pieces, branch):
    row = []
    for piece in pieces:
        branches.append(row, piece.merged(stage, t, branch))
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


def _stage_peak(stage, price):
    """The most that a slot is worth when the energy taken out costs `price`."""
    best = None
    for first, end, start, worth in stage.branches or ((0, stage.count, stage.start, 0),):
        worth -= mul(price, start)
        for i in range(first, end):
            gain = (stage.keys[i] >> 1) - price
            if gain <= 0:
                break
            worth += mul(gain, stage.lengths[i])
        if best is None or worth > best:
            best = worth
    return best


def _cut(pieces, price, least):
    """Cut both ends of a row as far as they are worth less than `least` + price * x."""
    while pieces and _peak(pieces[0], price) < least:
        pieces.pop(0)
    while pieces and _peak(pieces[-1], price) < least:
        pieces.pop()
    if pieces:
        _cut_left(pieces[0], price, least)
        _cut_right(pieces[-1], price, least)
    return pieces


def _cut_left(piece, price, least):
    worth = piece.worth - mul(price, piece.left)
    while piece.lengths:
        worth += mul((piece.keys[0] >> 1) - price, piece.lengths[0])
        if worth >= least:
            break
        piece.trim(piece.left + piece.lengths[0], piece.right)


def _cut_right(piece, price, least):
    worth = piece.worth - mul(price, piece.left)
    for i in range(len(piece.keys)):
        worth += mul((piece.keys[i] >> 1) - price, piece.lengths[i])
    while piece.lengths:
        worth -= mul((piece.keys[-1] >> 1) - price, piece.lengths[-1])
        if worth >= least:
            break
        piece.trim(piece.left, piece.right - piece.lengths[-1])
