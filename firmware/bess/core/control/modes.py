"""Codes of modes, phases and refusals (fixed by the interfaces), and the permitted transitions."""

from micropython import const

from bess.core.control.transitions import NEXT

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

# refusals of a call
REFUSED_NOT_STARTED = const(1)
REFUSED_MODE = const(2)
REFUSED_LATCHED = const(3)
REFUSED_CAUSE_PRESENT = const(4)
REFUSED_NO_PERSON = const(5)
REFUSED_LOCAL_ONLY = const(6)
REFUSED_RANGE = const(7)
REFUSED_DIRECTION = const(8)
REFUSED_FULL = const(9)
REFUSED_RANK_HELD = const(10)
REFUSED_LOOSER = const(11)
REFUSED_CLOCK = const(12)

ENTRIES = const(16)                 # of the schedule


def within(name, value, low, high):
    """ValueError, with what is allowed, when a value is no whole number from low to high."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError("%s is %r, allowed: a whole number %d..%d" % (name, value, low, high))


def permitted(mode, following):
    """True when the table knows the transition."""
    return NEXT[mode] >> following & 1 == 1
