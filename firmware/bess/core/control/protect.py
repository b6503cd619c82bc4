"""What the cells need whatever anybody wants: a protective charge, and balancing near full.

Judged on new samples only. A deep cell, a charge below the floor or a module that asks for it
begin the charge; rested cells, a margin above the floor and no module that asks end it.
"""

from micropython import const

from bess.core.battery.rounds import DEAD_MV, Rounds, ac_w
from bess.core.curves import part
from bess.core.events import INFO, WARNING
from bess.core.points import (
    EVENT_BALANCING, EVENT_PROTECT_CHARGE, M_CELL_MV_MAX, M_CELL_MV_MIN, M_STATE,
)

# data of EVENT_PROTECT_CHARGE: what began it, as a sum; 0 when it ends
_ASKED = const(1)
_CELL = const(2)
_SOC = const(4)

_FORCE_CHARGE = const(16)           # bit of M_STATE
_LOW_MV = const(2850)
_RESTED_MV = const(3000)
_TRICKLE_MV = const(2800)
_CHARGE_PM = const(50)              # of C
_TRICKLE_PM = const(20)
_MARGIN_PM = const(30)

_BALANCE_MV = const(3400)
_BALANCED_MV = const(3380)
_SPREAD_MV = const(10)
_EVEN_MV = const(5)


class Protect:
    """active: a protective charge is wanted; wish_w: with this power (0 or negative).

    Sets pack.balance_wanted: bit n asks module n to balance its cells. balancing, to be set from
    outside: 0 asks none.
    """

    def __init__(self, settings, pack):
        self.active = False
        self.wish_w = 0
        self.balancing = 1
        self._pack = pack
        self._eta_pm = settings.eta_pm
        self._floor_pm = settings.soc_pm_floor
        self._mah = settings.pack_mah
        self._asking = 0
        self._rounds = Rounds()

    def tick(self, events, now_ms):
        """Every tick, after the pack was updated, in every mode."""
        pack = self._pack
        if pack.fresh or pack.lost:
            before = pack.balance_wanted
            self._read(pack)
            if (before == 0) != (pack.balance_wanted == 0):
                events.note(EVENT_BALANCING, INFO, pack.balance_wanted, now_ms)
        if self._rounds.over(pack.fresh) and pack.strings_live:
            self._judge(events, now_ms)

    def _read(self, pack):
        """Which modules ask for a charge, and which shall balance; silent ones do neither."""
        rows, i = pack.rows, pack.first
        fresh, bit = pack.fresh & ~pack.excluded, 1 << i
        wanted, asking = pack.balance_wanted & ~pack.lost, self._asking & ~(pack.lost | fresh)
        high = pack.modules_live != pack.count or pack.cell_mv_max > _BALANCED_MV
        if not high:
            wanted &= ~fresh
        while fresh >= bit:
            if fresh & bit:
                row = rows[i]
                state = row[M_STATE]
                if state is not None and state & _FORCE_CHARGE:
                    asking |= bit
                if high:
                    high_mv = row[M_CELL_MV_MAX]
                    spread_mv = high_mv - row[M_CELL_MV_MIN]
                    if high_mv >= _BALANCE_MV and spread_mv >= _SPREAD_MV:
                        wanted |= bit
                    elif high_mv <= _BALANCED_MV or spread_mv <= _EVEN_MV:
                        wanted &= ~bit
            bit <<= 1
            i += 1
        pack.balance_wanted = wanted if self.balancing else 0
        self._asking = asking

    def _judge(self, events, now_ms):
        pack = self._pack
        low_mv, soc_pm = pack.cell_mv_min, pack.soc_pm_min
        deep = low_mv <= _LOW_MV
        empty = soc_pm is not None and soc_pm <= self._floor_pm
        if not self.active:
            if not (deep or empty or self._asking):
                return
            why = (_ASKED if self._asking else 0) | (_CELL if deep else 0) | (_SOC if empty else 0)
            self.active = True
            events.note(EVENT_PROTECT_CHARGE, WARNING, why, now_ms)
        elif (not self._asking and low_mv >= _RESTED_MV
                and (soc_pm is None or soc_pm >= self._floor_pm + _MARGIN_PM)):
            self.active = False
            self.wish_w = 0
            events.note(EVENT_PROTECT_CHARGE, INFO, 0, now_ms)
            return
        pm = _CHARGE_PM if low_mv >= _TRICKLE_MV else _TRICKLE_PM if low_mv >= DEAD_MV else 0
        self.wish_w = -ac_w(part(self._mah, pm), pack.pack_mv, self._eta_pm)
