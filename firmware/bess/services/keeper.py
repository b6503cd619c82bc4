"""Keeps what survives a restart: written outside the tick, when it changes and not too often.

The latch is on flash within 1 s; parameters and the schedule within a few seconds; counters every
15 minutes and whenever the pack has come to rest. A record that cannot be read is an event.
"""

import asyncio

from micropython import const

from bess.core.control import memory
from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_RESTART, EVENT_STORE_REPAIRED
from bess.core.tick import TICK_MASK

_LOOK_MS = 200
_SETTLED_MS = 600_000       # a restart after this uptime is no sign of trouble
_RESTARTS_MAX = 3
_SOUND = 255                # stored instead of a count
# name, how it is written, ms between two writes; read by restoring.RESTORE
_RECORDS = (
    "latch", memory.dump_latch, 0,
    "params", memory.dump_params, 2_000,
    "schedule", memory.dump_schedule, 2_000,
    "soc", memory.dump_soc, 900_000,
    "counters", memory.dump_counters, 900_000,
)
_KINDS = const(5)
_COLUMNS = const(3)


class Keeper:
    """Restores every record when it is made, and writes them from its task.

    Args:
        store: has load(name), damaged(name), save(name, bytes); see ports/flash.py.
    """

    def __init__(self, manager, store, clock):
        self._manager = manager
        self._store = store
        self._clock = clock
        self._packs = manager.packs
        count = _KINDS * len(self._packs)       # those of the first pack, and so on
        self._stored = [b""] * count
        self._written_ms = [clock.ticks_ms()] * count
        self._started_ms = clock.ticks_ms()
        self._rested = True
        self._restarts = 0
        from bess.core.control.restoring import RESTORE
        for i in range(count):
            name, each = self._name(i), self._packs[i // _KINDS]
            restore = RESTORE[i % _KINDS]
            record, damaged = store.load(name), store.damaged(name)
            if record is None and not damaged:
                continue
            if damaged and i % _KINDS == 0:
                record = None           # the older slot may not know of an emergency
            if record is not None:
                try:
                    restore(each, record)
                    self._stored[i] = record
                except ValueError as fault:
                    print(name, fault)
                    record = None
            if record is None:
                restore(each, None)
            if record is None or damaged:
                manager.events.note(EVENT_STORE_REPAIRED, WARNING, i, clock.ticks_ms())
        # After three unplanned restarts, each within 10 minutes, it does not start by itself.
        record = store.load("restarts")
        count = record[0] if record else _SOUND
        self._restarts = 0 if count == _SOUND else min(count + 1, _RESTARTS_MAX)
        self._manager.events.note(EVENT_RESTART, INFO, self._restarts, self._clock.ticks_ms())
        if self._restarts >= _RESTARTS_MAX:
            manager.forget_run()
        self._save("restarts", bytes((self._restarts,)))

    def _name(self, i):
        """Name of record i; the schedule of the further packs is that of the first one."""
        pack, i = divmod(i, _KINDS)
        name = _RECORDS[_COLUMNS * i]
        return name + str(pack + 1) if pack else name

    async def run(self):
        """Task: write what changed."""
        while True:
            self.look(self._clock.ticks_ms())
            await asyncio.sleep_ms(_LOOK_MS)

    def look(self, now_ms):
        """One round over the records; a pack that has just come to rest stores everything."""
        rested = self._manager.stopped()
        at_rest = rested and not self._rested
        self._rested = rested
        for i in range(len(self._stored)):
            spent_ms = (now_ms - self._written_ms[i]) & TICK_MASK
            if at_rest or spent_ms >= _RECORDS[_COLUMNS * (i % _KINDS) + 2]:
                self._write(i, now_ms)
        if self._restarts >= 0 and (now_ms - self._started_ms) & TICK_MASK >= _SETTLED_MS:
            self.settle()

    def settle(self):
        """This run is sound, or its end is planned: the next restart counts as the first."""
        self._restarts = -1
        self._save("restarts", bytes((_SOUND,)))

    def flush(self):
        """Write everything that changed, now: before a planned restart."""
        for i in range(len(self._stored)):
            self._write(i, self._clock.ticks_ms())
        self.settle()

    def _write(self, i, now_ms):
        self._written_ms[i] = now_ms
        record = _RECORDS[_COLUMNS * (i % _KINDS) + 1](self._packs[i // _KINDS])
        if record != self._stored[i] and self._save(self._name(i), record):
            self._stored[i] = record

    def _save(self, name, record):
        try:
            self._store.save(name, record)
            return True
        except OSError as fault:
            print(name, fault)      # the flash is full or broken; tried again next time
            return False
