"""A sleep that somebody else can end, for one sleeper.

MicroPython's own way, `wait_for` around an Event, starts a task each time: a millisecond and some
hundred bytes on a chip. The sleeping task is in the loop's queue already, so ringing only moves it
to the front, which allocates nothing and may be done from inside the control tick. CPython has no
such queue and gets the plain way of event_bell.py.
"""

import asyncio

try:
    from asyncio import core
except ImportError:     # CPython: tests
    core = None


class Bell:
    """For MicroPython's scheduler."""

    def __init__(self):
        self._sleeper = None    # the task in sleep()
        self._queue = None      # where it sleeps
        self._rung = False

    def ring(self):
        """End the sleep, or the next one when nobody sleeps now."""
        self._rung = True
        sleeper = self._sleeper
        if sleeper is None or sleeper.data is not None:
            # A task that is being cancelled is at the front already, and pushing it again would
            # make it forget the cancellation, which the queue keeps in `data`.
            return
        self._sleeper = None
        if self._queue is core._task_queue:     # else its event loop was given up
            self._queue.remove(sleeper)
            self._queue.push(sleeper)

    async def sleep(self, wait_ms):
        """Wait until rung, at most `wait_ms` (int, ms; 0 lets the other tasks run once)."""
        if self._rung:
            wait_ms = 0         # yields all the same: who is rung all the time must not hog
        else:
            self._sleeper = core.cur_task
            self._queue = core._task_queue
        try:
            await asyncio.sleep_ms(wait_ms)
        finally:
            self._sleeper = None
        self._rung = False


def _plain():
    from bess.services.event_bell import EventBell
    return EventBell


if core is None:
    Bell = _plain()
