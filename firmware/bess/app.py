"""Composition root: configuration -> objects. The only place that knows all names.

It is needed once, at the start: `make()` gives back what runs, and whoever runs that may forget
this module (main.py does), so that the chip has its memory for better use.
"""

import json

from bess.core import config
from bess.core.control.calls import PowerManager
from bess.core.events import WARNING
from bess.core.points import EVENT_CONFIG_FALLBACK
from bess.devices.wiring import build
from bess.ports.board import board_pins, missing_pins
from bess.ports.clock import Clock
from bess.ports.flash import FlashStore
from bess.ports.tcp import TcpPort
from bess.ports.uart import UartPort
from bess.services.console import Console
from bess.services.cycle import Cycle
from bess.services.latch import Latch
from bess.services.pump import Pump
from bess.services.runner import Runner

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


def make(folder="/"):
    """Everything that runs, from the board's and the person's files: call what this returns."""
    board, board_fault = read_json(folder + "board.json")
    data, file_fault = read_json(folder + "config.json")
    settings, faults = config.check(data)
    if faults:
        keep_reachable(settings, data)
    clock = Clock()
    manager = PowerManager(settings)
    links = build(settings, manager)
    pumps = [Pump(make_port(link, board), link.transactions, clock) for link in links]
    kicked = [pump for pump, link in zip(pumps, links) if link.commands]
    table = board.get("pins", {})
    pins = board_pins(table)
    cycle = Cycle(manager, pins, kicked, clock)
    cycle.links = len(links)
    runner = Runner(manager, pins, cycle, links, pumps)
    runner.services.append(Latch(manager, FlashStore(folder + "state")))
    runner.faults = [fault for fault in (board_fault, file_fault) if fault] + faults
    runner.faults += ["board.json: pin %s is missing" % name for name in missing_pins(table)]
    add_optional(runner, settings, clock)
    if runner.faults:
        manager.events.note(EVENT_CONFIG_FALLBACK, WARNING, len(runner.faults), clock.ticks_ms())
    elif settings.start_at_boot:
        manager.start()
    del settings.links      # the rows of the configuration have done their work
    return runner.main


def add_optional(runner, settings, clock):
    """The services that the configuration asks for; the others are not even imported."""
    if settings.modbus_port:
        from bess.devices.register_bank import RegisterBank
        from bess.ports.listener import Listener
        from bess.services.modbus_server import ModbusServer
        bank = RegisterBank(runner.manager, runner.links, settings.name)
        listener = Listener(("0.0.0.0", settings.modbus_port), settings.modbus_clients, clock)
        runner.services.append(ModbusServer(bank, listener, settings.modbus_write))
    if settings.console:
        runner.services.append(Console(runner.words))
    if settings.wifi_ssid:
        from bess.ports.wifi import Wifi
        runner.services.append(Wifi(settings.wifi_ssid, settings.wifi_key))


def make_port(link, board):
    """The port of a link: a UART with the board's pins, or a TCP connection."""
    values, link.values = link.values, None
    if values["kind"] == "tcp":
        return TcpPort(values["host"], values["port"])
    pins = board.get("pins", {})
    lines = [pins.get(name, {}).get("gpio") for name in ("rs485_tx", "rs485_rx", "rs485_de")]
    return UartPort(values["uart"] or board.get("uart", 1), values["baud"], lines)
