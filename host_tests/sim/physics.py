"""What happens on the site, in integers: contactors and inverter, and everything together.

`step(dt_ms)` moves everything by one tick; between two ticks nothing changes, so the wires may
read at any moment. Coils and feedbacks have the bits of the firmware's outputs and inputs.
"""

from host_tests.sim.battery import Bank
from host_tests.sim.rng import Rng
from host_tests.sim.surroundings import House, Meter, Sun

OFF, STARTING, RUNNING, FAULT, STANDBY = 1, 3, 4, 7, 8      # SunSpec model 103, St
RATE_FULL = 10_000                                          # 100 % with a scale factor of -2

_DEAD_MS = 300          # from a write to its effect
_START_MS = 2000
_FAULT_MS = 1000        # a stop as long as this clears a fault
_DC_MV_MIN = 40_000
_DC_MV_MAX = 60_000
_LOADED_W = 200


class Timer:
    """Ends what was commanded unless it is renewed in time; 0 s = never."""

    def __init__(self):
        self.span_s = 0
        self._left_ms = 0

    def renew(self):
        self._left_ms = 1000 * self.span_s

    def ends(self, dt_ms):
        """True in the step in which the time ran out."""
        if self._left_ms <= 0:
            return False
        self._left_ms -= dt_ms
        return self._left_ms <= 0


class Pcs:
    """The battery inverter. ac_w > 0 discharges; dc_w is what the modules give for it.

    mode bit 0 puts the lower edge -in_rate in force, bit 1 the upper edge +out_rate; rates in
    0.01 % of the rating. Its own wish is 0 W.
    """

    def __init__(self, rated_w):
        self.rated_w = rated_w
        self.mode = 0
        self.in_rate = self.out_rate = RATE_FULL
        self.run_asked = 0
        self.storage_timer = Timer()
        self.run_timer = Timer()
        self.state = OFF
        self.ac_w = self.dc_w = 0
        self.reverts = 0
        self._seen_run = self._seen_w = 0
        self._run = self._target_w = 0
        self._pending = []                  # ms until the effect, run, target
        self._state_ms = 0

    def target_w(self):
        """Power that the registers ask for."""
        low = -self.in_rate if self.mode & 1 else -RATE_FULL
        high = self.out_rate if self.mode & 2 else RATE_FULL
        rate = 0 if low > high else min(max(0, low), high)
        return self.rated_w // 100 * rate // 100

    def step(self, dt_ms, link_mv, connected):
        self._expire(dt_ms)
        self._obey(dt_ms)
        self._move(dt_ms, connected and _DC_MV_MIN <= link_mv <= _DC_MV_MAX)
        if self.state != RUNNING:
            self.ac_w = self.dc_w = 0
            return
        most_w = self.rated_w // 2 * dt_ms // 1000
        self.ac_w += min(max(self._target_w - self.ac_w, -most_w), most_w)
        self.dc_w = self.ac_w + self._loss_w()

    def _loss_w(self):
        """Idle, proportional and ohmic part; about 97 % at full power."""
        part_pm = abs(self.ac_w) * 100 // self.rated_w * 10
        loss_ppm = 3000 + 10 * part_pm + 15 * part_pm * part_pm // 1000
        return self.rated_w // 1000 * loss_ppm // 1000

    def _expire(self, dt_ms):
        if self.storage_timer.ends(dt_ms):
            self.mode = 0
            self.reverts += 1
        if self.run_timer.ends(dt_ms):
            self.run_asked = 0
            self.reverts += 1

    def _obey(self, dt_ms):
        """Take what was written, after the dead time."""
        for item in self._pending:
            item[0] -= dt_ms
        while self._pending and self._pending[0][0] <= 0:
            _, self._run, self._target_w = self._pending.pop(0)
        target_w = self.target_w()
        if self.run_asked != self._seen_run or target_w != self._seen_w:
            self._seen_run, self._seen_w = self.run_asked, target_w
            self._pending.append([_DEAD_MS, self.run_asked, target_w])

    def _move(self, dt_ms, dc_ok):
        self._state_ms += dt_ms
        state = self.state
        if state == FAULT:
            if not self._run and self._state_ms >= _FAULT_MS:
                self._enter(OFF)
        elif state in (STARTING, RUNNING) and not dc_ok:
            self._enter(FAULT if abs(self.ac_w) > _LOADED_W else STANDBY)
        elif not self._run:
            self._enter(OFF)
        elif not dc_ok:
            self._enter(STANDBY)
        elif state in (OFF, STANDBY):
            self._enter(STARTING)
        elif state == STARTING and self._state_ms >= _START_MS:
            self._enter(RUNNING)

    def _enter(self, state):
        if state != self.state:
            self.state = state
            self._state_ms = 0


