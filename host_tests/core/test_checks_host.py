"""Whatever stands in the file: sentences and safe defaults, or settings that fit; no crash."""

import json
import pathlib

from hypothesis import given, settings as trials, strategies as st

from bess.core.checks_wiring import check_board
from bess.core.config import DEVICE_FIELDS, FIELDS, LINK_FIELDS, check
from bess.core.control.calls import PowerManager
from bess.devices.wiring import build

NUMBERS = st.one_of(st.integers(-2, 2), st.integers(-10**12, 10**12),
                    st.sampled_from((10**40, -10**40, 2**30, 2**31, 2**63)))
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=4), max_leaves=12)


BOARDS = pathlib.Path(__file__).resolve().parents[2] / "boards"


def test_one_wrong_key_is_one_fault():
    """A key that is wrong is named alone: no fault hangs on what was taken in its place."""
    for path in sorted(BOARDS.glob("*/config.json")):
        good = json.loads(path.read_text())
        assert check(good)[1] == [], path
        for key, kind, *_ in FIELDS:
            wrong = ([], -10**9, 10**9) if kind == "int" else ([], 7, "no such word")
            for value in wrong:
                faults = check({**good, key: value})[1]
                assert all(key in fault for fault in faults), (path, key, value, faults)
                assert faults or value == "no such word", (path, key, value)


def plausible(row):
    """Values that a field takes, mostly."""
    key, kind, low, high, default = row[:5]
    if high is None:
        return st.sampled_from(low)
    if kind == "int":
        return st.one_of(st.integers(low, high), st.sampled_from((low, high)))
    return st.sampled_from(("UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "x")) if key == "zone" else (
        st.text(min_size=low, max_size=high))


def objects(table, others, strange):
    """Objects with some keys of a table; strange: values of any kind, and keys nobody knows."""
    keys = {row[0]: ANYTHING if strange else plausible(row) for row in table
            if row[0] not in others}
    keys.update(others)
    known = st.fixed_dictionaries({}, optional=keys)
    if not strange:
        return known
    unknown = st.dictionaries(st.text(max_size=12), ANYTHING, max_size=2)
    return st.builds(lambda a, b: {**a, **b}, known, unknown)


def configurations(strange):
    devices = st.lists(objects(DEVICE_FIELDS, {}, strange), max_size=5)
    links = st.lists(objects(LINK_FIELDS, {"devices": devices}, strange), max_size=4)
    return objects(FIELDS, {"links": links}, strange)


def judge(data):
    """The promise of check() for any data."""
    before = repr(data)
    settings, faults = check(data)
    assert repr(data) == before, "the caller's data is left alone"
    for text in faults + settings.warnings:
        assert isinstance(text, str) and len(text) > 10
    for row in FIELDS:
        value = getattr(settings, row[0])
        assert type(value).__name__ == row[1], (row[0], value)
        if faults:
            assert value == row[4], row[0]
    if faults:
        assert settings.links == []
    assert isinstance(check_board(settings, data), list)
    return settings, faults


def test_nested_deeper_than_anybody_can_print():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for data in (deep, {"links": deep}, {"w_rated": deep}, {"zone": deep}, {"links": [deep]},
                 {"links": [{"kind": "rtu", "devices": [deep]}]}, {"pins": deep}):
        faults = check(data)[1]
        assert faults and max([len(text) for text in faults]) < 2000, faults


@trials(max_examples=40)
@given(ANYTHING)
def test_anything(data):
    settings, faults = judge(data)
    assert faults or data == {} or isinstance(data, dict)


@trials(max_examples=40)
@given(configurations(strange=True))
def test_known_keys_with_strange_values(data):
    judge(data)


@trials(max_examples=40)
@given(configurations(strange=False))
def test_known_keys_with_plausible_values(data):
    judge(data)


SITE = [{"kind": "rtu", "devices": [{"kind": "bess_module", "series_rated": 1}]},
        {"kind": "tcp", "devices": [{"kind": "sunspec_pcs"}, {"kind": "sunspec_meter",
                                                              "unit": 2}]}]


@trials(max_examples=40)
@given(st.dictionaries(st.sampled_from([row[0] for row in FIELDS]), st.none(), max_size=6).flatmap(
    lambda keys: st.fixed_dictionaries({row[0]: plausible(row) for row in FIELDS
                                        if row[0] in keys})))
def test_what_is_accepted_runs(data):
    """Settings without a fault make a manager with its devices that takes a tick."""
    settings, faults = judge(dict(data, links=SITE))
    if not faults:
        manager = PowerManager(settings)
        assert len(build(settings, manager)) == 2
        manager.step(1000)
        assert manager.command.run == 0 and manager.command.battery_w == 0


def test_what_json_can_hold():
    for text in ("[]", "null", "1e999", '"x"', '{"w_rated": 1e999}', '{"w_rated": NaN}',
                 '{"links": [[[[[]]]]]}', '{"": 1}', '{"links": [{"": {}}]}',
                 '{"name": "\\ud800"}', '{"w_rated": %s}' % ("9" * 4000), "%s" % ("9" * 4000)):
        faults = judge(json.loads(text))[1]
        assert faults or "name" in text, text
