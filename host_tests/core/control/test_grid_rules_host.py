"""Grid rules: what follows at the meter from any power that the window permits."""

from hypothesis import given, strategies as st

from bess.core.control.grid_rules import BACKUP, EXPORT, ISOLATED, GridRules
from bess.core.window import Window

W = st.integers(-30_000, 30_000)
CAP = st.just(0) | st.integers(1, 20_000)
FLAG = st.integers(0, 1)


class Settings:
    backup_reserve_pm = 500

    def __init__(self, kind, flags, caps):
        self.grid_connection = kind
        self.allow_grid_charging, self.allow_grid_export, self.protect_from_grid = flags
        self.import_w_max, self.export_w_max = caps


@given(st.integers(ISOLATED, EXPORT), st.tuples(FLAG, FLAG, FLAG), st.tuples(CAP, CAP),
       st.tuples(W, W, W), st.integers(0, 3), st.integers(0, 2000))
def test_no_permitted_power_breaks_a_rule(kind, flags, caps, powers, meter_step, exempt_w):
    settings = Settings(kind, flags, caps)
    grid_w, battery_w, command_w = powers
    rules, window = GridRules(settings), Window()
    window.open(10_000, 10_000, 6)
    rules.sample(grid_w, battery_w)
    rules.narrow(window, command_w, meter_step, exempt_w)
    assert window.lo_w <= 0 <= window.hi_w
    if not rules.needs_meter:
        assert (window.lo_w, window.hi_w) == (-10_000, 10_000)
        return
    if not settings.protect_from_grid:
        exempt_w = 0
    for power_w in (window.lo_w, window.hi_w):
        judge(settings, power_w, grid_w + battery_w - power_w, exempt_w)
    if meter_step >= 2:
        assert -window.lo_w in (0, exempt_w, 10_000) and window.hi_w in (0, 10_000)


def judge(settings, power_w, imported_w, exempt_w):
    """imported_w: what the meter would show with the battery at power_w."""
    kind = settings.grid_connection
    if power_w < 0:
        if (kind == EXPORT or not settings.allow_grid_charging) and -power_w > exempt_w:
            assert imported_w <= 0, "charged from surplus only"
        if settings.import_w_max:
            assert imported_w <= settings.import_w_max
    elif power_w > 0:
        if kind == BACKUP or not settings.allow_grid_export:
            assert imported_w >= 0, "discharged into the loads only"
        if settings.export_w_max:
            assert imported_w >= -settings.export_w_max
