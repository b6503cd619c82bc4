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


# 16 modules in four strings: every curve, cap, input and contactor set that there is
EVERYTHING = {
    "modules_s": 4, "strings_p": 4, "contactors": "strings", "backup_output": 1,
    "pcs_forms_grid": 1, "import_w_max": 90_000, "export_w_max": 60_000,
    "frequency_watt": "en50549", "volt_watt": "ieee1547", "volt_var": "vde4105",
    "fire_input": "closed", "insulation_input": "closed", "door_input": "closed",
    "aux_input": "closed", "zone": "CET-1CEST,M3.5.0,M10.5.0/3",
}


class Plant:
    """A PowerManager with `modules` modules in parallel; step() is one tick of everything.

    fresh: modules with a new sample in each tick. everything: all that can be enabled is.
    fault: the inverter reports one, so that a trip is present.
    """

    fault = False

    def __init__(self, modules, fresh, everything=False):
        self._rated_w = rated_w = 5000 * modules
        data = {"w_rated": rated_w, "charge_w_max": rated_w, "discharge_w_max": rated_w,
                "strings_p": modules, "module_ma_rated": 157_000, "zero_dwell_ms": 0}
        if everything:
            data.update(EVERYTHING)
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
        self._everything = everything
        if everything:
            self._enable()
        self.manager.start()

    def _enable(self):
        """A full schedule of which the last entry is alive, callbacks, parameters."""
        manager = self.manager
        for i in range(15):
            manager.add_schedule((1, i % 8, i, 30, 3, 0, 10, 1))
        manager.add_schedule((1, 7, 0, 0, 2, 5000, 1440, 1))
        for event in range(16):
            manager.register_callback(event, print)
        manager.set_charge_params(2, self._rated_w)
        manager.set_discharge_params(self._rated_w)

    def prepare(self):
        """The readings of the next tick."""
        n, manager = self._n, self.manager
        now_ms = self.now_ms = (self.now_ms + _TICK_MS) & _MASK
        image, coils = manager.image, manager.outputs() & 7
        if self._everything:
            coils = self._prepare_all(image)
        for _ in range(self._fresh if manager.pack.strings_live else self._modules):
            self._sample(self._next)
            self._next = (self._next + 1) % self._modules
        if coils & 2:
            self._bus_mv += (53_000 * manager.pack.modules_s - self._bus_mv) // 3
        elif coils & 4:
            self._bus_mv = 53_000 * manager.pack.modules_s
        image.put(n["INPUTS"], 0xF1 | (~coils & 7) << 1, now_ms)
        image.put(n["DC_MV"], self._bus_mv, now_ms)
        image.put(n["BATTERY_W"], manager.command.battery_w, now_ms)
        state = 3 if self.fault else 2 if manager.command.run else 0
        image.put(n["PCS_STATE"], state, now_ms)
        image.put(n["PCS_UNCONFIRMED"], 0, now_ms)
        if self._ticks % 10 == 0:
            image.put(n["GRID_W"], 1500 - manager.command.battery_w, now_ms)
        if self._ticks % 50 == 0:
            manager.ask_remote((self._ticks // 50 % 5 - 2) * self._rated_w // 5, 60_000)
        self._ticks += 1

    def _prepare_all(self, image):
        """What only a site with everything has; the coils of the first string."""
        n, now_ms, ticks = self._n, self.now_ms, self._ticks
        coils = image.now[n["STRING_COILS"]] or 0
        image.put(n["STRING_INPUTS"], ~coils & 0xFFF, now_ms)
        image.put(n["PCS_GRID"], 1, now_ms)
        image.put(n["GRID_CHZ"], 5000 + ticks // 20 % 50 - 25, now_ms)
        image.put(n["GRID_MV"], 230_000 + (ticks // 20 % 40 - 20) * 1000, now_ms)
        image.put(n["PV_W"], 12_000 + ticks % 7 * 100, now_ms)
        if ticks % 10 == 0:
            image.now[n["UTC_DAY"]], image.now[n["UTC_S"]] = 20_541, 40_000 + ticks // 10
        return coils & 7

    def _sample(self, i):
        n, manager = self._n, self.manager
        row = manager.pack.rows[i]
        row[n["M_SOC_PM"]] = 500 + i
        row[n["M_PACK_MV"]] = 53_000 + i
        amps = manager.command.battery_w // self._modules * 18
        row[n["M_CURRENT_MA"]] = amps + (0 if self._everything else i)
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
