"""The rules of an island. Loaded where the site may become one.

In an island the inverter forms the grid and power follows the load: 0 W is a blackout, not a safe
state. So there is no power command there, only run or stop; what would be a limit elsewhere sheds
loads or curtails PV, and only an empty battery ends the island.
"""

from micropython import const

from bess.core.control.grid_rules import BACKUP, ISOLATED
from bess.core.control.grid_watch import FORMING, LOST, PRESENT, GridWatch
from bess.core.events import INFO, WARNING
from bess.core.points import (
    EVENT_ISLAND, EVENT_ISLAND_BLACKOUT, EVENT_LOAD_RESTORED, EVENT_LOAD_SHED,
)
from bess.core.tick import TICK_MASK, Dwell

BY_SOC = const(1)                   # data of ISLAND_BLACKOUT
BY_CELL = const(2)

_OUTPUTS = const(2)
_ALL = const(3)
_RESTORE_PM = const(100)            # above the value that shed
_APART_MS = const(60_000)           # between a change of an output and a load that comes back
_OVER_MS = const(10_000)
_CELL_MV = const(2900)
_CELL_MS = const(30_000)
_CURTAIL_MV = const(3500)
_CURTAILED_MV = const(3450)         # charging at full power is permitted up to here
_BLACK_START_PM = const(50)         # above the minimum of the island
_PV_W = const(100)                  # so much counts as sun


class Island(GridWatch):
    """state: PRESENT, LOST or UNKNOWN. islanded: the inverter forms the grid.

    shed: bits of the load-shed outputs (1, 2). blackout: the island must end: stop. curtail: ask
    inverter or PV to feed less. may_black_start: the inverter may form a grid now. blocked: the
    grid is lost and this site may not go on without it. reconnected: True in the one tick in
    which a lost grid is back: power returns with the reconnect ramp.
    """

    is_island = True

    def __init__(self, settings, rules, pack, events):
        super().__init__(settings, rules, pack, events)
        self._shed_pm = (settings.shed_1_pm, settings.shed_2_pm)
        self._apart = Dwell(_APART_MS)
        self._over = Dwell(_OVER_MS)
        self._cell_low = Dwell(_CELL_MS)

    def follow_on(self, before):
        """Go on from what a GridWatch knew: the connection type was changed, at rest."""
        self.state, self.blocked, self._known = before.state, before.blocked, before._known

    def tick(self, run, charge_blocked, pv_w, now_ms):
        """The rules of an island; after `watch`.

        run: 0 the inverter is stopped, FOLLOWING, or FORMING when it was asked to form the grid.
        charge_blocked: the window is closed on that side. pv_w: None when unknown.
        """
        self._follow(run, now_ms)
        soc_pm = self._pack.soc_pm_min if self._pack.strings_live else None
        if self.islanded:
            self._shed_loads(soc_pm, now_ms)
            self._find_end(soc_pm, now_ms)
            self._find_curtail(charge_blocked)
        elif self.shed and self._apart.held(True, now_ms):
            self._restore(soc_pm, now_ms)
        self.may_black_start = self.state != PRESENT and self._may_start(soc_pm, pv_w)

    def _may_start(self, soc_pm, pv_w):
        """True where a site may wake up without a grid, and would not end at once."""
        if self._rules.kind > BACKUP:
            return False
        if pv_w is not None and pv_w >= _PV_W:
            return True
        return soc_pm is not None and soc_pm >= self._settings.island_pm_min + _BLACK_START_PM

    def _follow(self, run, now_ms):
        """Begin or end of an island; an unknown grid changes nothing."""
        islanded = self.islanded
        if not run or self.state == PRESENT:
            islanded = False
        elif (run == FORMING or self._rules.kind == ISOLATED
              or self.state == LOST and self._forms()):
            islanded = True
        if islanded != self.islanded:
            self.islanded = islanded
            self.blackout = self.curtail = False
            self._over.held(False, now_ms)
            self._cell_low.held(False, now_ms)
            self._events.note(EVENT_ISLAND, INFO, 1 if islanded else 0, now_ms)

    def _shed_loads(self, soc_pm, now_ms):
        """Loads go at once; they come back one by one."""
        pack = self._pack
        live = pack.strings_live > 0
        over = live and pack.current_ma > pack.discharge_ma_max
        wanted = 0
        if soc_pm is not None:
            for i in range(_OUTPUTS):
                if soc_pm <= self._shed_pm[i]:
                    wanted |= 1 << i
        elif not live and (now_ms - pack.last_ms) & TICK_MASK >= self._settings.fade_after_ms:
            wanted = _ALL
        if self._over.held(over, now_ms):
            self._over.held(False, now_ms)          # the next output gets its own 10 s
            wanted |= self.shed + 1
        wanted &= ~self.shed
        if wanted:
            for i in range(_OUTPUTS):
                if wanted >> i & 1:
                    self._switch(i, EVENT_LOAD_SHED, WARNING, now_ms)
        elif self._apart.held(not over, now_ms) and self.shed:
            self._restore(soc_pm, now_ms)

    def _restore(self, soc_pm, now_ms):
        """One load back: any when the grid is there, in an island as the battery has recovered."""
        for i in range(_OUTPUTS - 1, -1, -1):
            if self.shed >> i & 1:
                enough = (self.islanded and soc_pm is not None
                          and soc_pm >= self._shed_pm[i] + _RESTORE_PM)
                if enough or self.state == PRESENT:
                    self._switch(i, EVENT_LOAD_RESTORED, INFO, now_ms)
                    return

    def _switch(self, i, event, level, now_ms):
        self.shed ^= 1 << i
        self._apart.held(False, now_ms)     # from now on 60 s
        self._apart.held(True, now_ms)
        self._events.note(event, level, i + 1, now_ms)

    def _find_end(self, soc_pm, now_ms):
        """Stop in good order, so that something is left for the restart."""
        pack = self._pack
        low = self._cell_low.held(pack.strings_live and pack.cell_mv_min <= _CELL_MV, now_ms)
        empty = soc_pm is not None and soc_pm <= self._settings.island_pm_min
        if (empty or low) and not self.blackout:
            self.blackout = True
            self._events.note(EVENT_ISLAND_BLACKOUT, WARNING, BY_SOC if empty else BY_CELL, now_ms)

    def _find_curtail(self, charge_blocked):
        """A cell near its limit, no room left, or nobody who could say."""
        pack = self._pack
        if charge_blocked or not pack.strings_live or pack.cell_mv_max >= _CURTAIL_MV:
            self.curtail = True
        elif pack.cell_mv_max <= _CURTAILED_MV:
            self.curtail = False
