"""The planner's task: slices between control ticks, one plan after another.

Whoever knows prices and forecasts hands a problem to `ask`; a newer one abandons what is under
way. A plan that the audit refuses is never used: it is an event, and the plan before stays.
"""

import asyncio

from bess.core.events import WARNING
from bess.core.points import EVENT_PLAN_REFUSED

_IDLE_S = 0.1


class Planning:
    """plan: the last whole one that passed, None before the first.

    Args:
        planner: see core/market/planner.py. events: where a refused plan is noted.
        clock: has ticks_ms().
    """

    def __init__(self, planner, events, clock):
        self.plan = None
        self._planner = planner
        self._events = events
        self._clock = clock
        self._problem = None

    def ask(self, problem):
        """Plan this (a market.problem.Problem) from now on."""
        self._problem = problem

    async def run(self):
        """Task: a slice whenever nobody else wants the processor."""
        working = False
        while True:
            problem, self._problem = self._problem, None
            if problem is not None:
                self._planner.start(problem)
                working = True
            if not working:
                await asyncio.sleep(_IDLE_S)
                continue
            working = self._planner.step()
            if not working:
                self._finish()
            await asyncio.sleep(0)

    def _finish(self):
        planner = self._planner
        if planner.fault is None:
            self.plan = planner.plan
        else:
            self._events.note(EVENT_PLAN_REFUSED, WARNING,
                              planner.fault * 1000 + planner.fault_slot, self._clock.ticks_ms())
