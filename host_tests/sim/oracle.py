"""What must be true of the site itself in every tick, whatever the firmware believes."""

from bess.core.points import (
    BATTERY_W, CAUSE_INVARIANT, CHARGE_WH, DISCHARGE_WH, EXPORT_WH, GRID_W, IMPORT_WH,
)

from host_tests.sim.physics import RUNNING
from host_tests.sim.surroundings import Books

CELL_MV_NEVER_CHARGED = 3650
_FAULTS_MAX = 20
_PRESSED_TICKS = 15         # the emergency input is pressed: no power, contactors open
_REVERT_TICKS = 320         # nobody speaks to the inverter: no power
_SILENT_TICKS = 80          # no module is heard: no power
_OUTSIDE_TICKS = 25         # a limit falls: the true power is inside again
_STEADY_TICKS = 50          # a command stands: the inverter gives it
_SLACK_WH = 10


class Oracle:
    """Looks after each tick. faults: sentences, each with its tick, at most 20."""

    def __init__(self, world):
        self.faults = []
        self.cell_mv_max = 0
        self.outside_ticks_max = 0
        self.openings_under_load = 0
        self._world = world
        self._books = Books()
        self._grid_books = Books()
        self._pressed = self._dead = self._silent = 0
        self._outside = self._steady = 0
        self._command_w = 0
        self._was_connected = False
        self._before_ma = 0
        rated_w = world.manager.settings.w_rated
        self._small_w = rated_w // 50
        self._rated_w = rated_w
        self._slack_wh = rated_w // 250         # a meter that fell silent is believed for 15 s
        self._small_ma = world.manager.pack.rated_ma * len(world.modules) // 50

    def check(self):
        """Judge this tick."""
        world = self._world
        manager, site = world.manager, world.site
        power_w = site.pcs.ac_w
        self._cells(site)
        self._contactors(site, manager)
        self._ratings(power_w, manager)
        self._losses(power_w, site, world)
        self._window(power_w, manager)
        self._obedience(power_w, site, manager)
        self._energy(power_w, site.grid_w, manager.image.now)

    def _fault(self, text):
        if len(self.faults) < _FAULTS_MAX:
            self.faults.append("tick %d: %s" % (self._world.tick, text))

    def _cells(self, site):
        if site.bank.current_ma < -self._small_ma:
            cell_mv = site.bank.cell_mv_max()
            if cell_mv > self.cell_mv_max:
                self.cell_mv_max = cell_mv
            if cell_mv > CELL_MV_NEVER_CHARGED:
                self._fault("a cell at %d mV is charged with %d mA in all"
                            % (cell_mv, -site.bank.current_ma))

    def _contactors(self, site, manager):
        connected = site.gear.connected
        if not connected and manager.command.battery_w:
            self._fault("%d W commanded with open contactors" % manager.command.battery_w)
        if site.gear.hard_closings:
            self._fault("closed onto an empty DC link")
        if self._was_connected and not connected and abs(self._before_ma) > self._small_ma:
            self.openings_under_load += 1
            if not self._dead:
                self._fault("opened at %d mA" % self._before_ma)
        self._was_connected = connected
        self._before_ma = site.bank.current_ma

    def _ratings(self, power_w, manager):
        settings, command_w = manager.settings, manager.command.battery_w
        if not -settings.charge_w_max <= command_w <= settings.discharge_w_max:
            self._fault("command of %d W beyond the rating" % command_w)
        if manager.latched >> CAUSE_INVARIANT & 1:
            self._fault("the firmware broke an invariant of its own")
        if abs(power_w) > self._rated_w:
            self._fault("true power of %d W beyond the rating" % power_w)

    def _losses(self, power_w, site, world):
        """Emergency input, inverter without a word, no module heard: power ends in time."""
        self._pressed = 0 if site.emergency_ok else self._pressed + 1
        if self._pressed > _PRESSED_TICKS and (power_w or site.gear.connected):
            self._fault("emergency input pressed for %d ticks: %d W, contactors %s" % (
                self._pressed, power_w, "closed" if site.gear.connected else "open"))
        self._dead = self._dead + 1 if world.wire("inverter").dead else 0
        if self._dead > _REVERT_TICKS and power_w:
            self._fault("nobody commands the inverter for %d ticks: %d W" % (self._dead, power_w))
        self._silent = self._silent + 1 if world.wire("modules").dead else 0
        if self._silent > _SILENT_TICKS and abs(power_w) > self._small_w:
            self._fault("no module heard for %d ticks: %d W" % (self._silent, power_w))

    def _window(self, power_w, manager):
        window = manager.window
        outside = (power_w < window.lo_w - self._small_w or power_w > window.hi_w + self._small_w)
        self._outside = self._outside + 1 if outside and not self._dead else 0
        if self._outside > self.outside_ticks_max:
            self.outside_ticks_max = self._outside
        if self._outside > _OUTSIDE_TICKS:
            self._fault("%d W outside the window %d..%d for %d ticks"
                        % (power_w, window.lo_w, window.hi_w, self._outside))

    def _obedience(self, power_w, site, manager):
        command_w = manager.command.battery_w
        same = command_w == self._command_w and not self._dead and manager.command.run
        self._steady = self._steady + 1 if same and site.pcs.state == RUNNING else 0
        self._command_w = command_w
        if self._steady > _STEADY_TICKS and abs(power_w - command_w) > self._rated_w // 100:
            self._fault("commanded %d W for %d ticks, true power %d W"
                        % (command_w, self._steady, power_w))

    def _energy(self, battery_w, grid_w, now):
        """The counters count what was measured: 1 % of the truth while the device is heard."""
        if now[BATTERY_W] is not None:
            self._books.add(battery_w, 100)
            self._compare(self._books.wh, now[DISCHARGE_WH], now[CHARGE_WH], _SLACK_WH)
        if now[GRID_W] is not None:
            self._grid_books.add(grid_w, 100)
            self._compare(self._grid_books.wh, now[IMPORT_WH], now[EXPORT_WH], self._slack_wh)

    def _compare(self, true_wh, plus_wh, minus_wh, slack_wh):
        if (abs(plus_wh - true_wh[0]) > true_wh[0] // 100 + slack_wh
                or abs(minus_wh - true_wh[1]) > true_wh[1] // 100 + slack_wh):
            self._fault("counters say %d and %d Wh, truth %d and %d Wh"
                        % (plus_wh, minus_wh, true_wh[0], true_wh[1]))
