"""The grid meter: samples once a second, tells a little later, counts both directions."""

from collections import deque

PERIOD_S = 1.0
LATENCY_S = 0.3


class Sample:
    """What the meter shows: power per phase (+ import) and its counters at one instant."""

    def __init__(self, time_s, phases_w, import_wh, export_wh):
        self.time_s = time_s
        self.phases_w = phases_w
        self.grid_w = sum(phases_w)
        self.import_wh = import_wh
        self.export_wh = export_wh


class Meter:
    def __init__(self, import_wh=1_250_000.0, export_wh=830_000.0):
        self.import_wh = import_wh  # true counters, they run on between the samples
        self.export_wh = export_wh
        self._time_s = 0.0
        self._next_s = 0.0
        self._under_way = deque()
        self.shown = Sample(0.0, (0.0, 0.0, 0.0), import_wh, export_wh)

    def step(self, dt_s, phases_w):
        """Take `phases_w` (W, + import) as flowing for `dt_s`; `shown` follows with its delay."""
        energy_wh = sum(phases_w) * dt_s / 3600
        if energy_wh >= 0:
            self.import_wh += energy_wh
        else:
            self.export_wh -= energy_wh
        self._time_s += dt_s
        if self._time_s + 1e-9 >= self._next_s:
            self._next_s += PERIOD_S
            sample = Sample(self._time_s, phases_w, self.import_wh, self.export_wh)
            self._under_way.append(sample)
        while self._under_way and self._under_way[0].time_s + LATENCY_S <= self._time_s + 1e-9:
            self.shown = self._under_way.popleft()
