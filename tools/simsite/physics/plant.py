"""The whole site under one clock."""

import random

from .bank import Bank
from .bms import Bms
from .house import House
from .meter import Meter
from .module import Module
from .pcs import EVT_DC_DISCONNECT, Pcs
from .pv import Pv
from .sun import Roof
from .switchgear import Switchgear

_FLOWS = ("load", "pv", "grid_import", "grid_export", "pcs_discharge", "pcs_charge",
          "dc_discharge", "dc_charge")  # fmt: skip


class Plant:
    """Steps everything and keeps the true books.

    pv_w + battery_w + grid_w = load_w holds after every step. Flows end when a device is killed
    on its wire only if its own timers say so: the wire is not the physics.

    Args:
        day: object with phases_w(time_s) and offered_w(time_s); None draws one from the seed.
        contactors: False leaves the battery permanently connected.
    """

    def __init__(self, seed=1, modules=4, soc=0.5, start_s=43_200.0, day=None, contactors=True):
        self.time_s = start_s
        rng = random.Random(f"{seed}/battery")
        cells = [Module(rng, soc) for _ in range(modules)]
        systems = [Bms(m, random.Random(f"{seed}/bms/{i}")) for i, m in enumerate(cells)]
        self.bank = Bank(cells, systems)
        self.switchgear = Switchgear(not contactors, self.bank.bus_v)
        self.pcs = Pcs()
        self.pv = Pv()
        self.meter = Meter()
        self.house = day or House(seed)
        self.roof = day or Roof(seed)
        self.forced_load_w = None
        self.forced_pv_w = None
        self.coils = (0, 0, 0)
        self.energy_wh = dict.fromkeys(_FLOWS, 0.0)
        self.load_w = self.pv_w = self.battery_w = self.grid_w = 0.0

    def step(self, dt_s):
        """Advance by `dt_s` (at most 0.1 s for the contactors to be right)."""
        self.time_s += dt_s
        gear, bank, pcs = self.switchgear, self.bank, self.pcs
        gear.step(dt_s, self.coils, bank.bus_v, bank.current_a if gear.connected else 0.0)
        pcs.step(dt_s, gear.link_v, gear.connected)
        if not bank.step(dt_s, pcs.dc_w):
            pcs.trip(EVT_DC_DISCONNECT)
        self._balance(dt_s)
        self._book(dt_s)

    def _balance(self, dt_s):
        phases = self._phases_w()
        offered_w = self.forced_pv_w
        if offered_w is None:
            offered_w = self.roof.offered_w(self.time_s)
        self.pv.step(dt_s, offered_w)
        self.load_w = sum(phases)
        self.pv_w, self.battery_w = self.pv.ac_w, self.pcs.ac_w
        self.grid_w = self.load_w - self.pv_w - self.battery_w
        own_w = (self.pv_w + self.battery_w) / 3.0
        self.grid_phases_w = tuple(w - own_w for w in phases)
        self.meter.step(dt_s, self.grid_phases_w)

    def _phases_w(self):
        if self.forced_load_w is not None:
            return (self.forced_load_w / 3.0,) * 3
        return self.house.phases_w(self.time_s)

    def _book(self, dt_s):
        hours, book = dt_s / 3600.0, self.energy_wh
        book["load"] += self.load_w * hours
        book["pv"] += self.pv_w * hours
        for plus, minus, watts in (
            ("grid_import", "grid_export", self.grid_w),
            ("pcs_discharge", "pcs_charge", self.battery_w),
            ("dc_discharge", "dc_charge", self.pcs.dc_w),
        ):
            book[plus if watts >= 0 else minus] += abs(watts) * hours
