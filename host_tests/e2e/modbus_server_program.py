"""A Modbus TCP server for tests, run by the real MicroPython.

Arguments: port, places, writes, idle_ms, stuck_ms. Holding registers 0..299 start as their own
address; registers 300.. do not exist; register 200 cannot be written. A task counts 10 ms steps in
register 0 of the input registers: it stands still when the server holds the loop.
"""

import asyncio
import sys

from bess.ports.clock import Clock
from bess.ports.listener import Listener
from bess.services.modbus_server import ModbusServer

SIZE = 300
READ_ONLY = 200


class Bank:
    identity = (b"test", b"server", b"1")

    def __init__(self):
        self.words = bytearray(2 * SIZE)
        self.view = memoryview(self.words)
        self.steps = bytearray(2 * SIZE)
        for n in range(SIZE):
            self.words[2 * n] = n >> 8
            self.words[2 * n + 1] = n & 255

    def read_registers(self, fc, address, count, out, offset):
        if address + count > SIZE:
            return 2
        source = self.view if fc == 3 else memoryview(self.steps)
        out[offset:offset + 2 * count] = source[2 * address:2 * (address + count)]
        return 0

    def write_registers(self, address, count, data, offset):
        if address + count > SIZE or address <= READ_ONLY < address + count:
            return 2
        self.view[2 * address:2 * (address + count)] = data[offset:offset + 2 * count]
        return 0


async def step(bank):
    count = 0
    while True:
        await asyncio.sleep(0.01)
        count = (count + 1) & 0xFFFF
        bank.steps[0], bank.steps[1] = count >> 8, count & 255


async def main(port, places, writes, idle_ms, stuck_ms):
    bank = Bank()
    address = ("127.0.0.1", int(port))
    listener = Listener(address, int(places), Clock(), int(idle_ms), int(stuck_ms))
    server = ModbusServer(bank, listener, writes)
    stepper = asyncio.create_task(step(bank))
    print("ready")
    try:
        await server.run()
    finally:
        stepper.cancel()


asyncio.run(main(*sys.argv[1:6]))
