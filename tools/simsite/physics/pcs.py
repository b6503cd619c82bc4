"""The battery inverter: obeys late, ramps, loses a little, and reverts when nobody renews."""

from collections import deque

from .limit import OutputLimit, RevertTimer

OFF, STARTING, RUNNING, FAULT, STANDBY = 1, 3, 4, 7, 8
STATE_NAMES = {OFF: "OFF", STARTING: "STARTING", RUNNING: "RUNNING", FAULT: "FAULT",
               STANDBY: "STANDBY"}  # fmt: skip
EVT_DC_OVER_VOLT, EVT_DC_DISCONNECT = 1 << 1, 1 << 3

_DEAD_S = 0.3  # from a write to the first effect
_START_S = 2.0
_RESET_S = 1.0  # a stop command this long clears a fault
_DC_V_MIN, _DC_V_MAX = 42.0, 58.8
_DC_A_MAX = 450.0
_LOADED_W = 200.0


def loss_w(ac_w, rated_w):
    """Conversion loss at `ac_w`: idle, proportional and ohmic part; about 97 % at full power."""
    part = abs(ac_w) / rated_w
    return rated_w * (0.003 + 0.010 * part + 0.015 * part * part)


class Pcs:
    """State and power of the inverter; `ac_w` > 0 discharges the battery into the AC bus.

    The storage command is a window: charge_rate and discharge_rate are signed fractions of the
    rating, `mode` bit 0 puts the lower edge (-charge_rate) in force, bit 1 the upper edge. The
    device's own wish is 0 W. Without a renewal `storage_timer` drops the mode to 0; the run
    command has its own timer, which stops the device. A stop never becomes a run by itself.
    """

    def __init__(self, rated_w=20_000.0):
        self.rated_w = rated_w
        self.mode = 0
        self.charge_rate = 1.0
        self.discharge_rate = 1.0
        self.storage_timer = RevertTimer()
        self.ramp_s = 0.0  # full scale in this time; 0 = by the gradients
        self.charge_gradient = 0.5  # of the rating, per second
        self.discharge_gradient = 0.5
        self.run_asked = False
        self.run_timer = RevertTimer()
        self.output_limit = OutputLimit(rated_w)
        self.disobedient = False
        self.state = OFF
        self.events = 0
        self.ac_w = 0.0
        self.dc_w = 0.0
        self.reverts = 0
        self.temp_c = 25.0
        self._time_s = 0.0
        self._asked = (False, 0.0)
        self._pending = deque()
        self._runs, self._target_w = self._asked
        self._state_s = 0.0

    def target_w(self):
        """Power that the commands in force ask for, in W."""
        lower = -self.charge_rate if self.mode & 1 else -1.0
        upper = self.discharge_rate if self.mode & 2 else 1.0
        if lower > upper:
            return 0.0
        cap = self.output_limit.w_max
        asked_w = min(max(0.0, lower), upper) * self.rated_w
        return min(max(asked_w, -cap), cap)

    def trip(self, event):
        """Stop at once; a stop command clears it when the cause is gone."""
        self._enter(FAULT)
        self.events |= event
        self.ac_w = self.dc_w = 0.0

    def step(self, dt_s, link_v, connected):
        """Advance; afterwards `ac_w` and `dc_w` say what the inverter takes in this step."""
        self._time_s += dt_s
        self._expire(dt_s)
        self._take_commands()
        self._move_state(dt_s, link_v, connected)
        if self.state == RUNNING:
            self._ramp(dt_s)
            self.dc_w = self.ac_w + loss_w(self.ac_w, self.rated_w)
            self._bound_current(link_v)
        else:
            self.ac_w = self.dc_w = 0.0
        self.temp_c += (25.0 + abs(self.dc_w - self.ac_w) * 0.04 - self.temp_c) * dt_s / 300.0

    def _expire(self, dt_s):
        self.output_limit.step(dt_s)
        if self.storage_timer.step(dt_s):
            self.mode = 0
            self.reverts += 1
        if self.run_timer.step(dt_s):
            self.run_asked = False
            self.reverts += 1

    def _take_commands(self):
        asked = (self.run_asked, self.target_w())
        if asked != self._asked:
            self._asked = asked
            self._pending.append((self._time_s + _DEAD_S, asked))
        while self._pending and self._pending[0][0] <= self._time_s + 1e-9:
            taken = self._pending.popleft()[1]
            if not self.disobedient:
                self._runs, self._target_w = taken

    def obey_again(self):
        """End of a disobedience fault: what was missed meanwhile holds now."""
        self.disobedient = False
        self._pending.append((self._time_s + _DEAD_S, self._asked))

    def _move_state(self, dt_s, link_v, connected):
        self._state_s += dt_s
        dc_ok = connected and _DC_V_MIN <= link_v <= _DC_V_MAX
        if self.state == FAULT:
            if not self._runs and self._state_s >= _RESET_S:
                self.events = 0
                self._enter(OFF)
        elif self.state in (STARTING, RUNNING) and not dc_ok:
            self._lose_dc(link_v, connected)
        elif not self._runs:
            self._enter(OFF)
        elif not dc_ok:
            self._enter(STANDBY)
        elif self.state in (OFF, STANDBY):
            self.events = 0
            self._enter(STARTING)
        elif self.state == STARTING and self._state_s >= _START_S:
            self._enter(RUNNING)

    def _lose_dc(self, link_v, connected):
        event = EVT_DC_OVER_VOLT if connected and link_v > _DC_V_MAX else EVT_DC_DISCONNECT
        if abs(self.ac_w) > _LOADED_W:
            self.trip(event)
        else:
            self.events |= event
            self._enter(STANDBY)

    def _enter(self, state):
        if state != self.state:
            self.state = state
            self._state_s = 0.0

    def _ramp(self, dt_s):
        rising = self._target_w > self.ac_w
        gradient = self.discharge_gradient if rising else self.charge_gradient
        if self.ramp_s > 0:
            gradient = 1.0 / self.ramp_s
        most_w = gradient * self.rated_w * dt_s
        self.ac_w += min(max(self._target_w - self.ac_w, -most_w), most_w)

    def _bound_current(self, link_v):
        most_w = _DC_A_MAX * link_v
        if abs(self.dc_w) > most_w:
            self.ac_w *= most_w / abs(self.dc_w)
            self.dc_w = self.ac_w + loss_w(self.ac_w, self.rated_w)
