"""The table of modes against the specification: every pair, allowed or refused."""

from bess.core.control import modes
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, STANDBY, permitted,
)

ALLOWED = (
    (STANDBY, IDLE, "start sequence complete"),
    (IDLE, CHARGE, "command below zero"),
    (IDLE, DISCHARGE, "command above zero"),
    (CHARGE, IDLE, "zero for the hold time"),
    (DISCHARGE, IDLE, "zero for the hold time"),
    (CHARGE, DISCHARGE, "through a tick at zero"),
    (DISCHARGE, CHARGE, "through a tick at zero"),
    (IDLE, STANDBY, "stop or trip"),
    (CHARGE, STANDBY, "stop or trip"),
    (DISCHARGE, STANDBY, "stop or trip"),
    (STANDBY, EMERGENCY, "a cause"),
    (IDLE, EMERGENCY, "a cause"),
    (CHARGE, EMERGENCY, "a cause"),
    (DISCHARGE, EMERGENCY, "a cause"),
    (MAINTENANCE, EMERGENCY, "a cause"),
    (EMERGENCY, STANDBY, "reset"),
    (STANDBY, MAINTENANCE, "a person"),
    (IDLE, MAINTENANCE, "a person"),
    (EMERGENCY, MAINTENANCE, "a person with the service key"),
    (MAINTENANCE, STANDBY, "a person"),
)


def test_every_pair():
    allowed = [(mode, following) for mode, following, _ in ALLOWED]
    for mode in range(6):
        for following in range(6):
            assert permitted(mode, following) == ((mode, following) in allowed), (mode, following)


def test_codes_are_fixed_by_the_interface():
    assert (STANDBY, CHARGE, DISCHARGE, IDLE, EMERGENCY, MAINTENANCE) == (0, 1, 2, 3, 4, 5)
    assert (modes.OFF, modes.STARTING, modes.RUNNING, modes.STOPPING, modes.BLOCKED) == (
        0, 1, 2, 3, 4)


REFUSALS = (
    modes.REFUSED_NOT_STARTED, modes.REFUSED_MODE, modes.REFUSED_LATCHED,
    modes.REFUSED_CAUSE_PRESENT, modes.REFUSED_NO_PERSON, modes.REFUSED_LOCAL_ONLY,
    modes.REFUSED_RANGE, modes.REFUSED_DIRECTION, modes.REFUSED_FULL, modes.REFUSED_RANK_HELD,
    modes.REFUSED_LOOSER, modes.REFUSED_CLOCK,
)


def test_refusals_are_numbered_from_one():
    assert REFUSALS == tuple(range(1, 13))
