"""What people read: energy of every flow, ages, and what the pack can do."""

from bess.core.points import (
    BATTERY_W, CHARGE_AVAILABLE_W, CHARGE_WH, DISCHARGE_AVAILABLE_W, DISCHARGE_WH, EXPORT_WH,
    FULL_MIN, GRID_W, IMPORT_WH, LEFT_WH, LOAD_W, LOAD_WH, METER_AGE_DS, PV_W, PV_WH, ROOM_WH,
    UPTIME_S,
)
from host_tests.core.bench_pack import Bench

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
