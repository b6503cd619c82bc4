"""Parameters, schedule and operation as an integrator commands them, over Modbus."""

from host_tests.e2e.site import wait

ENTRY, CHARGE_SET, OPERATE = 4000 + 16 * 5, 400, 300
REFUSED = "REFUSED"
# enabled, every day, 22:30, CHARGE, 4 kW, 4 h, repeat; take
NIGHT = (1, 7, 22, 30, 1, 0, -4000 >> 16, -4000, 240, 1, 1)
# MULTI_STAGE, 5 kW, 70 A, 80 %, 90 min, no balancing; take
STAGES = (2, 0, 0, 5000, 1, 70_000 - 65_536, 0, 0, 800, 90, 0, 1)


def test_a_schedule_entry(site):
    site.heal()
    assert site.write(ENTRY, *NIGHT) == 0
    entry = site.controller.block("entry", 5)
    assert (entry["T_ENABLED"], entry["T_DAY"], entry["T_HOUR"], entry["T_MINUTE"]) == \
        (1, "DAILY", 22, 30)
    assert (entry["T_MODE"], entry["T_W"], entry["T_MINUTES"]) == ("CHARGE", -4000, 240)
    assert site.controller.block("schedule")["SCHEDULE_USED"] == 1
    assert site.console.ask("schedule", r"5: daily 22:30, 240 min, CHARGE -4000 W")
    assert site.write(ENTRY + 10, 4) == 0
    assert site.controller.block("entry", 5)["T_ENABLED"] == 0
    assert site.write(ENTRY + 10, 2) == 0
    assert set(site.controller.block("entry", 5).values()) == {None}


def test_charge_parameters(site):
    assert site.write(CHARGE_SET, *STAGES) == 0
    wait(lambda: site.controller.block("charge"), lambda seen: seen["C_W_MAX"] == 5000
         and seen["C_METHOD"] == "MULTI_STAGE" and seen["C_MA_MAX"] == 70_000
         and seen["C_TARGET_PM"] == 800 and seen["C_TAKE"] == 0, "the set", 1)
    assert site.write(CHARGE_SET, *STAGES[:8], 1001, *STAGES[9:]) == 3
    assert site.controller.block("operate")["REFUSAL"] == "RANGE"
    assert site.controller.block("charge")["C_TARGET_PM"] == 800, "all of it is as it was"
    events = site.controller.blocks("event", 0, 4)
    assert (REFUSED, 7) in [(row["E_ID"], row["E_DATA"]) for row in events]
    assert site.write(CHARGE_SET, *[0] * 10, 1, 1) == 0, "the defaults again"


def test_constant_power_and_its_end(site):
    site.heal()
    assert site.write(OPERATE + 2, -2500 >> 16, -2500, 1) == 0
    site.wait_site(lambda s: s["OWNER"] == "MANUAL" and s["WISH_W"] == -2500, "manual power", 1)
    operate = site.controller.block("operate")
    assert (operate["CONSTANT_W"], operate["CONSTANT_MIN"]) == (-2500, 1)
    assert site.write(OPERATE + 9, 1) == 0
    site.wait_site(lambda s: s["OWNER"] != "MANUAL", "the end of it", 1)
    assert site.write(OPERATE, 5) == 4, "nobody enters MAINTENANCE from afar"
    assert site.controller.block("operate")["REFUSAL"] == "NO_PERSON"
