"""What the power manager is made of; see manager.py for what it does with it."""

from micropython import const

from bess.core.battery.capability import Capability
from bess.core.battery.pack import Pack
from bess.core.battery.sequence import Sequence
from bess.core.control.alarms import Alarms
from bess.core.control.diagnosis import Diagnosis
from bess.core.control.grid_rules import BACKUP, GridRules
from bess.core.control.grid_watch import GridWatch
from bess.core.control.journal import Journal
from bess.core.control.limits import PackLimits
from bess.core.control.maintenance import Test
from bess.core.control.modes import STANDBY
from bess.core.control.ramp import Ramp
from bess.core.control.site_io import SiteIo
from bess.core.control.trips import Trips
from bess.core.control.views import Views
from bess.core.control.wishes import Wishes
from bess.core.events import Events
from bess.core.flow.direction import Direction
from bess.core.flow.tracking import Tracking
from bess.core.image import History, Image
from bess.core.points import BY_MANUAL, BY_PROTECT_CHARGE, BY_REMOTE, BY_SELF_USE, BY_TEST
from bess.core.request import Requests, slot_of
from bess.core.tick import Dwell
from bess.core.window import Window

_NO_CURVES = ("none", "none", "none")
_RESET_MS = const(5000)
_RESUME_MS = const(10_000)          # a stored wish to run is followed so long after a restart


class Command:
    """Desired state of the inverter: run (0 or 1) and battery_w, as the last tick left them."""

    def __init__(self):
        self.run = 0
        self.battery_w = 0


class Parts:
    """One pack, one inverter. Made from checked settings (core/config.py).

    site: the packs' common parts (site.py) where there are several packs, else None.
    """

    def __init__(self, settings, site=None):
        self.settings = settings
        self.site = site
        self.packs = (self,)
        self.image = Image()
        self.events = Events() if site is None else site.events
        self.pack = Pack(settings.modules_s, settings.strings_p, settings.module_silent_ms,
                         settings.module_ma_rated)
        self.command = Command()
        self.requests = Requests()
        self.window = Window()
        self.sequence = Sequence(settings, self.image, self.pack, self.events)
        self.diagnosis = Diagnosis(settings, self.image, self.pack)
        self.trips = Trips(settings, self.image)
        self.alarms = Alarms(self.events)
        self.site_io = SiteIo(settings)
        self.permits = PackLimits(settings)
        self.charge_params = self.permits.charge_params
        self.discharge_params = self.permits.discharge_params
        self.test = Test(settings)
        self.ramp = Ramp(settings)
        self.wishes = Wishes(self)
        self.tracking = Tracking(settings)
        self.grid = GridRules(settings) if site is None else site.grid
        self.island = GridWatch(settings, self.grid, self.pack, self.events)
        if settings.grid_connection <= BACKUP or settings.backup_output:
            self._be_island()
        self.direction = Direction(settings)
        self.support = None         # loaded where a curve is configured: few sites need it
        if (settings.frequency_watt, settings.volt_watt, settings.volt_var) != _NO_CURVES:
            from bess.core.flow.grid_support import GridSupport
            self.support = GridSupport(settings)
        self.shifted_w = 0          # by so much grid support has moved the command in this tick
        self.capability = Capability(settings)
        self.history = History(64)
        self.views = Views(self)
        self.journal = Journal(self)
        self._reset(settings)

    def _be_island(self):
        """Load what only a site needs that may be an island."""
        from bess.core.control.island import Island
        island = Island(self.settings, self.grid, self.pack, self.events)
        island.follow_on(self.island)
        self.island = island

    def _reset(self, settings):
        """How it stands when it is made."""
        self.mode = STANDBY
        self.run_wanted = 0
        self.latched = 0
        self.first_cause = 0
        self.openings = 0
        self.causes_gone = False
        self._commanded = self.pressed = False
        self._causes = 0            # present in the last tick
        self.local = False          # authority: True leaves only protection, tests and people
        self.rise_w = 0             # fastest rise permitted in this tick, in W per second
        self.now_ms = self._last_ms = 0
        self._dt_ms = 0
        self._dt_ms_max = 2 * settings.tick_ms
        self._began = False
        self._new_charge = self._new_discharge = None
        self._asleep = False
        self._asleep_after = Dwell(settings.idle_standby_ms)
        self._resumes = False
        self._resume = Dwell(_RESUME_MS)
        self._battery_ms = -1
        self.meter_step = 0
        self._turn = 0
        self._idle = Dwell(settings.idle_hold_ms)
        self._gone = Dwell(_RESET_MS)
        self.started = False        # since `start` was called: the next start is a restart
        self._self_use = slot_of(BY_SELF_USE)
        self._manual = slot_of(BY_MANUAL)
        self._remote = slot_of(BY_REMOTE)
        self._testing = slot_of(BY_TEST)
        self.local_slots = (1 << slot_of(BY_PROTECT_CHARGE) | 1 << self._testing
                             | 1 << self._manual)
