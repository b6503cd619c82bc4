"""Opens the window of a tick: the ratings, then every rule narrows. Nothing here can widen it."""

from micropython import const

from bess.core.battery.sequence import EMPTY, RUN
from bess.core.control.checks import ROW_SPREAD
from bess.core.control.modes import EMERGENCY, MAINTENANCE
from bess.core.control.trips import UNCONFIRMED_MAX
from bess.core.curves import part
from bess.core.flow.tracking import NO_DISCHARGE
from bess.core.points import (
    BATTERY_W, BY_PROTECT_CHARGE, BY_SELF_USE, PCS_UNCONFIRMED, WHY_MAINTENANCE, WHY_METER_STALE,
    WHY_MODE, WHY_MODULE_SILENT, WHY_PARAMETERS, WHY_PCS_SILENT, WHY_RATING, WHY_TRIP,
)
from bess.core.tick import TICK_MASK

_FADE_MS = const(1000)
_SPREAD_PM = const(500)             # of the BMS limits, while a module's cells are far apart


def open_window(manager, now_ms):
    """The permitted power of this tick, each side with the rule that set it."""
    window, settings = manager.window, manager.settings
    window.open(settings.charge_w_max, settings.discharge_w_max, WHY_RATING)
    if manager.trips.present:
        window.close(WHY_TRIP)
    _by_step(manager, window)
    now = manager.image.now
    if now[BATTERY_W] is None or (now[PCS_UNCONFIRMED] or 0) >= UNCONFIRMED_MAX:
        window.close(WHY_PCS_SILENT)
    permits, diagnosis = manager.permits, manager.diagnosis
    most_pm = _SPREAD_PM if diagnosis.modules[ROW_SPREAD] else 1000
    if permits.most_pm != most_pm:
        permits.most_pm = most_pm
        permits.update(manager.pack, now_ms)    # from this tick on, not the next sample
    window.charge(permits.charge_w, permits.charge_why)
    window.discharge(permits.discharge_w, permits.discharge_why)
    if diagnosis.block_charge:
        window.charge(0, diagnosis.block_charge)
    if diagnosis.block_discharge:
        window.discharge(0, diagnosis.block_discharge)
    _by_parameters(manager, window)
    if not manager.island.islanded:
        if manager.site is None:        # of several packs the site knows
            _by_grid(manager, window)
        if manager.meter_step and manager.requests.rank == BY_SELF_USE:
            _by_meter(manager, window)
    if manager.pack.strings_live == 0:
        _fade(manager, window, now_ms)


def _by_step(manager, window):
    """Power only in RUN; while the pack empties the command may only fall."""
    step, mode = manager.sequence.step, manager.mode
    if step == EMPTY:
        window.charge(-manager.command.battery_w, WHY_MODE)
        window.discharge(manager.command.battery_w, WHY_MODE)
    elif step != RUN or mode == EMERGENCY:
        window.close(WHY_MODE)
    elif mode == MAINTENANCE:
        window.charge(manager.test.charge_w, WHY_MAINTENANCE)
        window.discharge(manager.test.discharge_w, WHY_MAINTENANCE)


def _by_parameters(manager, window):
    """What the charge and the discharge parameters permit; 0 limits nothing."""
    pack_mv = manager.pack.pack_mv
    charge, discharge = manager.charge_params, manager.discharge_params
    if charge.w_max:
        window.charge(charge.w_max, WHY_PARAMETERS)
    if discharge.w_max:
        window.discharge(discharge.w_max, WHY_PARAMETERS)
    if pack_mv is None:
        return
    if charge.ma_max:
        window.charge(charge.ma_max // 100 * (pack_mv // 100) // 100, WHY_PARAMETERS)
    if discharge.ma_max:
        dc_w = discharge.ma_max // 100 * (pack_mv // 100) // 100
        window.discharge(part(dc_w, manager.settings.eta_pm), WHY_PARAMETERS)


def _by_grid(manager, window):
    """Connection type, flags, caps and the reserve for an outage."""
    grid = manager.grid
    if grid.needs_meter:
        exempt_w = -manager.requests.wish_w if manager.requests.rank == BY_PROTECT_CHARGE else 0
        grid.narrow(window, manager.command.battery_w, manager.meter_step, exempt_w)
    grid.keep_reserve(window, manager.pack.soc_pm_min)


def _by_meter(manager, window):
    """Tracking on an old sample only moves towards zero; later it discharges no more."""
    w = manager.command.battery_w
    window.charge(-w, WHY_METER_STALE)
    window.discharge(0 if manager.meter_step >= NO_DISCHARGE else w, WHY_METER_STALE)


def _fade(manager, window, now_ms):
    """All modules silent: both sides go to zero within 1 s, from `fade_after_ms` on."""
    pack, settings = manager.pack, manager.settings
    late_ms = ((now_ms - pack.last_ms) & TICK_MASK) - settings.fade_after_ms
    if late_ms <= 0:
        return
    left = _FADE_MS - late_ms if late_ms < _FADE_MS else 0
    window.charge(part(-window.lo_w, left), WHY_MODULE_SILENT)
    window.discharge(part(window.hi_w, left), WHY_MODULE_SILENT)
