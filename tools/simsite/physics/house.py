"""The house: a pure function of time, so that one seed is one day whatever the step."""

import bisect
import math
import random

DAY_S = 86_400
# name, phase, W, times a day, lasts s, (earliest h, latest h), on s, off s  (0 = no cycling)
_APPLIANCES = (
    ("kettle", 0, 2200, 5, 150, (6.5, 22.0), 0, 0),
    ("oven", 1, 2600, 1, 2700, (17.0, 19.0), 90, 60),
    ("hob", 1, 1800, 2, 1200, (11.5, 19.0), 20, 25),
    ("washer heat", 2, 2000, 1, 900, (9.0, 15.0), 0, 0),
    ("washer drum", 2, 450, 1, 3600, (9.0, 15.0), 7, 7),
    ("toaster", 0, 900, 2, 120, (7.0, 9.0), 0, 0),
)
# Lights and electronics over the day, W.
_BASE_W = (180, 170, 165, 160, 165, 180, 260, 340, 320, 280, 270, 290,
           320, 300, 280, 280, 320, 420, 520, 560, 540, 460, 340, 230)  # fmt: skip
_BASE_SHARE = (0.45, 0.30, 0.25)
_FRIDGE_W, _FRIDGE_ON_S, _FRIDGE_PERIOD_S = 95, 800, 2500


class House:
    """Load of each phase at any time; day after day is drawn from the seed."""

    def __init__(self, seed):
        self._seed = seed
        rng = random.Random(f"{seed}/house")
        self._waves = [(rng.uniform(20, 400), rng.uniform(0, 6.28), rng.uniform(2, 12))
                       for _ in range(4)]  # fmt: skip
        self._fridge_at_s = rng.uniform(0, _FRIDGE_PERIOD_S)
        self._day = None
        self._starts = ()

    def phases_w(self, time_s):
        """(A, B, C) in W at `time_s` seconds after midnight of the first day."""
        base_w = self._base_w(time_s)
        loads = [base_w * share for share in _BASE_SHARE]
        if (time_s + self._fridge_at_s) % _FRIDGE_PERIOD_S < _FRIDGE_ON_S:
            loads[0] += _FRIDGE_W
        for start_s, end_s, phase, watts, on_s, off_s in self._running(time_s):
            if start_s <= time_s < end_s:
                if not off_s or (time_s - start_s) % (on_s + off_s) < on_s:
                    loads[phase] += watts
        return tuple(loads)

    def _base_w(self, time_s):
        hour = time_s % DAY_S / 3600
        i = int(hour)
        base_w = _BASE_W[i] + (_BASE_W[(i + 1) % 24] - _BASE_W[i]) * (hour - i)
        return base_w + sum(w * math.sin(time_s / t + p) for t, p, w in self._waves)

    def _running(self, time_s):
        day = int(time_s // DAY_S)
        if day != self._day:
            self._day = day
            self._starts = self._draw_day(day)
        return self._starts

    def _draw_day(self, day):
        rng = random.Random(f"{self._seed}/house/{day}")
        runs = []
        for _, phase, watts, times, lasts_s, (early, late), on_s, off_s in _APPLIANCES:
            for _ in range(times):
                start_s = day * DAY_S + rng.uniform(early, late) * 3600
                end_s = start_s + lasts_s * rng.uniform(0.7, 1.3)
                bisect.insort(runs, (start_s, end_s, phase, watts * 1.0, on_s, off_s))
        return tuple(runs)
