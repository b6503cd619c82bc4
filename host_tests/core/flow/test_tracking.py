"""Self-use: the grid at its target, with a slow and late meter."""

from bess.core.flow.tracking import Tracking, stale_step
from bess.core.window import Window
from host_tests.core.bench_pack import settings_of

STEPS = (
    # age of the meter sample, step, why
    (None, 0, "there is no meter"),
    (0, 0, "fresh"),
    (15_000, 0, "a slow meter"),
    (15_001, 1, "only towards zero"),
    (30_001, 2, "no discharge"),
    (60_001, 3, "standby"),
    (1 << 29, 3, "dead for days"),
)
SAMPLES = (
    # setpoint before, grid, battery at its instant, setpoint after, why
    (0, 20, 0, 0, "at the target"),
    (0, 35, 0, 0, "error 15 is inside the deadband"),
    (0, 120, 0, 50, "half of the error of 100"),
    (0, -180, 0, -100, "surplus charges"),
    (1000, -480, 1500, 1000, "the battery's own late action is no error"),
    (1000, 20, 900, 950, "the load is 900 less the target"),
    (0, 9000, 0, 4000, "bounded by the window: no wind-up"),
    (0, -9000, 0, -4510, "a first big step takes the gain"),
)


def tracking(**changes):
    return Tracking(settings_of(**changes))


def window():
    bounds = Window()
    bounds.open(5000, 4000, 6)
    return bounds


def test_stale_steps():
    for age_ms, step, why in STEPS:
        assert stale_step(age_ms) == step, why


def test_samples():
    for before_w, grid_w, battery_w, after_w, why in SAMPLES:
        control = tracking()
        control.setpoint_w = before_w
        control.sample(grid_w, battery_w, window())
        assert control.setpoint_w == after_w, (why, control.setpoint_w)


def test_a_second_big_step_of_the_same_sign_is_taken_whole():
    control = tracking()
    control.sample(1020, 0, window())
    assert control.setpoint_w == 500
    control.sample(520, 500, window())
    assert control.setpoint_w == 1000
    control.sample(-980, 1000, window())
    assert control.setpoint_w == 500, "the sign changed: the gain again"


def test_too_little_to_run_the_inverter_for():
    control = tracking(run_w_min=60)
    assert control.sample(20 + 100, 0, window()) == 0
    assert control.setpoint_w == 50, "kept, so that it can grow"
    assert control.sample(20 + 60, 0, window()) == 0
    assert control.sample(20 + 90, 0, window()) != 0


def test_a_late_meter_does_not_make_it_hunt():
    control, bounds = tracking(tracking_gain_pm=500), window()
    powers, load_w = [0, 0, 0], 3000
    for _ in range(20):                     # the meter shows what was three samples ago
        battery_w = powers[-3]
        powers.append(control.sample(load_w - battery_w, battery_w, bounds))
        assert powers[-1] <= 2980, powers
    assert abs(powers[-1] - 2980) <= 15


def test_settles_on_a_load_step():
    control, bounds, power_w = tracking(), window(), 0
    for load_w in (300, 2000, 1200, 300):
        for _ in range(8):
            power_w = control.sample(load_w - power_w, power_w, bounds)
        assert abs(load_w - power_w - 20) <= 15, (load_w, power_w)
