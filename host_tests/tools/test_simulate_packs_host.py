"""A simulated site of several packs: seeded hours, its course, its command.

That the oracle misses each rule of such a site, and ten hours more:
test_simulate_packs_long_host.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.simulate import many
from tools.simulate.packs import PacksWorld
from tools.simulate.people import EMERGENCY
from tools.simulate.packs_faults import PACK_KINDS, SITE_TRUTHS, WHOLE, kinds_of_packs

ROOT = Path(__file__).resolve().parent.parent.parent

# packs, seed, hours, tick in ms; own buses and one for all, with own contactors and without
HOURS = ((2, 5, 1, 1000), (2, 10, 0.5, 1000), (3, 7, 0.5, 1000), (2, 33, 0.05, 100))


def told(result):
    """The violations as a text, each with the line that replays it."""
    return "\n".join(json.dumps(violation) for violation in result["violations"])


@pytest.mark.parametrize("packs, seed, hours, tick_ms", HOURS)
def test_hours_with_faults(packs, seed, hours, tick_ms):
    result = many.simulate_packs(packs, seed, hours, tick_ms)
    assert not result["violations"], told(result)
    assert sum(result["faults_injected"].values()) >= 6 * int(hours)
    assert result["throughput_wh"] > 10


def test_same_seed_same_course():
    one, other = many.simulate_packs(2, 9, 0.1), many.simulate_packs(2, 9, 0.1)
    one["speed"] = other["speed"] = 0
    assert one == other
    assert many.simulate_packs(3, 9, 0.1)["trace_sha256"] != one["trace_sha256"]


def test_the_packs_stand_for_themselves():
    """Other batteries, inverters and wires; one house, one meter, one emergency loop."""
    world = PacksWorld(5, 2, kinds=())
    one, other = world.sections
    assert one.modules[0].module.mah != other.modules[0].module.mah
    assert one.pcs is not other.pcs and one.inverter_wire is not other.inverter_wire
    assert one.wire("meter") is other.wire("meter")
    one.site.emergency_ok = False
    assert not other.site.emergency_ok and not world.site.emergency_ok
    world.run(0.002)
    world.site.emergency_ok = True
    world.run(0.01)
    assert one.controller.mode() == other.controller.mode() == EMERGENCY
    world.sections[1].site.coils = 5
    assert world.site.coils >> world.site.gear.width == 5


def test_buses_as_the_configuration_has_them():
    """By the seed one line for all packs, or a line for each."""
    lines = {len([link for link in PacksWorld(seed, 2, kinds=()).data["links"]
                  if link["kind"] == "rtu"]) for seed in range(1, 8)}
    assert lines == {1, 2}


def test_the_tables_fit_each_other():
    kinds = kinds_of_packs()
    assert set(PACK_KINDS) | WHOLE | set(SITE_TRUTHS) <= set(kinds)
    assert not WHOLE & set(PACK_KINDS)
    for name, kind in kinds.items():
        suspended = kind.suspends | set(SITE_TRUTHS.get(name, "").split())
        assert not suspended & {"OPPOSED", "LOST", "GOES_ON", "N_1"}, name


def test_the_command():
    words = ("--seed", "6", "--hours", "0.05", "--packs", "2", "--faults", "--json")
    done = subprocess.run([sys.executable, "-m", "tools.simulate", *words], cwd=ROOT,
                          capture_output=True, text=True)
    result = json.loads(done.stdout)
    assert done.returncode == 0 and result["ticks"] == 180
    broken = many.simulate_packs(2, 6, 0.02, sabotage="ramp")["violations"]
    assert broken[0]["replay"].endswith("--packs 2")
