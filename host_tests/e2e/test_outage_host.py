"""Loss of inputs on the real stack: what is lost, what follows, and when, from the event on.

The shared site has shortened settings (conftest.SETTINGS); the full table with its long spans is
the deterministic simulation's.
"""

import time

import pytest

from host_tests.e2e.conftest import SETTINGS
from host_tests.e2e.site import SHUTDOWN, START, mpremote

POWER_W = -4000
OPEN = {"k_minus": False, "precharge": False, "k_plus": False}


def is_open(state):
    contacts = state["contactors"]
    return all(contacts[name] == closed for name, closed in OPEN.items())


def is_stopped(state):
    """What the inverter was asked for: neither run nor power."""
    return not state["pcs"]["run"] and state["pcs"]["target_w"] == 0


class Since:
    """Seconds since an event; the event is the construction."""

    def __init__(self):
        self._begun_s = time.monotonic()

    def __call__(self):
        return time.monotonic() - self._begun_s

    def sleep_until(self, moment_s):
        time.sleep(max(0, moment_s - self()))


def test_one_module_silent_leaves_the_window(site):
    site.at_power(POWER_W)
    site.tell("set temp 1 43")          # less than the rating, so that a string that is lost shows
    site.wait_site(lambda s: s["LO_REASON"] == "HOT" and s["LO_W"] > -19_000, "hot window", 4)
    four_w = site.site()["LO_W"]
    site.tell("kill module 3")
    since = Since()
    site.wait_site(lambda s: s["MODULES_LIVE"] == 3, "module that is left out", 3.5)
    assert 1.4 < since() < 3.5
    site.wait_site(lambda s: abs(s["LO_W"] / four_w - 0.75) < 0.06, "3 of 4 strings", 1)
    print(f"left the window {four_w} W after {since():.1f} s")
    assert ("MODULE_LOST", 2) in site.events()
    assert abs(site.state()["battery_w"] - POWER_W) < 300, "the others carry on"
    site.tell("revive module 3")
    spent_s = site.wait_site(lambda s: s["MODULES_LIVE"] == 4, "module that is back", 10)
    print(f"back after {spent_s:.1f} s")
    assert ("MODULE_BACK", 2) in site.events()
    site.tell("set temp 1 22")


def test_emergency_input_at_power(site):
    site.at_power(POWER_W)
    before = site.state()
    site.tell("press")
    since = Since()
    site.wait_true(is_stopped, "stop at the inverter", 0.6)
    asked_s = since()
    site.wait_true(lambda s: s["battery_w"] == 0, "zero power", 1)
    zero_s = since()
    site.wait_true(is_open, "open contactors", 1.5 - since())
    print(f"asked {asked_s:.2f} s, zero {zero_s:.2f} s, open {since():.2f} s after the press")
    seen = site.site()
    assert seen["MODE"] == "EMERGENCY" and seen["CAUSES"] == ["INPUT"]
    assert seen["COMMAND_W"] == seen["RUN"] == 0
    truly = site.state()["opened_under_load"] - before["opened_under_load"]
    assert truly == 0, "the inverter had obeyed"
    assert seen["OPENINGS"] <= 1, "a current that no module has yet seen gone counts as one"

    assert site.write(START, 1) == 4, "refused while latched"
    assert site.set_power(POWER_W) == 4
    assert "refused" in site.console.ask("reset", r"reset\r\n(.*)\r\n")[1], "still pressed"
    site.tell("release")
    site.reset()
    time.sleep(0.5)
    seen = site.site()
    assert seen["MODE"] == "STANDBY" and seen["PHASE"] == "OFF", "it needs a start"
    assert is_open(site.state())


@pytest.mark.long
def test_shutdown_with_an_inverter_that_does_not_obey(site):
    site.at_power(POWER_W)
    before, openings = site.state(), site.site()["OPENINGS"]
    site.tell("disobey on")
    since = Since()
    assert site.write(SHUTDOWN, 1) == 0
    site.wait_true(is_stopped, "stop at the inverter", 1)
    print(f"stop on the wire {since():.2f} s after the write of SHUTDOWN")
    assert since() < 0.3 + 0.05, "a tick of 100 ms, then 200 ms for the wire; 50 ms to look"
    assert site.site()["CAUSES"] == ["COMMANDED"]
    open_s = SETTINGS["stop_open_ms"] / 1000
    site.wait_true(is_open, "open contactors", open_s + 0.8)
    assert since() > open_s - 0.1, "it waits for a small current"
    after = site.state()
    assert after["opened_under_load"] == before["opened_under_load"] + 1
    site.wait_site(lambda s: s["OPENINGS"] == openings + 1, "count", 1)
    opened_a = dict(site.events())["OPENED_UNDER_LOAD"] / 1000
    assert abs(opened_a - abs(after["opened_current_a"])) < 10 < opened_a


