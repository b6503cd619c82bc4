"""A link as the interfaces show it: its transactions, and its state as points."""

from micropython import const

from bess.core.points import (
    L_AGE_DS, L_ANSWERED, L_EXCEPTIONS, L_FRAME_ERRORS, L_RECONNECTS, L_SENT, L_STATE, L_TIMEOUTS,
    LINK_POINTS,
)
from bess.core.tick import TICK_MASK, elapsed_ms

DOWN = const(0)
UP = const(1)
SILENT = const(2)
_SILENT_MS = const(5000)
_TICK_AGE_MS = const(1000)      # a tick is never that late
_U16 = const(0xFFFE)


class Link:
    """One serial bus or one connection: its transactions, and its state as points.

    values: its row of the configuration, until its port is made. commands: True when an inverter
    hangs on it, so that a new command wakes its pump.
    """

    def __init__(self, values, transactions):
        self.values = values
        self.name = values["name"]
        self.transactions = transactions
        self.commands = False
        self.is_open = False        # told by the service that moves the bytes
        self.reconnects = 0
        self._row = [None] * LINK_POINTS

    def row(self, now_ms):
        """The points of the link block; age is None before the first answer.

        now_ms: that of the last control tick; an answer since then has the age 0.
        """
        row, t = self._row, self.transactions
        framing = t.framing
        last_ms = t.last_ok_ms
        age_ms = None if last_ms is None else elapsed_ms(now_ms, last_ms)
        if age_ms is not None and age_ms > TICK_MASK - _TICK_AGE_MS:
            age_ms = 0
        heard = age_ms is not None and age_ms <= _SILENT_MS
        row[L_STATE] = DOWN if not self.is_open else UP if heard else SILENT
        row[L_AGE_DS] = None if age_ms is None else min(age_ms // 100, _U16)
        row[L_SENT] = t.sent
        row[L_ANSWERED] = t.answered
        row[L_TIMEOUTS] = min(t.timeouts, _U16)
        row[L_FRAME_ERRORS] = min(framing.crc_errors + framing.frame_errors, _U16)
        row[L_EXCEPTIONS] = min(t.exceptions, _U16)
        row[L_RECONNECTS] = min(self.reconnects, _U16)
        return row
