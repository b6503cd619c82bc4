"""Start and stop of the pack: contactors, precharge, inverter, as a table of steps.

A step sets the outputs when it begins, asks its condition every tick and goes on when it holds;
a step that takes longer than its time goes to its other exit. Outputs are contactor coils; the
feedbacks are mirror contacts: 1 proves open. Further strings join from WAIT_PCS on
(strings.py).
"""

from micropython import const

from bess.core.battery.strings import K_MINUS, K_PLUS, PRECHARGE, Strings
from bess.core.control.modes import OFF, RUNNING, STARTING, STOPPING
from bess.core.points import BATTERY_W, DC_MV, PCS_STATE, PCS_UNCONFIRMED
from bess.core.tick import TICK_MASK

PCS_RUNNING = const(2)
PCS_FAULT = const(3)

REST = const(0)
CHECK = const(1)
CLOSE_MINUS = const(2)
FILL = const(3)
COOL = const(4)
CLOSE_PLUS = const(5)
SETTLE = const(6)
WAIT_PCS = const(7)
START_PCS = const(8)
HOLD_ZERO = const(9)
RUN = const(10)
EMPTY = const(11)
STOP_PCS = const(12)
OPEN_PLUS = const(13)
OPEN = const(14)
HOLD = const(15)                    # a person tests a contactor
KEEP = const(16)                    # STANDBY with closed contactors

# what a step that took too long means
FAILED_NONE = const(0)
FAILED_CONTACTOR = const(1)
FAILED_PRECHARGE = const(2)
FAILED_PCS = const(3)
WELDED = const(4)
FAILED_PRECHARGE_TRY = const(5)

_COILS_MAIN = const(5)
_FEEDBACK_MS = const(200)
_PRECHARGE_TRIES = const(3)
_PRECHARGE_BUS_MV = const(1000)
# step: coils, run, phase, step after the time limit, what that means, next step
_COLUMNS = const(6)
_STEPS = bytes((
    0, 0, OFF, REST, FAILED_NONE, CHECK,  # REST
    0, 0, STARTING, REST, FAILED_CONTACTOR, CLOSE_MINUS,  # CHECK
    K_MINUS, 0, STARTING, REST, FAILED_CONTACTOR, FILL,  # CLOSE_MINUS
    K_MINUS | PRECHARGE, 0, STARTING, COOL, FAILED_PRECHARGE_TRY, CLOSE_PLUS,  # FILL
    0, 0, STARTING, REST, FAILED_NONE, CHECK,  # COOL
    K_MINUS | PRECHARGE | K_PLUS, 0, STARTING, REST, FAILED_CONTACTOR, SETTLE,
    K_MINUS | PRECHARGE | K_PLUS, 0, STARTING, REST, FAILED_NONE, WAIT_PCS,  # SETTLE
    _COILS_MAIN, 0, STARTING, OPEN_PLUS, FAILED_PCS, START_PCS,  # WAIT_PCS
    _COILS_MAIN, 1, STARTING, STOP_PCS, FAILED_PCS, HOLD_ZERO,  # START_PCS, pcs_start_ms
    _COILS_MAIN, 1, STARTING, STOP_PCS, FAILED_PCS, RUN,  # HOLD_ZERO
    _COILS_MAIN, 1, RUNNING, EMPTY, FAILED_NONE, RUN,  # RUN
    _COILS_MAIN, 1, STOPPING, STOP_PCS, FAILED_NONE, STOP_PCS,  # EMPTY
    _COILS_MAIN, 0, STOPPING, OPEN_PLUS, FAILED_NONE, OPEN_PLUS,  # STOP_PCS
    K_MINUS, 0, STOPPING, OPEN, FAILED_NONE, OPEN,  # OPEN_PLUS
    0, 0, STOPPING, REST, WELDED, REST,  # OPEN
    0, 0, OFF, REST, FAILED_NONE, REST,  # HOLD
    _COILS_MAIN, 0, OFF, KEEP, FAILED_NONE, KEEP,  # KEEP
))
# step: time limit in ms, 0: none; that of START_PCS is pcs_start_ms
_LIMIT_MS = (
    0, 1000, _FEEDBACK_MS, 5000, 0, _FEEDBACK_MS, 0, 60_000, 0,
    5000, 0, 5000, 0, _FEEDBACK_MS, _FEEDBACK_MS, 0, 0,
)


