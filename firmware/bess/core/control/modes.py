"""Modes and the transitions between them, as one table; anything else is refused."""

from micropython import const

STANDBY = const(0)
CHARGE = const(1)
DISCHARGE = const(2)
IDLE = const(3)
EMERGENCY = const(4)
MAINTENANCE = const(5)

OFF = const(0)
STARTING = const(1)
RUNNING = const(2)
STOPPING = const(3)
BLOCKED = const(4)

# refusals of a call, numbers fixed by the interface
REFUSED_NOT_STARTED = const(1)
REFUSED_MODE = const(2)
REFUSED_LATCHED = const(3)
REFUSED_CAUSE_PRESENT = const(4)
REFUSED_NO_PERSON = const(5)
REFUSED_RANGE = const(7)

# bit n of the row of a mode: mode n may follow
_NEXT = bytes((
    1 << IDLE | 1 << EMERGENCY | 1 << MAINTENANCE,                          # STANDBY
    1 << IDLE | 1 << DISCHARGE | 1 << STANDBY | 1 << EMERGENCY,             # CHARGE
    1 << IDLE | 1 << CHARGE | 1 << STANDBY | 1 << EMERGENCY,                # DISCHARGE
    1 << CHARGE | 1 << DISCHARGE | 1 << STANDBY | 1 << EMERGENCY | 1 << MAINTENANCE,  # IDLE
    1 << STANDBY | 1 << MAINTENANCE,                                        # EMERGENCY
    1 << STANDBY | 1 << EMERGENCY,                                          # MAINTENANCE
))


def permitted(mode, following):
    """True when the table knows the transition."""
    return _NEXT[mode] >> following & 1 == 1
