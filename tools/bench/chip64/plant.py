"""A battery and inverter for the benches, in MicroPython: obeys at once, power and sign change.

numbers.json, which the bench writes, holds the constants of core/points.py: the modules as they
ship have none left.
"""

import json
import sys

from bess.core import config
from bess.core.control.calls import PowerManager

_TICK_MS = 100
_MASK = 0x3FFFFFFF


def load_numbers():
    for folder in sys.path:
        try:
            with open(folder + "/numbers.json") as file:
                return json.load(file)
        except OSError:
            pass
    raise OSError("no numbers.json on sys.path")


class Plant:
    """A PowerManager with `modules` modules in parallel; step() is one tick of everything."""

    def __init__(self, modules, fresh):
        self._rated_w = rated_w = 5000 * modules
        data = {"w_rated": rated_w, "charge_w_max": rated_w, "discharge_w_max": rated_w,
                "strings_p": modules, "module_ma_rated": 157_000, "zero_dwell_ms": 0}
        settings, faults = config.check(data)
        if faults:
            raise ValueError(faults)
        self.manager = PowerManager(settings)
        self.now_ms = _MASK - 60_000
        self._n = load_numbers()
        self._modules = modules
        self._fresh = fresh
        self._next = 0
        self._ticks = 0
        self._bus_mv = 0
        self.manager.start()

    def prepare(self):
        """The readings of the next tick."""
        n, manager = self._n, self.manager
        now_ms = self.now_ms = (self.now_ms + _TICK_MS) & _MASK
        image, coils = manager.image, manager.outputs() & 7
        for _ in range(self._fresh if manager.pack.strings_live else self._modules):
            self._sample(self._next)
            self._next = (self._next + 1) % self._modules
        if coils & 2:
            self._bus_mv += (53_000 - self._bus_mv) // 3
        elif coils & 4:
            self._bus_mv = 53_000
        image.put(n["INPUTS"], 1 | (~coils & 7) << 1, now_ms)
        image.put(n["DC_MV"], self._bus_mv, now_ms)
        image.put(n["BATTERY_W"], manager.command.battery_w, now_ms)
        image.put(n["PCS_STATE"], 2 if manager.command.run else 0, now_ms)
        image.put(n["PCS_UNCONFIRMED"], 0, now_ms)
        if self._ticks % 10 == 0:
            image.put(n["GRID_W"], 1500 - manager.command.battery_w, now_ms)
        if self._ticks % 50 == 0:
            manager.ask_remote((self._ticks // 50 % 5 - 2) * self._rated_w // 5, 60_000)
        self._ticks += 1

    def _sample(self, i):
        n, manager = self._n, self.manager
        row = manager.pack.rows[i]
        row[n["M_SOC_PM"]] = 500 + i
        row[n["M_PACK_MV"]] = 53_000 + i
        row[n["M_CURRENT_MA"]] = manager.command.battery_w // self._modules * 18 + i
        row[n["M_CELL_MV_MAX"]] = 3_320 + i
        row[n["M_CELL_MV_MIN"]] = 3_310 + i
        row[n["M_CELL_DC_MAX"]] = 251 + i
        row[n["M_CELL_DC_MIN"]] = 240 + i
        row[n["M_CHARGE_MA_MAX"]] = row[n["M_DISCHARGE_MA_MAX"]] = 157_000
        row[n["M_FULL_DAH"]] = 3_140
        row[n["M_STATE"]] = 3
        row[n["M_PROTECTIONS"]] = row[n["M_FAULTS"]] = 0
        manager.pack.put(i, self.now_ms)

    def step(self):
        self.prepare()
        self.manager.step(self.now_ms)
