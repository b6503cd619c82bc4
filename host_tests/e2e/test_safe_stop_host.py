"""Ctrl-C is a safe stop; mpremote works at any moment; a bad configuration keeps the pack off."""

import contextlib
import json
import re
import tempfile
import time
from pathlib import Path

import pytest

from host_tests.e2e.site import START, mpremote
from host_tests.e2e.test_outage_host import is_open

POWER_W = -4000
PATIENCE_S = 10             # of mpremote, from its Ctrl-C to the prompt


def put_config(site, text):
    """Another config.json on the board, then a hard reset, until the console answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(text)
        site.console.close()
        mpremote(site.tty, "fs", "cp", path, ":config.json", "+", "reset")
    site.console.ask_until("mem", r"free \d+, used \d+ bytes", 10)


@contextlib.contextmanager
def kept_config(site):
    """What the test does to config.json is undone, and the firmware runs again."""
    site.console.close()
    text = mpremote(site.tty, "exec", "print(open('/config.json').read())")
    try:
        yield json.loads(text)
    finally:
        put_config(site, text)


def fall(site, within_s):
    """[(s since now, true battery power)] until the contactors are open."""
    begun_s, seen = time.monotonic(), []
    while True:
        state, now_s = site.state(), time.monotonic() - begun_s
        seen.append((now_s, state["battery_w"]))
        if is_open(state):
            return seen
        assert now_s < within_s, f"contactors still closed after {within_s} s"
        time.sleep(0.02)


def test_ctrl_c_is_a_safe_stop(site):
    site.at_power(POWER_W)
    before = site.state()
    site.console.send(b"\x03")
    seen = fall(site, PATIENCE_S)
    site.console.wait_for(r"(?s)safe stop.*outputs safe.*>>> $", PATIENCE_S - seen[-1][0])
    high_s = max(at_s for at_s, watts in seen if watts < 0.9 * POWER_W)
    low_s = max(at_s for at_s, watts in seen if watts < 0.1 * POWER_W)
    print(f"from 90 to 10 % in {low_s - high_s:.2f} s, contactors open after {seen[-1][0]:.1f} s")
    assert 0.5 < low_s - high_s < 2, "the ramp of 20 % of the rating a second: 3.2 kW in 0.8 s"
    after = site.state()
    assert after["pcs"]["state"] == "OFF" and not after["pcs"]["run"]
    assert after["opened_under_load"] == before["opened_under_load"]
    assert site.ask("state").count("true") >= 1, "the site itself goes on"

    site.console.close()
    assert "42" in mpremote(site.tty, "exec", "print(6 * 7)")
    listing = mpremote(site.tty, "fs", "ls", ":")
    assert "main.py" in listing and "bess" in listing
    site.console.send(b"\x04")                      # soft reset: boot.py and main.py once more
    site.wait_site(lambda s: s["PHASE"] == "STARTING", "new start", 10)


BAD = (
    # key           value    what the fault must say
    ("w_rated",      "much", "w_rated is 'much', wanted: a whole number 500..1000000 W"),
    ("soc_pm_max",   1001,   "soc_pm_max is 1001, wanted: a whole number 0..1000"),
    ("modbus_write", "all",  "modbus_write is 'all', wanted: one of these: none, loopback, any"),
    ("soc_pn_min",   50,     "soc_pn_min is unknown, allowed: "),
)


def check_kept_off(site, sentences):
    """The pack stays off with low outputs, and the console names every fault."""
    log = (site.tty.parent / "board" / "console.log").read_text(errors="replace")
    for sentence in sentences:
        assert "configuration: " + sentence in log, "named at the start"
        site.console.ask("faults", re.escape(sentence))
    site.console.ask("start", "refused: the configuration has faults")
    site.console.ask("status", "mode STANDBY, BLOCKED, wanted 0")
    time.sleep(0.5)
    state = site.state()
    assert is_open(state) and not any(state["contactors"]["coils"]) and not state["pcs"]["run"]


@pytest.mark.long
def test_bad_configuration_keeps_the_pack_off(site):
    site.at_power(POWER_W)
    before, begun_s = site.state(), time.monotonic()
    with kept_config(site) as config:
        print(f"mpremote got through to a pack at power in {time.monotonic() - begun_s:.1f} s")
        after = site.state()
        assert is_open(after) and after["battery_w"] == 0, "by a safe stop"
        assert after["opened_under_load"] == before["opened_under_load"]

        put_config(site, json.dumps({**config, **{key: value for key, value, _ in BAD}}))
        check_kept_off(site, [text for _, _, text in BAD])
        seen = site.site()              # Modbus answers at the port that was configured
        assert seen["MODE"] == "STANDBY" and set(seen["OUTPUTS"]) <= {"LIFE"} and not seen["RUN"]
        assert ("CONFIG_FALLBACK", len(BAD)) in site.events()
        assert site.write(START, 1) == 4, "nobody starts a pack whose configuration is wrong"

        put_config(site, json.dumps(config)[:-20])
        check_kept_off(site, ["/config.json: is not JSON"])
    site.wait_site(lambda s: s["PHASE"] == "STARTING", "start with the good one again", 5)
