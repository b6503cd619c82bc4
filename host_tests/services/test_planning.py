"""The planner's task: it yields, takes the newest problem, and never uses a refused plan."""

import asyncio

from bess.core.events import Events
from bess.core.market.planner import Planner
from bess.core.points import EVENT_PLAN_REFUSED
from bess.services.planning import Planning
from host_tests.core.market.day import day


class Clock:
    def ticks_ms(self):
        return 5


class Refusing:
    """A planner whose audit refuses everything; plan stays what it was."""

    plan = fault = None
    fault_slot = 7

    def start(self, problem):
        self.fault = None

    def step(self):
        self.fault = 3
        return False


def work(planning, turns, problems=()):
    """Run the task beside others; problems: (turn, problem) to ask for. Turns of the others."""
    async def main():
        task = asyncio.create_task(planning.run())
        for turn in range(turns):
            for at, problem in problems:
                if at == turn:
                    planning.ask(problem)
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
    asyncio.run(main())


def test_a_plan_is_made_between_the_turns_of_others():
    planning = Planning(Planner(), Events(), Clock())
    planning.ask(day([10, 30, 10, 30], 0, 5))
    work(planning, 3)
    assert planning.plan is None, "a slice at a time"
    planning = Planning(Planner(), Events(), Clock())
    planning.ask(day([10, 30, 10, 30], 0, 5))
    work(planning, 2000)
    assert [w // 1000 for w in planning.plan.battery_w[:4]] == [0, 5, -5, 5]


def test_a_newer_problem_abandons_the_one_under_way():
    planning = Planning(Planner(), Events(), Clock())
    planning.ask(day([10, 30, 10, 30], 0, 5))
    work(planning, 2000, ((3, day([10, 30], 20, 0, soc_mwh=0)),))
    assert len(planning.plan.battery_w) == 2


def test_a_refused_plan_is_an_event_and_is_not_used():
    events, refusing = Events(), Refusing()
    planning = Planning(refusing, events, Clock())
    refusing.plan = planning.plan = "the one before"
    planning.ask(None or day([10, 30], 20, 0))
    work(planning, 10)
    slot = events.slot(0)
    assert events.event(slot) == EVENT_PLAN_REFUSED and events.data(slot) == 3007
    assert planning.plan == "the one before" and events.count == 1
