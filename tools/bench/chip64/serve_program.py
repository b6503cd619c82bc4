"""The Modbus TCP server with the controller's own map, 16 modules ticking beside it.

Arguments: port. Prints `ready`.
"""

import asyncio
import sys

from bess.devices.register_bank import RegisterBank
from bess.ports.clock import Clock
from bess.ports.listener import Listener
from bess.services.modbus_server import ModbusServer
from plant import Plant


async def tick(plant):
    while True:
        plant.step()
        await asyncio.sleep_ms(100)


async def main(port):
    plant = Plant(16, 2)
    ticking = asyncio.create_task(tick(plant))
    listener = Listener(("127.0.0.1", port), 8, Clock())
    server = ModbusServer(RegisterBank(plant.manager, [], "bench"), listener, "loopback")
    serving = asyncio.create_task(server.run())
    await asyncio.sleep_ms(50)
    print("ready")
    await serving
    ticking.cancel()


asyncio.run(main(int(sys.argv[1])))
