"""What survives a restart, as short records of bytes. A record that makes no sense: ValueError."""

import struct

from bess.core.control.modes import MAINTENANCE
from bess.core.control.wishes import NO_ENTRIES
from bess.core.points import CAUSE_LATCH_UNREADABLE

_LATCH = ">HBBBBH"
_PARAMS = ">BBiiiHHiiiHH"
_COUNTERS = ">8I8i"


def _unpack(layout, record):
    if len(record) != struct.calcsize(layout):
        raise ValueError("%d bytes, wanted: %d" % (len(record), struct.calcsize(layout)))
    return struct.unpack(layout, record)


def dump_latch(manager):
    """Emergency causes, MAINTENANCE, authority, the wish to run, openings under load."""
    return struct.pack(_LATCH, manager.latched, manager.first_cause, manager.mode == MAINTENANCE,
                       manager.local, manager.run_wanted, manager.openings)


def restore_latch(manager, record):
    """None: it was stored and nobody can read it, which is a cause of its own."""
    if record is None:
        manager.restore_latch(1 << CAUSE_LATCH_UNREADABLE, CAUSE_LATCH_UNREADABLE)
        return
    causes, first_cause, maintained, local, run_wanted, openings = _unpack(_LATCH, record)
    manager.local, manager.openings = bool(local), openings
    manager.restore_latch(causes, first_cause)
    if maintained:
        manager.restore_maintenance()
    elif run_wanted:
        manager.restore_run()


def dump_params(manager):
    """Parameters of charging and discharging."""
    charge, discharge = manager.charge_params, manager.discharge_params
    return struct.pack(_PARAMS, charge.method, charge.balancing, charge.w_max, charge.ma_max,
                       charge.mv_max, charge.soc_pm_target, charge.minutes_max, discharge.w_max,
                       discharge.ma_max, discharge.mv_min, discharge.soc_pm_min,
                       discharge.minutes_max)


def restore_params(manager, record):
    """Refused by the manager when the configuration has become tighter: then the defaults."""
    if record is None or record == dump_params(manager):
        return
    values = _unpack(_PARAMS, record)
    method, balancing = values[0], values[1]
    manager.set_charge_params(method, values[2], values[3], values[4], values[5], values[6],
                              balancing)
    manager.set_discharge_params(*values[7:])


def dump_counters(manager):
    """Energy counters with their remainders."""
    counters = manager.views.counters
    return struct.pack(_COUNTERS, *(list(counters.wh) + list(counters.rest)))


def restore_counters(manager, record):
    """Counters go on where they were stored."""
    if record is None:
        return
    values = _unpack(_COUNTERS, record)
    counters = manager.views.counters
    for i in range(8):
        counters.wh[i] = values[i]
        counters.rest[i] = values[8 + i]


def dump_schedule(manager):
    """All entries with their one-shot and skip marks."""
    wishes = manager.wishes
    return wishes.schedule_kept if wishes.schedule is None else wishes.schedule.dump()


def restore_schedule(manager, record):
    """None: the schedule is empty. One with entries is loaded; FULL is an event, nothing is lost.
    """
    if record is not None and record != NO_ENTRIES:
        manager.wishes.keep_schedule(record)


def dump_soc(manager):
    """Own count of the charge, its doubt, and the time since the last full charge."""
    return manager.wishes.soc.dump()


def restore_soc(manager, record):
    """None: the count begins with what the modules say."""
    if record is not None:
        manager.wishes.soc.restore(record)
