"""The joints of the tick: what one part finds out reaches the part that acts on it."""

from bess.core.control.modes import EMERGENCY, IDLE, STANDBY
from bess.core.control.site_io import OUT_ALARM_OK, OUT_FAN, OUT_LIFE
from bess.core.points import (
    BATTERY_W, CAUSE_COMMANDED, CAUSE_CONTACTOR, CAUSE_INVARIANT, CHARGE_AVAILABLE_W, CHARGE_WH,
    DISCHARGE_AVAILABLE_W, DISCHARGE_WH, EVENT_AUTO_RESTART, EVENT_REQUEST_ENDED, EXPORT_WH,
    FULL_MIN, GRID_W, IMPORT_WH, LEFT_WH, LOAD_W, LOAD_WH, METER_AGE_DS, M_CELL_DC_MAX,
    M_PROTECTIONS, OUTPUTS, PV_W, PV_WH, ROOM_WH, UPTIME_S, WHY_BLOCK, WHY_RATING,
)
from host_tests.core.bench_pack import Bench, causes, in_standby, latched

BLOCKS = (
    # charge closed by, discharge closed by, lo, lo why, hi, hi why, why
    (0, 0, -20_000, WHY_RATING, 20_000, WHY_RATING, "nothing is blocked"),
    (WHY_BLOCK, 0, 0, WHY_BLOCK, 20_000, WHY_RATING, "charging"),
    (0, WHY_BLOCK, -20_000, WHY_RATING, 0, WHY_BLOCK, "discharging"),
    (WHY_BLOCK, WHY_BLOCK, 0, WHY_BLOCK, 0, WHY_BLOCK, "both"),
)


class Blocking:
    """The diagnosis of a manager, with blocks set by hand."""

    def __init__(self, diagnosis, block_charge, block_discharge):
        self.causes = self.present = self.changes = 0
        self.modules = diagnosis.modules
        self.block_charge, self.block_discharge = block_charge, block_discharge

    def tick(self, sequence, zero, now_ms):
        pass


def test_a_block_closes_its_direction_in_the_same_tick():
    for charge, discharge, lo_w, lo_why, hi_w, hi_why, why in BLOCKS:
        bench = Bench().started()
        manager = bench.manager
        manager.diagnosis = Blocking(manager.diagnosis, charge, discharge)
        window = bench.tick().window
        got = (window.lo_w, window.lo_why, window.hi_w, window.hi_why)
        assert got == (lo_w, lo_why, hi_w, hi_why), (why, got)


def test_a_bms_protection_blocks_its_direction_only():
    for bit, w, why in ((1, -3000, "cell over-voltage: no charge"), (2, 3000, "under-voltage")):
        bench = Bench().started(w)
        bench.rows(M_PROTECTIONS, bit)
        bench.run(3000)
        manager = bench.manager
        assert manager.command.battery_w == 0, why
        manager.set_constant_power(-w, 0)
        bench.run(5000)
        assert manager.command.battery_w == -w, (why, "the other way out")


def test_a_welded_contactor_is_latched():
    bench = Bench().started()
    bench.welded = 4
    bench.manager.stop()
    bench.until(latched, 30_000)
    assert causes(bench.manager) == (CAUSE_CONTACTOR,)
    bench.run(2000)
    assert bench.manager.latched >> CAUSE_CONTACTOR & 1


def test_an_emergency_forgets_that_it_wanted_to_resume():
    bench = Bench()
    manager = bench.manager
    manager.restore_run()
    bench.run(3000)
    manager.emergency_shutdown()
    bench.until(latched, 200)
    bench.run(8000)
    assert manager.reset_emergency() == 0
    bench.run(20_000)
    assert (manager.mode, manager.run_wanted) == (STANDBY, 0), "only `start` runs it again"


