"""Ten seeded hours of several packs, and an oracle that misses each rule of such a site.

Each test is one run; `.ci/run` calls it after `make test`.
"""

import json

import pytest

from tools.simulate import many, sabotage
from tools.simulate.packs_sabotage import PACK_RULES

pytestmark = pytest.mark.long

HOURS = tuple((2 + seed % 2, seed) for seed in range(301, 311))

# rule, seed, kinds of fault (None: no faults), truth that is broken, truths that break before it
SABOTAGES = (
    ("packs opposed", 3, None, "OPPOSED", ""),
    ("packs fight", 1, None, "FIGHT", "OPPOSED"),
    ("caps of the site", 2, None, "CAP", ""),
    ("caps of the site", 4, None, "CAP", ""),
    ("share of the lost", 7, "stopped pack,open breaker", "N_1", ""),
    ("trip of one pack", 6, "open breaker", "GOES_ON", ""),
    ("fade", 6, "all modules dead", "LOST", ""),
)


def told(result):
    """The violations as a text, each with the line that replays it."""
    return "\n".join(json.dumps(violation) for violation in result["violations"])


@pytest.mark.parametrize("rule, seed, kinds, truth, earlier", SABOTAGES,
                         ids=["%s-%s-%d" % (row[0], row[3], row[1]) for row in SABOTAGES])
def test_a_missing_rule_is_missed(rule, seed, kinds, truth, earlier):
    result = many.simulate_packs(2, seed, 1, kinds=kinds, sabotage=rule, until=truth)
    broken = [violation["truth"] for violation in result["violations"]]
    assert broken and broken[-1] == truth, f"{rule}: {told(result) or 'nobody noticed'}"
    assert set(broken[:-1]) == set(earlier.split()), told(result)
    assert "--packs 2" in result["violations"][-1]["replay"]


@pytest.mark.parametrize("seed, kinds", sorted({row[1:3] for row in SABOTAGES}, key=str))
def test_with_every_rule_the_same_course_is_well(seed, kinds):
    result = many.simulate_packs(2, seed, 1, kinds=kinds)
    assert not result["violations"], told(result)


def test_each_rule_of_several_packs_can_be_disabled():
    assert set(PACK_RULES) <= {row[0] for row in SABOTAGES} <= set(sabotage.RULES)


@pytest.mark.parametrize("packs, seed", HOURS)
def test_ten_hours(packs, seed):
    result = many.simulate_packs(packs, seed, 1)
    assert not result["violations"], told(result)
    assert sum(result["faults_injected"].values()) >= 6
