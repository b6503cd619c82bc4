"""`make run` itself: how it starts, what it prints and refuses, and that it leaves nothing."""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from host_tests.e2e.site import ROOT, Run, alive, descendants, environment, free_ports
from tools.run.__main__ import folder_of, main, options, setting
from tools.run.processes import PORT_NAMES, RunError, ports
from tools.run.readings import Controller, event_text
from tools.run.view import WIDTH, plain, screen

SNAPSHOT = json.loads((Path(__file__).parent / "snapshot.json").read_text())


def run_tool(chosen, *words):
    """What the tool says when it should not get far, and its exit code."""
    done = subprocess.run([sys.executable, "-m", "tools.run", *words], cwd=ROOT, text=True,
                          env=environment(chosen), stdin=subprocess.DEVNULL, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    folder = folder_of(chosen.modbus)
    if not (folder / "board").exists():
        shutil.rmtree(folder)           # it came as far as its lock file
    return done.stdout, done.returncode


# what it prints


def test_ready_and_endpoints(run):
    assert run.ready_s < 30
    print(f"ready after {run.ready_s:.1f} s")
    at = run.lines.index("ready")
    text = "\n".join(run.lines[:at])
    for wanted in (f"127.0.0.1:{run.ports.modbus}, unit 1", f"mbpoll -m tcp -p {run.ports.modbus}",
                   "mpremote connect build/", f"nc 127.0.0.1 {run.ports.control}"):
        assert wanted in text, wanted
    assert "Traceback" not in text


def test_one_line_a_second(run):
    at = run.lines.index("ready")
    end_s = time.monotonic() + 8
    while len(run.lines) < at + 6 and time.monotonic() < end_s:
        time.sleep(0.1)
    lines, times_s = run.lines[at + 1:], run.times_s[at + 1:len(run.lines)]
    gaps_s = [b - a for a, b in zip(times_s, times_s[1:])]
    assert 0.9 < statistics.median(gaps_s) < 1.1
    pairs_s = [a + b for a, b in zip(gaps_s, gaps_s[1:])]
    assert min(pairs_s) > 0.9, "a late line shortens the gap after it, but nothing is made up for"
    assert lines[0].startswith("mode=")


# what it refuses


@pytest.mark.parametrize("given, said", (
    ({"MODBUS_PORT": "fifty"}, "MODBUS_PORT is fifty, wanted: a port 1..65535"),
    ({"PV_PORT": "70000"}, "PV_PORT is 70000, wanted: a port 1..65535"),
    ({"PCS_PORT": "5020"}, "each may be used once"),
))
def test_wrong_ports(given, said):
    with pytest.raises(RunError, match=said):
        ports(given)


@pytest.mark.parametrize("at", (0, 3, 4), ids=("modbus", "meter", "control"))
def test_busy_port_is_one_line_that_names_the_variable(at):
    chosen = free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", chosen[at]))
        taken.listen()
        said, code = run_tool(chosen)
    assert code == 1
    assert said.splitlines()[-1] == (
        f"error: port {chosen[at]} is in use; choose another with {PORT_NAMES[at]}=")
    assert len(said.splitlines()) <= 2, said


def test_second_run_at_once_is_one_line(run):
    said, code = run_tool(run.ports)
    assert code == 1 and len(said.splitlines()) == 1
    assert said.startswith("error: another run is going in ")
    assert all(name in said for name in PORT_NAMES)


@pytest.mark.parametrize("words, said", (
    (("--sed", "3"), "error: unrecognized arguments: --sed 3; see --help\n"),
    (("--set", "soc"), "error: argument --set: needs KEY=VALUE, got soc; see --help\n"),
    (("--seed", "x"), "error: argument --seed: invalid int value: 'x'; see --help\n"),
))
def test_wrong_options(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err == said


def test_site_options_are_refused_in_one_line():
    said, code = run_tool(free_ports(), "--start", "25:99")
    assert code == 1
    assert said.splitlines()[-1].startswith("error: site did not start: ") and "25:99" in said


def test_settings_are_json_or_text():
    assert setting("self_use=0") == ("self_use", 0)
    assert setting("name=my=home") == ("name", "my=home")
    assert options(["--set", "a=1", "--set", "b=x"]).set == [("a", 1), ("b", "x")]


# how it ends


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGHUP))
def test_ends_everything_while_it_starts(number):
    """Through make, twice, in the middle of flashing, as Ctrl-C in a terminal does."""
    run = Run(free_ports(), words=["make", "run"])
    started = set()
    try:
        end_s = time.monotonic() + 15
        while len(started) < 5 and time.monotonic() < end_s:    # tool, site, board, chip, mpremote
            started |= descendants(run.process.pid)
            time.sleep(0.05)
        assert len(started) >= 5, run.lines
    finally:
        run.end(number, twice=True)
    assert run.lines[-1].startswith(("ended", "make: ")) and "ended" in run.lines
    left = [pid for pid in started if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "processes are left"
    shutil.rmtree(folder_of(run.ports.modbus))


_HELD = """
import os, signal
from tools.run import ending
ending.watch()
try:
    with ending.held():
        os.kill(os.getpid(), signal.SIGTERM)
        print("known")
    print("never")
except ending.Ended:
    os.kill(os.getpid(), signal.SIGTERM)
    print("ended")
"""


def test_a_signal_waits_until_a_program_is_known():
    done = subprocess.run([sys.executable, "-c", _HELD], cwd=ROOT, text=True, capture_output=True)
    assert (done.stdout, done.returncode) == ("known\nended\n", 0), done.stderr


# the view


def rendered(data, foot="foot"):
    console = Console(width=WIDTH, color_system=None, record=True, file=open(os.devnull, "w"))
    console.print(screen(data, foot))
    return console.export_text()


def blank(value):
    """The same data with every number unknown, as before the first readings."""
    if isinstance(value, dict):
        return {key: blank(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [blank(inner) for inner in value]
    return None if isinstance(value, int) else value


def test_view_shows_what_matters():
    text = rendered(SNAPSHOT)
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= WIDTH and len(lines) <= 34
    assert lines[0].startswith(" CHARGE  RUNNING") and "49.9 %" in lines[0]
    for wanted in (
        "battery ◀ ━━━━╌╌╌╌╌╌╌╌╌╌  6.00 kW charges", "━━╌╌╌╌╌╌╌╌╌╌╌╌ ▶  3.08 kW imports",
        "command   charge 6.00 kW", "asked by  REMOTE: charge 6.00 kW, 52 s left",
        "limited by RATING", "modules, 3 of 4 live", "solar    DOWN", "inverter UP",
        "MODULE_LOST", "module 3", "WARNING", "up 18 s", "━━━█━━━━━┼━━━", "foot",
    ):
        assert wanted in text, f"{wanted}\n{text}"


def test_view_of_an_emergency():
    site = {**SNAPSHOT["site"], "MODE": "EMERGENCY", "CAUSES": ["INPUT"], "TRIPS": ["PCS_SILENT"]}
    lines = rendered({**SNAPSHOT, "site": site}).splitlines()
    assert lines[0].startswith(" EMERGENCY ")
    assert lines[1] == "latched, needs a reset: INPUT   trips: PCS_SILENT"
    assert plain({**SNAPSHOT, "site": site}).endswith(" causes=INPUT trips=PCS_SILENT")


def test_view_of_unknown_values():
    text = rendered(blank(SNAPSHOT))
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "unknown" in text and "None" not in text
    assert "None" in plain(blank(SNAPSHOT))


@pytest.mark.parametrize("event, data, text", (
    ("MODE_CHANGE", 0x0304, "IDLE to EMERGENCY"),
    ("LIMIT_REASON", 0x0106, "charge MODE, discharge RATING"),
    ("REQUEST_WON", 50, "REMOTE"),
    ("EMERGENCY", 8, "MODULES_SILENT"),
    ("TRIP_CLEARED", 5, "PCS_UNCONFIRMED PCS_SILENT"),
    ("RESET_REFUSED", 1 << 1 | 1 << 8, "INPUT MODULES_SILENT"),
    ("MODULE_LOST", 2, "module 3"),
    ("OPENED_UNDER_LOAD", 75_300, "75.3 A"),
    ("PCS_STARTED", 0, ""),
))
def test_event_texts(event, data, text):
    assert event_text(Controller(1), event, data) == text
