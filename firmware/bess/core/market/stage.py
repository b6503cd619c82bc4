"""What one slot offers: steps of energy that it can leave in the battery, and what each is worth.

Read from charging as much as allowed (left) to discharging as much as allowed (right). A step has
a length in units and a *key*: twice its worth per 60 000 units, plus 1 for charging. In a plain
slot the keys fall from left to right: the best energy is left in the battery first. Where they do
not (negative price, export above import, grid charging forbidden) the slot is split into plain
runs, its *branches*.

    charging      worth = marginal cost of a kWh at the grid + wear
    discharging   worth = marginal cost of a kWh at the grid * round trip - wear

The marginal cost is the slope of the cost of net grid power n with the cheapest curtailment: the
import price b for n > 0, b + excess above the limit, the export price s for n < 0, 0 where PV is
curtailed.
"""

from array import array
from bess.core.market.cost import Cost
from bess.core.market.problem import HALF, SHIFT


class Stage:
    """The steps of every slot, first to last; `load` adds those of the next one.

    Slot t has the branches slots[t] .. slots[t + 1]. Branch b has the steps ends[b] .. ends[b + 1]
    of `keys` and `lengths`; it begins at starts[b], the units taken from the battery there (not
    above 0 in the first), and is there worth worths[b] more than the left end of its slot.
    """

    def __init__(self, problem):
        self._problem = problem
        self._out_units = problem.out_units
        self._out_price = problem.out_price
        self._wear = problem.unit_wear
        self._minutes = 0
        self._w = 0                 # where the next step begins: charging, later discharging
        self._w_max = 0             # discharging
        self._units = 0             # discharged so far
        self.keys = array("i")
        self.lengths = array("i")
        self.ends = array("H", (0,))
        self.starts = array("i")
        self.worths = array("q")
        self.slots = array("H", (0,))
        self.pinned = None          # units that slot 0 takes out, when they are settled

    def load(self, t):
        """Add slot t; gives the units that it can store at most."""
        p = self._problem
        self._minutes = p.minutes if t else p.first_minutes
        self._w = p.charge_limit(t)
        most = self._w * self._minutes
        if t == 0 and self.pinned is not None:
            self._close(self.pinned, 0)
        else:
            self._w_max = p.discharge_limit(t)
            self._units = 0
            import_price, export_price = p.import_price[t], p.export_price[t]
            if import_price < 0 or export_price < 0:
                self._any(t, -most)
            else:
                self._plain(p.load_w[t] - p.pv_w[t], p.export_limit(t), import_price, export_price)
                if export_price > import_price:
                    self._branch(-most, 0)
                else:
                    self._close(-most, 0)
        self.slots.append(len(self.starts))
        return most

    def _plain(self, net_w, export_w, import_price, export_price):
        if net_w >= 0:
            self._charge(0, import_price)
            self._w = 0
            over_w = net_w - self._problem.import_w_max
            if over_w > 0:
                self._discharge(over_w, import_price + self._problem.import_excess)
            self._discharge(net_w, import_price)
        else:
            self._charge(-net_w, import_price)
            self._charge(-net_w - export_w, export_price)
            self._charge(0, 0)
            self._w = 0
        if self._w_max > net_w:
            self._discharge(net_w + export_w, export_price)
            self._discharge(self._w_max, 0)

    def _charge(self, w, cost):
        """A step from where the last ended down to charging with w."""
        if w < 0:
            w = 0
        if w < self._w:
            self.keys.append(2 * (cost + self._wear) + 1)
            self.lengths.append((self._w - w) * self._minutes)
            self._w = w

    def _discharge(self, w, cost):
        """A step from where the last ended up to discharging with w."""
        if w > self._w_max:
            w = self._w_max
        if w > self._w:
            units = (w * self._minutes * self._out_units + HALF) >> SHIFT
            self.keys.append(2 * ((cost * self._out_price >> SHIFT) - self._wear))
            self.lengths.append(units - self._units)
            self._w = w
            self._units = units

    def _any(self, t, start):
        """Any prices: a step between each two powers at which the marginal cost changes."""
        p = self._problem
        cost = Cost(p, t)
        low_w = -self._w_max
        high_w = self._w
        for w in cost.bends(low_w, high_w):
            if w >= 0:
                self._charge(w, cost.slope(high_w + w, p.grid_charge))
            else:
                if high_w == 0:
                    self._w = 0
                self._discharge(-w, cost.slope(high_w + w, True))
            high_w = w
        jump = 0 if p.grid_charge or start == 0 else mul(cost.jump(), self._minutes)
        self._branch(start, jump)

    def _branch(self, at, jump):
        """Split the steps where their worth rises, and where not charging at all is a jump up."""
        keys = self.keys
        first = i = self.ends[-1]
        start, begin, worth = at, 0, 0      # begin: worth at the left end of the branch
        while i < len(keys):
            lifted = at == 0 and i and jump
            if lifted or i > first and keys[i] > keys[i - 1]:
                worth += lifted
                self._close(start, begin, i)
                first, start, begin = i, at, worth
            worth += mul(keys[i] >> 1, self.lengths[i])
            at += self.lengths[i]
            i += 1
        self._close(start, begin)
        if jump and at == 0:                # nothing but charging or not
            self._close(0, worth + jump)

    def _close(self, start, worth, end=None):
        """End a branch before step `end`, or behind the last."""
        self.starts.append(start)
        self.worths.append(worth)
        self.ends.append(len(self.keys) if end is None else end)

    def at(self, t, units):
        """(most that it is worth to take these units out in slot t, branch that gives it)."""
        best = found = None
        for b in range(self.slots[t], self.slots[t + 1]):
            ahead = units - self.starts[b]
            worth = self.worths[b]
            i = self.ends[b]
            while ahead > 0 and i < self.ends[b + 1]:
                worth += mul(self.keys[i] >> 1, min(ahead, self.lengths[i]))
                ahead -= self.lengths[i]
                i += 1
            if units >= self.starts[b] and ahead <= 0 and (best is None or worth > best):
                best, found = worth, b
        return best, found

    def relax(self, t, bridges):
        """Keys and lengths of the concave hull of slot t: a rise is replaced by its average.

        What was averaged can be left or taken as a whole, not in part: slot and both ends, in
        units, of each such bridge are put into the list `bridges`.
        """
        keys, lengths, gains, marks = [], [], [], []
        first = self.slots[t]
        at = self.starts[first]
        worth = 0
        for b in range(first, self.slots[t + 1]):
            lifted = self.worths[b] - worth
            if lifted:
                worth += lifted
                length = lengths.pop()
                gain = gains.pop() + lifted
                keys.pop()
                marks.pop()
                _pool(keys, lengths, gains, marks, (_key(gain, length), length, gain, True))
            for i in range(self.ends[b], self.ends[b + 1]):
                key, length = self.keys[i], self.lengths[i]
                gain = mul(key >> 1, length)
                worth += gain
                _pool(keys, lengths, gains, marks, (key, length, gain, False))
        for i in range(len(keys)):
            if marks[i]:
                bridges.extend((t, at, at + lengths[i]))
            at += lengths[i]
        return keys, lengths


def _pool(keys, lengths, gains, marks, step):
    """Put a step behind the others, averaged with those before it that are worth less."""
    key, length, gain, pooled = step
    while keys and keys[-1] < key:
        keys.pop()
        marks.pop()
        length += lengths.pop()
        gain += gains.pop()
        key = _key(gain, length)
        pooled = True
    keys.append(key)
    lengths.append(length)
    gains.append(gain)
    marks.append(pooled)


def _key(gain, length):
    return 2 * ((gain << 10) // length)


def mul(price, units):
    """Their product / 1024 without leaving 31 bits for prices below 2**18, units below 2**22."""
    return price * (units >> 10) + (price * (units & 1023) >> 10)