class Sequence:
    """step: where it stands; coils: outputs wanted; run: inverter asked to run; phase.

    failed: FAILED_* of the tick in which a step went wrong, else 0.
    opened_ma: DC current when the contactors opened above 2 % of rated, until somebody takes it.
    islanded: set from outside while the inverter forms the grid: its power follows the load.
    """

    def __init__(self, settings, image, pack, events):
        self.strings = Strings(settings, image, pack, events)
        self.step = REST
        self.coils = 0
        self.run = 0
        self.phase = OFF
        self.failed = FAILED_NONE
        self.opened_ma = None
        self.islanded = False
        self._image = image
        self._pack = pack
        self._own_contactors = settings.contactors != "none"
        self._keeps = settings.standby_contactors == "closed"
        self._urgent = False
        self._open_ms = settings.stop_open_ms
        self._open_ms_now = settings.stop_open_ms
        self._start_ms = settings.pcs_start_ms
        self._cool_ms = settings.precharge_pause_ms
        self._rated_w = settings.w_rated
        self._small_ma = pack.rated_ma * settings.strings_p // 50
        self._entered_ms = 0
        self._tries = 0
        self._peak_ma = 0
        self._samples = 0
        self._spent_ms = 0
        self._asked = False         # from outside, perhaps between two ticks

    def start(self, now_ms):
        """Begin to start from rest; nothing in any other step. A hot resistor cools first."""
        self._urgent = False
        if self.step == KEEP:
            self._enter(WAIT_PCS, now_ms)
        elif self.step == REST:
            first = COOL if self._tries else CHECK
            self._tries = 0
            self.strings.choose()
            self._enter(first if self._own_contactors else WAIT_PCS, now_ms)

    def stop(self, now_ms, at_once=False):
        """Begin to stop; at_once leaves out the ramp (trip, emergency) and always opens."""
        self._urgent = self._urgent or at_once
        self._asked = self._asked or self.step == HOLD
        if self.step == HOLD or self.phase == STARTING and self.step < WAIT_PCS:
            self._enter(OPEN, now_ms)
        elif self.step == KEEP:
            if at_once:
                self._enter(STOP_PCS, now_ms)
        elif self.phase == STARTING or self.phase == RUNNING:
            self._enter(STOP_PCS if at_once or self.phase == STARTING else EMPTY, now_ms)
        elif at_once and self.step == EMPTY:
            self._enter(STOP_PCS, now_ms)

    def may_hold(self, coils):
        """True when `coils` is at most one coil of a contactor set that there is."""
        known = self._own_contactors and 0 <= coils <= self.strings.mask
        return known and coils & coils - 1 == 0

    def hold(self, coils, now_ms):
        """A person tests a contactor: drive one coil at rest; 0 releases it."""
        if self.step == REST or self.step == HOLD:
            self._enter(HOLD, now_ms)
            self.coils = coils

    def open_within(self, limit_ms):
        """Shorten the wait for a small current before the contactors open."""
        if limit_ms < self._open_ms_now:
            self._open_ms_now = limit_ms

    def wait(self, now_ms):
        """The time limit of this step counts from now."""
        self._entered_ms = now_ms

    def closed(self):
        """True while the modules are on the bus, or would be if the contactors were ours."""
        return WAIT_PCS <= self.step <= STOP_PCS or self.step == KEEP

    def watches_feedback(self):
        """True in the steps that stand still, where the feedbacks must equal the coils."""
        return self._own_contactors and (self.step == REST or self.step >= HOLD or self.closed())

    def feedback_wrong(self):
        """True when a step stands still and the feedbacks are not those of the coils."""
        proofs = self.strings.proofs()
        return (proofs is not None and (proofs ^ ~self.coils) & self.strings.mask != 0
                and self.watches_feedback())

    def tick(self, now_ms):
        """One tick: go on, time out, or stay."""
        self.failed = FAILED_NONE
        step = self.step
        if self._asked:                 # the coils follow in this tick: its time limit begins
            self._asked = False
            self._entered_ms = now_ms
        self._spent_ms = (now_ms - self._entered_ms) & TICK_MASK
        done = self._DONE[step]
        limit_ms = self._start_ms if step == START_PCS else _LIMIT_MS[step]
        if done is not None and done(self):
            self._enter(_STEPS[_COLUMNS * step + 5], now_ms)
        elif limit_ms and self._spent_ms >= limit_ms:
            self._expire(_COLUMNS * step, now_ms)
        step = self.step
        if (WAIT_PCS <= step <= RUN and self.strings.sets > 1
                and self.strings.tick(now_ms)):
            self._drive(_STEPS[_COLUMNS * step])

    def _expire(self, row, now_ms):
        self.failed = _STEPS[row + 4]
        if self.step == FILL:
            self._tries += 1
            if self._tries >= _PRECHARGE_TRIES:
                self.failed = FAILED_PRECHARGE
                self._enter(OPEN, now_ms)
                return
        self._enter(_STEPS[row + 3], now_ms)

    def _enter(self, step, now_ms):
        if step == OPEN_PLUS or step == OPEN:
            if step == OPEN_PLUS and self._keeps and not self._urgent:
                step = KEEP
            else:
                self._note_opening()
                self.strings.open()
                if not self._own_contactors:
                    step = REST
        row = _COLUMNS * step
        self.step = step
        self._drive(_STEPS[row])
        self.run = _STEPS[row + 1]
        self.phase = _STEPS[row + 2]
        self._entered_ms = now_ms
        self._peak_ma = 0
        if step == STOP_PCS:
            self._open_ms_now = self._open_ms
            self._samples = self._pack.samples

    def _drive(self, coils):
        """Coils of the leading string's set, and of those that have joined it."""
        strings = self.strings
        self.coils = coils << 3 * strings.lead | strings.coils if self._own_contactors else 0

    def _note_opening(self):
        current_ma = self._dc_ma()
        on_bus = CLOSE_PLUS <= self.step <= STOP_PCS or self.step == KEEP
        if (on_bus and self._own_contactors and current_ma is not None
                and current_ma > self._small_ma):
            self.opened_ma = current_ma

    def _dc_ma(self):
        """Magnitude of the DC current of the modules; None while no module is live."""
        pack = self._pack
        if pack.strings_live == 0 or pack.current_ma is None:
            return None
        return pack.current_ma if pack.current_ma >= 0 else -pack.current_ma

    def _proves(self, coil, is_open):
        """True when the leading set's feedback of this coil says that it is open, or closed."""
        proofs = self.strings.proofs()
        return (proofs is not None
                and (proofs >> 3 * self.strings.lead & coil != 0) == is_open)

    def _all_open(self):
        mask = self.strings.mask
        proofs = self.strings.proofs()
        return not self._own_contactors or proofs is not None and proofs & mask == mask

    def _may_start(self):
        """All feedbacks say open, and the inverter moves nothing as far as it is heard."""
        power_w = self._image.now[BATTERY_W]
        return self._all_open() and (power_w is None or abs(power_w) * 50 <= self._rated_w)

    def _minus_closed(self):
        return self._proves(K_MINUS, False)

    def _plus_closed(self):
        return self._proves(K_PLUS, False)

    def _plus_open(self):
        return self._proves(K_PLUS, True)

    def _filled(self):
        """Bus voltage and precharge current agree that the DC link is full."""
        current_ma = self._dc_ma()
        bus_mv, pack_mv = self._image.now[DC_MV], self.strings.lead_mv()
        if current_ma is None or bus_mv is None or self._spent_ms < 200:
            return False
        if current_ma > self._peak_ma:
            self._peak_ma = current_ma
        near_mv = max(_PRECHARGE_BUS_MV, pack_mv // 100)
        quiet = current_ma * 20 < self._peak_ma or current_ma < self._small_ma // 4
        if not quiet or abs(pack_mv - bus_mv) > near_mv:
            return False
        self._tries = 0
        return True

    def _cooled(self):
        return self._spent_ms >= self._cool_ms

    def _settled(self):
        return self._spent_ms >= 1000

    def _pcs_fresh(self):
        state = self._image.now[PCS_STATE]
        return state is not None and state != PCS_FAULT

    def _pcs_runs(self):
        return self._image.now[PCS_STATE] == PCS_RUNNING

    def _at_zero(self):
        now = self._image.now
        power_w = now[BATTERY_W]
        confirmed = now[PCS_UNCONFIRMED] == 0
        return (confirmed and power_w is not None
                and (self.islanded or abs(power_w) * 50 <= self._rated_w))

    def _power_small(self):
        power_w = self._image.now[BATTERY_W]
        return power_w is not None and abs(power_w) * 50 <= self._rated_w

    def _current_small(self):
        """Small DC current in samples newer than the stop; unknown is not small."""
        if self._spent_ms >= self._open_ms_now - 100:   # K- follows K+ by a tick
            return True
        current_ma = self._dc_ma()
        new = (self._pack.samples - self._samples) & TICK_MASK
        return (new > self._pack.modules_live and current_ma is not None
                and current_ma <= self._small_ma)

    # by step: what must hold before it goes on; functions, as bound methods would cost the chip
    # 16 bytes each
    _DONE = (
        None, _may_start, _minus_closed, _filled, _cooled, _plus_closed, _settled, _pcs_fresh,
        _pcs_runs, _at_zero, None, _power_small, _current_small, _plus_open, _all_open, None,
        None,
    )
