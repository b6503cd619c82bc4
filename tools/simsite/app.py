"""Puts plant, wires, pins and control channel together and runs them on the wall clock."""

import asyncio
import contextlib
import os
import time

from .bus import Bus
from .commands import Commands
from .peers.inverters import PcsPeer, PvPeer
from .peers.meter import MeterPeer
from .peers.module import ModulePeer
from .peers.servers import HOST, BusyPort, SerialPeers, TcpPeer
from .pins import Pins

STEP_S = 0.02  # the physics always takes this step, whatever the wall clock does
_BEHIND_S_MAX = 2.0  # what a stalled machine missed beyond this is not made up for
_BATCH_S_MAX = (
    0.04  # the wires get their turn even when --speed asks for more than the machine has
)


class Site:
    """The running site. Use `await start()`, `await run()`, `await stop()`."""

    def __init__(self, plant, uart, ports, pins_path=None, speed=1.0, control=None, baud=115_200):
        self.plant = plant
        self.pins = Pins(pins_path) if pins_path else None
        self.bus = Bus(uart, baud)
        units = range(1, len(plant.bank.modules) + 1)
        self.serial = SerialPeers([ModulePeer(plant, u) for u in units], self.bus.device_path)
        self.links = {
            "pcs": TcpPeer("pcs", PcsPeer(plant), ports[0]),
            "pv": TcpPeer("pv", PvPeer(plant), ports[1]),
            "meter": TcpPeer("meter", MeterPeer(plant), ports[2]),
        }
        self.emergency_healthy = True
        self.opened = set()  # contacts of the site that are open: fire, insulation, door, aux
        self._speed = speed
        self._control = control
        self._control_server = None
        self._commands = Commands(self)
        self.ended = asyncio.Event()

    def outputs(self):
        """What the controller drives besides contactors, by name; empty without a pins file."""
        return self.pins.outputs() if self.pins else {}

    async def start(self):
        """Raises BusyPort when a port is taken."""
        for link in self.links.values():
            await link.start()
        self.bus.start()
        await self.serial.start()
        if self._control:
            await self._open_control()
        self._exchange_pins()

    async def _open_control(self):
        path = str(self._control)
        if path.isdigit():
            opening = asyncio.start_server(self._talk, HOST, int(path))
        else:
            if os.path.exists(path):
                os.unlink(path)
            opening = asyncio.start_unix_server(self._talk, path)
        try:
            self._control_server = await opening
        except OSError as error:
            why = os.strerror(error.errno)
            raise BusyPort(f"control: cannot listen on {path}: {why}") from None

    async def _talk(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                text = line.decode("utf-8", "replace").strip()
                if text:
                    writer.write((await self._commands.obey(text) + "\n").encode())
                    await writer.drain()
        writer.close()

    async def run(self):
        """Step until `ended` is set."""
        last, owed_s = time.monotonic(), 0.0
        while not self.ended.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.ended.wait(), STEP_S)
            now = time.monotonic()
            owed_s = min(owed_s + (now - last) * self._speed, _BEHIND_S_MAX * self._speed)
            last = now
            self._exchange_pins()
            while owed_s >= STEP_S and time.monotonic() - now < _BATCH_S_MAX:
                owed_s -= STEP_S
                self.plant.step(STEP_S)
            self._exchange_pins()

    def _exchange_pins(self):
        if self.pins:
            self.plant.coils = self.pins.coils()
            self.pins.show(self.plant.switchgear, self.emergency_healthy, self.opened)

    async def stop(self):
        """Close everything that `start` opened, also after a start that failed half-way."""
        if self._control_server:
            self._control_server.close()
        if self._control and not str(self._control).isdigit():
            with contextlib.suppress(OSError):
                os.unlink(self._control)
        await self.serial.stop()
        for link in self.links.values():
            await link.stop()
        self.bus.close()
        if self.pins:
            self.pins.close()
