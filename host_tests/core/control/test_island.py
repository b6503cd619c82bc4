"""Islands: is the grid there, who becomes one, when does it end, who may start black."""

import micropython

from bess.core.control.grid_rules import BACKUP, EXPORT, INTERACTIVE, ISOLATED
from bess.core.control.grid_watch import FOLLOWING, FORMING, LOST, PRESENT, UNKNOWN
from bess.core.control.island import BY_CELL, BY_SOC
from bess.core.events import INFO, WARNING
from bess.core.points import (
    EVENT_GRID_CONNECTED, EVENT_GRID_DISCONNECTED, EVENT_ISLAND, EVENT_ISLAND_BLACKOUT,
)
from host_tests.core.control.island_rig import Rig


def test_numbers_that_go_out_and_the_state_at_boot():
    assert (UNKNOWN, PRESENT, LOST) == (0, 1, 2)
    assert (FOLLOWING, FORMING) == (1, 2) and (BY_SOC, BY_CELL) == (1, 2)
    island = Rig().island
    assert island.state == UNKNOWN and island.shed == 0
    assert not (island.islanded or island.blackout or island.curtail or island.blocked
                or island.may_black_start or island.reconnected)


GRID = (
    # type, inverter says, meter mV, state, why
    (BACKUP, PRESENT, None, PRESENT, "the inverter knows best"),
    (BACKUP, LOST, 230_000, LOST, "it rules over the meter"),
    (BACKUP, None, 230_000, PRESENT, "else the meter"),
    (BACKUP, UNKNOWN, 230_000, PRESENT, "an inverter that does not know either"),
    (BACKUP, None, 195_500, PRESENT, "85 %"),
    (BACKUP, None, 195_499, UNKNOWN, "too low for a first judgement"),
    (BACKUP, None, 115_001, UNKNOWN, "too high for a first judgement"),
    (BACKUP, None, 115_000, LOST, "50 %"),
    (BACKUP, None, 0, LOST, "dark"),
    (BACKUP, None, None, UNKNOWN, "nobody says"),
    (ISOLATED, None, 230_000, UNKNOWN, "that voltage may be our own"),
    (ISOLATED, PRESENT, None, PRESENT, "the inverter sees one"),
)


def test_is_the_grid_there():
    for kind, pcs_grid, grid_mv, state, why in GRID:
        rig = Rig(kind, pcs_grid)
        rig.grid_mv = grid_mv
        assert rig.tick().state == state, (why, rig.island.state)


def test_a_sagging_voltage_changes_nothing():
    for before_mv, state in ((230_000, PRESENT), (0, LOST)):
        rig = Rig(pcs_grid=None)
        rig.grid_mv = before_mv
        rig.tick()
        rig.grid_mv = 150_000
        assert rig.tick().state == state


def test_grid_events_and_the_return():
    rig = Rig(INTERACTIVE, PRESENT)
    assert not rig.tick().reconnected, "the first sight is no return"
    assert rig.noted() == [(EVENT_GRID_CONNECTED, INFO, 0)]
    rig.pcs_grid = None
    assert rig.tick().state == UNKNOWN and rig.noted() == []
    rig.pcs_grid = LOST
    rig.tick(500)
    assert rig.noted() == [(EVENT_GRID_DISCONNECTED, WARNING, 0)], "once"
    rig.pcs_grid = None
    assert not rig.tick(200).reconnected
    rig.pcs_grid = PRESENT
    assert rig.tick().reconnected, "power returns slowly"
    assert not rig.tick().reconnected, "said once"
    assert rig.noted() == [(EVENT_GRID_CONNECTED, INFO, 0)]


ISLANDS = (
    # type, backup output, inverter says, asked to, islanded, blocked, why
    (ISOLATED, 0, None, FOLLOWING, True, False, "the normal case"),
    (ISOLATED, 0, LOST, FOLLOWING, True, False, "the normal case"),
    (ISOLATED, 0, PRESENT, FOLLOWING, False, False, "there is a grid after all"),
    (ISOLATED, 0, None, 0, False, False, "stopped"),
    (BACKUP, 0, LOST, FOLLOWING, True, False, "what it is made for"),
    (BACKUP, 0, PRESENT, FOLLOWING, False, False, "the grid is there"),
    (BACKUP, 0, None, FOLLOWING, False, False, "unknown is no island"),
    (BACKUP, 0, None, FORMING, True, False, "a black start"),
    (BACKUP, 0, PRESENT, FORMING, False, False, "it found a grid"),
    (BACKUP, 0, LOST, 0, False, False, "stopped"),
    (INTERACTIVE, 0, LOST, FOLLOWING, False, True, "no output of its own"),
    (INTERACTIVE, 1, LOST, FOLLOWING, True, False, "backup output"),
    (INTERACTIVE, 0, None, FOLLOWING, False, False, "unknown does not block"),
    (EXPORT, 0, LOST, FOLLOWING, False, True, "as INTERACTIVE"),
    (EXPORT, 1, LOST, FOLLOWING, True, False, "as INTERACTIVE"),
)


def test_who_becomes_an_island():
    for kind, output, pcs_grid, run, islanded, blocked, why in ISLANDS:
        rig = Rig(kind, pcs_grid, output)
        rig.run = run
        island = rig.tick()
        assert island.islanded == islanded, why
        assert island.blocked == blocked, why


