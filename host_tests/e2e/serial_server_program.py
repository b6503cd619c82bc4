"""A Modbus server on a UART of the virtual board, for tests, run by the real MicroPython."""

import asyncio
import sys

from bess.ports.clock import Clock
from bess.ports.uart import UartPort
from bess.services.serial_server import SerialServer
from bess.services.pump import Pump


class Bank:
    def __init__(self):
        self.words = bytearray(200)

    def read_registers(self, fc, address, count, out, offset):
        if address + count > 100:
            return 2
        out[offset:offset + 2 * count] = self.words[2 * address:2 * (address + count)]
        return 0

    def write_registers(self, address, count, data, offset):
        if address + count > 100:
            return 2
        self.words[2 * address:2 * (address + count)] = data[offset:offset + 2 * count]
        return 0


def main(driver_enable):
    pins = (17, 18, 8 if driver_enable == "de" else None)
    port = UartPort(1, 19200, pins, parity=0, is_client=False)
    asyncio.run(Pump(port, SerialServer(Bank(), (7,), writable=True), Clock()).run())


main(sys.argv[1])
