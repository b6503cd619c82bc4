"""Whether the grid is there, as the inverter says, else by the meter's voltage."""

from micropython import const

from bess.core.control.grid_rules import BACKUP, ISOLATED
from bess.core.curves import part
from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_GRID_CONNECTED, EVENT_GRID_DISCONNECTED

UNKNOWN = const(0)
PRESENT = const(1)
LOST = const(2)

FOLLOWING = const(1)                # what the inverter was asked to do
FORMING = const(2)

_PRESENT_PM = const(850)            # of the nominal voltage: EN 50549 reconnects from there
_LOST_PM = const(500)               # IEEE 1547: the fastest under-voltage trip


class GridWatch:
    """Of a site that never is an island; Island is for the others. state: PRESENT, LOST, UNKNOWN.

    blocked: the grid is lost and this site may not go on without it. reconnected: True in the one
    tick in which a lost grid is back: power returns with the reconnect ramp. islanded, shed,
    blackout, curtail, may_black_start: see Island.
    """

    is_island = False

    def __init__(self, settings, rules, pack, events):
        self.state = UNKNOWN
        self.islanded = self.blackout = self.curtail = False
        self.may_black_start = self.blocked = self.reconnected = False
        self.shed = 0
        self._settings = settings
        self._rules = rules             # knows the connection type in force
        self._pack = pack
        self._events = events
        self._known = UNKNOWN           # the last state that was not UNKNOWN

    def watch(self, pcs_grid, grid_mv, now_ms):
        """Renew `state`: as the inverter says (None: it does not), else by the meter's voltage.

        grid_mv: a phase to neutral, None when unknown.
        """
        nominal_mv = self._settings.grid_mv_nominal
        if pcs_grid:
            state = pcs_grid
        elif grid_mv is None or self._rules.kind == ISOLATED:
            state = UNKNOWN             # alone, the meter sees what the inverter forms
        elif grid_mv >= part(nominal_mv, _PRESENT_PM):
            state = PRESENT
        else:
            state = LOST if grid_mv <= part(nominal_mv, _LOST_PM) else self.state
        self.state = state
        self.reconnected = state == PRESENT and self._known == LOST
        self.blocked = state == LOST and not self._forms()
        if state != UNKNOWN and state != self._known:
            self._known = state
            if state == PRESENT:
                self._events.note(EVENT_GRID_CONNECTED, INFO, 0, now_ms)
            else:
                self._events.note(EVENT_GRID_DISCONNECTED, WARNING, 0, now_ms)

    def tick(self, run, charge_blocked, pv_w, now_ms):
        """There is no island."""

    def _forms(self):
        """True where the inverter may supply the site without the grid."""
        return self._rules.kind <= BACKUP or self._settings.backup_output != 0
