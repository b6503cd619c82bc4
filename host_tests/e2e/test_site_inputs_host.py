"""The cabinet's contacts and outputs through the pins of the virtual board."""

import time

from host_tests.e2e.site import START


def test_outputs_of_a_running_pack(site):
    site.heal()
    site.wait_site(lambda s: s["PHASE"] == "RUNNING", "running", 20)
    outputs = site.state()["outputs"]
    assert outputs["alarm_relay"] == 1, "on while nothing is wrong"
    assert (outputs["trip"], outputs["shed_1"], outputs["shed_2"]) == (0, 0, 0)
    seen, end_s = set(), time.monotonic() + 4
    while seen != {0, 1} and time.monotonic() < end_s:
        seen.add(site.state()["outputs"]["life"])
        time.sleep(0.2)
    assert seen == {0, 1}, "the life sign changes every second"


def test_an_open_door_is_a_trip(site):
    site.heal()
    site.tell("open door")
    site.wait_site(lambda s: s["TRIPS"] == ["DOOR"] and s["MODE"] == "STANDBY", "the trip", 2)
    site.wait_true(lambda s: s["outputs"]["alarm_relay"] == 0, "the alarm relay to fall", 2)
    assert "DOOR_CLOSED" not in site.site()["INPUTS"]
    rows = site.controller.blocks("alarm", 0, 4)
    assert ("DOOR", "TRIP", 1) in [(r["A_ID"], r["A_LEVEL"], r["A_ACTIVE"]) for r in rows]
    site.tell("close door")
    site.wait_site(lambda s: s["TRIPS"] == [], "the end of it", 5)
    site.wait_true(lambda s: s["outputs"]["alarm_relay"] == 1, "the alarm relay", 2)
    site.write(START, 0)
    site.heal()


def test_a_contact_that_nobody_configured_is_only_shown(site):
    site.heal()
    site.tell("open fire")
    site.wait_site(lambda s: "FIRE_CLOSED" not in s["INPUTS"], "the input", 2)
    assert site.site()["CAUSES"] == []
    site.tell("close fire")
    assert site.ask("open window").startswith("error: contact must be one of fire,")