@pytest.mark.long
def test_inverter_hangs(site):
    site.at_power(POWER_W)
    before = site.state()
    reverts, openings = before["pcs"]["reverts"], site.site()["OPENINGS"]
    site.tell("hang pcs")
    since = Since()
    site.wait_site(lambda s: s["COMMAND_W"] == 0, "command of 0", 3)
    command_s = since()
    trip_s = 2 + SETTINGS["pcs_silent_trip_ms"] / 1000      # a reading is unknown after 2 s
    site.wait_site(lambda s: s["TRIPS"] and s["MODE"] == "STANDBY", "trip", trip_s + 0.5)
    tripped_s = since()
    assert site.site()["TRIPS"] == ["PCS_SILENT"]
    assert "TRIP" in dict(site.events())
    own_s = SETTINGS["pcs_revert_ms"] / 1000
    site.wait_true(lambda s: s["pcs"]["reverts"] > reverts and abs(s["battery_w"]) < 50,
                   "revert of the inverter itself", own_s + 1.5 - since())
    revert_s = since()
    site.wait_true(is_open, "open contactors", trip_s + SETTINGS["stop_open_ms"] / 1000 + 1)
    print(f"command 0 after {command_s:.1f} s, trip {tripped_s:.1f} s, inverter's revert "
          f"{revert_s:.1f} s, contactors open {since():.1f} s")
    site.wait_site(lambda s: s["PHASE"] == "BLOCKED", "block", 0.5)
    assert (site.state()["opened_under_load"] - before["opened_under_load"]
            == site.site()["OPENINGS"] - openings)
    site.tell("revive pcs")
    site.wait_site(lambda s: s["TRIPS"] == [], "cleared trip", 15)
    time.sleep(0.3)
    assert is_open(site.state()), "the automatic restart waits for 60 s"


@pytest.mark.long
def test_all_modules_silent(site):
    site.at_power(POWER_W)
    before, openings = site.state(), site.site()["OPENINGS"]
    site.tell("kill modules")
    since = Since()
    since.sleep_until(4.2)
    assert site.site()["LO_W"] <= site.site()["COMMAND_W"] == POWER_W, "5 s are not over"
    site.wait_site(lambda s: s["LO_W"] == s["HI_W"] == 0, "closed window", 6.3 - since())
    assert site.site()["LO_REASON"] == site.site()["HI_REASON"] == "MODULE_SILENT"
    closed_s = since()
    assert closed_s > 5.2, "linearly within a second"
    site.wait_true(lambda s: s["pcs"]["target_w"] == 0, "zero power", 0.5)
    silent_s = SETTINGS["all_silent_ms"] / 1000
    site.wait_site(lambda s: s["CAUSES"] == ["MODULES_SILENT"], "emergency",
                   silent_s + 1 - since())
    emergency_s = since()
    assert emergency_s > silent_s - 1
    site.wait_true(is_open, "open contactors", SETTINGS["stop_open_ms"] / 1000 + 0.6)
    print(f"closed {closed_s:.1f} s, emergency {emergency_s:.1f} s, open {since():.1f} s")
    assert site.site()["OPENINGS"] == openings
    assert site.state()["opened_under_load"] == before["opened_under_load"]

    site.console.close()
    mpremote(site.tty, "reset")
    site.wait_site(lambda s: s["UPTIME_S"] < 5 and s["CAUSES"] == ["MODULES_SILENT"],
                   "latch after a hard reset", 10)
    assert site.site()["MODE"] == "EMERGENCY"
    site.wait_site(lambda s: s["UPTIME_S"] >= 6, "5 s in which a cause could be gone", 10)
    assert "refused" in site.console.ask("reset", r"reset\r\n(.*)\r\n")[1], "modules are silent"
    site.tell("revive modules")
    site.wait_site(lambda s: s["MODULES_LIVE"] == 4, "modules", 15)
    site.reset()
    time.sleep(0.5)
    assert site.site()["PHASE"] == "OFF" and is_open(site.state()), "it needs a start"
