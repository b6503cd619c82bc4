"""The console beside a control task, for tests, run by the real MicroPython on a terminal."""

import asyncio

from bess.services.console import Console, mem

turns = 0


async def control():
    global turns
    while True:
        turns += 1
        await asyncio.sleep(0.01)


def show(words):
    yield "turns %d" % turns


def long(words):
    for n in range(200):
        yield "line %03d %s" % (n, "x" * 60)


async def main():
    task = asyncio.create_task(control())
    print("ready")
    await Console({"turns": (show, "control turns"), "long": (long, "a long text"),
                   "mem": (mem, "the heap")}).run()
    print("console ended")
    task.cancel()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("safe stop after", turns)
