"""What must be true of the site itself in every tick, whatever the firmware believes."""

from bess.core.points import BATTERY_W, CHARGE_WH, DISCHARGE_WH

from host_tests.sim.physics import RUNNING, Books

CELL_MV_NEVER_CHARGED = 3650
_FAULTS_MAX = 20
_PRESSED_TICKS = 15         # the emergency input is pressed: no power, contactors open
_REVERT_TICKS = 320         # nobody speaks to the inverter: no power
_SILENT_TICKS = 80          # no module is heard: no power
_CLOSED_TICKS = 40          # a side of the window is closed: no power on that side
_STEADY_TICKS = 50          # a command stands: the inverter gives it
_BOOKS_SLACK_WH = 10


class Oracle:
    """Looks after each tick. faults: sentences, each with its tick, at most 20."""

    def __init__(self, world):
        self.faults = []
        self.cell_mv_max = 0
        self.openings_under_load = 0
        self._world = world
        self._books = Books()
        self._pressed = self._dead = self._silent = 0
        self._lo_closed = self._hi_closed = self._steady = 0
        self._command_w = 0
        self._was_connected = False
        self._before_ma = 0
        rated_w = world.manager.settings.w_rated
        self._small_w = rated_w // 50
        self._rated_w = rated_w
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
        self._energy(power_w, manager.image.now)

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
        self._lo_closed = self._lo_closed + 1 if window.lo_w == 0 and not self._dead else 0
        self._hi_closed = self._hi_closed + 1 if window.hi_w == 0 and not self._dead else 0
        if self._lo_closed > _CLOSED_TICKS and power_w < -self._small_w:
            self._fault("charging with %d W, forbidden for %d ticks" % (-power_w, self._lo_closed))
        if self._hi_closed > _CLOSED_TICKS and power_w > self._small_w:
            self._fault("discharging with %d W, forbidden for %d ticks"
                        % (power_w, self._hi_closed))

    def _obedience(self, power_w, site, manager):
        command_w = manager.command.battery_w
        same = command_w == self._command_w and not self._dead and manager.command.run
        self._steady = self._steady + 1 if same and site.pcs.state == RUNNING else 0
        self._command_w = command_w
        if self._steady > _STEADY_TICKS and abs(power_w - command_w) > self._rated_w // 100:
            self._fault("commanded %d W for %d ticks, true power %d W"
                        % (command_w, self._steady, power_w))

    def _energy(self, power_w, now):
        """The counters count what was measured: 1 % of the truth while the inverter is heard."""
        if now[BATTERY_W] is None:
            return
        self._books.add(power_w, 100)
        for side, point in ((0, DISCHARGE_WH), (1, CHARGE_WH)):
            true_wh = self._books.wh[side]
            if abs(now[point] - true_wh) > true_wh // 100 + _BOOKS_SLACK_WH:
                self._fault("counter says %d Wh, truth %d Wh" % (now[point], true_wh))
