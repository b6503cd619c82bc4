"""What people and faults do during the busy hour: pause in seconds, name, arguments.

A name is an attribute of the cabinet, which is set or called, else a call of the power manager.
The first ten minutes hold one of nearly everything; the tick wraps in second 120, the clocks go
forward in second 1800. Each seed makes the pauses up to a second longer.
"""

from bess.core.control.island import LOST, PRESENT
from bess.core.control.modes import CHARGE, DISCHARGE, IDLE

_PRESSED = 16 | 32 | 64 | 128
_HEALTHY = _PRESSED | 1
_WANDER_TICKS = 70

_TEN_MINUTES = (
    (1, "add_schedule", (1, 7, 1, 32, CHARGE, -30_000, 2, 1)),      # second 120
    (0, "add_schedule", (1, 7, 1, 35, DISCHARGE, 20_000, 2, 0)),    # second 300
    (0, "add_schedule", (1, 7, 1, 50, IDLE, 0, 3, 1)),
    (0, "raising"),
    (1, "start"),
    (11, "set_constant_power", 50_000, 1),
    (12, "silent", 1 << 5), (6, "silent", 0),
    (4, "grid_chz", 5050), (5, "grid_chz", 4950), (5, "grid_chz", 5000),
    (2, "grid_mv", 250_000), (6, "grid_mv", 212_000), (4, "grid_mv", 230_000),
    (2, "stop_operation"),
    (2, "set_authority", True), (1, "set_authority", False),
    (1, "ask_remote", -60_000, 20_000),
    (8, "inputs", _PRESSED), (3, "reset_emergency"), (0, "inputs", _HEALTHY),
    (6, "reset_emergency"), (0, "start"),
    (26, "silent", 0xFFFF), (8, "silent", 0),
    (8, "unconfirmed", 3), (7, "unconfirmed", 0),
    (78, "stop"),
    (4, "enter_maintenance"), (1, "test_contactor", 1), (2, "test_contactor", 1),
    (1, "stop_operation"),
    (2, "test_power", 2000), (3, "test_power", 2000), (3, "test_power", 2000),
    (3, "test_power", 2000), (3, "stop_operation"),
    (3, "test_trickle"), (3, "test_trickle"), (3, "test_trickle"), (3, "test_trickle"),
    (2, "stop_operation"),
    (5, "leave_maintenance"), (0, "start"),
    (12, "grid", LOST), (3, "load_w_mean", 60_000), (2, "soc_pm", 395), (2, "soc_pm", 295),
    (2, "soc_pm", 95), (5, "soc_pm", 600), (0, "stop"),
    (4, "set_grid_connection", 1), (0, "start"),
    (12, "grid", PRESENT), (5, "load_w_mean", 30_000),
    (5, "set_constant_power", 60_000, 0), (5, "soc_pm", 440), (4, "soc_pm", 600), (0, "stop"),
    (6, "set_grid_connection", 0), (0, "start"), (16, "stop"),
    (2, "set_grid_connection", 3), (0, "start"), (9, "start_charging", 0), (4, "stop"),
    (6, "set_grid_connection", 2), (0, "start"),
    (9, "soc_pm", 40), (5, "soc_pm", -25), (6, "soc_pm", 100), (4, "soc_pm", 500),
    (2, "emergency_shutdown"), (8, "reset_emergency"), (0, "start"),
    (10, "soc_pm", 961), (0, "set_charge_params", 1), (1, "start_charging", 0),
    (46, "set_charge_params", 2), (1, "start_charging", 0),
)


def _latched(name, bad, good, seconds=3):
    """An emergency, its reset and the start after it."""
    return ((6, name, bad), (seconds, name, good), (8, "reset_emergency"), (0, "start"),
            (7, "stop_operation"))


def _tripped(name, bad, good, seconds=3):
    """A trip whose restart nobody waits for."""
    return ((6, name, bad), (seconds, name, good), (1, "stop"), (2, "start"),
            (10, "stop_operation"))


