"""The simulation as a tool: seeded hours without a violation, its tables and its command.

A failing seed prints the line that replays it. What the oracle is worth, and a hundred hours more:
test_simulate_long_host.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bess.ports.flash import FlashStore
from tools.simulate import many, sabotage
from tools.simulate.disk import Disk, PowerCut
from tools.simulate.faults import BLACK, KINDS, SERIES
from tools.simulate.peers import crc16
from tools.simulate.world import SITES

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = range(1, 21)
SHORT = range(31, 35)
SHORT_HOURS = 1 / 6
FAULTS_AN_HOUR = 6

_reports = {}


def report(seed):
    """An hour with faults, run once."""
    if seed not in _reports:
        _reports[seed] = many.simulate(seed, 1)
    return _reports[seed]


def told(result):
    """The violations as a text, each with the line that replays it."""
    return "\n".join(json.dumps(violation) for violation in result["violations"])


@pytest.mark.parametrize("seed", SEEDS)
def test_an_hour_with_faults(seed):
    result = report(seed)
    assert not result["violations"], told(result)
    assert result["ticks"] == 3600 and result["hours"] == 1
    assert sum(result["faults_injected"].values()) >= FAULTS_AN_HOUR
    assert result["events"] > 20 and result["throughput_wh"] > 10


@pytest.mark.parametrize("seed", SHORT)
def test_ten_minutes_at_the_true_tick(seed):
    result = many.simulate(seed, SHORT_HOURS, tick_ms=100)
    assert not result["violations"], told(result)
    assert result["ticks"] == 6000


def test_sixteen_modules():
    result = many.simulate(6, 0.25, modules=16)
    assert not result["violations"], told(result)


@pytest.mark.parametrize("kind", ("grid loss", "island overload", BLACK))
def test_an_inverter_that_goes_on_without_the_grid(kind):
    result = many.simulate(14, 0.25, kinds=kind)
    assert not result["violations"], told(result)
    assert result["faults_injected"][kind] >= 2


def test_the_seeds_meet_every_kind_of_fault_and_of_site():
    met = {kind for seed in SEEDS for kind in report(seed)["faults_injected"]}
    assert {*KINDS, SERIES} - met <= {"island overload", BLACK}     # few sites can; see above
    assert {seed % len(SITES) for seed in SEEDS} == set(range(len(SITES)))


def test_same_seed_same_course():
    one, other = many.simulate(9, 0.2), many.simulate(9, 0.2)
    one["speed"] = other["speed"] = 0
    assert one == other
    assert many.simulate(10, 0.2)["trace_sha256"] != one["trace_sha256"]


def test_sabotage_leaves_no_trace():
    with sabotage.disabled("ramp"):
        pass
    assert not many.simulate(6, 0.05, kinds=None)["violations"]


def test_a_power_cut_at_any_byte(monkeypatch):
    """Old or new, never neither; also with what a broken write leaves behind."""
    from bess.ports import flash
    outcomes = set()
    for keeps_parts in (False, True):
        for cut_in in range(40):
            disk = Disk()
            disk.keeps_parts = keeps_parts
            monkeypatch.setattr(flash, "open", disk.open, raising=False)
            monkeypatch.setattr(flash, "os", disk)
            store = FlashStore("state")
            store.save("latch", b"older")
            store.save("latch", b"old")
            disk.cut_in = cut_in
            try:
                store.save("latch", b"new")
            except PowerCut:
                pass
            disk.cut_in = None
            content = FlashStore("state").load("latch")
            assert content in (b"old", b"new"), (cut_in, keeps_parts)
            outcomes.add(content)
    assert outcomes == {b"old", b"new"}


def test_crc_of_the_peers():
    assert crc16(b"\x01\x03\x00\x00\x00\x0a") == 0xCDC5     # C5 CD on the wire


def run(*words):
    """(exit code, standard output, standard error) of the command."""
    done = subprocess.run([sys.executable, "-m", "tools.simulate", *words], cwd=ROOT,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_command():
    code, out, _ = run("--seed", "6", "--hours", "0.05", "--faults", "--json")
    result = json.loads(out)
    assert code == 0 and result["seed"] == 6 and result["ticks"] == 180
    assert set(result) >= {"seed", "hours", "ticks", "violations", "faults_injected", "events",
                           "energy_error_wh", "trace_sha256", "speed"}
    assert len(result["trace_sha256"]) == 64


def test_the_command_reports_what_is_broken():
    code, out, _ = run("--seed", "6", "--hours", "0.02", "--sabotage", "ramp", "--json")
    first = json.loads(out)["violations"][0]
    assert code == 1 and first["truth"] == "RAMP" and first["time_s"] == 31
    words = first["replay"].replace("python -m tools.simulate ", "").replace("'", "").split(" ")
    code, again, _ = run(*words, "--json")
    assert code == 1 and json.loads(again)["violations"] == json.loads(out)["violations"]


def test_the_page_of_truths_and_faults_is_up_to_date():
    code, out, _ = run("--table")
    assert code == 0 and out == (ROOT / "docs" / "simulation.md").read_text()
    assert "| grid loss | 5 to 60 | all but SOC, OPENING, RAMP |" in out


def test_wrong_words_are_refused():
    code, _, fault = run("--sabotage", "gravity")
    assert code == 2 and "ramp" in fault


def test_many_seeds():
    code, out, _ = run("--many", "2", "--hours", "0.05", "--jobs", "1")
    assert code == 0
    assert json.loads(out.strip().splitlines()[-1])["seeds"] == 2


def test_the_edges_of_a_month():
    """Two wraps of the tick and the night in which clocks go forward, half an hour each."""
    code, out, _ = run("--month", "--hours", "1.5", "--seed", "6", "--json")
    result = json.loads(out)
    assert code == 0, told(result)
    assert result["ticks"] >= 5400 and sum(result["faults_injected"].values()) >= 9
