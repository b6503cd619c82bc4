"""What must hold in every tick, judged on the command against the image, never on the plant."""

from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, MAINTENANCE, OFF, RUNNING, STARTING, STOPPING,
)
from bess.core.points import BATTERY_W
from bess.core.tick import elapsed_ms

ZERO_OUTSIDE = 1                    # 0 is not inside the window, or the transition is unknown
OUTSIDE_WINDOW = 2
BEYOND_RATING = 3
WRONG_SIGN = 4
TOO_STEEP = 5
STALE = 6
NOT_STOPPED = 7                     # power or contactors where the mode has none, or none at all
UNASKED = 8                         # more power than before without a request for it
OPPOSED = 9                         # one pack charges while another discharges (site_tick.py)

# by mode: bits of the phases that contactors and inverter may be in
_OPENING = 1 << OFF | 1 << STOPPING
_CLOSED = 1 << RUNNING
_PHASES = bytes((_OPENING | 1 << STARTING, _CLOSED, _CLOSED, _CLOSED, _OPENING, _OPENING))


def broken(manager, before_w, dt_ms):
    """Number of the first invariant that the command of this tick breaks; 0 when all hold."""
    window, command, mode = manager.window, manager.command, manager.mode
    fits = _PHASES[mode] >> manager.sequence.phase & 1 or manager.test.kind
    if manager.island.islanded:         # power follows the load: only run or stop is judged
        return NOT_STOPPED if not fits or mode == EMERGENCY and command.run else 0
    w, lo_w, hi_w = command.battery_w, window.lo_w, window.hi_w
    if lo_w > 0 or hi_w < 0:
        return ZERO_OUTSIDE
    if w < lo_w or w > hi_w:
        return OUTSIDE_WINDOW
    settings = manager.settings
    if -lo_w > settings.charge_w_max or hi_w > settings.discharge_w_max:
        return BEYOND_RATING
    if not fits or mode == EMERGENCY and (w or command.run):
        return NOT_STOPPED
    if mode == MAINTENANCE and not manager.test.kind and abs(w) > abs(before_w):
        return NOT_STOPPED
    if w == 0:
        return 0
    if (w < 0 and mode == DISCHARGE) or (w > 0 and mode == CHARGE):
        return WRONG_SIGN
    rise_w = abs(w) - (abs(before_w) if (w > 0) == (before_w > 0) else 0)
    allowed_w = manager.rise_w * min(dt_ms, 2 * settings.tick_ms) // 1000 + 1
    if rise_w > allowed_w + abs(manager.shifted_w):
        return TOO_STEEP
    wish_w = manager.requests.wish_w
    supports = manager.support is not None and manager.support.acts
    if rise_w > 0 and not supports and (wish_w <= 0 if w > 0 else wish_w >= 0):
        return UNASKED
    return STALE if _stale(manager) else 0


def _stale(manager):
    """Power on readings too old to act on: the inverter's, or those of every module."""
    if manager.image.now[BATTERY_W] is None:
        return True
    age_ms = elapsed_ms(manager.now_ms, manager.pack.last_ms)
    return manager.pack.strings_live == 0 and age_ms > manager.settings.fade_after_ms + 1200
