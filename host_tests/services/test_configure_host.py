"""A configuration that is wrong: the last good copy, else safe defaults, in STANDBY, an event."""

import json
import os

import pytest

from bess import app
from bess.core.control.modes import REFUSED_CAUSE_PRESENT, STANDBY
from bess.core.points import (
    EVENT_CONFIG_CHANGED, EVENT_CONFIG_FALLBACK, INPUTS, TRIP_CONFIG, TRIPS,
)
from bess.ports.flash import FlashStore

# no console: its reader of the terminal exists only in MicroPython
GOOD = {"console": 0, "w_rated": 6000, "charge_w_max": 4000, "discharge_w_max": 4000,
        "auto_restart": 0}
OTHER = GOOD | {"charge_w_max": 3000}
DEFAULT_W = 5000


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "board.json").write_text('{"pins": {}}')
    return f"{tmp_path}/"


def put(folder, content):
    with open(folder + "config.json", "w") as file:
        file.write(content if isinstance(content, str) else json.dumps(content))


def configured(folder):
    return app.configure(folder, FlashStore(folder + "state"))


WRONG = (
    # content of the file, part of the fault, why
    (json.dumps(OTHER)[:-9], "is not JSON", "a write that was cut off"),
    ("", "is not JSON", "an empty file"),
    (OTHER | {"charge_w_max": -1}, "charge_w_max is -1", "a value out of its range"),
    (OTHER | {"charg_w_max": 1}, "charg_w_max is unknown", "a slip of the pen"),
    ("[]", "the configuration is list", "no object"),
)


def test_the_persons_file_is_imported(folder):
    put(folder, GOOD)
    for event, why in ((None, "the first one"), (None, "the same again")):
        settings, faults, seen = configured(folder)
        assert (settings.charge_w_max, faults, seen) == (4000, [], event), why
    put(folder, OTHER)
    settings, faults, seen = configured(folder)
    assert (settings.charge_w_max, faults, seen) == (3000, [], EVENT_CONFIG_CHANGED)


@pytest.mark.parametrize("content, fault, why", WRONG)
def test_the_last_good_copy_stands_in(folder, content, fault, why):
    put(folder, GOOD)
    configured(folder)
    put(folder, content)
    for _ in range(2):
        settings, faults, event = configured(folder)
        assert settings.charge_w_max == 4000 and settings.auto_restart == 0, why
        assert event == EVENT_CONFIG_FALLBACK and fault in faults[0], faults


def test_a_file_that_is_gone(folder):
    put(folder, GOOD)
    configured(folder)
    os.remove(folder + "config.json")
    settings, faults, event = configured(folder)
    assert settings.charge_w_max == 4000 and event == EVENT_CONFIG_FALLBACK
    assert "cannot be read" in faults[0]


@pytest.mark.parametrize("content, fault, why", WRONG)
def test_without_a_copy_the_defaults(folder, content, fault, why):
    put(folder, content)
    settings, faults, event = configured(folder)
    assert settings.charge_w_max == DEFAULT_W and settings.auto_restart == 1, why
    assert event == EVENT_CONFIG_FALLBACK and fault in faults[0], faults


def test_a_copy_that_is_damaged_is_no_copy(folder, tmp_path):
    put(folder, GOOD)
    configured(folder)
    put(folder, "{")
    damaged = 0
    for path in (tmp_path / "state").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"\x00")
            damaged += 1
    assert damaged
    settings, _, event = configured(folder)
    assert settings.charge_w_max == DEFAULT_W and event == EVENT_CONFIG_FALLBACK


def test_the_pack_stays_in_standby_from_the_first_tick_on(folder):
    put(folder, GOOD | {"start_at_boot": 1})
    app.make(folder)
    put(folder, OTHER | {"start_at_boot": 1, "modules_s": 99})
    manager = app.make(folder).__self__.manager
    events = manager.events
    assert EVENT_CONFIG_FALLBACK in [events.event(events.slot(i)) for i in range(events.count)]
    assert manager.settings.charge_w_max == 4000 and manager.run_wanted == 0
    assert manager.start() == REFUSED_CAUSE_PRESENT
    for now_ms in range(0, 120_000, 100):
        manager.image.put(INPUTS, 15, now_ms)       # healthy, all open
        manager.step(now_ms)
        assert manager.mode == STANDBY and manager.command.run == 0
        assert manager.outputs() & 7 == 0
    assert manager.image.now[TRIPS] >> TRIP_CONFIG & 1, "until a restart"
