"""The losses in an island, where zero is a blackout: only an emergency, a critical cell or the
island's minimum stops the inverter; the rest is an event, or sheds loads.
"""

from bess.core.control.modes import DISCHARGE, EMERGENCY, STANDBY
from bess.core.points import (
    CAUSE_CELL_LOW, CAUSE_COMMANDED, CAUSE_INPUT, CAUSE_MODULES_SILENT, EVENT_CLOCK_LOST,
    EVENT_ISLAND, EVENT_ISLAND_BLACKOUT, EVENT_LOAD_SHED, EVENT_METER_STALE,
    EVENT_PCS_UNCONFIRMED, ISLAND, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_SOC_PM,
    OUTPUTS, PCS_GRID, UTC_DAY, UTC_S,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, causes, is_open

SHED = 128 | 256                        # load-shed outputs 1 and 2
LOST = 2
LOAD_W = 6000
WRAP_MS = TICK_MASK - 20_000            # the counter wraps while the bench runs


class Alone(Bench):
    """A backup site whose grid is lost; its load takes 6 kW while the inverter runs."""

    def __init__(self, start_ms=1000, **changes):
        super().__init__(start_ms, grid_connection=1, self_use=1, **changes)
        self.meter_w = 0
        self.started()
        self.grid = LOST
        self.run(3000)
        assert self.manager.image.now[ISLAND] > 0 and self.manager.command.run == 2

    grid = None

    def tick(self):
        if self.grid is not None:
            self.manager.image.put(PCS_GRID, self.grid, self.now_ms)
            self.pcs_w = LOAD_W if self.manager.command.run else 0
        return super().tick()

    def supplies(self):
        manager = self.manager
        return manager.image.now[ISLAND] > 0 and manager.command.run == 2


def lose_meter(bench):
    bench.meter_w = None


def lose_clock(bench):
    bench.manager.image.now[UTC_DAY] = bench.manager.image.now[UTC_S] = None


def deny(bench):
    bench.unconfirmed = 3


EVENTS_ONLY = (
    # what is lost, its event, how often in the time, ms to look, why
    (lose_meter, EVENT_METER_STALE, 3, 70_000, "15, 30 and 60 s pass"),
    (lose_clock, EVENT_CLOCK_LOST, 1, 10_000, "nothing here reads it"),
    (deny, EVENT_PCS_UNCONFIRMED, 1, 20_000, "three unconfirmed commands and 5 s"),
)


def test_meter_clock_and_unconfirmed_commands_are_events_only():
    for lose, event, times, span_ms, why in EVENTS_ONLY:
        bench = Alone()
        bench.manager.image.now[UTC_DAY], bench.manager.image.now[UTC_S] = 20_000, 1000
        bench.run(1000)
        lose(bench)
        bench.run(span_ms)
        assert bench.has(event) == times, (why, bench.has(event))
        manager = bench.manager
        assert bench.supplies() and manager.mode == DISCHARGE, why
        assert manager.trips.present == 0 and manager.latched == 0, why


def test_all_modules_silent_sheds_the_loads_first():
    for start_ms in (1000, WRAP_MS):
        bench = Alone(start_ms)
        manager = bench.manager
        bench.silent = 15
        spent_ms = bench.until(lambda m: m.image.now[OUTPUTS] & SHED == SHED, 7000)
        assert 4500 <= spent_ms <= 6200, (spent_ms, "5 s: all loads that can be shed")
        assert bench.has(EVENT_LOAD_SHED) == 2 and bench.supplies(), "it goes on"
        spent_ms += bench.until(lambda m: m.latched, 60_000)
        assert 59_000 <= spent_ms <= 60_600, (spent_ms, "60 s: emergency")
        assert causes(manager) == (CAUSE_MODULES_SILENT,) and manager.command.run == 0


def test_one_module_silent_changes_nothing():
    bench = Alone()
    bench.silent = 4
    bench.run(70_000)
    assert bench.supplies() and bench.manager.latched == 0


def test_a_limit_is_no_stop():
    """Charge and discharge limits of the modules shed or curtail; power follows the load."""
    bench = Alone()
    manager = bench.manager
    bench.rows(M_CELL_MV_MAX, 3510)
    bench.run(2000)
    assert manager.island.curtail and bench.manager.image.now[ISLAND] == 2, "PV is asked"
    bench.rows(M_CELL_MV_MAX, 3305)
    bench.run(5000)
    assert bench.supplies(), "no more"
    bench.rows(M_CHARGE_MA_MAX, 0)
    bench.run(5000)
    assert manager.island.curtail and manager.mode == DISCHARGE and manager.command.run == 2


ENDS = (
    # what happens, cause or None for an orderly end, ms at least, ms at most, why
    (lambda b: setattr(b, "loop_ok", False), CAUSE_INPUT, 100, 300, "emergency input"),
    (lambda b: b.manager.emergency_shutdown(), CAUSE_COMMANDED, 100, 200, "a person"),
    (lambda b: b.rows(M_CELL_MV_MIN, 2500), CAUSE_CELL_LOW, 400, 1200, "a critical cell"),
    (lambda b: b.rows(M_SOC_PM, 100), None, 100, 1200, "the island's minimum"),
    (lambda b: b.rows(M_CELL_MV_MIN, 2899), None, 30_000, 31_200, "a low cell for 30 s"),
)


def test_what_ends_an_island():
    for happens, cause, least_ms, most_ms, why in ENDS:
        bench = Alone()
        happens(bench)
        manager = bench.manager
        wanted = EMERGENCY if cause else STANDBY
        spent_ms = 0
        while manager.mode != wanted:
            bench.tick()
            spent_ms += 100
            assert spent_ms <= most_ms, why
        assert spent_ms >= least_ms, (why, spent_ms)
        assert causes(manager) == ((cause,) if cause else ()), why
        assert bench.has(EVENT_ISLAND_BLACKOUT) == (0 if cause else 1), why
        if cause:
            assert manager.command.run == 0, (why, "in the same tick")
        bench.until(lambda m: m.command.run == 0, 6000)
        bench.until(is_open, 8000)
        bench.run(1000)
        assert manager.image.now[ISLAND] == 0 and bench.has(EVENT_ISLAND) == 2, why
