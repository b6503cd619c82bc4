"""The worth of stored energy where it is not concave: pieces that are, side by side.

A *piece* is a concave worth over an interval of stored energy, kept as steps in falling order of
their keys, together with the branches taken on the way (`path`). Adding a slot to a piece is
merging its steps. Two facts make the upper envelope cheap and exact:

- Merging the same concave steps into two pieces, one left of the other, gives two functions whose
  difference only falls from left to right where both are defined. They cross at most once, so the
  envelope of the pieces of one branch keeps their order: `append`.
- Envelopes of different branches may cross often; `upper` walks along both once.
"""

from micropython import const
from bess.core.market.stage import mul

PATH = const(8)                     # branches of a slot are fewer


class Piece:
    """Concave worth from `left` to `right`; `worth` is that at the left end."""

    def __init__(self, left, right, steps, worth=0, path=None):
        self.left = left
        self.right = right
        self.worth = worth
        self.keys, self.lengths = steps
        self.path = path            # (slot * PATH + branch, path before) or None
        self.peak = 0               # most that it is worth when its energy has to be paid

    def add(self, stage, b):
        """Merge branch b of the slot before."""
        keys, lengths = self.keys, self.lengths
        start = stage.starts[b]
        i, end = stage.ends[b], stage.ends[b + 1]
        self.left += start
        self.right += start
        self.worth += stage.worths[b]
        at = 0
        while i < end:
            key = stage.keys[i]
            top = len(keys)
            while at < top:
                middle = (at + top) >> 1
                if keys[middle] > key:
                    at = middle + 1
                else:
                    top = middle
            keys.insert(at, key)
            lengths.insert(at, stage.lengths[i])
            self.right += stage.lengths[i]
            i += 1

    def copy(self):
        steps = (self.keys[:], self.lengths[:])
        piece = Piece(self.left, self.right, steps, self.worth, self.path)
        piece.peak = self.peak
        return piece

    def part(self, left, right):
        """The piece from left to right only; itself, when nothing right of that is left."""
        piece = self if right == self.right else self.copy()
        piece.trim(left, right)
        return piece

    def trim(self, left, right):
        """Cut off what is outside left .. right."""
        keys, lengths = self.keys, self.lengths
        cut = left - self.left
        while cut > 0:
            length = lengths[0]
            if length > cut:
                lengths[0] = length - cut
                length = cut
                self.worth += mul(keys[0] >> 1, length)
            else:
                self.worth += mul(keys.pop(0) >> 1, length)
                lengths.pop(0)
            cut -= length
            self.left += length
        cut = self.right - right
        while cut > 0:
            length = lengths[-1]
            if length > cut:
                lengths[-1] = length - cut
                length = cut
            else:
                keys.pop()
                lengths.pop()
            cut -= length
            self.right -= length

    def prune(self, price, least):
        """Cut off both ends as far as they are worth less than least + price * x; sets `peak`.

        False when all of it is worth less.
        """
        keys, lengths = self.keys, self.lengths
        worth = self.worth - mul(price, self.left)
        last = len(keys)
        i = 0
        while i < last:
            gain = (keys[i] >> 1) - price
            if gain <= 0:
                break
            length = lengths[i]
            after = worth + gain * (length >> 10) + (gain * (length & 1023) >> 10)
            if after >= least:
                break
            worth = after
            i += 1
        first = i
        while i < last:
            gain = (keys[i] >> 1) - price
            if gain <= 0:
                break
            length = lengths[i]
            worth += gain * (length >> 10) + (gain * (length & 1023) >> 10)
            i += 1
        self.peak = worth
        if worth < least:
            return False
        while i < last and worth >= least:
            gain = (keys[i] >> 1) - price
            length = lengths[i]
            worth += gain * (length >> 10) + (gain * (length & 1023) >> 10)
            i += 1
        while last > i:
            last -= 1
            keys.pop()
            self.right -= lengths.pop()
        while first:
            first -= 1
            length = lengths.pop(0)
            self.left += length
            self.worth += mul(keys.pop(0) >> 1, length)
        return True

    def at(self, x):
        """(step, what is left of it, worth) at x, left <= x <= right."""
        i = 0
        ahead = x - self.left
        worth = self.worth
        keys, lengths = self.keys, self.lengths
        if ahead == 0 and lengths:
            return 0, lengths[0], worth
        for length in lengths:
            price = keys[i] >> 1
            if length > ahead:
                worth += price * (ahead >> 10) + (price * (ahead & 1023) >> 10)
                return i, length - ahead, worth
            worth += price * (length >> 10) + (price * (length & 1023) >> 10)
            ahead -= length
            i += 1
        return i, 0, worth


