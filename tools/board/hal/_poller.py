"""Gives asyncio's poller its room from the start.

The unix port keeps the descriptors it polls in an array. When that has to grow (from the fifth on)
while an object without a descriptor is registered, such as our UART, the object's pointer into the
array is spoiled and the interpreter dies. A chip has no such array.
"""
import select

import _host

_ROOM = 24                          # more than a board has sockets


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
        return poller


def install():
    """Once asyncio can be found."""
    import asyncio.core

    asyncio.core.select = _Select()
    asyncio.core.new_event_loop()