def test_an_island_lasts_until_the_grid_is_seen_or_the_inverter_stops():
    for pcs_grid, run, why in ((PRESENT, FOLLOWING, "the grid"), (LOST, 0, "stopped")):
        rig = Rig()
        assert rig.tick().islanded
        assert (EVENT_ISLAND, INFO, 1) in rig.noted()
        rig.pcs_grid = None
        assert rig.tick(1000).islanded and rig.noted() == [], "unknown changes nothing"
        rig.pcs_grid, rig.run = pcs_grid, run
        assert not rig.tick().islanded, why
        assert (EVENT_ISLAND, INFO, 0) in rig.noted(), why


ENDS = (
    # SoC, lowest cell, ms, data of the event or None, why
    (101, 2901, 60_000, None, "still something left"),
    (100, 3300, 100, BY_SOC, "at the minimum, at once"),
    (800, 2900, 30_000, None, "a dip under load"),
    (800, 2900, 30_100, BY_CELL, "for 30 s"),
    (50, 2800, 100, BY_SOC, "at once"),
    (None, 3300, 60_000, None, "unknown ends nothing: the modules' silence does"),
)


def test_the_end_in_good_order():
    for soc_pm, cell_mv, span_ms, data, why in ENDS:
        rig = Rig()
        rig.tick()
        rig.noted()
        rig.pack.soc_pm_min, rig.pack.cell_mv_min = soc_pm, cell_mv
        assert rig.tick(span_ms).blackout == (data is not None), why
        said = [noted for noted in rig.noted() if noted[0] == EVENT_ISLAND_BLACKOUT]
        assert said == ([] if data is None else [(EVENT_ISLAND_BLACKOUT, WARNING, data)]), why
        rig.pack.soc_pm_min, rig.pack.cell_mv_min = 800, 3300
        assert rig.tick(1000).blackout == (data is not None), (why, "no way back but a stop")
        assert [n for n in rig.noted() if n[0] == EVENT_ISLAND_BLACKOUT] == [], (why, "said once")
        rig.run = 0
        assert not rig.tick().blackout, (why, "it has stopped")


def test_the_dip_must_last_on_end():
    rig = Rig()
    rig.pack.cell_mv_min = 2900
    rig.tick(29_000)
    rig.pack.cell_mv_min = 2901
    rig.tick()
    rig.pack.cell_mv_min = 2900
    assert not rig.tick(29_000).blackout
    rig.pack.strings_live = 0
    assert not rig.tick(40_000).blackout, "a value nobody renews is no evidence"


def test_a_new_island_counts_from_zero():
    for name, changes, span_ms in (("shed", {"current_ma": 100_001}, 10_000),
                                   ("blackout", {"cell_mv_min": 2900}, 30_000)):
        rig = Rig()
        for key in changes:
            setattr(rig.pack, key, changes[key])
        rig.tick(span_ms - 1000)
        rig.pcs_grid = PRESENT
        rig.tick(1000)
        rig.pcs_grid = LOST
        assert not getattr(rig.tick(span_ms), name), name
        assert getattr(rig.tick(), name), name


def test_curtailment():
    rig = Rig()
    for cell_mv, blocked, curtail, why in (
            (3499, False, False, "below"), (3500, False, True, "at the limit"),
            (3451, False, True, "held"), (3450, False, False, "full power is permitted again"),
            (3300, True, True, "no charge permitted"), (3300, False, False, "permitted")):
        rig.pack.cell_mv_max, rig.blocked = cell_mv, blocked
        assert rig.tick().curtail == curtail, why
    rig.pack.cell_mv_max = 3500
    assert rig.tick().curtail
    rig.pcs_grid = PRESENT
    assert not rig.tick().curtail, "the grid takes it"


BLACK = (
    # type, backup output, inverter says, SoC, PV, may, why
    (BACKUP, 0, LOST, 150, None, True, "50 above the island's minimum"),
    (BACKUP, 0, LOST, 149, None, False, "it would end at once"),
    (BACKUP, 0, LOST, 149, 100, True, "there is sun"),
    (BACKUP, 0, LOST, 149, 99, False, "dusk"),
    (BACKUP, 0, None, 900, None, True, "unknown is not present"),
    (BACKUP, 0, PRESENT, 900, 5000, False, "never onto a live grid"),
    (BACKUP, 0, LOST, None, None, False, "an unknown SoC is not enough"),
    (BACKUP, 0, LOST, None, 5000, True, "there is sun"),
    (ISOLATED, 0, None, 900, None, True, "the normal case"),
    (INTERACTIVE, 1, LOST, 900, 5000, False, "goes on as an island, starts no black one"),
    (EXPORT, 1, LOST, 900, 5000, False, "goes on as an island, starts no black one"),
)


def test_who_may_start_black():
    for kind, output, pcs_grid, soc_pm, pv_w, may, why in BLACK:
        rig = Rig(kind, pcs_grid, output)
        rig.run, rig.pack.soc_pm_min, rig.pv_w = 0, soc_pm, pv_w
        assert rig.tick().may_black_start == may, why
    rig = Rig()
    rig.run, rig.pack.strings_live = 0, 0
    assert not rig.tick().may_black_start, "silent modules know no SoC"


def test_allocates_nothing():
    rig = Rig()
    rig.pack.current_ma = 100_001
    rig.tick()
    micropython.heap_lock()
    try:
        for _ in range(30):
            rig.tick(1000)
        rig.pack.strings_live = 0
        rig.tick(6000)
        rig.pack.strings_live, rig.pack.soc_pm_min, rig.pack.current_ma = 1, 100, 0
        rig.tick(1000)
        rig.pcs_grid, rig.pack.soc_pm_min = PRESENT, 800
        rig.tick(130_000)
    finally:
        micropython.heap_unlock()
    assert rig.island.shed == 0