def test_a_stored_wish_to_run_is_followed_once():
    bench = Bench()
    manager = bench.manager
    manager.restore_run()
    bench.run(9900)
    assert manager.run_wanted == 0
    bench.until(lambda m: m.mode == IDLE, 10_000)
    manager.stop()
    bench.until(in_standby, 10_000)
    bench.run(20_000)
    assert manager.mode == STANDBY, "a person's stop stays"
    assert bench.has(EVENT_AUTO_RESTART) == 0, "that is for trips"


def test_a_step_that_fails_ends_in_an_emergency():
    bench = Bench().started(3000)
    manager = bench.manager
    manager.fail(bench.now_ms)
    assert manager.mode == EMERGENCY and causes(manager) == (CAUSE_INVARIANT,)
    assert (manager.command.run, manager.command.battery_w, manager.sequence.run) == (0, 0, 0)
    assert manager.image.now[OUTPUTS] & 8, "trip output, without waiting for the next tick"


def test_site_outputs_follow_the_tick():
    bench = Bench().started()
    manager = bench.manager
    assert manager.outputs() & OUT_ALARM_OK
    seen = 0
    for _ in range(30):
        before = manager.outputs()
        bench.tick()
        seen += (before ^ manager.outputs()) & OUT_LIFE != 0
    assert seen >= 2, "the life sign changes"
    bench.rows(M_CELL_DC_MAX, 460)
    bench.run(2000)
    assert manager.outputs() & OUT_FAN
    manager.emergency_shutdown()
    bench.run(1000)
    assert not manager.outputs() & OUT_ALARM_OK and causes(manager) == (CAUSE_COMMANDED,)


FLOWS = (
    # battery, grid, PV, load; counter that moves by 10 Wh a minute and 600 W
    (600, 0, 0, DISCHARGE_WH), (-600, 600, 0, CHARGE_WH), (0, 600, 0, IMPORT_WH),
    (0, -600, 600, EXPORT_WH), (0, 0, 600, PV_WH), (0, 600, 0, LOAD_WH),
)


def test_every_flow_has_its_counter():
    for battery_w, grid_w, pv_w, counter in FLOWS:
        bench = Bench()
        manager = bench.manager
        bench.pcs_w = battery_w
        for tick in range(630):
            manager.image.put(PV_W, pv_w, bench.now_ms)
            manager.image.put(GRID_W, grid_w, bench.now_ms)
            bench.tick()
        now = manager.image.now
        if now[LOAD_W] is not None:
            assert now[LOAD_W] == battery_w + grid_w + pv_w
        assert 10 <= now[counter] <= 11, (counter, now[counter])
        still = [c for c in (DISCHARGE_WH, CHARGE_WH, IMPORT_WH, EXPORT_WH, PV_WH)
                 if now[c] and c != counter]
        assert len(still) <= 1, (counter, still)


def test_times_and_ages_are_told():
    bench = Bench()
    now = bench.manager.image.now
    bench.run(500)
    assert now[METER_AGE_DS] is None, "no sample yet"
    bench.meter_w = 300
    bench.run(10_600)
    assert now[UPTIME_S] in (10, 11)
    bench.meter_w = None
    bench.run(5000)
    assert 45 <= now[METER_AGE_DS] <= 60
    assert now[UPTIME_S] in (15, 16)


def test_what_the_pack_can_do_is_told():
    bench = Bench().started(-10_000)
    now = bench.manager.image.now
    bench.run(3000)
    assert now[CHARGE_AVAILABLE_W] == now[DISCHARGE_AVAILABLE_W] == 20_000
    assert now[LEFT_WH] > 20_000 and now[ROOM_WH] > 20_000
    assert now[FULL_MIN] is not None and 60 < now[FULL_MIN] < 300
    assert now[BATTERY_W] == -10_000


def test_the_end_of_a_request_is_told():
    bench = Bench().started()
    manager = bench.manager
    manager.ask_remote(1000, 2000)
    bench.run(3000)
    events = manager.events
    ended = [events.data(events.slot(back)) for back in range(32)
             if events.slot(back) >= 0 and events.event(events.slot(back)) == EVENT_REQUEST_ENDED]
    assert ended == [50], "the rank whose time is over"
