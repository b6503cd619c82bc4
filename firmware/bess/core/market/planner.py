"""The cheapest plan for the battery, exactly, a slice at a time. docs/planner.md has the proof.

The worth of stored energy at the end of a slot is a function of its amount. Going backwards, a
slot adds the steps of what it can do (stage.py). As long as the worth is concave and the steps
stand in falling order, adding is *merging two sorted lists*, and keeping within the limits of
the battery is cutting both ends. No function is stored for the way forward: each step remembers
its slot, and whatever stands left of the energy now stored (or was cut off at the left) is taken
out of the battery in that slot, the rest is not. The plan can be read off the list.

Where a slot is not concave, it consists of a few branches that are. A first pass finds the best
choice of branches by comparing worths (branches.py); with the choice fixed the rest is as above.
"""

from bess.core.market.audit import NO_WAY, Audit
from bess.core.market.plan import FORCE_CHARGE, FORCE_DISCHARGE, HOLD, Forward
from bess.core.market.sweep import Sweep


class Planner:
    """Makes one plan at a time; `plan` is the last whole one that passed its audit, or None.

    Once `step` says False, `fault` is None and `plan` new; or the audit refused what was made:
    then `fault` says why (audit.FAULT_NAMES) and `fault_slot` where, `plan` is the one before.
    """

    def __init__(self):
        self.plan = None
        self.fault = None
        self.fault_slot = 0
        self._job = None

    def start(self, problem):
        """Begin a plan for a problem; one that is under way is abandoned."""
        problem.prepare()
        self._job = self._run(problem)

    def step(self):
        """One slice; True while there is more to do."""
        if self._job is not None:
            for _ in self._job:
                return True
            self._job = None
        return False

    def _run(self, problem):
        plan = yield from self._solve(problem, None)
        if problem.keep_mode is not None and plan.fault is None:
            w = _kept_w(problem)
            if w != -plan.battery_w[0]:
                other = yield from self._solve(problem, w)
                if other.fault is None and other.cost - plan.cost <= problem.keep_gain:
                    plan = other
        self.fault = plan.fault
        self.fault_slot = plan.fault_slot
        if plan.fault is None:
            self.plan = plan

    def _solve(self, problem, pinned_w):
        """A plan; with `pinned_w` (charging positive) settled for slot 0 unless that is None."""
        sweep = Sweep(problem)
        if pinned_w is not None:
            sweep.pin(pinned_w)
        yield from sweep.run()
        forward = Forward(problem, sweep)
        plan = forward.plan
        plan.operations = sweep.operations
        if not sweep.possible:
            plan.fault = NO_WAY
            return plan
        audit = Audit(problem, plan)
        for t in range(problem.n):
            forward.slot(t)
            audit.slot(t)
            yield
        return plan


def _kept_w(problem):
    """What the mode in force makes of the running slot, charging positive."""
    mode = problem.keep_mode
    if mode == HOLD:
        w = 0
    elif mode == FORCE_CHARGE or mode == FORCE_DISCHARGE:
        w = -problem.keep_w
    else:
        w = problem.pv_w[0] - problem.load_w[0]
    return max(-problem.discharge_limit(0), min(problem.charge_limit(0), w))
