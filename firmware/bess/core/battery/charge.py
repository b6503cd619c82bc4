"""Charging: what a charge wishes, from its method, its limits and the highest cell.

Constant current up to the CV target, then the highest cell is held there by the current. The
current changes in proportion to itself: near the end of a charge the voltage of an LFP cell runs
away as fast as the current is large, so that one pair of gains serves every size of pack. It
falls four times as fast as it rises. A small current ends a charge only while the battery is what
limits it: cold, a cap or little sun make it small too.
"""

from micropython import const

from bess.core.battery.params import ChargeParams
from bess.core.battery.rounds import (
    DEAD_MV, FULL, LIMIT, STOPPED, TARGET, TIMEOUT, Rounds, ac_w,
)
from bess.core.battery.stages import (
    CC_CV, FIRST, HOLD, PULSED, STAGE_FIELDS, STAGES, TRICKLE, Budget,
)
from bess.core.control.modes import REFUSED_RANGE
from bess.core.curves import part
from bess.core.tick import TICK_MASK, Dwell

_DT_MS_MAX = const(2000)
_ERROR_MV_MAX = const(50)
_FALL_PM = const(8)                 # of the current, for each mV above the target, per second
_RISE_PM = const(2)
_BASE_PM = const(20)                # of C: counted on top, so that a current of 0 can rise again
_NEAR_MV = const(15)                # this far below the target CV is left
_EVEN_MV = const(10)
_EVEN_MS = const(900_000)
_STUCK_MS = const(7_200_000)
_PULSE_MS = const(60_000)
_REST_MS = const(10_000)
_SHORT_MS = const(10_000)
_SHORT_PULSES = const(3)
_RESUME_PM = const(20)
_RECOVERED_MV = const(3000)
_RECOVERY_DC = const(50)


