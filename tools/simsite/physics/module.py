"""One LFP module: cells in series, an ohmic and one slow (RC) voltage drop, heat."""

import math

from .curves import ocv_v

_OHM = 0.00022  # of a 314 Ah cell with its busbar
_SLOW_OHM = 0.00018  # of the RC pair
_SLOW_S = 30.0
_LINK_OHM = 0.0012  # cables, shunt and switches of the whole module
_HEAT_J_PER_K = 88_000.0  # 16 cells of 5.5 kg
_COOL_W_PER_K = 5.0
_BLEED_A = 0.2  # passive balancing
_BALANCE_ABOVE_V = 3.40
_BALANCE_OVER_LOWEST_V = 0.010


class Module:
    """Chemistry and heat of one module; current is positive when it discharges.

    Args:
        rng (random.Random): spread of the cells.
        soc (float): state of charge at the start, 0..1.
    """

    def __init__(self, rng, soc=0.5, cells=16, capacity_ah=314.0, ambient_c=22.0):
        self.rated_ah = capacity_ah
        self.capacity_ah = [capacity_ah * rng.gauss(1.0, 0.004) for _ in range(cells)]
        self.ohm = [_OHM * rng.gauss(1.0, 0.03) for _ in range(cells)]
        self.soc = [soc + rng.gauss(0.0, 0.002) for _ in range(cells)]
        self.sensor_offset_c = [rng.uniform(-0.8, 0.8) for _ in range(4)]
        self.link_ohm = _LINK_OHM * rng.uniform(0.9, 1.1)
        self.ambient_c = ambient_c
        self.temp_c = ambient_c
        self.slow_a = 0.0  # the current as the RC pair sees it
        self.current_a = 0.0
        self.balance_wanted = False
        self.charged_wh = 0.0  # at the terminals, as are discharged_wh
        self.discharged_wh = 0.0
        self.chemical_wh = 0.0  # what left the cells, net
        self.heat_wh = 0.0
        self.total_ohm = sum(self.ohm) + self.link_ohm
        self._rest_v = []
        self._update_rest()

    @property
    def emf_v(self):
        """Voltage behind the ohmic resistance."""
        return self._emf_v

    @property
    def terminal_v(self):
        return self._emf_v - self.current_a * self.total_ohm

    @property
    def mean_soc(self):
        return sum(self.soc) / len(self.soc)

    def set_soc(self, soc):
        """All cells keep their distance from each other."""
        shift = soc - self.mean_soc
        self.soc = [s + shift for s in self.soc]
        self._update_rest()

    def cells_v(self):
        """Terminal voltage of each cell in V at the present current."""
        slow_v, current_a = self.slow_a * _SLOW_OHM, self.current_a
        return [v - slow_v - current_a * r for v, r in zip(self._rest_v, self.ohm, strict=True)]

    def bleeding(self):
        """Per cell: True while its balancing resistor is on."""
        if not self.balance_wanted:
            return None
        lowest_v = min(self._rest_v)
        return [
            v > _BALANCE_ABOVE_V and v > lowest_v + _BALANCE_OVER_LOWEST_V for v in self._rest_v
        ]

    def step(self, dt_s, current_a):
        """Let `current_a` (A, + discharge) flow for `dt_s`."""
        hours = dt_s / 3600.0
        self.current_a = current_a
        terminal_wh = (self._emf_v - current_a * self.total_ohm) * current_a * hours
        chemical_wh = sum(self._rest_v) * current_a * hours
        if terminal_wh >= 0:
            self.discharged_wh += terminal_wh
        else:
            self.charged_wh -= terminal_wh
        chemical_wh += self._draw(current_a, hours)
        self.chemical_wh += chemical_wh
        self._warm(dt_s, chemical_wh - terminal_wh)
        self.slow_a += (current_a - self.slow_a) * (1.0 - math.exp(-dt_s / _SLOW_S))
        self._update_rest()

    def _draw(self, current_a, hours):
        """Take the charge out of the cells; Wh that the balancing resistors took on top."""
        bleeding = self.bleeding()
        amp_hours = current_a * hours
        self.soc = [s - amp_hours / c for s, c in zip(self.soc, self.capacity_ah, strict=True)]
        bled_wh = 0.0
        if bleeding:
            for i, on in enumerate(bleeding):
                if on:
                    self.soc[i] -= _BLEED_A * hours / self.capacity_ah[i]
                    bled_wh += _BLEED_A * self._rest_v[i] * hours
        return bled_wh

    def _warm(self, dt_s, heat_wh):
        self.heat_wh += heat_wh
        lost_j = (self.temp_c - self.ambient_c) * _COOL_W_PER_K * dt_s
        self.temp_c += (heat_wh * 3600.0 - lost_j) / _HEAT_J_PER_K

    def _update_rest(self):
        self._rest_v = [ocv_v(s) for s in self.soc]
        self._emf_v = sum(self._rest_v) - self.slow_a * _SLOW_OHM * len(self.soc)
