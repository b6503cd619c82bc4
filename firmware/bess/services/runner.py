"""Runs what the composition root made: starts every task, and ends with the outputs safe."""

import asyncio
import gc
import sys

_STOP_MS_MAX = 20_000
_START_ONLY = ("bess.app", "bess.core.calendar", "bess.core.checks", "bess.core.checks_wiring",
               "bess.core.config", "bess.core.points", "bess.devices.register_maps",
               "bess.devices.wiring", "bess.ports.board")
# Classes of which objects are made while the controller runs; the others need no constructor then.
_MADE_LATER = ("Bell", "Calls", "ChargeParams", "DischargeParams", "Dwell", "Request", "Rounds",
               "TcpServer", "Views")


def forget(name):
    """Drop a module: what nobody else holds of it is free after the next collection."""
    if name in sys.modules:
        package, _, last = name.rpartition(".")
        # MicroPython's dicts keep the value of a deleted key: put nothing there first.
        sys.modules[name] = None
        setattr(sys.modules[package], last, None)
        del sys.modules[name]
        delattr(sys.modules[package], last)


def forget_constructors():
    """Every object is made: without the makers the chip has a tenth of its program's RAM back."""
    for name in list(sys.modules):
        if name.startswith("bess."):
            for word, value in list(sys.modules[name].__dict__.items()):
                if isinstance(value, type) and word not in _MADE_LATER:
                    forget_constructor(value, name)


def forget_constructor(cls, module):
    """Nothing happens to a class that the module has from elsewhere, or that has none.

    Classes of an image do not know their module; those of libraries do.
    """
    if "__init__" in cls.__dict__ and getattr(cls, "__module__", module) == module:
        cls.__init__ = None
        del cls.__init__


class Runner:
    """The parts that run together.

    faults: what is wrong with the configuration, as sentences. services: further objects with a
    task `run()` each.
    """

    def __init__(self, manager, pins, cycle, links, pumps):
        self.manager = manager
        self.pins = pins
        self.links = links
        self.faults = []
        self.services = []
        self.keeper = None
        self._cycle = cycle
        self._pumps = pumps

    def main(self):
        """Run until Ctrl-C or a fault in the cycle; outputs are safe at the end in any case."""
        forget_constructors()
        for name in _START_ONLY:
            forget(name)
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
