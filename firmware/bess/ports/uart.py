"""A serial line, RS-485 or RS-232, as the pump wants it.

Without a driver-enable pin the transceiver must turn round by itself. With one, the chip has no
hardware for it: enable, one write, wait for the last stop bit, release, and no await in between,
because a server may answer 3.5 characters after the request. That wait holds the loop for the time
the frame takes on the wire (0.7 ms for 8 bytes at 115200 baud, 8.3 ms at 9600), which is why a bus
with a driver-enable pin should run at 19200 baud or more.
"""

import asyncio

from machine import UART, Pin
from micropython import const

_RX_BYTES = const(1024)     # two frames of 256 and the noise before them, twice
_TX_BYTES = const(512)      # one whole frame at least: a write must never wait for room
_EIO = const(5)


class UartPort:
    """A UART and its pins; opens, closes, reads and writes bytes.

    Args:
        uart_id (int): number of the UART on the chip.
        baudrate (int): 1200..921600.
        pins (tuple): (tx, rx, de) as GPIO numbers; de is None where there is no such pin.
        parity (int or None): None, 0 even, 1 odd.
        stop (int): 1 or 2 stop bits.
        is_client (bool): a client throws away what came before its request (late answers).
    """

    # An answer missing on a bus says nothing about the port: never reopened for silence.
    timeouts_max = 0

    def __init__(self, uart_id, baudrate, pins, parity=None, stop=1, is_client=True):
        self.name = "uart%d" % uart_id
        self._uart_id = uart_id
        self._baudrate = baudrate
        self._tx, self._rx, de = pins
        self._parity = parity
        self._stop = stop
        self._is_client = is_client
        self._uart = None
        self._reader = None
        self._de = None if de is None else Pin(de, Pin.OUT, value=0)

    async def open(self):
        """Set the line up. Raises OSError when the chip refuses."""
        self.close()
        try:
            self._uart = UART(
                self._uart_id, self._baudrate, bits=8, parity=self._parity, stop=self._stop,
                tx=self._tx, rx=self._rx, rxbuf=_RX_BYTES, txbuf=_TX_BYTES, timeout=0)
        except ValueError as fault:
            raise OSError(_EIO, "%s: %s" % (self.name, fault))
        self._reader = asyncio.StreamReader(self._uart)

    def close(self):
        if self._uart is not None:
            self._uart.deinit()
        self._uart = None
        self._reader = None

    async def write(self, buf):
        """Send one whole frame."""
        uart = self._opened()
        if self._is_client:
            self._drain()
        if self._de is None:
            sent = uart.write(buf)
        else:
            self._de.value(1)
            sent = uart.write(buf)
            uart.flush()
            self._de.value(0)
        if sent != len(buf):
            raise OSError(_EIO, "%s: took %s of %d bytes" % (self.name, sent, len(buf)))

    async def read(self, buf):
        """Wait for bytes and read what is there into `buf`; returns how many, at least 1."""
        self._opened()
        while True:
            received = await self._reader.readinto(buf)
            if received:
                return received
            # Woken for nothing: a line error, or a pseudo-terminal whose other end is away.
            await asyncio.sleep(0.01)
            self._opened()

    def _opened(self):
        if self._uart is None:
            raise OSError(_EIO, "%s is closed" % self.name)
        return self._uart

    def _drain(self):
        while self._uart.any():
            if not self._uart.read(self._uart.any()):
                return
