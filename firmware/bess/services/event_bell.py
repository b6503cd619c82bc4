"""A sleep that somebody else can end, by the means of CPython: only tests get here."""

import asyncio


class EventBell:
    """The bell of bell.py on CPython."""

    def __init__(self):
        self._event = asyncio.Event()

    def ring(self):
        self._event.set()

    async def sleep(self, wait_ms):
        await asyncio.sleep(0)
        timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._event.set)
        try:
            await self._event.wait()
        finally:
            timer.cancel()
        self._event.clear()
