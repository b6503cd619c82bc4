"""Keeps the station connected; control never waits for it."""

import asyncio

import network
from micropython import const

_RETRY_S_MIN = const(2)
_RETRY_S_MAX = const(60)
_JOIN_S = const(15)         # an access point that has not answered by then will not
_LOOK_S = const(2)


class Wifi:
    """A Wi-Fi station that joins again by itself.

    Args:
        ssid, key (str): network and its passphrase.
        on_change (function or None): called with True or False when the link comes or goes.
    """

    def __init__(self, ssid, key, on_change=None):
        self._ssid = ssid
        self._key = key
        self._on_change = on_change
        self._station = network.WLAN(network.STA_IF)
        self.is_connected = False
        self.joins = 0          # times the link came up since start

    def address(self):
        """The station's IPv4 address as text, or None while it is not connected."""
        return self._station.ifconfig()[0] if self.is_connected else None

    async def run(self):
        """Task: join, watch, join again after 2, 4 .. 60 s."""
        retry_s = _RETRY_S_MIN
        while True:
            if await self._join():
                retry_s = _RETRY_S_MIN
                await self._watch()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, _RETRY_S_MAX)

    async def _join(self):
        """True once connected, False after the time for it has passed."""
        try:
            self._station.active(True)
            if not self._station.isconnected():
                self._station.connect(self._ssid, self._key)
            for _ in range(2 * _JOIN_S):
                if self._station.isconnected():
                    self._note(True)
                    return True
                await asyncio.sleep(0.5)
            self._station.disconnect()
        except OSError:
            pass    # the radio refused (out of memory, still busy): try again later
        return False

    async def _watch(self):
        while self._station.isconnected():
            await asyncio.sleep(_LOOK_S)
        self._note(False)

    def _note(self, is_connected):
        self.is_connected = is_connected
        self.joins += is_connected
        if self._on_change is not None:
            self._on_change(is_connected)
