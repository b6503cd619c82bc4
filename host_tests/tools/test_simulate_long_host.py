"""A hundred seeded hours, and an oracle that misses each rule of the firmware.

Each test is one run, so that all cores work; `.ci/run` calls it after `make test`.
"""

import json

import pytest

from tools.simulate import many, sabotage
from tools.simulate.faults import KINDS
from tools.simulate.oracle import TRUTHS
from host_tests.tools.test_simulate_packs_long_host import SABOTAGES as PACK_SABOTAGES

pytestmark = pytest.mark.long

HOURS = range(101, 201)
SHORT = range(201, 221)
SHORT_HOURS = 1 / 6

# rule, seed, kinds of fault (None: no faults), truth that is broken, truths that break before it
SABOTAGES = (
    ("cell high", 8, None, "CELL_HIGH", ""),
    ("cell low", 1, None, "CELL_LOW", ""),
    ("cell critical", 24, None, "CELL_CRITICAL", "CELL_HIGH"),
    ("cold", 2, None, "COLD", ""),
    ("hot", 3, None, "HOT", ""),
    ("soc max", 4, None, "SOC", ""),
    ("soc min", 5, None, "SOC", ""),
    ("bms current", 5, "falling limit", "BMS", ""),
    ("live strings", 22, "dead module", "SHARE", ""),
    ("protections", 8, "protecting module", "PROTECTION", ""),
    ("emergency input", 1, "emergency press", "PRESSED", ""),
    ("stored latch", 1, "press and reset", "LATCH", ""),
    ("fade", 1, "all modules dead", "SILENT", ""),
    ("silence opens", 1, "all modules dead", "SILENT_OPEN", ""),
    ("ramp", 6, None, "RAMP", ""),
    ("precharge", 6, "failed precharge", "HARD_CLOSING", ""),
    ("precharge pause", 6, "failed precharge", "PRECHARGE", ""),
    ("open without current", 6, "emergency press", "OPENING", ""),
    ("open in spite of current", 3, "disobedient inverter", "DISOBEYED", ""),
    ("weld check", 3, "welded contactor", "HARD_CLOSING", ""),
    ("weld check", 6, "welded contactor", "WELDED", ""),
    ("refresh", 6, None, "RAMP", ""),
    ("revert timer", 6, "dead inverter", "PCS_DEAD", ""),
    ("request expiry", 4, None, "ASKED", ""),
    ("meter stale", 23, "frozen meter", "METER", ""),
    ("direction", 6, None, "OBEY", ""),
    ("scale", 6, None, "EXACT", ""),
    ("trips clear", 6, "dead inverter", "ALIVE", ""),
    ("backup output", 38, "grid loss", "ISLAND", ""),
    ("two slots", 4, "cut store", "STORE", ""),
    ("energy", 6, None, "ENERGY", ""),
    ("window", 6, None, "RAMP", ""),
    ("own invariants", 6, None, "FIRMWARE", ""),
    ("ratings", 14, "schedule", "RATING", ""),
    ("schedule", 6, "schedule", "SCHEDULE", ""),
    ("end of an entry", 6, "schedule", "ASKED", ""),
    ("dead man", 6, "maintenance", "SERVICE", ""),
    ("power of a test", 6, "maintenance", "TESTED", ""),
    ("service key", 6, "service key", "LATCH", ""),
    ("read back", 14, "stranger", "PUT_BACK", ""),
    ("string voltage", 33, None, "JOINING", ""),
    ("missed entry", 6, "missed entry", "MISSED", ""),
    ("trickle", 7, "deep cells", "TRICKLE", "SERVICE"),
    ("trickle in the cold", 6, "deep cells", "TRICKLE", ""),
    ("recovery", 7, "deep cells", "RECOVERY", ""),
    ("black start", 14, "black start", "BLACK_START", ""),
)


def told(result):
    """The violations as a text, each with the line that replays it."""
    return "\n".join(json.dumps(violation) for violation in result["violations"])


@pytest.mark.parametrize("rule, seed, kinds, truth, earlier", SABOTAGES,
                         ids=["%s-%s" % (row[0], row[3]) for row in SABOTAGES])
def test_a_missing_rule_is_missed(rule, seed, kinds, truth, earlier):
    result = many.simulate(seed, 1, kinds=kinds, sabotage=rule, until=truth)
    broken = [violation["truth"] for violation in result["violations"]]
    assert broken and broken[-1] == truth, f"{rule}: {told(result) or 'nobody noticed'}"
    assert set(broken[:-1]) == set(earlier.split()), told(result)
    replay = result["violations"][-1]["replay"]
    assert f"--seed {seed} " in replay and f"--sabotage '{rule}'" in replay


@pytest.mark.parametrize("seed, kinds", sorted({row[1:3] for row in SABOTAGES}, key=str))
def test_with_every_rule_the_same_course_is_well(seed, kinds):
    result = many.simulate(seed, 1, kinds=kinds)
    assert not result["violations"], told(result)


def test_the_tables_fit_each_other():
    assert {row[0] for row in SABOTAGES + PACK_SABOTAGES} == set(sabotage.RULES)
    for name, kind in KINDS.items():
        assert kind.suspends <= set(TRUTHS), name
        assert not kind.suspends & {"CELL_CRITICAL", "HARD_CLOSING", "LATCH", "STORE", "FIRMWARE",
                                    "DISOBEYED", "ENERGY", "PRECHARGE", "WELDED", "JOINING",
                                    "SERVICE", "TESTED", "SCHEDULE", "BLACK_START",
                                    "PUT_BACK", "TRICKLE", "RECOVERY", "MISSED"}, name


def test_each_truth_can_break():
    assert {row[3] for row in SABOTAGES + PACK_SABOTAGES} == set(TRUTHS)


@pytest.mark.parametrize("seed", HOURS)
def test_a_hundred_hours(seed):
    modules = 16 if seed % 10 == 0 else 4
    result = many.simulate(seed, 1, modules=modules)
    assert not result["violations"], told(result)


@pytest.mark.parametrize("seed", SHORT)
def test_twenty_times_ten_minutes(seed):
    result = many.simulate(seed, SHORT_HOURS, tick_ms=100)
    assert not result["violations"], told(result)
