"""What one slot offers: steps of energy that it can leave in the battery, and what each is worth.

Read from charging as much as allowed (left) to discharging as much as allowed (right). A step has
a length in units and a *key*: twice its worth per 60 000 units, plus 1 for charging. In a plain
slot the keys fall from left to right: the best energy is left in the battery first. Where they do
not (negative price, export above import, grid charging forbidden) `branches` lists the plain runs.

    charging      worth = marginal cost of a kWh at the grid + wear
    discharging   worth = marginal cost of a kWh at the grid * round trip - wear

The marginal cost is the slope of the cost of net grid power n with the cheapest curtailment: the
import price b for n > 0, b + excess above the limit, the export price s for n < 0, 0 where PV is
curtailed.
"""

from micropython import const
from bess.core.market.cost import Cost
from bess.core.market.problem import HALF, SHIFT

_STEPS = const(12)


class Stage:
    """The steps of one slot at a time; the lists are filled anew by `load`."""

    def __init__(self, problem):
        self._problem = problem
        self._out_units = problem.out_units
        self._out_price = problem.out_price
        self._wear = problem.unit_wear
        self._minutes = 0
        self._w = 0                 # where the next step begins: charging, later discharging
        self._w_max = 0             # discharging
        self._units = 0             # discharged so far
        self._jump = 0              # worth of not charging at all over charging next to nothing
        self.keys = [0] * _STEPS
        self.lengths = [0] * _STEPS
        self.count = 0
        self.start = 0              # left end: units taken from the battery, so not above 0
        self.branches = None        # or [(first step, step after the last, start, worth)]
        self.pinned = None          # units that slot 0 takes out, when they are settled

    def load(self, t):
        """Fill in the steps of slot t."""
        if t == 0 and self.pinned is not None:
            self.count = 0
            self.start = self.pinned
            self.branches = None
            return
        p = self._problem
        self._minutes = p.minutes if t else p.first_minutes
        self._w = p.charge_limit(t)
        self._w_max = p.discharge_limit(t)
        self._units = self.count = 0
        self.start = -self._w * self._minutes
        self.branches = None
        import_price, export_price = p.import_price[t], p.export_price[t]
        if 0 <= export_price <= import_price:
            self._plain(p.load_w[t] - p.pv_w[t], p.export_limit(t), import_price, export_price)
        else:
            self._any(t)

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
            i = self.count
            self.keys[i] = 2 * (cost + self._wear) + 1
            self.lengths[i] = (self._w - w) * self._minutes
            self.count = i + 1
            self._w = w

    def _discharge(self, w, cost):
        """A step from where the last ended up to discharging with w."""
        if w > self._w_max:
            w = self._w_max
        if w > self._w:
            i = self.count
            units = (w * self._minutes * self._out_units + HALF) >> SHIFT
            self.keys[i] = 2 * ((cost * self._out_price >> SHIFT) - self._wear)
            self.lengths[i] = units - self._units
            self.count = i + 1
            self._w = w
            self._units = units

    def _any(self, t):
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
        self._jump = 0 if p.grid_charge or self.start == 0 else mul(cost.jump(), self._minutes)
        self._branch()

    def _branch(self):
        """Split the steps where their worth rises."""
        branches = []
        first = worth = 0
        start = at = self.start
        begin = 0                   # worth at the left end of the branch
        for i in range(self.count):
            lifted = self._jump if at == 0 and i else 0
            worth += lifted
            if lifted > 0 or i > first and self.keys[i] > self.keys[i - 1]:
                branches.append((first, i, start, begin))
                first, start, begin = i, at, worth
            worth += mul(self.keys[i] >> 1, self.lengths[i])
            at += self.lengths[i]
        if self._jump > 0 and at == 0:              # nothing but charging or not
            branches.append((first, self.count, start, begin))
            first, start, begin = self.count, 0, worth + self._jump
        if branches:
            branches.append((first, self.count, start, begin))
            self.branches = branches


    def relax(self, t, bridges):
        """Replace steps whose worth rises by their average: the concave hull of the slot.

        What was averaged can be left or taken as a whole, not in part: slot and both ends, in
        units, of each such bridge are put into the list `bridges`.
        """
        keys, lengths = self.keys, self.lengths
        gains, marks = [], []
        at = self.start
        count = 0
        for i in range(self.count):
            length = lengths[i]
            at += length
            gain = mul(keys[i] >> 1, length)
            key = keys[i]
            pooled = at == 0 and self._jump > 0
            if pooled:
                gain += self._jump
                key = _key(gain, length)
            while count and keys[count - 1] < key:
                count -= 1
                pooled = True
                marks.pop()
                gain += gains.pop()
                length += lengths[count]
                key = _key(gain, length)
            keys[count], lengths[count] = key, length
            gains.append(gain)
            marks.append(pooled)
            count += 1
        self.count = count
        at = self.start
        for i in range(count):
            if marks[i]:
                bridges.extend((t, at, at + lengths[i]))
            at += lengths[i]


def _key(gain, length):
    return 2 * ((gain << 10) // length)


def mul(price, units):
    """Their product / 1024 without leaving 31 bits for prices below 2**18, units below 2**22."""
    return price * (units >> 10) + (price * (units & 1023) >> 10)
