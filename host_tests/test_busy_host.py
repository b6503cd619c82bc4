"""An hour with everything enabled and everything that can happen: without heap, the same anywhere.

16 modules in four strings, every curve, cap and input; faults of each kind, every mode, trip and
cause (host_tests/sim/busy.py). The hour lists what it wanted to show and has not: a proof that a
tick takes no heap says nothing about a tick that never was. CPython's run is the measure.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests import test_parity_host as parity
from host_tests.sim import busy_seen
from host_tests.sim.busy import Busy
from tools import mpy_run, wasm32

HOUR = 60
MINUTES_32 = 10
SEED = parity.SEED
LONG_S = 900
SIM = parity.PROGRAM.parent


def course(interpreter, minutes, *options):
    """What --json says about a busy run on this machine."""
    text = parity.run_host(interpreter, "--busy", "--minutes", minutes, "--json", *options)
    last = text.splitlines()[-1]
    assert last.startswith("{"), text
    return json.loads(last)


def course_32(minutes, timeout_s=parity.TIMEOUT_S):
    """The same on the 32-bit build; a call a minute, since it collects only between calls."""
    files = wasm32.tree(parity.ROOT / "firmware") | wasm32.tree(SIM, "/lib/host_tests/sim")
    begin = "from host_tests.sim.busy import Busy\nimport json\n"
    begin += f"world = Busy({SEED}, locked=True)"
    end = "print(json.dumps({'hashes': world.hashes, 'faults': world.faults}))"
    output = wasm32.run32([begin, *["world.run(600)"] * minutes, end], files, parity.HEAP32,
                          timeout_s)
    return json.loads(output.splitlines()[-1])


@pytest.fixture(scope="module")
def courses():
    """All runs, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return {
            "desktop": pool.submit(course, "micropython", HOUR, "--locked"),
            "measure": pool.submit(course, "cpython", HOUR),
            "chip": pool.submit(course_32, MINUTES_32),
        }


def check_same(measure, other, minutes):
    """Equal minute by minute, nothing amiss."""
    assert not other["faults"], "\n".join(other["faults"])
    assert len(other["hashes"]) == minutes
    minute = parity.first_difference(measure["hashes"], other["hashes"])
    assert minute is None, (
        f"first in minute {minute}; compare the ticks that both interpreters print with "
        f"host_tests/sim/run.py --busy --seed {SEED} --minutes {minute + 1} --minute {minute}")


def test_everything_has_happened_and_nothing_went_wrong(courses):
    measure = courses["measure"].result()
    assert not measure["faults"], "\n".join(measure["faults"])
    assert not measure["missing"], "never seen: " + ", ".join(measure["missing"])


def test_desktop_micropython_decides_the_same_without_heap(courses):
    desktop = courses["desktop"].result()
    check_same(courses["measure"].result(), desktop, HOUR)
    assert not desktop["missing"], "never seen: " + ", ".join(desktop["missing"])


def test_32_bit_micropython_decides_the_same_without_heap(courses):
    check_same(courses["measure"].result(), courses["chip"].result(), MINUTES_32)


@pytest.mark.long
def test_the_whole_hour_on_the_32_bit_build():
    check_same(course("cpython", HOUR), course_32(HOUR, LONG_S), HOUR)


@pytest.mark.long
@pytest.mark.parametrize("seed", (2, 3))
def test_other_seeds(seed):
    options = ("--seed", str(seed))
    measure = course("cpython", HOUR, *options)
    assert not measure["missing"], "never seen: " + ", ".join(measure["missing"])
    check_same(measure, course("micropython", HOUR, "--locked", *options), HOUR)


def test_what_never_happened_is_named():
    """The list can fail: two quiet seconds show hardly anything."""
    world = Busy(SEED, script=())
    world.run(20)
    missing = world.seen.missing()
    assert {"mode EMERGENCY", "event EVENT_TRIP", "cause CAUSE_FIRE", "why WHY_COLD",
            "method PULSED", "other wrap"} <= set(missing)
    assert "mode STANDBY" not in missing


def test_the_list_is_whole():
    """Every number of the points is wanted, or stands among those that no tick can show."""
    wanted = busy_seen.wanted()
    assert len(wanted["event"]) == 54 and len(wanted["why"]) == 24
    assert len(wanted["cause"]) == 12 and len(wanted["trip"]) == 11
    assert sorted(wanted["owner"]) == [0, 10, 25, 40, 50, 60, 80, 90]


# A control tick that takes heap from tick 101 on.
SABOTAGE = """
import sys
sys.path[:0] = [{root!r}, {firmware!r}]
from host_tests.sim.busy import Busy
world = Busy({seed}, locked=True)
publish = world.manager.views.publish
def spoil(now_ms, dt_ms):
    if world.tick > 100:
        world.junk = [dt_ms]
    publish(now_ms, dt_ms)
world.manager.views.publish = spoil
world.run(150)
"""


def test_a_tick_that_takes_heap_is_found():
    source = SABOTAGE.format(root=str(parity.ROOT), firmware=str(parity.ROOT / "firmware"),
                             seed=SEED)
    done = subprocess.run([mpy_run.interpreter(), "-X", f"heapsize={parity.HEAP}", "-c", source],
                          capture_output=True, text=True, timeout=parity.TIMEOUT_S)
    assert "FAULT tick 101" in done.stdout and done.returncode, done.stdout + done.stderr


def test_a_command_outside_the_window_is_found():
    world = Busy(SEED, script=((1, "start"), (12, "set_constant_power", 50_000, 0)))
    assert world.run(200) and world.manager.command.battery_w == 50_000
    step = world.manager.step

    def spoilt(now_ms):
        step(now_ms)
        world.manager.command.battery_w = world.manager.window.hi_w + 1

    world.manager.step = spoilt
    assert not world.run(1) and "outside" in world.faults[0]