_EMERGENCIES = (
    _latched("inputs", _HEALTHY & ~16, _HEALTHY) + _latched("inputs", _HEALTHY & ~32, _HEALTHY)
    + _latched("faults", 1, 0) + _latched("uneven_mv", 520, 4) + _latched("soc_pm", -75, 500)
    + _latched("hot_dc", 660, 265) + ((0, "set_constant_power", 60_000, 0),)
    + _latched("extra_ma", 900_000, 0)
    + _latched("silent", 0xFFFF, 0, 24) + _latched("welded", 2, 0)
    + ((6, "protections", 3), (2, "extra_w", 9500), (16, "extra_w", 0), (0, "protections", 0),
       (8, "reset_emergency"), (0, "start"), (8, "stop_operation"))
)
_TRIPS = (
    _tripped("inputs", _HEALTHY & ~64, _HEALTHY) + _tripped("inputs", _HEALTHY & ~128, _HEALTHY)
    + _tripped("pcs_fault", 1, 0) + _tripped("pcs_answers", 0, 1, 14)
    + ((2, "stop"), (0, "start_charging", 0), (4, "pcs_lame", 1), (0, "start"), (14, "stop"),
       (0, "pcs_lame", 0), (4, "bus_stuck", 1), (0, "start"), (24, "stop"), (0, "bus_stuck", 0),
       (4, "extra_w", 3000), (0, "start"), (6, "stop"), (0, "extra_w", 0), (4, "apart_mv", 60),
       (0, "start"), (12, "apart_mv", 0), (8, "silent", 1 << 9 | 1 << 5), (25, "silent", 0),
       (5, "stop"), (5, "start"))
)
_LIMITS = (
    (12, "set_constant_power", -60_000, 0), (3, "cold_dc", 15), (2, "cold_dc", -5),
    (3, "cold_dc", 240), (1, "hot_dc", 440), (3, "hot_dc", 265), (2, "protections", 1),
    (3, "protections", 0), (2, "soc_known", 0), (3, "soc_known", 1), (2, "uneven_mv", 320),
    (4, "uneven_mv", 4), (2, "top_ma", 40_000), (4, "top_ma", 157_000), (10, "error_pm", -450),
    (3, "error_pm", 45), (7, "soc_pm", 965),
    (3, "soc_pm", 950), (3, "uneven_mv", 100), (6, "soc_pm", 500), (0, "uneven_mv", 4),
    (2, "set_constant_power", 60_000, 0), (2, "protections", 2), (3, "protections", 0),
    (2, "soc_pm", 130), (3, "soc_pm", 105), (3, "soc_pm", 500), (1, "frozen", 1),
    (12, "frozen", 0), (1, "burst", 1), (5, "burst", 0), (2, "set_discharge_params", 20_000),
    (4, "set_discharge_params", 0, 0, 0, 0, 1), (1, "start_discharging", 10_000, 0),
    (64, "start_discharging", 10_000, 1), (64, "soc_pm", 500), (0, "start_charging", 502),
    (40, "load_w_mean", 5000), (2, "set_constant_power", -40_000, 0),
    (10, "set_constant_power", 40_000, 0), (12, "pv_w_mean", 60_000),
    (1, "set_constant_power", 0, 0), (10, "set_constant_power", -20_000, 0),
    (10, "load_w_mean", 30_000), (0, "pv_w_mean", 12_000), (2, "set_charge_params", 1),
    (1, "start_charging", 0), (15, "set_charge_params", 2), (1, "start_charging", 0),
    (15, "set_charge_params", 3, 0, 0, 0, 0, 1), (1, "start_charging", 0),
    (64, "set_charge_params", 0),
)
# a quarter of an hour at the voltage limit; meanwhile the clock jumps and is lost
_CALIBRATION = (
    (1, "soc_pm", 959), (30, "uneven_mv", 12), (60, "uneven_mv", 4),
    (30, "add_schedule", (1, 7, 2, 10, IDLE, 0, 1, 0)), (5, "clock", 1200),
    (30, "clock", None), (4, "clock", 0), (860, "soc_pm", 600),
)
_LOSSES = (
    (20, "meter_ok", 0), (66, "meter_ok", 1), (75, "pcs_fault", 1), (1, "pcs_fault", 0),
    (80, "pcs_fault", 1), (1, "pcs_fault", 0), (80, "pcs_fault", 1), (1, "pcs_fault", 0),
    (70, "start"), (20, "wander"),
)
HOUR = _TEN_MINUTES + _EMERGENCIES + _TRIPS + _LIMITS + _CALIBRATION + _LOSSES


class Script:
    """Acts on the world by a table; the seed stretches the pauses."""

    def __init__(self, world, table, rng):
        self._world = world
        self._table = table
        self._ticks = []
        tick = 0
        for row in table:
            tick += 10 * row[0] + rng.below(10)
            self._ticks.append(tick)
        self._next = 0
        self._rng = rng
        self._wanders = False

    def act(self, tick):
        """What is due at this tick."""
        while self._next < len(self._table) and self._ticks[self._next] <= tick:
            row = self._table[self._next]
            self._next += 1
            self._do(row[1], row[2:])
        if self._wanders and tick % _WANDER_TICKS == 0:
            watts = 800 * self._rng.between(-100, 100)
            self._world.manager.ask_remote(watts, 30_000)

    def _do(self, name, arguments):
        world = self._world
        for owner in (self, world.cabinet, world):
            if hasattr(owner, name):
                if callable(getattr(owner, name)):
                    getattr(owner, name)(*arguments)
                else:
                    setattr(owner, name, arguments[0])
                return
        getattr(world.manager, name)(*arguments)

    def wander(self):
        """From now on a remote client asks for any power."""
        self._wanders = True

    def raising(self):
        """Register a callback that fails."""
        self._world.manager.register_callback(-1, _raise)


def _raise(event, data, user_data):
    raise ValueError("a callback that fails")
