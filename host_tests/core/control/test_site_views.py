"""What a site of several packs shows: how each figure is made of those of its packs."""

from bess.core.control.alarms import SIZE
from bess.core.control.modes import CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, STANDBY
from bess.core.control.site_io import OUT_ALARM_OK, OUT_LIFE, OUT_TRIP
from bess.core.points import (
    ALARMS, ALARM_LEVEL, AUTHORITY, BATTERY_W, CAUSES, CELL_DC_MAX, CELL_DC_MIN, CELL_MV_MAX,
    CELL_MV_MIN, CHARGE_AVAILABLE_W, CHARGE_WH, COUNTED_PM, CYCLES_PM, DC_MA, DC_MV,
    DISCHARGE_WH, EMPTY_MIN, EVENT_FLOW_CHANGE, FIRST_CAUSE, FLOW, FULL_MIN, GRID_W,
    IMBALANCE_PM, IMPORT_WH, LEFT_WH, LOAD_W, METER_AGE_DS, MODE, MODULES, OPENINGS, OUTPUTS,
    PACK_MV, PHASE, PV_W, REQUEST_LEFT_S, ROOM_WH, SIGMA_PM, SOC_PM, STRING_COILS, TRIPS,
)
from host_tests.core.bench_packs import SiteBench

FIGURES = (
    # points, of the packs, of the site, why
    ((CHARGE_WH, DISCHARGE_WH, DC_MA, MODULES, OPENINGS, CHARGE_AVAILABLE_W, LEFT_WH, ROOM_WH,
      ALARMS), (5, 9, 4), 18, "together"),
    ((LEFT_WH, DC_MA), (5, None, 4), 9, "those that are known"),
    ((CELL_MV_MAX, CELL_DC_MAX, IMBALANCE_PM, SIGMA_PM, ALARM_LEVEL, CYCLES_PM, EMPTY_MIN,
      FULL_MIN), (5, 9, 4), 9, "the worst"),
    ((CELL_MV_MAX, CELL_DC_MAX), (None, 5, None), 5, "the only one that is known"),
    ((CELL_MV_MIN, CELL_DC_MIN), (5, 9, 4), 4, "the worst below"),
    ((CELL_MV_MIN, CELL_DC_MIN), (5, 9, None), 5, ""),
    ((SOC_PM, COUNTED_PM, PACK_MV), (5, 9, 6), 6, "the mean, rounded down"),
    ((SOC_PM, COUNTED_PM, PACK_MV), (None, 9, 6), 7, "of those that are known"),
    ((DC_MV, IMPORT_WH, METER_AGE_DS), (5, 9, 4), 5, "that of the first"),
    ((DC_MV, IMPORT_WH, METER_AGE_DS), (None, 9, 4), 9, "of the first that knows it"),
    ((LEFT_WH, CELL_MV_MAX, CELL_MV_MIN, SOC_PM, DC_MV), (None, None, None), None, "nobody"),
)


def published(site, ticks=5):
    """All that is shown, also what is not urgent."""
    for _ in range(ticks):
        site.views.publish(site.now_ms)
    return site.image.now


def test_figures_of_the_site():
    for points, of_packs, of_site, why in FIGURES:
        site = SiteBench().run(1000)
        for point in points:
            for each, value in zip(site.packs, of_packs):
                each.image.now[point] = value
            assert published(site)[point] == of_site, (point, why)


MODES = (
    # modes of the packs, W of the site, mode of the site, why
    ((STANDBY, STANDBY, STANDBY), 0, STANDBY, ""),
    ((IDLE, EMERGENCY, MAINTENANCE), 0, IDLE, "one is ready"),
    ((STANDBY, EMERGENCY, MAINTENANCE), 0, EMERGENCY, "nobody is ready"),
    ((STANDBY, STANDBY, MAINTENANCE), 0, MAINTENANCE, ""),
    ((CHARGE, STANDBY, EMERGENCY), 0, IDLE, "still CHARGE, at 0 W"),
    ((EMERGENCY, DISCHARGE, STANDBY), 0, IDLE, "still DISCHARGE, at 0 W"),
    ((IDLE, CHARGE, EMERGENCY), -1, CHARGE, "by the sum"),
    ((IDLE, DISCHARGE, EMERGENCY), 1, DISCHARGE, "by the sum"),
)


def test_mode_and_phase_of_the_site():
    for modes, power_w, mode, why in MODES:
        site = SiteBench().run(1000)
        site.command.battery_w = power_w
        for i in range(3):
            site.packs[i].mode = modes[i]
            site.packs[i].image.now[PHASE] = 10 + i
        now = published(site)
        assert now[MODE] == site.mode == mode, why
        there = [i for i in range(3) if modes[i] == mode]
        assert now[PHASE] == 10 + (there[0] if there else 0), (why, "of the first in that mode")


CAUSED = (
    # causes, first cause of each pack, what the site shows: causes, first, latched for all, why
    ((0, 0, 0), (0, 0, 0), 0, 0, 0, "well"),
    ((0, 6, 12), (0, 2, 3), 14, 2, 0, "one is well, so the site is not latched"),
    ((4, 6, 12), (0, 0, 3), 14, 3, 4, "what all have"),
    ((8, 8, 8), (3, 4, 5), 8, 3, 8, ""),
    ((1, 3, 5), (1, 1, 1), 7, 1, 1, "the lowest of the causes counts as well"),
)


