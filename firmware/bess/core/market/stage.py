"""What one slot offers: steps of energy that it can leave in the battery, and what each is worth.

Read from charging as much as allowed (left) to discharging as much as allowed (right). A step has
a length in units and a *key*: twice its worth per 60 000 units, plus 1 for charging. The worth of
the leftmost steps is highest when the slot is *plain*: they stand in falling order. Where they do
not (negative price, export above import, grid charging forbidden), `branches` lists the plain runs.

    charging      worth = marginal cost of a kWh at the grid + wear
    discharging   worth = marginal cost of a kWh at the grid * round trip - wear

The marginal cost depends on the net grid power n with the cheapest curtailment: 0 where PV is
curtailed, the export price s for n < 0, the import price b for n > 0, b + excess above the limit.
"""

from micropython import const
from bess.core.market.problem import HALF, SHIFT

_STEPS = const(12)


class Stage:
    """The steps of one slot at a time; the lists are filled anew by `load`."""

    def __init__(self, problem):
        self._problem = problem
        self.keys = [0] * _STEPS
        self.lengths = [0] * _STEPS
        self.count = 0
        self.start = 0              # units that the leftmost end leaves in the battery, negated
        self.branches = None        # or [(first step, step after the last, start, worth)]

    def load(self, t):
        """Fill in the steps of slot t."""
        p = self._problem
        import_price = p.import_price[t]
        if 0 <= p.export_price[t] <= import_price:
            self.branches = None
            net_w = p.load_w[t] - p.pv_w[t]
            if net_w >= 0:
                self._short(t, net_w, import_price)
            else:
                self._surplus(t, -net_w, import_price)
        else:
            self._any(t)

    def _short(self, t, net_w, import_price):
        """Load above PV, plain prices."""
        p = self._problem
        minutes = p.minutes if t else p.first_minutes
        keys, lengths = self.keys, self.lengths
        count = self.start = 0
        top = p.import_w_max - net_w
        if top > 0:
            if p.grid_charge:
                if top > p.charge_w_max:
                    top = p.charge_w_max
                self.start = -top * minutes
                keys[0] = 2 * (import_price + p.unit_wear) + 1
                lengths[0] = top * minutes
                count = 1
            top = 0
        most = p.discharge_limit(t)
        done = 0
        ends = (-top, net_w, net_w + p.export_limit(t), most)
