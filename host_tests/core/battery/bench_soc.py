"""Modules and our own count of their charge on the bench: a sample of each in every tick."""

import micropython

from bess.core.battery.pack import Pack
from bess.core.battery.soc import Soc
from bess.core.events import Events
from bess.core.points import M_CURRENT_MA
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy

MODULE_MAH = 314_000
DAY_S = 86_400


class Settings:
    calibration_days = 14
    current_offset_ma = 20

    def __init__(self, strings_p=1):
        self.pack_mah = strings_p * MODULE_MAH


class Bench:
    """Modules that bring a sample in every tick, one string each; time goes on by `run`."""

    def __init__(self, strings_p=1, modules_s=1, tick_ms=1000, start_ms=5000):
        self.pack = Pack(modules_s, strings_p, 2 * tick_ms, 157_000)
        self.settings = Settings(strings_p)
        self.soc = Soc(self.settings)
        self.events = Events()
        self.tick_ms, self.now_ms = tick_ms, start_ms
        self.silent = 0
        self.locked = self.limited = False
        for row in self.pack.rows:
            healthy(row)

    def say(self, column, *values):
        """Values of one column, the last one for all modules that are left."""
        for i, row in enumerate(self.pack.rows):
            row[column] = values[min(i, len(values) - 1)]
        return self

    def tick(self, late_ms=0):
        for i in range(self.pack.count):
            if not self.silent >> i & 1:
                self.pack.put(i, (self.now_ms - late_ms) & TICK_MASK)
        self.pack.update(self.now_ms)
        full_mah = max(self.pack.strings_live, 1) * MODULE_MAH
        if self.locked:
            micropython.heap_lock()
        try:
            self.soc.update(self.pack, full_mah, self.limited, self.events, self.now_ms)
        finally:
            if self.locked:
                micropython.heap_unlock()
        self.now_ms = (self.now_ms + self.tick_ms) & TICK_MASK

    def run(self, seconds, *ma):
        """Ticks for so long, with the currents of the modules if given."""
        if ma:
            self.say(M_CURRENT_MA, *ma)
        for _ in range(seconds * 1000 // self.tick_ms):
            self.tick()
        return self

    def started(self, *ma):
        """The first sample is there, and the modules have been compared once."""
        if ma:
            self.say(M_CURRENT_MA, *ma)
        self.tick()
        self.tick()
        return self

    def noted(self, event):
        """Data of the events of that kind, oldest first."""
        found = []
        for back in range(31, -1, -1):
            slot = self.events.slot(back)
            if slot >= 0 and self.events.event(slot) == event:
                found.append(self.events.data(slot))
        return found