class Charge:
    """One charge of the pack, from `begin` to `done`.

    wish_w: power that it wishes, 0 or negative, never above the stated one. done: 0 while it
    goes on, else FULL .. STOPPED. in_cv: the highest cell is held at the CV target.
    stuck: the last charge was given up after 2 h at the CV target. budget: minutes of TRICKLE.

    To be set from outside: params (replaced whole), timeout_ms (0 = none), resumes (a done charge
    goes on 20 pm lower: within a schedule).
    """

    def __init__(self, settings, pack):
        self.wish_w = 0
        self.done = STOPPED
        self.in_cv = self.stuck = self.resumes = False
        self.params = ChargeParams()
        self.timeout_ms = 0
        self._pack = pack
        self._settings = settings
        self._eta_pm = settings.eta_pm
        self._mah = settings.pack_mah
        self._cells = settings.cells_s * settings.modules_s
        self._method = CC_CV
        self._power_w = self._target_pm = self._began_ms = 0
        self._stage = self._row = self._stage_ms = self._hits = 0
        self._ma = self._small_ma = self._power_ma = 0
        self._base_ma = part(self._mah, _BASE_PM)
        self._sampled_ms = self._tick_ms = 0
        self._rounds = Rounds()
        self.budget = Budget()
        self._small = Dwell(0)
        self._even = Dwell(_EVEN_MS)
        self._long = Dwell(_STUCK_MS)
        self._recovery = self._resting = False
        self._phase_ms = self._short = self._before_w = self._done_pm = 0

    def begin(self, method, power_w, target_pm, now_ms):
        """Start a charge with at most power_w (negative) up to target_pm.

        0 as power or target is the one of the parameters, there 0 is the rating and no target.
        Returns 0 or the refusal of a TRICKLE: lowest cell unknown or below 2 000 mV, a deep cell
        colder than 5 degC, no minutes left today. An unknown method raises ValueError.
        """
        if not CC_CV <= method <= HOLD:
            raise ValueError("method is %r, allowed: %d..%d" % (method, CC_CV, HOLD))
        if method == TRICKLE and not self.may_trickle(now_ms):
            self.done = STOPPED         # nothing of the charge before goes on
            return REFUSED_RANGE
        self._method = method
        self._power_w = abs(power_w) or self.params.w_max or self._settings.charge_w_max
        self._target_pm = target_pm or self.params.soc_pm_target
        self._began_ms = self._tick_ms = now_ms
        self._go(now_ms)
        return 0

    def end(self, code):
        """The charge is over: from now on it wishes 0 W. Nothing when it was over already."""
        if self.done:
            return
        self.done = code
        self.wish_w = 0
        self.in_cv = False
        soc_pm = self._pack.soc_pm
        if self._target_pm and soc_pm is not None:
            soc_pm = min(soc_pm, self._target_pm)
        self._done_pm = soc_pm

    def expire(self, now_ms):
        """Every tick, also while another one wins or nothing runs: the time-out goes on."""
        if self.timeout_ms and (now_ms - self._began_ms) & TICK_MASK >= self.timeout_ms:
            self.end(TIMEOUT)

    def tick(self, command_w, cell_high, now_ms):
        """Every tick in which this charge is the winner.

        command_w: power commanded in the tick before. cell_high: CELL_HIGH is the reason of the
        charge side of the window.
        """
        dt_ms = min((now_ms - self._tick_ms) & TICK_MASK, _DT_MS_MAX)
        self._tick_ms = now_ms
        new = self._rounds.over(self._pack.fresh) and self._pack.strings_live != 0
        if self.done:
            self._resume(now_ms)
            return
        self.expire(now_ms)
        if self.done:
            return
        if self._method == PULSED:
            self._pulse(command_w, dt_ms)
        elif self._method == TRICKLE and command_w < 0 and not self.budget.use(dt_ms, now_ms):
            self.end(TIMEOUT)
        if new and not self.done:
            self._sample(cell_high, now_ms)

    def _go(self, now_ms):
        self.done = 0
        self.stuck = self.in_cv = self._resting = False
        self._short = self._phase_ms = self._before_w = 0
        self._sampled_ms = now_ms
        self._even.held(False, now_ms)
        self._long.held(False, now_ms)
        self._ma = 0
        self._enter(FIRST[self._method], now_ms)
        pack = self._pack
        if pack.strings_live:
            self._recovery = pack.cell_mv_min < _RECOVERED_MV
            self._ma = self._limit_ma()
            if self._cv_mv() - pack.cell_mv_max < _ERROR_MV_MAX:
                self._ma = min(self._ma, self._base_ma)     # full already, perhaps
            self._ask()

    def _resume(self, now_ms):
        soc_pm = self._pack.soc_pm
        if (self.resumes and self.done <= LIMIT and soc_pm is not None
                and self._done_pm is not None and soc_pm <= self._done_pm - _RESUME_PM):
            self._go(now_ms)

    def _enter(self, stage, now_ms):
        self._stage = stage
        self._row = stage * STAGE_FIELDS
        self._stage_ms = now_ms
        self._hits = 0
        self._small_ma = part(self._mah, STAGES[self._row + 2])
        self._small.span_ms = 1000 * STAGES[self._row + 3]
        self._small.held(False, now_ms)

    def may_trickle(self, now_ms):
        """True while a TRICKLE charge is permitted: cells 2 000 mV or more, deep ones 5 degC or
        more, minutes left.
        """
        pack = self._pack
        if not pack.strings_live or pack.cell_mv_min < DEAD_MV:
            return False
        if pack.cell_mv_min < _RECOVERED_MV and pack.cell_dc_min < _RECOVERY_DC:
            return False
        return self.budget.left_min(now_ms) > 0

    def _cv_mv(self):
        """CV target of the highest cell: the lowest of setting, voltage of a string and BMS."""
        mv_max = self.params.mv_max or self._settings.charge_mv_max
        mv = self._settings.cell_mv_cv
        if mv_max:
            mv = min(mv, mv_max // self._cells)
        bms_mv = self._pack.bms_mv
        if bms_mv is not None:
            mv = min(mv, bms_mv // self._cells)
        return mv

    def _limit_ma(self):
        """The current of the stage, the parameters and the stated power: the smallest."""
        dc_w = part(self._power_w, self._eta_pm)
        self._power_ma = dc_w * 1000 // max(self._pack.pack_mv // 100, 1) * 10
        limit_ma = part(self._mah, STAGES[self._row])
        if self.params.ma_max:
            limit_ma = min(limit_ma, self.params.ma_max)
        return min(limit_ma, self._power_ma)

    def _ask(self):
        """Turn the current into the wish."""
        if self._ma and self._ma >= self._power_ma:
            self.wish_w = -self._power_w
        else:
            self.wish_w = -min(ac_w(self._ma, self._pack.pack_mv, self._eta_pm), self._power_w)

    def _sample(self, cell_high, now_ms):
        pack = self._pack
        if self._method != HOLD:
            if self._target_pm and pack.soc_pm is not None and pack.soc_pm >= self._target_pm:
                return self.end(TARGET)
            if pack.soc_pm_max is not None and pack.soc_pm_max >= self._settings.soc_pm_max:
                return self.end(LIMIT)
        if self._method == PULSED:
            self._pulse_sample()
        else:
            cv_mv = self._cv_mv()
            self._regulate(cv_mv, now_ms)
            self._judge(cv_mv, cell_high, now_ms)
        if self.done:
            return
        if self._resting or self._too_cold():
            self.wish_w = 0
        else:
            self._ask()

    def _too_cold(self):
        return (self._method == TRICKLE and self._recovery
                and self._pack.cell_dc_min < _RECOVERY_DC)

    def _regulate(self, cv_mv, now_ms):
        """Constant current below the target; at the target the current that holds it."""
        dt_ms = min((now_ms - self._sampled_ms) & TICK_MASK, _DT_MS_MAX)
        self._sampled_ms = now_ms
        pack = self._pack
        flowing_ma = -pack.current_ma
        limit_ma = self._limit_ma()
        base_ma = self._base_ma
        ma = self._ma
        room_mv = cv_mv - pack.cell_mv_max
        follows = flowing_ma >= ma // 4 * 3 - base_ma
        if room_mv <= 0:
            self.in_cv = True
            if not follows:
                ma = max(flowing_ma, 0)     # something else holds it down: go on from there
            pm10 = max(room_mv, -_ERROR_MV_MAX) * _FALL_PM * dt_ms // 100
        else:
            pm10 = min(room_mv, _ERROR_MV_MAX) * _RISE_PM * dt_ms // 100
            if not follows:
                pm10 = 0
            if not follows or room_mv > _NEAR_MV:
                self.in_cv = False
        ma += part(ma + base_ma, pm10) // 10
        if ma >= limit_ma:
            ma = limit_ma
            if room_mv > 0:
                self.in_cv = False
        self._ma = max(ma, 0)

    def _judge(self, cv_mv, cell_high, now_ms):
        """The ends of the method."""
        pack, row = self._pack, self._row
        high_mv = pack.cell_mv_max
        if self._method == TRICKLE and self._recovery:
            if pack.cell_mv_min < DEAD_MV:
                return self.end(LIMIT)
            if pack.cell_mv_min >= _RECOVERED_MV:
                return self.end(TARGET)
        if self._method == CC_CV:
            even = self.in_cv and high_mv - pack.cell_mv_min <= _EVEN_MV
            if self._even.held(even, now_ms):
                return self.end(FULL)
            if self._long.held(self.in_cv, now_ms):
                self.stuck = True
                return self.end(TIMEOUT)
        end_mv = STAGES[row + 1]
        self._hits = self._hits + 1 if end_mv and high_mv >= min(end_mv, cv_mv) else 0
        small = (self._small_ma and (self.in_cv or cell_high)
                 and -pack.current_ma < self._small_ma)
        minutes = STAGES[row + 4]
        if (self._small.held(small, now_ms) or self._hits >= 2
                or minutes and (now_ms - self._stage_ms) & TICK_MASK >= minutes * 60_000):
            self._next(now_ms)

    def _next(self, now_ms):
        if self._stage + 1 == FIRST[self._method + 1]:
            self.end(FULL)
        else:
            self._enter(self._stage + 1, now_ms)
            self._ma = min(self._ma, self._limit_ma())

    def _pulse(self, command_w, dt_ms):
        """Time of pulse and rest; the ramps between them count in neither."""
        if self._resting:
            if command_w == 0:
                self._phase_ms += dt_ms
            if self._phase_ms >= _REST_MS:
                self._resting = False
                self._phase_ms = 0
                self._ask()
        elif command_w < 0 and (command_w <= self.wish_w or command_w >= self._before_w):
            self._phase_ms += dt_ms
            if self._phase_ms >= _PULSE_MS:
                self._short = 0
                self._rest()
        self._before_w = command_w

    def _pulse_sample(self):
        """A pulse ends early at the CV target; three short ones in a row end the charge."""
        self._ma = self._limit_ma()
        if self._resting or self._pack.cell_mv_max < self._cv_mv():
            return
        self._short = self._short + 1 if self._phase_ms < _SHORT_MS else 0
        if self._short >= _SHORT_PULSES:
            self.end(FULL)
        else:
            self._rest()

    def _rest(self):
        self._resting = True
        self._phase_ms = 0
        self.wish_w = 0
