"""Gives asyncio's poller its room from the start.

The unix port keeps the descriptors it polls in an array. When that has to grow (from the fifth on)
while an object without a descriptor is registered, such as our UART, the object's pointer into the
array is spoiled and the interpreter dies. A chip has no such array.

While the program waits its pins are looked at, too: their interrupts come from there.
"""
import select

import _host
import _pin

_ROOM = 24                          # more than a board has sockets
_LOOK_MS = 5


class _Poller:
    """A poller that looks at the pins with a handler every few milliseconds of its waiting."""

    def __init__(self, poller):
        self._poller = poller
        self.register, self.unregister = poller.register, poller.unregister
        self.modify = poller.modify

    def ipoll(self, wait_ms=-1, flags=0):
        if _pin.watched:
            _pin.look()
            if not 0 <= wait_ms < _LOOK_MS:
                wait_ms = _LOOK_MS
        return self._poller.ipoll(wait_ms, flags)


class _Select:
    """Module select, whose poll() has grown already."""

    def __getattr__(self, name):
        return getattr(select, name)

    def poll(self):
        poller = select.poll()
        files = [_host.open_host("/dev/null", "rb") for _ in range(_ROOM)]
        for file in files:
            poller.register(file)
        for file in files:
            poller.unregister(file)
            file.close()
        return _Poller(poller)


def install():
    """Once asyncio can be found."""
    import asyncio.core

    asyncio.core.select = _Select()
    asyncio.core.new_event_loop()
