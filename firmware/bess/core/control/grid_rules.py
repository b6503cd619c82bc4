"""What the grid connection permits: its type, the owner's flags, the caps, the backup reserve.

`base = grid_w + battery_w` of one instant is what the site would draw without the battery. What
is charged beyond -base comes from the grid, what is discharged beyond base goes into it. The base
of a meter sample stands until the next one.
"""

from micropython import const

from bess.core.flow.tracking import NO_DISCHARGE
from bess.core.points import (
    WHY_EXPORT_CAP, WHY_GRID_CHARGING_OFF, WHY_GRID_EXPORT_OFF, WHY_GRID_TYPE, WHY_IMPORT_CAP,
    WHY_METER_STALE, WHY_RESERVE,
)
from bess.core.tick import Dwell

ISOLATED = const(0)
BACKUP = const(1)
INTERACTIVE = const(2)
EXPORT = const(3)

_ON_GRID = const(1)
_FROM_GRID = const(2)
_TO_GRID = const(4)
_RESERVE = const(8)
# by type: what it permits when the flags do, and whether it keeps a reserve
_TYPES = bytes((0, _ON_GRID | _FROM_GRID | _RESERVE, _ON_GRID | _FROM_GRID | _TO_GRID,
                _ON_GRID | _TO_GRID))

_UNEXPECTED_W = const(200)
_UNEXPECTED_MS = const(5000)
_REOPEN_PM = const(20)              # inside the reserve, as for the SoC limits


class GridRules:
    """kind: connection type in force. needs_meter: True when a rule of it reads the meter.

    base_w: of the last meter sample; None before the first, or when the battery's power at that
    instant was unknown: the sides that need it are closed then.
    """

    def __init__(self, settings):
        self.base_w = None
        self._settings = settings
        self._reserved = False
        self._unexpected = Dwell(_UNEXPECTED_MS)
        self.connect(settings.grid_connection)

    def connect(self, kind):
        """Take a connection type; for STANDBY only. ValueError names what is allowed."""
        if not ISOLATED <= kind <= EXPORT:
            raise ValueError("connection %d, allowed: %d to %d" % (kind, ISOLATED, EXPORT))
        settings, permits = self._settings, _TYPES[kind]
        on_grid = permits & _ON_GRID
        self.kind = kind
        self._import_w = settings.import_w_max if on_grid else 0
        self._export_w = settings.export_w_max if on_grid else 0
        self._charge_why = self._discharge_why = 0
        if on_grid and not permits & _FROM_GRID:
            self._charge_why = WHY_GRID_TYPE
        elif on_grid and not settings.allow_grid_charging:
            self._charge_why = WHY_GRID_CHARGING_OFF
        if on_grid and not permits & _TO_GRID:
            self._discharge_why = WHY_GRID_TYPE
        elif on_grid and not settings.allow_grid_export:
            self._discharge_why = WHY_GRID_EXPORT_OFF
        self.needs_meter = (self._charge_why | self._discharge_why | self._import_w
                            | self._export_w) != 0

    def sample(self, grid_w, battery_w):
        """A new meter sample and the battery's power at its instant, None when unknown."""
        self.base_w = None if grid_w is None or battery_w is None else grid_w + battery_w

    def reads_meter(self, wish_w):
        """True when a rule bounds this wish by what the meter says."""
        if wish_w < 0:
            return (self._charge_why | self._import_w) != 0
        return wish_w > 0 and (self._discharge_why | self._export_w) != 0

    def narrow(self, window, command_w, meter_step, exempt_charge_w):
        """Bound the window. Rests in an island.

        command_w: as it stands; meter_step: age of the sample, as tracking.stale_step says it.
        exempt_charge_w: protective charge (magnitude, 0 = none) that may come from the grid in
        spite of type and flag, where the owner permits it; a cap holds for it too.
        """
        if not self._settings.protect_from_grid:
            exempt_charge_w = 0
        base_w = self.base_w
        if base_w is None or meter_step >= NO_DISCHARGE:
            self._blind(window, 0, 0, exempt_charge_w)
            return
        if self._charge_why:
            window.charge(max(-base_w, exempt_charge_w), self._charge_why)
        if self._import_w:
            window.charge(self._import_w - base_w, WHY_IMPORT_CAP)
        if self._discharge_why:
            window.discharge(base_w, self._discharge_why)
        if self._export_w:
            window.discharge(base_w + self._export_w, WHY_EXPORT_CAP)
        if meter_step:                  # an old sample: towards zero only
            self._blind(window, -command_w, command_w, exempt_charge_w)

    def _blind(self, window, charge_w, discharge_w, exempt_charge_w):
        """The sides whose rules read the meter permit so much without it."""
        if self._import_w:
            window.charge(charge_w, WHY_METER_STALE)
        elif self._charge_why:
            window.charge(max(charge_w, exempt_charge_w), WHY_METER_STALE)
        if self._discharge_why or self._export_w:
            window.discharge(discharge_w, WHY_METER_STALE)

    def keep_reserve(self, window, soc_pm):
        """BACKUP, while the grid is there: no discharge at the reserve; unknown counts as there.

        Reopens 20 per mille above it.
        """
        if not _TYPES[self.kind] & _RESERVE:
            return
        reserve_pm = self._settings.backup_reserve_pm
        if soc_pm is None or soc_pm <= reserve_pm:
            self._reserved = True
        elif soc_pm >= reserve_pm + _REOPEN_PM:
            self._reserved = False
        if self._reserved:
            window.discharge(0, WHY_RESERVE)

    def unexpected(self, grid_w, now_ms):
        """True when a site without a grid has had more than 200 W of grid power for 5 s: trip."""
        flows = (self.kind == ISOLATED and grid_w is not None
                 and abs(grid_w) > _UNEXPECTED_W)
        return self._unexpected.held(flows, now_ms)
