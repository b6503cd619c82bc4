"""Keeps the latched emergency over a restart: on flash within 1 s, written outside the tick."""

import asyncio
import struct

from bess.core.points import CAUSE_LATCH_UNREADABLE

_NAME = "latch"
_FORMAT = ">HB"
_LOOK_MS = 200


class Latch:
    """Stores manager.latched and the first cause whenever they change.

    A record that is there but cannot be read is itself a cause: nobody knows what it said.
    """

    def __init__(self, manager, store):
        self._manager = manager
        self._store = store
        self._stored = b""
        self._restore()

    def _restore(self):
        record = self._store.load(_NAME)
        if record is None:
            if self._store.damaged(_NAME):
                self._manager.restore_latch(1 << CAUSE_LATCH_UNREADABLE, CAUSE_LATCH_UNREADABLE)
            return
        self._stored = record
        causes, first_cause = struct.unpack(_FORMAT, record)
        self._manager.restore_latch(causes, first_cause)

    async def run(self):
        """Task: write what changed."""
        while True:
            record = struct.pack(_FORMAT, self._manager.latched, self._manager.first_cause)
            if record != self._stored:
                self._save(record)
            await asyncio.sleep_ms(_LOOK_MS)

    def _save(self, record):
        try:
            self._store.save(_NAME, record)
            self._stored = record
        except OSError as fault:
            print("latch:", fault)      # the flash is full or broken; tried again next time
