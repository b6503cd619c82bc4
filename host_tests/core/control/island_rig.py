"""An island on the bench: an inverter, a pack and a grid set by hand."""

from bess.core.control.grid_rules import BACKUP
from bess.core.control.grid_watch import FOLLOWING, LOST
from bess.core.control.island import Island
from bess.core.events import Events
from bess.core.tick import TICK_MASK


class Settings:
    grid_mv_nominal = 230_000
    backup_output = 0
    fade_after_ms = 5000
    island_pm_min = 100
    shed_1_pm = 400
    shed_2_pm = 300


class Rules:
    def __init__(self, kind):
        self.kind = kind


class Pack:
    """A healthy one; an island sees no more of it."""

    def __init__(self):
        self.strings_live = 1
        self.soc_pm_min = 800
        self.cell_mv_max, self.cell_mv_min = 3330, 3300
        self.current_ma, self.discharge_ma_max = 50_000, 100_000
        self.last_ms = 0


class Rig:
    """An island of a backup site whose inverter runs; every tick is 100 ms."""

    def __init__(self, kind=BACKUP, pcs_grid=LOST, backup_output=0, start_ms=1000):
        settings = Settings()
        settings.backup_output = backup_output
        self.pack, self.events = Pack(), Events()
        self.island = Island(settings, Rules(kind), self.pack, self.events)
        self.now_ms = start_ms
        self.pcs_grid, self.grid_mv, self.run = pcs_grid, None, FOLLOWING
        self.blocked, self.pv_w = False, None

    def tick(self, span_ms=100):
        """Ticks for the span; returns the island."""
        for _ in range(span_ms // 100):
            self.now_ms = (self.now_ms + 100) & TICK_MASK
            if self.pack.strings_live:
                self.pack.last_ms = self.now_ms
            self.island.watch(self.pcs_grid, self.grid_mv, self.now_ms)
            self.island.tick(self.run, self.blocked, self.pv_w, self.now_ms)
        return self.island

    def noted(self):
        """New events as (event, level, data), oldest first."""
        events, found = self.events, []
        for back in range(31, -1, -1):
            slot = events.slot(back)
            if slot >= 0:
                found.append((events.event(slot), events.level(slot), events.data(slot)))
        self.events = self.island._events = Events()
        return found