def lead(p, q, x, end):
    """(the piece that is worth more at x, first point up to `end` where the other is or None).

    Where both are worth the same it is p.
    """
    i, p_rest, worth = p.at(x)
    j, q_rest, other = q.at(x)
    ahead = worth - other
    behind = 1                  # q comes to lead a unit behind the point where both are equal
    if ahead < 0:
        behind = 0
        p, q = q, p
        i, j = j, i
        p_rest, q_rest = q_rest, p_rest
        ahead = -ahead
    p_keys, q_keys = p.keys, q.keys
    while x < end:
        length = end - x
        if p_rest < length:
            length = p_rest
        if q_rest < length:
            length = q_rest
        gain = (p_keys[i] >> 1) - (q_keys[j] >> 1)
        after = ahead + gain * (length >> 10) + (gain * (length & 1023) >> 10)
        if after < 0:
            return p, x + min(length, max(1, behind + (ahead << 10) // -gain))
        ahead = after
        x += length
        if x < end:
            p_rest -= length
            q_rest -= length
            if p_rest == 0:
                i += 1
                p_rest = p.lengths[i]
            if q_rest == 0:
                j += 1
                q_rest = q.lengths[j]
    return p, None


def append(pieces, q):
    """Put q, merged from a piece right of all those in `pieces`, behind them; trims both."""
    while pieces:
        p = pieces[-1]
        if q.left > p.right:
            break
        x = max(p.left, q.left)
        first, cross = lead(q, p, x, min(p.right, q.right))
        if first is q:
            cross = x
        if cross is None:
            if q.right <= p.right:
                return
            q.trim(p.right, q.right)
            break
        if cross > p.left:
            p.trim(p.left, cross)
            if cross > q.left:
                q.trim(cross, q.right)
            break
        pieces.pop()
    pieces.append(q)


def upper(f, g):
    """The upper envelope of two rows, of equals that of g; a generator, yields between slices."""
    walk = _Walk()
    i = j = turn = 0
    x = min(f[0].left, g[0].left)
    while i < len(f) and j < len(g):
        p, q = f[i], g[j]
        x = max(x, min(p.left, q.left))
        if p.left > x:
            x = walk.take(q, x, min(q.right, p.left))
        elif q.left > x:
            x = walk.take(p, x, min(p.right, q.left))
        else:
            end = min(p.right, q.right)
            first, cross = lead(q, p, x, end)
            x = walk.take(first, x, end if cross is None else cross)
        if p.right <= x:
            i += 1
        if q.right <= x:
            j += 1
        turn += 1
        if turn & 1:
            yield
    for piece in f[i:] + g[j:]:
        walk.take(piece, max(x, piece.left), piece.right)
        yield
    return walk.done()


class _Walk:
    """Collects what `upper` takes; parts of one piece that touch become one."""

    def __init__(self):
        self._pieces = []
        self._piece = None
        self._left = 0
        self._right = 0

    def take(self, piece, left, right):
        if piece is not self._piece:
            self.done()
            self._piece = piece
            self._left = left
        self._right = right
        return right

    def done(self):
        if self._piece is not None:
            self._pieces.append(self._piece.part(self._left, self._right))
        return self._pieces


def within(pieces, left, right):
    """The row cut to left .. right; of pieces that only touch an end the better one stays."""
    pieces = [piece for piece in pieces if piece.right >= left and piece.left <= right]
    if not pieces:
        return pieces
    if len(pieces) > 1 and pieces[0].right == left:
        pieces.pop(0)
    if pieces[0].left < left:
        pieces[0].trim(left, pieces[0].right)
    if pieces[-1].right > right:
        pieces[-1].trim(pieces[-1].left, right)
    while len(pieces) > 1 and pieces[-1].left == right:
        if pieces[-1].worth > pieces[-2].at(right)[2]:
            break
        pieces.pop()
        pieces[-1].trim(pieces[-1].left, right)
    return pieces
