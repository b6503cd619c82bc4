"""What the pack can do now: power, energy left and room, time to full and empty, cycles.

Charge is per mille of a module's capacity times that capacity. The weakest module bounds its
string, strings add up; a module that does not tell its present capacity has the rated one, less
what its state of health takes.
"""

from micropython import const

from bess.core.points import M_FULL_DAH, M_SOC_PM, M_SOH_PM, WHY_MODE
from bess.core.tick import TICK_MASK

MINUTES_MAX = const(9999)

_RENEW_MS = const(1000)
_MAH_MAX = const(17_000_000)        # times 60 this stays inside 2**30
_CYCLES_MAX = const(1_000_000)
_MOST = const(0x3FFFFFFF)
_REST = const(500)                  # currents below C / 500 do not move the charge


class Capability:
    """Renewed once a second, from the modules' own values.

    charge_w, discharge_w: power that a request would get now (magnitudes, AC); while nothing
    runs, what the pack and the ratings would permit.
    left_wh, room_wh: energy at the cells down to `soc_pm_min`, up to `soc_pm_max`; None while a
    state of charge is unknown or all modules are silent.
    empty_min, full_min: minutes at the present current until one of them is used up, at most
    MINUTES_MAX; None when the charge does not move that way.
    full_mah: present capacity of the live strings together, at least 1.
    Settings: pack_mah, strings_p, cells_s, modules_s, soc_pm_min, soc_pm_max, charge_w_max,
    discharge_w_max, energy_wh_rated.
    """

    def __init__(self, settings):
        self.charge_w = self.discharge_w = 0
        self.left_wh = self.room_wh = None
        self.empty_min = self.full_min = None
        self.full_mah = max(settings.pack_mah, 1)
        self._settings = settings
        self._cells = settings.cells_s * settings.modules_s
        self._rated_dah = settings.pack_mah // settings.strings_p // 100
        self._renewed_ms = 0
        self._due = True
        self._left = self._room = 0     # 0.1 Ah * per mille

    def update(self, pack, limits, window, now_ms):
        """Each tick, when all rules have narrowed the window; most ticks do nothing."""
        if not self._due and (now_ms - self._renewed_ms) & TICK_MASK < _RENEW_MS:
            return
        self._due = False
        self._renewed_ms = now_ms
        settings = self._settings
        live = pack.strings_live != 0
        self.charge_w, self.discharge_w = -window.lo_w, window.hi_w
        if live and window.lo_why == WHY_MODE:
            self.charge_w = min(limits.charge_w, settings.charge_w_max)
        if live and window.hi_why == WHY_MODE:
            self.discharge_w = min(limits.discharge_w, settings.discharge_w_max)
        self.left_wh = self.room_wh = self.empty_min = self.full_min = None
        if not live:
            return
        self._add_strings(pack)
        if pack.soc_pm is not None:
            self.left_wh = self._wh(self._left)
            self.room_wh = self._wh(self._room)
            self._times(pack.current_ma)

    def cycles_pm(self, charge_wh, discharge_wh):
        """Equivalent full cycles in per mille out of both counters: throughput / (2 * rating)."""
        rated_wh = self._settings.energy_wh_rated
        half_wh = charge_wh // 2 + discharge_wh // 2
        whole, part = min(half_wh // rated_wh, _CYCLES_MAX), half_wh % rated_wh
        while rated_wh > _CYCLES_MAX:
            rated_wh >>= 1
            part >>= 1
        return whole * 1000 + min(part * 1000 // rated_wh, 999)

    def _add_strings(self, pack):
        """Capacity, charge above the minimum and room below the maximum of the live strings."""
        full_dah = self._left = self._room = 0
        for string in range(pack.strings_p):
            full_dah += self._add_string(pack, string * pack.modules_s)
        self.full_mah = max(full_dah * 100, 1)

    def _add_string(self, pack, first):
        """Add what the string that begins with module `first` has; its capacity, 0 if silent."""
        settings = self._settings
        least_dah = least_left = least_room = _MOST
        for i in range(first, first + pack.modules_s):
            if not pack.live[i]:
                return 0
            row = pack.rows[i]
            dah = row[M_FULL_DAH] or self._aged_dah(row[M_SOH_PM])
            soc_pm = row[M_SOC_PM]
            if soc_pm is None:
                soc_pm = 0              # pack.soc_pm is None then: nobody looks at the sums
            least_dah = min(least_dah, dah)
            least_left = min(least_left, dah * max(soc_pm - settings.soc_pm_min, 0))
            least_room = min(least_room, dah * max(settings.soc_pm_max - soc_pm, 0))
        self._left += least_left
        self._room += least_room
        return least_dah

    def _aged_dah(self, soh_pm):
        return self._rated_dah if soh_pm is None else self._rated_dah * soh_pm // 1000

    def _wh(self, charge):
        """0.1 Ah * per mille at the nominal 3.2 V of a cell: 0.1 * 0.001 * 3.2 = 1 / 3125."""
        return charge // 3125 * self._cells + charge % 3125 * self._cells // 3125

    def _times(self, current_ma):
        rest_ma = self.full_mah // _REST
        if current_ma > rest_ma:
            self.empty_min = _minutes(self._left // 10, current_ma)
        elif -current_ma > rest_ma:
            self.full_min = _minutes(self._room // 10, -current_ma)


def _minutes(mah, ma):
    while mah > _MAH_MAX:
        mah >>= 1
        ma >>= 1
    return min(mah * 60 // ma, MINUTES_MAX)
