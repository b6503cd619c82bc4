"""As much of asyncio as the firmware uses, on virtual time: nothing sleeps, nothing is polled."""

from . import core

CancelledError = core.CancelledError
create_task = core.create_task
sleep_ms = core.sleep_ms


class Away(Exception):
    """run() has made its task and leaves it to core.go_on()."""


def run(coro):
    core.create_task(coro)
    raise Away


class StreamReader:
    def __init__(self, s):
        self.s = s

    def readinto(self, buf):
        n = self.s.readinto(buf)
        while n is None:
            yield from sleep_ms(2)
            n = self.s.readinto(buf)
        return n

    def read(self, n):
        data = core.typed(n)
        while not data:
            yield from sleep_ms(20)
            data = core.typed(n)
        return data


def sleep(t):
    return sleep_ms(int(t * 1000))


async def wait_for(aw, timeout):
    return await aw


def current_task():
    return core.cur_task


class _Loop:
    def set_exception_handler(self, handler):
        self.handler = handler


_loop = _Loop()


def get_event_loop():
    return _loop
