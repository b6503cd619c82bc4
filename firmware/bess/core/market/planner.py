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

from bess.core.market.audit import Audit
from bess.core.market.plan import Forward
from bess.core.market.sweep import Sweep


class Planner:
    """Makes one plan at a time; `plan` is the last whole one that passed its audit, or None."""

    def __init__(self):
        self.plan = None
        self.fault = None           # (slot, what) of the last plan when its audit refused it
        self._job = None

    def start(self, problem):
        """Begin a plan for a problem; one that is under way is abandoned."""
        problem.prepare()
        self._job = self._run(problem)

    def step(self):
        """One slice; True while there is more to do."""
        if self._job is None:
            return False
        try:
            next(self._job)
            return True
        except StopIteration:
            self._job = None
            return False

    def _run(self, problem):
        sweep = Sweep(problem)
        yield from sweep.run()
        forward = Forward(problem, sweep)
        plan = forward.plan
        audit = Audit(problem, plan)
        for t in range(problem.n):
            forward.slot(t)
            audit.slot(t)
            yield
        plan.operations = sweep.operations
        self.fault = plan.fault
        if plan.fault is None:
            self.plan = plan
