"""Start and stop of the pack: contactors, precharge, inverter, as a table of steps.

A step sets the outputs when it begins, asks its condition every tick and goes on when it holds;
a step that takes longer than its time goes to its other exit. Outputs are contactor coils; the
feedbacks are mirror contacts: 1 proves open.
"""

from micropython import const

from bess.core.control.modes import OFF, RUNNING, STARTING, STOPPING
from bess.core.points import BATTERY_W, DC_MV, INPUTS, PCS_STATE, PCS_UNCONFIRMED
from bess.core.tick import TICK_MASK

K_MINUS = const(1)
PRECHARGE = const(2)
K_PLUS = const(4)
_FB_K_MINUS = const(2)
_FB_PRECHARGE = const(4)
_FB_K_PLUS = const(8)
_FB_ALL = const(14)

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
OPEN = const(13)

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
# step: coils, run, phase, time limit in ms (0 = none), step after the limit, failure, next step
_STEPS = (
    (0, 0, OFF, 0, REST, FAILED_NONE, CHECK),                           # REST
    (0, 0, STARTING, 1000, REST, FAILED_CONTACTOR, CLOSE_MINUS),        # CHECK
    (K_MINUS, 0, STARTING, _FEEDBACK_MS, REST, FAILED_CONTACTOR, FILL),  # CLOSE_MINUS
    (K_MINUS | PRECHARGE, 0, STARTING, 5000, COOL, FAILED_PRECHARGE_TRY, CLOSE_PLUS),   # FILL
    (0, 0, STARTING, 0, REST, FAILED_NONE, CHECK),                      # COOL
    (K_MINUS | PRECHARGE | K_PLUS, 0, STARTING, _FEEDBACK_MS, REST, FAILED_CONTACTOR, SETTLE),
    (K_MINUS | PRECHARGE | K_PLUS, 0, STARTING, 0, REST, FAILED_NONE, WAIT_PCS),   # SETTLE
    (_COILS_MAIN, 0, STARTING, 60_000, OPEN, FAILED_PCS, START_PCS),    # WAIT_PCS
    (_COILS_MAIN, 1, STARTING, 400_000, STOP_PCS, FAILED_PCS, HOLD_ZERO),   # START_PCS
    (_COILS_MAIN, 1, STARTING, 5000, STOP_PCS, FAILED_PCS, RUN),        # HOLD_ZERO
    (_COILS_MAIN, 1, RUNNING, 0, EMPTY, FAILED_NONE, RUN),              # RUN
    (_COILS_MAIN, 1, STOPPING, 5000, STOP_PCS, FAILED_NONE, STOP_PCS),  # EMPTY
    (_COILS_MAIN, 0, STOPPING, 0, OPEN, FAILED_NONE, OPEN),             # STOP_PCS
    (0, 0, STOPPING, _FEEDBACK_MS, REST, WELDED, REST),                 # OPEN
)


