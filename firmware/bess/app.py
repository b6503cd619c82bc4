"""Composition root: configuration -> objects. The only place that knows all names.

It is needed once, at the start: `make()` gives back what runs, and whoever runs that may forget
this module (main.py does), so that the chip has its memory for better use.
"""

import json
import sys

from bess.core import config
from bess.core.battery.params import ChargeParams, DischargeParams
from bess.core.battery.rounds import Rounds
from bess.core.battery.soc import Soc
from bess.core.checks_wiring import check_board
from bess.core.control.calls import PowerManager
from bess.core.control.diagnosis import Diagnosis
from bess.core.control.grid_watch import GridWatch
from bess.core.events import WARNING
from bess.core.points import (
    EVENT_CONFIG_CHANGED, EVENT_CONFIG_FALLBACK, EVENT_CONFIG_WARNING, TRIP_CONFIG,
)
from bess.core.tick import Dwell
from bess.devices.wiring import build
from bess.ports.board import board_pins, missing_pins
from bess.ports.clock import Clock
from bess.ports.flash import FlashStore
from bess.ports.tcp import TcpPort
from bess.ports.uart import UartPort
from bess.protocols.modbus_tcp import TcpServer
from bess.protocols.transactions import Request
from bess.protocols.views import Views
from bess.services.bell import Bell
from bess.services.console import Console
from bess.services.cycle import Cycle
from bess.services.keeper import Keeper
from bess.services.pump import Pump
from bess.services.runner import Runner, forget

_START_ONLY = ("bess.app", "bess.core.calendar", "bess.core.checks", "bess.core.checks_wiring",
               "bess.core.config", "bess.core.control.restoring", "bess.core.points",
               "bess.devices.register_maps", "bess.devices.wiring", "bess.ports.board")
# Once those are gone these are empty; what is imported later makes its package anew.
_PACKAGES = ("bess.core.control", "bess.core", "bess.devices", "bess.ports")
# Classes of which objects are made while the controller runs; the others need no constructor then.
_MADE_LATER = (Bell, ChargeParams, DischargeParams, Dwell, GridWatch, Request, Rounds, TcpServer,
               Views)
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


def configure(folder, store):
    """(settings, faults, event): the person's config.json, else the last good copy, else defaults.

    A good file is imported: its copy is what counts when the file is wrong or gone next time.
    """
    data, file_fault = read_json(folder + "config.json")
    settings, faults = config.check(data)
    if not faults and not file_fault:
        copy = json.dumps(data).encode()
        known = store.load("config")
        if copy != known:
            store.save("config", copy)
        return settings, [], EVENT_CONFIG_CHANGED if known is not None and copy != known else None
    faults = [file_fault] if file_fault else faults
    copy = store.load("config")
    if copy is not None:
        settings = config.check(json.loads(copy))[0]
    keep_reachable(settings, data)
    return settings, faults, EVENT_CONFIG_FALLBACK


def make(folder="/"):
    """Everything that runs, from the board's and the person's files: call what this returns."""
    board, board_fault = read_json(folder + "board.json")
    store = FlashStore(folder + "state")
    settings, faults, event = configure(folder, store)
    clock = Clock()
    if settings.packs > 1:
        from bess.core.control.site import Site
        manager = Site(settings)
    else:
        manager = PowerManager(settings)
    links = build(settings, manager)
    pumps = [Pump(make_port(link, board), link.transactions, clock) for link in links]
    kicked = [pump for pump, link in zip(pumps, links) if link.commands]
    table = board.get("pins", {})
    pins = board_pins(table, manager, clock)
    cycle = Cycle(manager, pins, kicked, clock)
    cycle.links = len(links)
    runner = Runner(manager, pins, cycle, links, pumps)
    runner.faults = ([board_fault] if board_fault else []) + faults
    if not faults:
        runner.faults += check_board(settings, board)
    runner.faults += ["board.json: pin %s is missing" % name for name in missing_pins(table)]
    add_optional(runner, settings, clock)
    for warning in settings.warnings:
        print("configuration, warning:", warning)
    if settings.warnings:
        manager.events.note(EVENT_CONFIG_WARNING, WARNING, len(settings.warnings),
                            clock.ticks_ms())
    if runner.faults and event is None:
        event = EVENT_CONFIG_FALLBACK
    if event is not None:
        manager.events.note(event, WARNING, len(runner.faults), clock.ticks_ms())
    if runner.faults:
        for each in manager.packs:
            each.trips.present |= 1 << TRIP_CONFIG
    if faults and links:
        runner.faults.append("the last good copy of the configuration is in force, in STANDBY")
    runner.keeper = Keeper(manager, store, clock)
    runner.services.append(runner.keeper)
    if settings.start_at_boot and not runner.faults:
        manager.start()
    # their work is done; a deleted name would keep them
    settings.links = settings.warnings = settings.values = None
    runner.leave_start = leave_start
    return runner.main


def leave_start():
    """Forget what only the start needs: makers, this module and the likes of it, restoring."""
    forget_constructors()
    for name in _START_ONLY + _PACKAGES:
        forget(name)
    Soc.restore = Diagnosis.restore = FlashStore.damaged = PowerManager.restore_latch = None
    PowerManager.restore_maintenance = PowerManager.restore_run = PowerManager.forget_run = None
    del Soc.restore, Diagnosis.restore, FlashStore.damaged, PowerManager.restore_latch
    del PowerManager.restore_maintenance, PowerManager.restore_run, PowerManager.forget_run


def forget_constructors():
    """Every object is made: without the makers the chip has a tenth of its program's RAM back."""
    for name in list(sys.modules):
        if name.startswith("bess."):
            for value in list(sys.modules[name].__dict__.values()):
                if isinstance(value, type) and value not in _MADE_LATER:
                    forget_constructor(value, name)


def forget_constructor(cls, module):
    """Nothing happens to a class that the module has from elsewhere, or that has none.

    Classes of an image do not know their module; those of libraries do.
    """
    if "__init__" in cls.__dict__ and getattr(cls, "__module__", module) == module:
        cls.__init__ = None
        del cls.__init__


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
