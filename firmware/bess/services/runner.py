"""Runs what the composition root made: starts every task, and ends with the outputs safe."""

import asyncio
import gc
import sys

_STOP_MS_MAX = 20_000


def forget(name):
    """Drop a module: what nobody else holds of it is free after the next collection."""
    if name in sys.modules:
        package, _, last = name.rpartition(".")
        # MicroPython's dicts keep the value of a deleted key: put nothing there first.
        sys.modules[name] = None
        setattr(sys.modules[package], last, None)
        del sys.modules[name]
        delattr(sys.modules[package], last)


class Runner:
    """The parts that run together.

    faults: what is wrong with the configuration, as sentences. services: further objects with a
    task `run()` each. leave_start: called when everything is made; forgets what only made it.
    """

    def __init__(self, manager, pins, cycle, links, pumps):
        self.manager = manager
        self.pins = pins
        self.links = links
        self.faults = []
        self.services = []
        self.keeper = None
        self.leave_start = None
        self._cycle = cycle
        self._pumps = pumps

    def main(self):
        """Run until Ctrl-C or a fault in the cycle; outputs are safe at the end in any case."""
        if self.leave_start is not None:
            self.leave_start()
            self.leave_start = None
        for fault in self.faults:
            print("configuration:", fault)
        try:
            asyncio.run(self.run())
        except KeyboardInterrupt:
            print("safe stop")
            asyncio.new_event_loop()
            asyncio.run(self.stop())
        finally:
            self.pins.release_outputs()
            print("outputs safe, mode", self.manager.mode)

    async def run(self):
        """Start every task; return when the control cycle ends."""
        asyncio.get_event_loop().set_exception_handler(_report)
        cycle = asyncio.create_task(self._cycle.run())
        for service in self._pumps + self.services:
            asyncio.create_task(service.run())
        asyncio.create_task(self._look())
        await cycle

    async def _look(self):
        """Task: tell the links how their pumps do; once a second is enough."""
        while True:
            for pump, link in zip(self._pumps, self.links):
                link.is_open = pump.is_open
                link.reconnects = max(pump.opens - 1, 0)
            gc.collect()
            await asyncio.sleep(1)

    async def stop(self):
        """The safe stop: zero, inverter off, contactors open; at most 20 s."""
        self.manager.stop()
        tasks = [asyncio.create_task(part.run()) for part in self._pumps + [self._cycle]]
        for _ in range(_STOP_MS_MAX // 100):
            if self.manager.stopped():
                break
            await asyncio.sleep_ms(100)
        for task in tasks:
            task.cancel()
        if self.keeper is not None:
            self.keeper.flush()

    def words(self):
        """The console's commands, loaded for one line only: their texts are many."""
        from bess.services import commands
        forget("bess.services.commands")
        return commands.table(self)


def _report(loop, context):
    """A task that died is a bug: show it. Control does not depend on it."""
    fault = context.get("exception")
    print("task died:", type(fault).__name__, fault)
    if hasattr(sys, "print_exception"):
        sys.print_exception(fault)