class Sequence:
    """step: where it stands; coils: outputs wanted; run: inverter asked to run; phase.

    failed: FAILED_* of the tick in which a step went wrong, else 0.
    opened_ma: DC current when the contactors opened above 2 % of rated, until somebody takes it.
    """

    def __init__(self, settings, image, pack):
        self.step = REST
        self.coils = 0
        self.run = 0
        self.phase = OFF
        self.failed = FAILED_NONE
        self.opened_ma = None
        self._image = image
        self._pack = pack
        self._own_contactors = settings.contactors == "own"
        self._open_ms = settings.stop_open_ms
        self._open_ms_now = settings.stop_open_ms
        self._cool_ms = settings.precharge_pause_ms
        self._rated_w = settings.w_rated
        self._small_ma = pack.rated_ma * settings.strings_p // 50
        self._entered_ms = 0
        self._tries = 0
        self._peak_ma = 0
        self._samples = 0
        self._done = (
            self._never, self._all_open, self._minus_closed, self._filled, self._cooled,
            self._plus_closed, self._settled, self._pcs_fresh, self._pcs_runs, self._at_zero,
            self._never, self._power_small, self._current_small, self._all_open,
        )
        self._spent_ms = 0

    def start(self, now_ms):
        """Begin to start from rest; nothing in any other step. A hot resistor cools first."""
        if self.step == REST:
            first = COOL if self._tries else CHECK
            self._tries = 0
            self._enter(first if self._own_contactors else WAIT_PCS, now_ms)

    def stop(self, now_ms, at_once=False):
        """Begin to stop; at_once leaves out the ramp (trip, emergency)."""
        if self.phase == STARTING and self.step < WAIT_PCS:
            self._enter(OPEN, now_ms)
        elif self.phase == STARTING or self.phase == RUNNING:
            self._enter(STOP_PCS if at_once or self.phase == STARTING else EMPTY, now_ms)
        elif at_once and self.step == EMPTY:
            self._enter(STOP_PCS, now_ms)

    def open_within(self, limit_ms):
        """Shorten the wait for a small current before the contactors open."""
        if limit_ms < self._open_ms_now:
            self._open_ms_now = limit_ms

    def wait(self, now_ms):
        """The time limit of this step counts from now."""
        self._entered_ms = now_ms

    def closed(self):
        """True while the modules are on the bus, or would be if the contactors were ours."""
        return WAIT_PCS <= self.step <= STOP_PCS

    def watches_feedback(self):
        """True in the steps that stand still, where the feedbacks must equal the coils."""
        return self._own_contactors and (self.step == REST or self.closed())

    def tick(self, now_ms):
        """One tick: go on, time out, or stay."""
        self.failed = FAILED_NONE
        self._spent_ms = (now_ms - self._entered_ms) & TICK_MASK
        row = _STEPS[self.step]
        if self._done[self.step]():
            self._enter(row[6], now_ms)
        elif row[3] and self._spent_ms >= row[3]:
            self._expire(row, now_ms)

    def _expire(self, row, now_ms):
        self.failed = row[5]
        if self.step == FILL:
            self._tries += 1
            if self._tries >= _PRECHARGE_TRIES:
                self.failed = FAILED_PRECHARGE
                self._enter(OPEN, now_ms)
                return
        self._enter(row[4], now_ms)

    def _enter(self, step, now_ms):
        if step == OPEN:
            self._note_opening()
            if not self._own_contactors:
                step = REST
        row = _STEPS[step]
        self.step = step
        self.coils = row[0] if self._own_contactors else 0
        self.run = row[1]
        self.phase = row[2]
        self._entered_ms = now_ms
        self._peak_ma = 0
        if step == STOP_PCS:
            self._open_ms_now = self._open_ms
            self._samples = self._pack.samples

    def _note_opening(self):
        current_ma = self._dc_ma()
        if self.coils and current_ma is not None and current_ma > self._small_ma:
            self.opened_ma = current_ma

    def _dc_ma(self):
        """Magnitude of the DC current of the modules; None while no module is live."""
        pack = self._pack
        if pack.strings_live == 0 or pack.current_ma is None:
            return None
        return pack.current_ma if pack.current_ma >= 0 else -pack.current_ma

    def _never(self):
        return False

    def _feedback(self):
        inputs = self._image.now[INPUTS]
        return 0 if inputs is None else inputs

    def _all_open(self):
        return not self._own_contactors or self._feedback() & _FB_ALL == _FB_ALL

    def _minus_closed(self):
        return self._image.now[INPUTS] is not None and not self._feedback() & _FB_K_MINUS

    def _filled(self):
        """Bus voltage and precharge current agree that the DC link is full."""
        current_ma = self._dc_ma()
        bus_mv, pack_mv = self._image.now[DC_MV], self._pack.pack_mv
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

    def _plus_closed(self):
        return self._image.now[INPUTS] is not None and not self._feedback() & _FB_K_PLUS

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
        return confirmed and power_w is not None and abs(power_w) * 50 <= self._rated_w

    def _power_small(self):
        power_w = self._image.now[BATTERY_W]
        return power_w is not None and abs(power_w) * 50 <= self._rated_w

    def _current_small(self):
        """Small DC current in samples newer than the stop; unknown is not small."""
        if self._spent_ms >= self._open_ms_now:
            return True
        current_ma = self._dc_ma()
        new = (self._pack.samples - self._samples) & TICK_MASK
        return (new > self._pack.modules_live and current_ma is not None
                and current_ma <= self._small_ma)
