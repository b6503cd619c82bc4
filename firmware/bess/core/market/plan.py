"""A plan: what battery, grid and PV do in each slot, and the inverter mode that makes them do it.

Signs are the house's: battery_w > 0 discharges, grid_w > 0 imports.
"""

from micropython import const
from bess.core.market.problem import HALF, SHIFT

SELF_USE = const(0)             # follows the net load
ZERO_EXPORT = const(1)          # the same, PV curtailed where it would be exported
HOLD = const(2)
FORCE_CHARGE = const(3)
FORCE_DISCHARGE = const(4)
MODE_NAMES = ("self_use", "zero_export", "hold", "force_charge", "force_discharge")

_NEAR_W = const(1)              # two powers that are the same but for rounding


class Plan:
    """One entry a slot in every series."""

    def __init__(self, n):
        self.n = n
        self.battery_w = [0] * n
        self.grid_w = [0] * n
        self.curtail_w = [0] * n
        self.soc_mwh = [0] * n          # expected at the end of the slot
        self.worth = [0] * n            # price of one more kWh stored at the end of the slot
        self.mode = bytearray(n)
        self.cost = 0                   # all of it, less the value of what is stored at the end
        self.short_mwh = 0              # most that a wanted reserve is missed by; 0: met
        self.fault = None               # what the audit refuses it for (audit.py), and where
        self.fault_slot = 0
        self.operations = 0             # steps merged, cut and compared


class Forward:
    """Turns the units of a finished sweep into powers and modes, within the battery's limits."""

    def __init__(self, problem, sweep):
        self._problem = problem
        self._sweep = sweep
        self._units = sweep.now             # with powers in whole W
        self._exact = sweep.now             # as the sweep has it
        self._worth = sweep.low_keys[0]
        self.plan = Plan(problem.n)

    def slot(self, t):
        """Fill in slot t; slots in order."""
        p = self._problem
        plan = self.plan
        charge_w = self._power(t)
        net_w = p.load_w[t] - p.pv_w[t] + charge_w
        curtail_w = self._curtail(t, net_w, charge_w)
        plan.battery_w[t] = -charge_w
        plan.curtail_w[t] = curtail_w
        plan.grid_w[t] = net_w + curtail_w
        plan.worth[t] = self._marginal(t)
        if curtail_w > 0 and plan.mode[t] == SELF_USE:
            plan.mode[t] = ZERO_EXPORT

    def _power(self, t):
        """W of slot t, charging positive, and its mode; moves the stored energy on."""
        p, sweep = self._problem, self._sweep
        minutes = p.minutes if t else p.first_minutes
        units = sweep.taken[t]
        if units <= 0:
            want_w = (minutes // 2 - units) // minutes
        else:
            want_w = -((units * p.out_price + (minutes << SHIFT - 1)) // (minutes << SHIFT))
        room = sweep.ceiling - self._units
        spare = self._units - sweep.floors[t + 1]
        w = self._within(want_w, room, spare, minutes)
        if want_w > 0 and w * minutes < -spare:     # rounding alone is no reason to charge
            w = min(p.charge_limit(t), (minutes - 1 - spare) // minutes, room // minutes)
        own_w = p.pv_w[t] - p.load_w[t]
        limit = p.charge_limit(t) if own_w > 0 else -p.discharge_limit(t)
        if (own_w > limit) == (own_w > 0):
            own_w = limit
        own_w = self._within(own_w, room, spare, minutes)
        self.plan.mode[t] = _mode(w, own_w)
        if w >= 0:
            self._units += w * minutes
        else:
            self._units -= (-w * minutes * p.out_units + HALF) >> SHIFT
        return w

    def _within(self, w, room, spare, minutes):
        """The power next to w that keeps the stored energy inside its limits."""
        if w >= 0:
            if w * minutes > room:
                w = room // minutes
        elif spare < 0:
            w = 0
        elif (-w * minutes * self._problem.out_units + HALF) >> SHIFT > spare:
            w = -(spare * self._problem.out_price // (minutes << SHIFT))
        return w

    def _curtail(self, t, net_w, charge_w):
        """Cheapest curtailment when net_w would flow without any; the least of equal ones."""
        p = self._problem
        import_price, export_price = p.import_price[t], p.export_price[t]
        export_w = p.export_limit(t)
        least = -export_w - net_w if net_w < -export_w else 0
        if import_price >= 0 and export_price >= 0:
            return least
        most = p.pv_w[t]
        top_w = p.import_w_max if import_price < 0 else 0
        if charge_w > 0 and not p.grid_charge:
            top_w = 0
        much = max(least, min(most, top_w - net_w))
        if _cost(net_w + much, import_price, export_price) < _cost(
                net_w + least, import_price, export_price):
            return much
        return least

    def _marginal(self, t):
        """Worth of stored energy at the end of slot t: changes only where a limit binds."""
        sweep = self._sweep
        self._exact -= sweep.taken[t]
        self._worth = sweep.key_at(t + 1, self._exact, self._worth)
        return self._problem.to_price(self._worth >> 1)


def _cost(grid_w, import_price, export_price):
    return grid_w * (import_price if grid_w >= 0 else export_price)


def _mode(w, own_w):
    if -_NEAR_W <= w - own_w <= _NEAR_W:
        return SELF_USE
    if w == 0:
        return HOLD
    return FORCE_CHARGE if w > 0 else FORCE_DISCHARGE
