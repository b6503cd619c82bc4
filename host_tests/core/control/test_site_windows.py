"""The window of a site of several packs: who bounds it, what each pack keeps of it."""

from bess.core.control.modes import IDLE
from bess.core.points import (
    BY_MANUAL, EVENT_REQUEST_ENDED, M_CELL_MV_MAX, M_CELL_MV_MIN, WHY_CELL_HIGH, WHY_CELL_LOW,
    WHY_EXPORT_CAP, WHY_IMPORT_CAP, WHY_RATING,
)
from host_tests.core.bench_packs import SiteBench

LIMITED = (
    # pack with a high cell, pack with a low cell, why
    (0, 2, "the first and the last"), (2, 0, "the other way round"), (1, 1, "one for both"),
)


def test_each_side_has_the_reason_of_the_pack_that_is_limited_most():
    for high, low, why in LIMITED:
        bench = SiteBench().started()
        window = bench.site.window
        assert window.lo_why == window.hi_why == WHY_RATING
        bench.plants[high].rows(M_CELL_MV_MAX, 3590)
        bench.plants[low].rows(M_CELL_MV_MIN, 2930)
        bench.run(2000)
        assert (window.lo_why, window.hi_why) == (WHY_CELL_HIGH, WHY_CELL_LOW), why
        packs = bench.site.packs
        assert window.lo_w == sum([each.window.lo_w for each in packs]) > -30_000, why
        assert window.hi_w == sum([each.window.hi_w for each in packs]) < 30_000, why


WINDOWS = (
    # caps, power of the site, what each pack may charge and discharge, why
    ({}, 0, 10_000, 10_000, "no cap: each its own"),
    ({}, 6000, 10_000, 10_000, ""),
    ({"export_w_max": 4000}, 0, 10_000, 2330, "7 kW of 30: 233 per mille of each"),
    ({"export_w_max": 4000}, 6000, 10_000, 2328, "2 kW given, 41 per mille of the rest"),
    ({"export_w_max": 3000}, 20_000, 10_000, 2000, "all of it given"),
    ({"export_w_max": 4000}, -6000, 10_000, 2330, "the other side does not care"),
    ({"import_w_max": 9000}, 0, 2000, 10_000, "6 kW of 30"),
    ({"import_w_max": 9000}, -4500, 1993, 10_000, "1.5 kW taken, 58 per mille of the rest"),
    ({"import_w_max": 9000}, 6000, 2000, 10_000, "the other side does not care"),
)


def test_the_packs_together_stay_inside_the_window_of_the_site():
    for caps, site_w, charge_w, discharge_w, why in WINDOWS:
        bench = SiteBench(locked=True, **caps)
        bench.load_w = 3000
        bench.started()
        assert bench.site.set_constant_power(site_w, 0) == 0
        bench.run(20_000)
        for each in bench.site.packs:
            got = -each.window.lo_w, each.window.hi_w
            assert got == (charge_w, discharge_w), (caps, site_w, why, got)
            assert each.window.lo_why == (WHY_IMPORT_CAP if charge_w < 10_000 else WHY_RATING)
            assert each.window.hi_why == (WHY_EXPORT_CAP if discharge_w < 10_000 else WHY_RATING)


BESIDE = (
    # caps, test of the second pack, what the two others may charge and discharge
    ({"export_w_max": 4000}, 200, 10_000, 3400),
    ({"import_w_max": 9000}, -200, 2900, 10_000),
)


def test_what_a_test_moves_is_taken_off_the_cap_of_the_others():
    for caps, test_w, charge_w, discharge_w in BESIDE:
        bench = SiteBench(**caps)
        bench.load_w = 3000
        bench.started()
        pack = bench.site.packs[1]
        pack.stop()
        bench.until(lambda site: site.packs[1].stopped(), 20_000)
        assert pack.enter_maintenance() == 0
        for _ in range(15):
            assert pack.test_power(test_w) == 0
            bench.run(1000)
        for each in (bench.site.packs[0], bench.site.packs[2]):
            assert each.mode == IDLE
            assert (-each.window.lo_w, each.window.hi_w) == (charge_w, discharge_w), caps


def test_a_request_that_ends_is_said_once():
    bench = SiteBench().started()
    site = bench.site
    assert site.set_constant_power(3000, 1) == site.ask_remote(1000, 600_000) == 0
    bench.run(61_000)
    events = site.events
    slots = [events.slot(back) for back in range(32)]
    ended = [(events.level(slot), events.data(slot)) for slot in slots
             if slot >= 0 and events.event(slot) == EVENT_REQUEST_ENDED]
    assert ended == [(0, BY_MANUAL)] and sum(bench.commands()) == 1000
