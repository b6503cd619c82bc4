"""One seeded hour decides the same on CPython, 64-bit and 32-bit MicroPython, without heap.

The whole pure chain runs against byte-level peers (host_tests/sim). CPython's run is the measure;
MicroPython runs with the heap locked in every control tick, so that one that allocates ends the
run with its tick and its line. A difference is traced to its first tick.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools import mpy_run, wasm32

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "host_tests" / "sim" / "run.py"
HEAP = "1024K"      # a small heap is a fast one
HEAP32 = 4 * 1024 * 1024
TIMEOUT_S = 240
LONG_S = 900

SEED = 1
HOUR = 60
# modules, minutes: the tick wraps in the third minute
RUNS_32 = ((4, 10), (16, 3))


def host_command(interpreter, *options):
    """Command line of a run on this machine."""
    start = [sys.executable] if interpreter == "cpython" else [
        mpy_run.interpreter(), "-X", f"heapsize={HEAP}"]
    return [str(part) for part in (*start, PROGRAM, "--seed", SEED, *options)]


def run_host(interpreter, *options):
    """Output of a run; fails with everything that was printed."""
    command = host_command(interpreter, *options)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    text = done.stdout + mpy_run.with_source(done.stderr)
    assert done.returncode in (0, 1) and done.stdout, f"{' '.join(command)}\n{text}"
    return text


def course(interpreter, modules, minutes, *options):
    """What --json says about a run on this machine."""
    text = run_host(interpreter, "--modules", modules, "--minutes", minutes, "--json", *options)
    last = text.splitlines()[-1]
    assert last.startswith("{"), text
    return json.loads(last)


def course_32(modules, minutes, timeout_s=TIMEOUT_S):
    """The same on the 32-bit build; a call a minute, since it collects only between calls."""
    files = wasm32.tree(ROOT / "firmware") | wasm32.tree(PROGRAM.parent, "/lib/host_tests/sim")
    begin = "from host_tests.sim.world import World\nimport json\n"
    begin += f"world = World({SEED}, {modules}, locked=True)"
    end = "print(json.dumps({'hashes': world.hashes, 'faults': world.faults}))"
    output = wasm32.run32([begin, *["world.run(600)"] * minutes, end], files, HEAP32, timeout_s)
    return json.loads(output.splitlines()[-1])


@pytest.fixture(scope="module")
def courses():
    """All runs, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        jobs = {
            "desktop": pool.submit(course, "micropython", 4, HOUR, "--locked"),
            "measure": pool.submit(course, "cpython", 4, HOUR),
            "measure 16": pool.submit(course, "cpython", 16, 5),
            "desktop 16": pool.submit(course, "micropython", 16, 5, "--locked"),
        }
        for modules, minutes in RUNS_32:
            jobs[modules, minutes] = pool.submit(course_32, modules, minutes)
    return jobs


def first_difference(one, other):
    """Number of the first minute whose hashes differ, None when there is none."""
    for minute, (a, b) in enumerate(zip(one, other)):
        if a != b:
            return minute
    return None


def ticks(interpreter, modules, minute):
    """The printed decisions of each tick of a minute, the names first."""
    text = run_host(interpreter, "--modules", modules, "--minutes", minute + 1,
                    "--minute", minute)
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("tick "))
    return lines[start:start + 601]


def explain(modules, minute):
    """The first tick that differs between the interpreters of this machine, and how to see it."""
    replay = f"python -m host_tests.sim.run --seed {SEED} --minutes {minute + 1}"
    replay += f" --modules {modules} --minute {minute}"
    ours, theirs = ticks("cpython", modules, minute), ticks("micropython", modules, minute)
    for a, b in zip(ours, theirs):
        if a != b:
            return f"seed {SEED}, first at tick {a.split()[0]}:\n{ours[0]}\n{a}\n{b}\n{replay}"
    return f"seed {SEED}, minute {minute}, only on the 32-bit build\n{replay}"


def check_same(modules, measure, other):
    """Equal minute by minute as far as `other` goes, and the oracle content."""
    assert not other["faults"], "\n".join(other["faults"])
    minute = first_difference(measure["hashes"], other["hashes"])
    assert minute is None, explain(modules, minute)
    assert other["hashes"]


