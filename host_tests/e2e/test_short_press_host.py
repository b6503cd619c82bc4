"""A press of the emergency button that is over before two ticks have seen it."""

import time

import pytest


@pytest.mark.long
def test_a_press_between_two_ticks_latches(site):
    site.heal()
    site.wait_site(lambda s: s["PHASE"] == "RUNNING", "running", 20)
    site.tell("press")
    time.sleep(0.08)
    site.tell("release")
    site.wait_site(lambda s: s["CAUSES"] == ["INPUT"] and s["MODE"] == "EMERGENCY", "latch", 2)
    site.wait_site(lambda s: "EMERGENCY_OK" in s["INPUTS"], "the closed loop", 1)
    site.heal()
