"""Simulates a finished plan with the physical model and refuses what breaks a limit.

It shares no step with the planner: powers in W as they stand in the plan, energy in uWh, limits
from the problem. A plan that is refused must never be used.
"""

from micropython import const

NO_WAY = const(0)               # the planner found no plan, so there is nothing to simulate
BALANCE = const(1)
BATTERY_POWER = const(2)
CURTAILMENT = const(3)
EXPORT = const(4)
IMPORT_CHARGING = const(5)
BATTERY_EXPORT = const(6)
STORED_ENERGY = const(7)
FAULT_NAMES = ("no way to meet the limits", "balance", "battery power", "curtailment", "export",
               "import while charging", "battery export", "stored energy")

_NEAR_UWH = const(2_000_000)
_PPM = const(1_000_000)


class Audit:
    """Slot by slot; then the plan has cost, stored energy, `short_mwh` and `fault`."""

    def __init__(self, problem, plan):
        self._problem = problem
        self._plan = plan
        self._uwh = self._reach = problem.soc_mwh * 1000
        self._top = max(self._uwh, problem.soc_mwh_max * 1000)
        self._near = max(_NEAR_UWH, problem.soc_mwh_max // 100)
        self._cost = 0                      # price * uWh

    def slot(self, t):
        """Simulate slot t; slots in order."""
        p, plan = self._problem, self._plan
        minutes = p.minutes if t else p.first_minutes
        charge_w = -plan.battery_w[t]
        grid_w = plan.grid_w[t]
        before = self._uwh
        if charge_w >= 0:
            self._uwh += charge_w * minutes * p.eta_charge_ppm // 60
        else:
            self._uwh -= -charge_w * minutes * _PPM // 60 * _PPM // p.eta_discharge_ppm
        self._limits(t, charge_w, grid_w, minutes)
        price = p.import_price[t] if grid_w >= 0 else p.export_price[t]
        cost = price * grid_w
        if grid_w > p.import_w_max:
            cost += p.import_excess * (grid_w - p.import_w_max)
        self._cost += cost * minutes * 50_000 // 3 + p.wear * abs(self._uwh - before)
        plan.soc_mwh[t] = (self._uwh + 500) // 1000
        if t == p.n - 1:
            self._cost -= p.end_value * (self._uwh - p.soc_mwh_min * 1000)
            plan.cost = self._cost // 1_000_000_000

    def _limits(self, t, charge_w, grid_w, minutes):
        p, plan = self._problem, self._plan
        charge_w_max = p.charge_limit(t)
        self._reach += charge_w_max * minutes * p.eta_charge_ppm // 60
        if self._reach > self._top:
            self._reach = self._top
        wanted = p.wanted_mwh(t) * 1000
        floor = wanted if wanted < self._reach else self._reach
        if wanted - self._uwh > self._near:
            plan.short_mwh = max(plan.short_mwh, (wanted - self._uwh) // 1000)
        curtail_w = plan.curtail_w[t]
        what = None
        if grid_w != p.load_w[t] - p.pv_w[t] + curtail_w + charge_w:
            what = BALANCE
        elif charge_w > charge_w_max or -charge_w > p.discharge_limit(t):
            what = BATTERY_POWER
        elif not 0 <= curtail_w <= p.pv_w[t]:
            what = CURTAILMENT
        elif -grid_w > p.export_limit(t):
            what = EXPORT
        elif charge_w > 0 and grid_w > (p.import_w_max if p.grid_charge else 0):
            what = IMPORT_CHARGING
        elif charge_w < 0 and grid_w < 0 and not p.battery_export:
            what = BATTERY_EXPORT
        elif self._uwh < floor - self._near or self._uwh > self._top + self._near:
            what = STORED_ENERGY
        if what is not None and plan.fault is None:
            plan.fault = what
            plan.fault_slot = t
