"""Takes back what memory.py dumped; a record that makes no sense: ValueError. Only at boot."""

import struct

from bess.core.control.memory import COUNTERS, LATCH, PARAMS, dump_params
from bess.core.control.wishes import NO_ENTRIES
from bess.core.points import CAUSE_LATCH_UNREADABLE


def _unpack(layout, record):
    if len(record) != struct.calcsize(layout):
        raise ValueError("%d bytes, wanted: %d" % (len(record), struct.calcsize(layout)))
    return struct.unpack(layout, record)


def restore_latch(manager, record):
    """None: it was stored and nobody can read it, which is a cause of its own."""
    if record is None:
        manager.restore_latch(1 << CAUSE_LATCH_UNREADABLE, CAUSE_LATCH_UNREADABLE)
        return
    causes, first_cause, maintained, local, run_wanted, openings = _unpack(LATCH, record)
    manager.local, manager.openings = bool(local), openings
    manager.restore_latch(causes, first_cause)
    if maintained:
        manager.restore_maintenance()
    elif run_wanted:
        manager.restore_run()


def restore_params(manager, record):
    """Refused by the manager when the configuration has become tighter: then the defaults."""
    if record is None or record == dump_params(manager):
        return
    values = _unpack(PARAMS, record)
    method, balancing = values[0], values[1]
    manager.set_charge_params(method, values[2], values[3], values[4], values[5], values[6],
                              balancing)
    manager.set_discharge_params(*values[7:])


def restore_counters(manager, record):
    """Counters go on where they were stored."""
    if record is None:
        return
    values = _unpack(COUNTERS, record)
    counters = manager.views.counters
    for i in range(8):
        counters.wh[i] = values[i]
        counters.rest[i] = values[8 + i]
    counters.changed = True


def restore_schedule(manager, record):
    """None: the schedule is empty. One with entries is loaded; FULL is an event, nothing is lost.
    """
    if record is not None and record != NO_ENTRIES:
        manager.wishes.keep_schedule(record)


def restore_soc(manager, record):
    """None: the count begins with what the modules say."""
    if record is not None:
        manager.wishes.soc.restore(record)


# in the order of the keeper's records
RESTORE = (restore_latch, restore_params, restore_schedule, restore_soc, restore_counters)