def test_causes_and_trips_of_the_site():
    for latched, first, causes, shown, common, why in CAUSED:
        site = SiteBench().run(1000)
        for i in range(3):
            each = site.packs[i]
            each.latched, each.first_cause = latched[i], first[i]
            each.trips.present = 1 << i
            each.run_wanted = 1 if i == 1 else 0
        now = published(site)
        assert (now[CAUSES], now[FIRST_CAUSE], now[TRIPS]) == (causes, shown, 7), why
        assert (site.latched, site.first_cause, site.run_wanted) == (common, shown, 1), why


def test_a_latch_of_all_ends_the_power_that_a_person_asked_for():
    for latched, lives in (((8, 8, 0), True), ((8, 8, 8), False)):
        bench = SiteBench().started()
        site = bench.site
        assert site.set_constant_power(9000, 0) == 0
        for each, causes in zip(site.packs, latched):
            each.latched = causes
        published(site, 1)
        site.requests.settle(bench.now_ms)
        assert (site.requests.wish_w == 9000) == lives


def test_outputs_and_coils_of_the_site():
    site = SiteBench().run(1000)
    for i in range(3):
        site.packs[i].sequence.coils = 5 + i if i < 2 else 3
        site.packs[i].image.now[OUTPUTS] = OUT_ALARM_OK | (5 if i == 0 else 2)
    now = published(site)
    assert now[STRING_COILS] == 5 | 6 << 3 | 3 << 6
    assert now[OUTPUTS] == OUT_ALARM_OK | 5, "the usual outputs are those of the first pack"
    site.packs[1].image.now[OUTPUTS] = OUT_TRIP | OUT_LIFE
    assert published(site)[OUTPUTS] == OUT_TRIP | 5, "one alarm ends the good sign, one trips"
    site.packs[0].image.now[OUTPUTS] = OUT_LIFE
    site.packs[2].image.now[OUTPUTS] = None
    assert published(site)[OUTPUTS] == OUT_TRIP | OUT_LIFE, "the life sign is the first one's"
    site = SiteBench(contactors="strings").run(1000)
    for i in range(3):
        site.packs[i].sequence.coils = 0o15 + i
    assert published(site)[STRING_COILS] == 0o15 | 0o16 << 6 | 0o17 << 12, "two sets each"


BALANCES = (
    # grid, battery, sun, load, why
    (1000, 2000, 500, 3500, "what flows in"),
    (-1000, -2000, None, -3000, "no sun known is none"),
    (1000, None, 500, None, "an inverter is unknown"),
)


def test_the_load_of_the_site_is_known_to_each_pack():
    for grid_w, battery_w, pv_w, load_w, why in BALANCES:
        site = SiteBench().run(1000)
        now = site.image.now
        now[GRID_W], now[PV_W] = grid_w, pv_w
        site.views.balance(grid_w, battery_w)
        published(site, 1)
        assert now[LOAD_W] == load_w, why
        assert [each.image.now[LOAD_W] for each in site.packs] == [load_w] * 3, why
        now[GRID_W] = None
        assert published(site, 1)[LOAD_W] is None, "the meter is silent"


LEFT = ((1000, 1), (1999, 1), (2000, 2), (65_534_000, 65_534), (65_535_000, 65_534),
        (70_000_000, 65_534), (None, None))


def test_what_is_left_of_a_request_and_the_authority():
    for left_ms, left_s in LEFT:
        site = SiteBench().run(1000)
        site.requests.left_ms = left_ms
        assert published(site)[REQUEST_LEFT_S] == left_s
        site.requests.left_ms = 5000
        site.rank = 90
        assert published(site)[REQUEST_LEFT_S] is None, "a pack's own request has won"
    for local in (True, False):
        site.packs[0].local = local
        assert published(site, 10)[AUTHORITY] == (1 if local else 0)


def test_the_flow_of_the_site():
    site = SiteBench().run(1000)
    now, before = site.image.now, 0
    for battery_w in (3000, -3000):
        now[GRID_W], now[BATTERY_W], now[PV_W] = 0, battery_w, 1000
        site.views.balance(0, battery_w)
        for tick in range(600):
            site.now_ms += 100
            site.views.publish(site.now_ms)
        slot = site.events.slot(0)
        assert site.events.event(slot) == EVENT_FLOW_CHANGE and site.events.level(slot) == 0
        assert site.events.data(slot) == before * 256 + now[FLOW]
        assert now[FLOW] and now[FLOW] != before
        before = now[FLOW]


def test_alarms_of_all_packs_in_one_list():
    bench = SiteBench().started()
    site = bench.site
    site.packs[1].emergency_shutdown()
    bench.run(1000)
    row, own = [0] * 8, [0] * 8
    assert not site.alarms.read(0, row) and not site.alarms.read(2 * SIZE, row)
    assert site.alarms.read(SIZE, row) and site.packs[1].alarms.read(0, own) and row == own
    assert not site.alarms.read(SIZE - 1, row) and not site.alarms.read(3 * SIZE, row)
    active = site.packs[1].alarms.active
    assert site.alarms.acknowledge(-1) == active > 0 == site.alarms.acknowledge(-1)
    for each, lost in zip(site.packs, (1, 2, 4)):
        each.alarms.lost = lost
    assert site.alarms.lost == 7