def test_the_site_never_comes_to_harm(courses):
    for name in ("measure", "measure 16"):
        assert not courses[name].result()["faults"], "\n".join(courses[name].result()["faults"])
    assert len(courses["measure"].result()["hashes"]) == HOUR


def test_desktop_micropython_decides_the_same_without_heap(courses):
    check_same(4, courses["measure"].result(), courses["desktop"].result())
    assert len(courses["desktop"].result()["hashes"]) == HOUR


def test_sixteen_modules_decide_the_same_without_heap(courses):
    check_same(16, courses["measure 16"].result(), courses["desktop 16"].result())


@pytest.mark.parametrize("modules, minutes", RUNS_32)
def test_32_bit_micropython_decides_the_same_without_heap(courses, modules, minutes):
    measure = courses["measure" if modules == 4 else "measure 16"].result()
    other = courses[modules, minutes].result()
    assert len(other["hashes"]) == minutes
    check_same(modules, measure, other)


@pytest.mark.long
@pytest.mark.parametrize("seed", (2, 3, 4, 5))
def test_other_seeds(seed):
    options = ("--seed", str(seed), "--json", "--modules", "4" if seed % 2 else "16")
    results = [json.loads(run_host(interpreter, *options).splitlines()[-1])
               for interpreter in ("cpython", "micropython")]
    assert not results[0]["faults"], "\n".join(results[0]["faults"])
    assert results[0]["hashes"] == results[1]["hashes"]


@pytest.mark.long
def test_the_whole_hour_on_the_32_bit_build():
    hour = course_32(16, HOUR, LONG_S)
    check_same(16, course("cpython", 16, HOUR), hour)
    assert len(hour["hashes"]) == HOUR


# A control tick that takes heap from tick 101 on.
SABOTAGE = """
import sys
sys.path[:0] = [{root!r}, {firmware!r}]
from host_tests.sim.world import World
world = World(1, 4, locked=True)
publish = world.manager.views.publish
def spoil(now_ms, dt_ms):
    if world.tick > 100:
        world.junk = {expression}
    publish(now_ms, dt_ms)
world.manager.views.publish = spoil
world.run(150)
"""


def run_spoilt(expression):
    """(what the desktop printed, what the 32-bit build printed or None when it was content)."""
    source = SABOTAGE.format(
        root=str(ROOT), firmware=str(ROOT / "firmware"), expression=expression)
    done = subprocess.run(
        [mpy_run.interpreter(), "-X", f"heapsize={HEAP}", "-c", source],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    files = wasm32.tree(ROOT / "firmware") | wasm32.tree(PROGRAM.parent, "/lib/host_tests/sim")
    try:
        wasm32.run32([source], files, HEAP32)
        said32 = None
    except wasm32.Failed as failed:
        said32 = str(failed)
    return done.stdout + done.stderr, said32


def test_a_tick_that_takes_heap_is_found():
    """The proof can fail: with its tick everywhere, with its line on the desktop."""
    said, said32 = run_spoilt("[dt_ms]")
    assert "FAULT tick 101" in said and "line 9, in spoil" in said, said
    assert said32 and "FAULT tick 101" in said32, said32


def test_a_product_too_large_for_the_chip_is_found():
    """A small integer on the desktop, a heap object where small integers have 31 bits."""
    said, said32 = run_spoilt("dt_ms * 100_000_000")
    assert not said, said
    assert said32 and "FAULT tick 101" in said32, said32


def test_a_difference_is_traced_to_its_tick(monkeypatch):
    """Made up: the desktop's MicroPython commands 1 W more in tick 700."""
    assert first_difference([1, 2, 3], [1, 2, 4]) == 2
    assert first_difference([1, 2, 3], [1, 2]) is None
    assert "only on the 32-bit build" in explain(4, 0)
    real = ticks

    def different(interpreter, modules, minute):
        lines = real("cpython", modules, minute)
        if interpreter == "micropython":
            lines[101] = lines[101].replace("700 ", "700 1")
        return lines

    monkeypatch.setitem(globals(), "ticks", different)
    told = explain(4, 1)
    assert "first at tick 700:" in told and "--minutes 2 --modules 4 --minute 1" in told, told
