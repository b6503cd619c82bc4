"""Composition root: configuration -> objects -> tasks. The only place that knows all names."""

import asyncio
import gc
import json
import sys

from bess.core import config
from bess.core.control.calls import PowerManager
from bess.core.events import WARNING
from bess.core.points import EVENT_CONFIG_FALLBACK
from bess.devices.register_bank import RegisterBank
from bess.devices.wiring import build
from bess.ports.clock import Clock
from bess.ports.flash import FlashStore
from bess.ports.pins import board_pins, missing_pins
from bess.ports.tcp import TcpPort
from bess.ports.uart import UartPort
from bess.services import commands
from bess.services.cycle import Cycle
from bess.services.latch import Latch
from bess.services.pump import Pump

_STOP_MS_MAX = 20_000
# settings that a configuration with faults keeps; who may write is not among them
_REACH = ("name", "modbus_port", "modbus_clients", "console", "wifi_ssid", "wifi_key")


def read_json(name):
    """(data, fault) of a JSON file on the flash."""
    try:
        with open(name) as file:
            return json.load(file), None
    except OSError:
        return {}, "%s: cannot be read" % name
    except ValueError:
        return {}, "%s: is not JSON" % name


def keep_reachable(settings, data):
    """Where people find us stays as configured, as far as each key for itself is right."""
    for key in _REACH:
        if isinstance(data, dict) and key in data:
            alone, faults = config.check({key: data[key]})
            if not faults:
                setattr(settings, key, getattr(alone, key))


class App:
    """Everything that runs, made from the board's and the person's files."""

    def __init__(self, folder="/"):
        board, board_fault = read_json(folder + "board.json")
        data, file_fault = read_json(folder + "config.json")
        settings, faults = config.check(data)
        if faults:
            keep_reachable(settings, data)
        self.faults = [fault for fault in (board_fault, file_fault) if fault] + faults
        self.settings = settings
        self.clock = Clock()
        self.manager = PowerManager(settings)
        pins = board.get("pins", {})
        self.faults += ["board.json: pin %s is missing" % name for name in missing_pins(pins)]
        self.pins = board_pins(pins)
        self.links = build(settings, self.manager)
        self.pumps = [Pump(make_port(link.values, board), link.transactions, self.clock)
                      for link in self.links]
        kicked = [pump for pump, link in zip(self.pumps, self.links) if link.commands]
        self.cycle = Cycle(self.manager, self.pins, kicked, self.clock)
        self.cycle.links = len(self.links)
        self.latch = Latch(self.manager, FlashStore(folder + "state"))
        self.bank = RegisterBank(self.manager, self.links, settings.name)
        self.tasks = []
        self.board = board
        if self.faults:
            self.manager.events.note(EVENT_CONFIG_FALLBACK, WARNING, len(self.faults),
                                     self.clock.ticks_ms())

    async def run(self):
        """Start every task; return when the control cycle or a person ends it."""
        asyncio.get_event_loop().set_exception_handler(_report)
        cycle = asyncio.create_task(self.cycle.run())
        start = [cycle, asyncio.create_task(self.latch.run())]
        start += [asyncio.create_task(pump.run()) for pump in self.pumps]
        start.append(asyncio.create_task(self._look()))
        if self.settings.modbus_port:
            start.append(asyncio.create_task(self._server().run()))
        if self.settings.console:
            start.append(asyncio.create_task(commands.console(self).run()))
        if self.settings.wifi_ssid:
            start.append(asyncio.create_task(self._wifi().run()))
        self.tasks = start
        if self.settings.start_at_boot and not self.faults:
            self.manager.start()
        await cycle

    async def _look(self):
        """Task: tell the links how their pumps do; once a second is enough."""
        while True:
            for pump, link in zip(self.pumps, self.links):
                link.is_open = pump.is_open
                link.reconnects = max(pump.opens - 1, 0)
            gc.collect()
            await asyncio.sleep(1)

    def _server(self):
        from bess.ports.listener import Listener
        from bess.services.modbus_server import ModbusServer
        settings = self.settings
        listener = Listener(("0.0.0.0", settings.modbus_port), settings.modbus_clients, self.clock)
        return ModbusServer(self.bank, listener, settings.modbus_write)

    def _wifi(self):
        from bess.ports.wifi import Wifi
        return Wifi(self.settings.wifi_ssid, self.settings.wifi_key)

    async def stop(self):
        """The safe stop: zero, inverter off, contactors open; at most 20 s."""
        self.manager.stop()
        cycle = asyncio.create_task(self.cycle.run())
        pumps = [asyncio.create_task(pump.run()) for pump in self.pumps]
        for _ in range(_STOP_MS_MAX // 100):
            if self.manager.stopped():
                break
            await asyncio.sleep_ms(100)
        for task in pumps + [cycle]:
            task.cancel()


def make_port(values, board):
    """The port of a link: a UART with the board's pins, or a TCP connection."""
    if values["kind"] == "tcp":
        return TcpPort(values["host"], values["port"])
    pins = board.get("pins", {})
    lines = [pins.get(name, {}).get("gpio") for name in ("rs485_tx", "rs485_rx", "rs485_de")]
    return UartPort(values["uart"] or board.get("uart", 1), values["baud"], lines)


def _report(loop, context):
    """A task that died is a bug: show it. Control does not depend on it."""
    fault = context.get("exception")
    print("task died:", type(fault).__name__, fault)
    if hasattr(sys, "print_exception"):
        sys.print_exception(fault)


def main():
    """Run until Ctrl-C or a fault in the cycle; outputs are safe at the end in any case."""
    app = App()
    for fault in app.faults:
        print("configuration:", fault)
    try:
        asyncio.run(app.run())
    except KeyboardInterrupt:
        print("safe stop")
        asyncio.new_event_loop()
        asyncio.run(app.stop())
    finally:
        app.pins.release_outputs()
        print("outputs safe, mode", app.manager.mode)