class Contact:
    """One contactor with its mirror contact: both follow the coil after their times."""

    def __init__(self, rng):
        self.closed = False
        self.seen_closed = False
        self._move_ms = rng.between(20, 80)
        self._see_ms = self._move_ms + rng.between(10, 60)
        self._coil = 0
        self._ms = 0

    def step(self, dt_ms, coil):
        if coil != self._coil:
            self._coil = coil
            self._ms = 0
        self._ms += dt_ms
        if self._ms >= self._move_ms:
            self.closed = coil != 0
        if self._ms >= self._see_ms:
            self.seen_closed = self.closed


class Switchgear:
    """K-, precharge, K+ (coil bits 1, 2, 4) and the inverter's DC link behind them."""

    def __init__(self, rng):
        self._contacts = [Contact(rng) for _ in range(3)]
        self.link_mv = 0
        self.precharge_ma = 0
        self.hard_closings = 0
        self.connected = False

    def step(self, dt_ms, coils, bus_mv):
        k_minus, precharge, k_plus = self._contacts
        for i in range(3):
            self._contacts[i].step(dt_ms, coils >> i & 1)
        was_connected, self.connected = self.connected, k_minus.closed and k_plus.closed
        self.precharge_ma = 0
        if self.connected:
            if not was_connected and bus_mv - self.link_mv > 5000:
                self.hard_closings += 1
            self.link_mv = bus_mv
        elif k_minus.closed and precharge.closed:
            self.precharge_ma = (bus_mv - self.link_mv) // 40
            self.link_mv += (bus_mv - self.link_mv) * 181 // 1000    # 100 ms of tau 0.5 s
        else:
            self.link_mv -= self.link_mv * 3 // 1000

    def inputs(self):
        """Mirror contacts as input bits 1..3: 1 proves open."""
        bits = 0
        for i in range(3):
            if not self._contacts[i].seen_closed:
                bits |= 2 << i
        return bits


class Site:
    """Everything together; coils is what the firmware drives."""

    def __init__(self, seed, modules, rated_w, soc_pm):
        self.coils = 0
        self.emergency_ok = True
        self.bank = Bank(Rng(seed, 1), modules, soc_pm)
        self.gear = Switchgear(Rng(seed, 2))
        self.pcs = Pcs(rated_w)
        self.house = House(Rng(seed, 3))
        self.sun = Sun(Rng(seed, 4))
        self.meter = Meter()
        self.grid_w = 0

    def step(self, dt_ms):
        gear, bank, pcs = self.gear, self.bank, self.pcs
        gear.step(dt_ms, self.coils, bank.bus_mv)
        pcs.step(dt_ms, gear.link_mv, gear.connected)
        bank.step(dt_ms, pcs.dc_w, gear.precharge_ma)
        self.house.step(dt_ms)
        self.sun.step(dt_ms)
        self.grid_w = self.house.load_w - self.sun.pv_w - pcs.ac_w
        self.meter.step(dt_ms, self.grid_w)

    def inputs(self):
        """Input bits as the board's pins would give them."""
        return self.gear.inputs() | (1 if self.emergency_ok else 0)
