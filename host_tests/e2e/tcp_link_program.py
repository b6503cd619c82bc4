"""One TCP link for tests, run by the real MicroPython: port, pump, transactions, one device.

Arguments: host, port, milliseconds after the third poll at which a stop command is due (0 never).
Prints `value N` per answered poll, `failed CODE`, and `fault TEXT` when the link breaks.
"""

import asyncio
import sys

from bess.ports.clock import Clock
from bess.ports.tcp import TcpPort
from bess.protocols.modbus_tcp import TcpClient
from bess.protocols.transactions import Request, Transactions
from bess.services.pump import Pump


class Device:
    def __init__(self):
        self.urgent = False
        self.polls = 0
        self.poll = Request(1, 3, 0, 1)
        self.stop = Request(1, 6, 9, 1)

    def next_write(self, now_ms):
        return self.stop if self.urgent else None

    def next_read(self, now_ms):
        self.polls += 1
        return self.poll

    def done(self, request, data, now_ms):
        if request is self.stop:
            self.urgent = False
            print("stopped")
        else:
            print("value", data[0] << 8 | data[1])

    def failed(self, request, code, now_ms):
        print("failed", code)


async def look(pump):
    faults = 0
    while True:
        if pump.faults != faults:
            faults = pump.faults
            print("fault", pump.last_fault)
        await asyncio.sleep(0.005)


async def stop_after(device, pump, delay_ms):
    while device.polls < 3:
        await asyncio.sleep(0.001)
    await asyncio.sleep(delay_ms / 1000)
    device.urgent = True
    pump.kick()


async def main(host, port, delay_ms):
    device = Device()
    transactions = Transactions(TcpClient(), retries=0, timeout_ms=2000 if delay_ms else 100)
    transactions.add(device)
    pump = Pump(TcpPort(host, port, connect_ms=500, write_ms=300), transactions, Clock(), 100)
    tasks = [asyncio.create_task(look(pump))]
    if delay_ms:
        tasks.append(asyncio.create_task(stop_after(device, pump, delay_ms)))
    await pump.run()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
