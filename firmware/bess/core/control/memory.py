"""What survives a restart, as short records of bytes; restoring.py reads them."""

import struct

from bess.core.control.modes import MAINTENANCE

LATCH = ">HBBBBH"
PARAMS = ">BBiiiHHiiiHH"
COUNTERS = ">8I8i"


def dump_latch(manager):
    """Emergency causes, MAINTENANCE, authority, the wish to run, openings under load."""
    return struct.pack(LATCH, manager.latched, manager.first_cause, manager.mode == MAINTENANCE,
                       manager.local, manager.run_wanted, manager.openings)


def dump_params(manager):
    """Parameters of charging and discharging."""
    charge, discharge = manager.charge_params, manager.discharge_params
    return struct.pack(PARAMS, charge.method, charge.balancing, charge.w_max, charge.ma_max,
                       charge.mv_max, charge.soc_pm_target, charge.minutes_max, discharge.w_max,
                       discharge.ma_max, discharge.mv_min, discharge.soc_pm_min,
                       discharge.minutes_max)


def dump_counters(manager):
    """Energy counters with their remainders."""
    counters = manager.views.counters
    return struct.pack(COUNTERS, *(list(counters.wh) + list(counters.rest)))


def dump_schedule(manager):
    """All entries with their one-shot and skip marks."""
    wishes = manager.wishes
    return wishes.schedule_kept if wishes.schedule is None else wishes.schedule.dump()


def dump_soc(manager):
    """Own count of the charge, its doubt, and the time since the last full charge."""
    return manager.wishes.soc.dump()
