"""The state of a link as points."""

from bess.core.points import L_AGE_DS, L_STATE
from bess.core.tick import TICK_MASK
from bess.devices.link import DOWN, SILENT, UP, Link


class Wire:
    sent = answered = timeouts = crc_errors = frame_errors = exceptions = 0
    last_ok_ms = None
    framing = None


ROWS = (
    # open   tick         last answer    state   age    why
    (False, 1000,         None,          DOWN,   None,  "never opened"),
    (True,  1000,         None,          SILENT, None,  "no answer yet"),
    (True,  9000,         8000,          UP,     10,    "a second old"),
    (True,  9000,         9040,          UP,     0,     "answered since the last tick"),
    (True,  TICK_MASK,    3,             UP,     0,     "answered since, across the wrap"),
    (True,  400,          TICK_MASK - 99, UP,    5,     "half a second old, across the wrap"),
    (True,  19000,        9000,          SILENT, 100,   "ten seconds"),
    (False, 9000,         8000,          DOWN,   10,    "closed a moment ago"),
    (True,  9000,         9000 - TICK_MASK // 2 & TICK_MASK, SILENT, 65534, "silent for a week"),
)


def test_state_and_age():
    for is_open, tick_ms, last_ms, state, age_ds, why in ROWS:
        wire = wire.framing = Wire()
        wire.last_ok_ms = last_ms
        link = Link({"name": "x"}, wire)
        link.is_open = is_open
        row = link.row(tick_ms)
        assert row[L_STATE] == state, why
        assert row[L_AGE_DS] == age_ds, why
