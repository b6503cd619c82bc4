"""The worth of stored energy where it is not concave: pieces that are, side by side.

A *piece* is a concave worth over an interval of stored energy, kept as steps in falling order of
their keys, together with the branches taken on the way (`path`). Adding a slot to a piece is
merging its steps. Two facts make the upper envelope cheap and exact:

- Merging the same concave steps into two pieces, one left of the other, gives two functions whose
  difference only falls from left to right where both are defined. They cross at most once, so the
  envelope of the pieces of one branch keeps their order: `append`.
- Envelopes of different branches may cross often; `upper` walks along both once.
"""

from bess.core.market.stage import mul


class Piece:
    """Concave worth from `left` to `right`; `worth` is that at the left end."""

    def __init__(self, left, right, steps, worth=0, path=None):
        self.left = left
        self.right = right
        self.worth = worth
        self.keys, self.lengths = steps
        self.path = path            # (slot, branch, path before) or None

    def merged(self, stage, t, branch):
        """This piece with a branch of a slot before it: (number, (first, end, start, worth))."""
        number, (first, end, start, worth) = branch
        keys, lengths = self.keys[:], self.lengths[:]
        length = at = 0
        for i in range(first, end):
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
            length += stage.lengths[i]
        path = self.path if number is None else (t, number, self.path)
        left = self.left + start
        return Piece(left, self.right + start + length, (keys, lengths), self.worth + worth, path)

    def part(self, left, right):
        """A copy that reaches from left to right only."""
        steps = (self.keys[:], self.lengths[:])
        piece = Piece(self.left, self.right, steps, self.worth, self.path)
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

    def at(self, x):
        """(step, what is left of it, worth) at x, left <= x <= right."""
        i = 0
        ahead = x - self.left
        worth = self.worth
        for length in self.lengths:
            if length > ahead:
                return i, length - ahead, worth + mul(self.keys[i] >> 1, ahead)
            worth += mul(self.keys[i] >> 1, length)
            ahead -= length
            i += 1
        return i, 0, worth


def crossing(p, q, x, end):
    """First point of x .. end at which q is worth more than p; None when there is none."""
    i, p_rest, worth = p.at(x)
    j, q_rest, other = q.at(x)
    ahead = worth - other
    if ahead < 0:
        return x
    p_keys, q_keys = p.keys, q.keys
    while x < end:
        length = end - x
        if p_rest < length:
            length = p_rest
        if q_rest < length:
            length = q_rest
        gain = (p_keys[i] >> 1) - (q_keys[j] >> 1)
        if gain < 0:
            after = ahead + mul(gain, length)
            if after < 0:
                return x + min(length, 1 + (ahead << 10) // -gain)
            ahead = after
        else:
            ahead += mul(gain, length)
        x += length
        p_rest -= length
        q_rest -= length
        if x < end:
            if p_rest == 0:
                i += 1
                p_rest = p.lengths[i]
            if q_rest == 0:
                j += 1
                q_rest = q.lengths[j]
    return None


def append(pieces, q):
    """Put q, merged from a piece right of all those in `pieces`, behind them; trims both."""
    while pieces:
        p = pieces[-1]
        x = max(p.left, q.left)
        end = min(p.right, q.right)
        cross = crossing(p, q, x, end)
        if cross is None:
            if q.right <= p.right:
                return
            q.trim(p.right, q.right)
            break
        if cross > p.left:
            p.trim(p.left, cross)
            q.trim(cross, q.right)
            break
        pieces.pop()
    pieces.append(q)


def upper(f, g):
    """The upper envelope of two rows of pieces."""
    walk = _Walk()
    i = j = 0
    x = min(f[0].left, g[0].left)
    while i < len(f) or j < len(g):
        p = f[i] if i < len(f) else None
        q = g[j] if j < len(g) else None
        if p is not None and p.right <= x and (i + 1 < len(f) or q is not None and q.right > x):
            i += 1
        elif q is not None and q.right <= x and (j + 1 < len(g) or p is not None and p.right > x):
            j += 1
        elif q is None or p is not None and q.left > x:
            end = p.right if q is None else min(p.right, q.left)
            walk.take(p, x, end)
            x = end
            i += p.right <= x
        elif p is None or p.left > x:
            end = q.right if p is None else min(q.right, p.left)
            walk.take(q, x, end)
            x = end
            j += q.right <= x
        else:
            x = _duel(walk, p, q, x)
            i += p.right <= x
            j += q.right <= x
    return walk.done()


def _duel(walk, p, q, x):
    """Take the better of two pieces from x as far as it is the better one; returns that point."""
    end = min(p.right, q.right)
    cross = crossing(p, q, x, end)
    if cross == x:
        p, q = q, p
        cross = crossing(p, q, x, end)
    if cross is None:
        cross = end
    walk.take(p, x, cross)
    return cross


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

    def done(self):
        if self._piece is not None:
            self._pieces.append(self._piece.part(self._left, self._right))
        return self._pieces


def within(pieces, left, right):
    """The pieces cut to left .. right; a piece that only touches the left end is dropped."""
    kept = []
    for piece in pieces:
        if piece.left > right or piece.right < left:
            continue
        piece.trim(max(piece.left, left), min(piece.right, right))
        while kept and kept[-1].right == kept[-1].left:
            kept.pop()
        kept.append(piece)
    if len(kept) > 1 and kept[-1].left == right and kept[-1].worth <= kept[-2].at(right)[2]:
        kept.pop()
    return kept
