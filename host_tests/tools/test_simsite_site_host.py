"""Physics of the simulated site around the battery: inverter, meter, house, sun, recorded days."""

import hashlib

import pytest

from tools.simsite.physics.meter import Meter
from tools.simsite.physics.pcs import FAULT, OFF, RUNNING, STANDBY, STARTING, Pcs, loss_w
from tools.simsite.physics.plant import Plant
from tools.simsite.physics.pv import Pv
from tools.simsite.physics.recorded import DayError, RecordedDay, parse_time
from tools.simsite.physics.sun import Roof, elevation_deg

STEP_S = 0.02


def step_pcs(pcs, seconds, link_v=52.0, connected=True):
    for _ in range(round(seconds / STEP_S)):
        pcs.step(STEP_S, link_v, connected)


def running_pcs(rate=0.0):
    """A PCS that runs at `rate` of its rating, + discharge."""
    pcs = Pcs()
    pcs.run_asked = True
    pcs.mode, pcs.charge_rate, pcs.discharge_rate = 3, -rate, rate
    step_pcs(pcs, 8)
    return pcs


def test_storage_window():
    for mode, charge, discharge, target_w, why in (
        (0, 1.0, 1.0, 0, "automatic: this device wants nothing"),
        (3, 0.0, 0.0, 0, "idle"),
        (2, 1.0, -0.25, -5_000, "forced charge"),
        (1, -0.25, 1.0, 5_000, "forced discharge"),
        (3, 0.5, -0.5, -10_000, "exactly this charge"),
        (3, -0.5, 0.5, 10_000, "exactly this discharge"),
        (2, 1.0, 0.5, 0, "a limit does not force"),
        (1, 0.5, 1.0, 0, "a limit does not force"),
        (3, -0.2, 0.1, 0, "edges crossed: nothing"),
        (0, -0.5, -0.5, 0, "rates without mode bits are not in force"),
    ):
        pcs = Pcs()
        pcs.mode, pcs.charge_rate, pcs.discharge_rate = mode, charge, discharge
        assert pcs.target_w() == target_w, why


def test_start_dead_time_and_ramp():
    pcs = Pcs()
    pcs.run_asked = True
    pcs.mode, pcs.discharge_rate, pcs.charge_rate = 3, 0.5, -0.5
    step_pcs(pcs, 0.28)
    assert pcs.state == OFF, "dead time"
    step_pcs(pcs, 0.1)
    assert pcs.state == STARTING
    step_pcs(pcs, 2.0)
    assert pcs.state == RUNNING and 0 <= pcs.ac_w <= 2_000
    step_pcs(pcs, 0.5)
    assert 4_000 < pcs.ac_w < 8_000, "ramps at half its rating per second"
    step_pcs(pcs, 1.0)
    assert pcs.ac_w == 10_000


def test_command_takes_its_dead_time():
    pcs = running_pcs(0.5)
    pcs.charge_rate = pcs.discharge_rate = 0.0
    step_pcs(pcs, 0.28)
    assert pcs.ac_w == 10_000
    step_pcs(pcs, 0.06)
    assert pcs.ac_w < 10_000


def test_storage_command_reverts_to_zero_when_not_renewed():
    pcs = running_pcs(0.5)
    pcs.storage_timer.span_s = 10
    pcs.storage_timer.restart()
    step_pcs(pcs, 9)
    assert pcs.ac_w == 10_000 and pcs.mode == 3
    pcs.storage_timer.restart()
    step_pcs(pcs, 9)
    assert pcs.ac_w == 10_000, "renewed"
    step_pcs(pcs, 3)
    assert pcs.mode == 0 and pcs.ac_w == 0 and pcs.reverts == 1
    step_pcs(pcs, 20)
    assert pcs.reverts == 1, "once"


def test_zero_revert_time_never_reverts():
    pcs = running_pcs(0.5)
    pcs.storage_timer.restart()
    step_pcs(pcs, 60)
    assert pcs.ac_w == 10_000


def test_run_command_reverts_to_stop():
    pcs = running_pcs(0.2)
    pcs.run_timer.span_s = 5
    pcs.run_timer.restart()
    step_pcs(pcs, 6)
    assert pcs.state == OFF and pcs.ac_w == 0


def test_stop_blocks_power_at_once_after_the_dead_time():
    pcs = running_pcs(-1.0)
    pcs.run_asked = False
    step_pcs(pcs, 0.34)
    assert pcs.ac_w == 0 and pcs.dc_w == 0 and pcs.state == OFF


def test_dc_side_decides_whether_it_runs():
    for link_v, connected, state, why in (
        (52.0, True, RUNNING, "battery there"),
        (52.0, False, STANDBY, "a charged link is no battery"),
        (30.0, True, STANDBY, "below the window"),
        (60.0, True, STANDBY, "above the window"),
    ):
        pcs = Pcs()
        pcs.run_asked = True
        step_pcs(pcs, 4, link_v, connected)
        assert pcs.state == state, why


def test_losing_the_battery_under_load_is_a_fault_until_stopped():
    pcs = running_pcs(0.5)
    step_pcs(pcs, 0.1, 52.0, connected=False)
    assert pcs.state == FAULT and pcs.ac_w == 0 and pcs.events
    step_pcs(pcs, 5)
    assert pcs.state == FAULT
    pcs.run_asked = False
    step_pcs(pcs, 2)
    assert pcs.state == OFF and not pcs.events


def test_losing_the_battery_at_rest_is_standby():
    pcs = running_pcs(0.0)
    step_pcs(pcs, 0.1, 52.0, connected=False)
    assert pcs.state == STANDBY


def test_disobedient_pcs_goes_on_and_obeys_later():
    pcs = running_pcs(0.5)
    pcs.disobedient = True
    pcs.run_asked = False
    step_pcs(pcs, 3)
    assert pcs.ac_w == 10_000
    pcs.obey_again()
    step_pcs(pcs, 0.5)
    assert pcs.ac_w == 0 and pcs.state == OFF


def test_efficiency():
    for ac_w, low, high in ((20_000, 0.965, 0.98), (10_000, 0.97, 0.985), (1_000, 0.90, 0.96)):
        assert low < ac_w / (ac_w + loss_w(ac_w, 20_000)) < high, ac_w
        pcs = running_pcs(-ac_w / 20_000)
        assert low < pcs.dc_w / pcs.ac_w < high, "charging loses as much"


def test_output_limit_binds_and_reverts():
    pcs = running_pcs(0.5)
    pcs.output_limit.percent, pcs.output_limit.enabled = 10.0, True
    pcs.output_limit.timer.span_s = 5
    pcs.output_limit.timer.restart()
    step_pcs(pcs, 3)
    assert pcs.ac_w == 2_000
    step_pcs(pcs, 5)
    assert pcs.ac_w == 10_000


def test_pv_is_limited_by_its_setting_only():
    pv = Pv()
    for percent, enabled, run, expected_w, why in (
        (30, False, True, 6_000, "limit not enabled"),
        (30, True, True, 3_000, "limited"),
        (30, True, False, 0, "disconnected"),
        (100, True, True, 6_000, "free again"),
    ):
        pv.output_limit.percent, pv.output_limit.enabled, pv.run_asked = percent, enabled, run
        for _ in range(500):
            pv.step(STEP_S, 6_000)
        assert abs(pv.ac_w - expected_w) < 1, why


def test_meter_shows_each_second_with_its_latency():
    meter, changes, last = Meter(), [], None
    for i in range(1, 251):
        meter.step(STEP_S, (float(i), 0.0, 0.0))
        if meter.shown is not last:
            last = meter.shown
            changes.append((round(i * STEP_S, 2), round(last.time_s, 2), last.grid_w))
    later = changes[2:]  # before: nothing yet, and the sample of the switching-on
    assert len(later) >= 3
    for seen_s, sampled_s, grid_w in later:
        assert abs(seen_s - sampled_s - 0.3) < STEP_S + 1e-6
        assert abs(grid_w - sampled_s / STEP_S) < 1e-6, "shows the power of its own instant"
    assert all(round(b[1] - a[1], 2) == 1.0 for a, b in zip(later, later[1:]))


def test_meter_counts_each_direction():
    meter = Meter(1000.0, 500.0)
    for watts in (3600.0, -1800.0):
        for _ in range(100):
            meter.step(STEP_S, (watts / 2, watts / 4, watts / 4))
    assert abs(meter.import_wh - 1002.0) < 1e-6
    assert abs(meter.export_wh - 501.0) < 1e-6


def run_plant(plant, seconds, dt_s=STEP_S):
    for _ in range(round(seconds / dt_s)):
        plant.step(dt_s)
        assert abs(plant.pv_w + plant.battery_w + plant.grid_w - plant.load_w) < 1e-6


def test_books_of_the_whole_site_agree():
    plant = Plant(seed=5, contactors=False)
    pcs = plant.pcs
    pcs.run_asked = True
    for rate in (0.4, -0.6, 0.0):
        pcs.mode, pcs.charge_rate, pcs.discharge_rate = 3, -rate, rate
        run_plant(plant, 240, 0.2)
    book = plant.energy_wh
    assert book["pcs_charge"] > 500 and book["pcs_discharge"] > 300
    site_wh = book["pv"] + book["pcs_discharge"] + book["grid_import"]
    site_wh -= book["load"] + book["pcs_charge"] + book["grid_export"]
    assert abs(site_wh) < 1e-6
    modules = plant.bank.modules
    terminals_wh = sum(m.discharged_wh - m.charged_wh for m in modules)
    # The switches of the modules see a step earlier what the link sees: sub-Wh.
    assert abs(terminals_wh - (book["dc_discharge"] - book["dc_charge"])) < 0.5
    assert abs(plant.meter.import_wh - 1_250_000 - book["grid_import"]) < 1e-6


def test_battery_needs_its_contactors():
    plant = Plant(seed=5)
    plant.pcs.run_asked = True
    run_plant(plant, 1)
    assert plant.pcs.state == STANDBY and plant.switchgear.link_v == 0
    plant.coils = (1, 1, 0)
    run_plant(plant, 3)
    assert plant.pcs.state == STANDBY and plant.switchgear.link_v > 51
    plant.coils = (1, 1, 1)
    run_plant(plant, 4)
    assert plant.pcs.state == RUNNING and plant.switchgear.closed_without_precharge == 0
    plant.pcs.mode, plant.pcs.discharge_rate, plant.pcs.charge_rate = 3, 0.5, -0.5
    run_plant(plant, 3)
    plant.coils = (0, 0, 0)
    run_plant(plant, 0.2)
    assert plant.switchgear.opened_under_load == 1 and plant.pcs.state == FAULT
    assert plant.battery_w == 0 and abs(plant.bank.current_a) < 1e-6


def test_bank_that_cannot_deliver_trips_the_inverter():
    plant = Plant(seed=5, contactors=False)
    plant.pcs.run_asked = True
    plant.pcs.mode, plant.pcs.discharge_rate, plant.pcs.charge_rate = 3, 0.5, -0.5
    run_plant(plant, 5)
    for system in plant.bank.systems:
        system.faults = 1
    run_plant(plant, 0.1)
    assert plant.pcs.state == FAULT and plant.battery_w == 0


def trace_hash(seed, seconds=800):
    plant, digest = Plant(seed=seed, start_s=17 * 3600.0, contactors=False), hashlib.sha256()
    plant.pcs.run_asked = True
    plant.pcs.mode = 3
    for i in range(seconds):
        rate = (i // 150 % 5 - 2) / 4
        plant.pcs.charge_rate, plant.pcs.discharge_rate = -rate, rate
        plant.step(1.0)
        cells = [s.cells_mv for s in plant.bank.systems]
        digest.update(repr((plant.grid_w, plant.pv_w, plant.battery_w, cells)).encode())
    return digest.hexdigest()


def test_same_seed_is_the_same_day():
    assert trace_hash(7) == trace_hash(7)
    assert trace_hash(7) != trace_hash(8)


def test_house_and_sky_do_not_depend_on_the_step():
    coarse, fine = Plant(seed=2, contactors=False), Plant(seed=2, contactors=False)
    run_plant(coarse, 60, 0.1)
    run_plant(fine, 60, 0.05)
    assert abs(coarse.load_w - fine.load_w) < 0.01
    assert abs(coarse.pv.offered_w - fine.pv.offered_w) < 0.01


def test_sun_by_place_and_season():
    for latitude, day, hour, low, high, why in (
        (52, 172, 12, 61, 62, "midsummer noon: 90 - 52 + 23.4"),
        (52, 355, 12, 14, 15, "midwinter noon"),
        (0, 81, 12, 89, 90, "equator at equinox"),
        (52, 81, 6, -1, 1, "equinox sunrise"),
        (52, 172, 0, -20, -10, "midnight"),
    ):
        assert low <= elevation_deg(latitude, day, hour) <= high, why


def test_roof_gives_a_day():
    roof = Roof(3)
    watts = [roof.offered_w(hour * 3600.0) for hour in range(24)]
    assert watts[0] == watts[23] == 0
    assert max(watts[9:15]) > 3_000
    assert all(0 <= w <= 10_000 for w in watts)
    assert all(0.15 <= roof.clearness(t * 60.0) <= 1.0 for t in range(1440))


def test_house_stays_in_bounds_and_cooks():
    plant = Plant(seed=4)
    loads = [sum(plant.house.phases_w(t * 20.0)) for t in range(4320)]
    assert min(loads) > 80 and 2_000 < max(loads) < 14_000
    assert 4_000 < sum(loads) * 20 / 3600 < 20_000, "Wh a day"


GOOD_DAY = "time,load_w,pv_w\n06:00,500,0\n12:00,1000,6000\n18:00:00,3000,0\n"


def test_recorded_day():
    day = RecordedDay.parse(GOOD_DAY)
    for time_s, load_w, pv_w, why in (
        (0, 500, 0, "held before the first row"),
        (6 * 3600, 500, 0, "a row"),
        (9 * 3600, 750, 3000, "half way"),
        (18 * 3600, 3000, 0, "the last row"),
        (23 * 3600, 3000, 0, "held after the last row"),
        (86_400 + 9 * 3600, 750, 3000, "the next day is the same"),
    ):
        assert day.at(time_s) == (load_w, pv_w), why
    plant = Plant(seed=1, day=day, start_s=9 * 3600.0)
    run_plant(plant, 10)
    assert abs(plant.load_w - 750) < 2 and abs(plant.pv_w - 3000) < 5


def test_recorded_day_names_every_fault():
    text = "time,load_w,pv_w\n06:00,500,0\nnoon,1,1\n12:00,x,-5\n11:00,1,1\n13:00,1\n14:00,nan,1\n"
    with pytest.raises(DayError) as caught:
        RecordedDay.parse(text, "day.csv")
    expected = (
        ("day.csv:3:", "HH:MM"),
        ("day.csv:4:", "load_w must be 0..1000000 W, got 'x'; pv_w"),
        ("day.csv:5:", "rise"),
        ("day.csv:6:", "3 columns, got 2"),
        ("day.csv:7:", "load_w"),
    )
    assert len(caught.value.faults) == len(expected)
    for fault, (place, word) in zip(caught.value.faults, expected):
        assert fault.startswith(place) and word in fault


def test_recorded_day_needs_header_and_rows():
    for text, word in (
        ("", "empty"),
        ("a,b,c\n1,2,3\n", "header"),
        ("time,load_w,pv_w\n", "no row"),
    ):
        with pytest.raises(DayError, match=word):
            RecordedDay.parse(text)


def test_times_of_day():
    for text, seconds in (("00:00", 0), ("23:59:59", 86_399), (" 7:05 ", 25_500), ("90.5", 90.5)):
        assert parse_time(text) == seconds
    for text in ("", "-1", "25:00", "12:60", "1:2:3:4", "12:-1", "86401", "nan"):
        with pytest.raises(ValueError):
            parse_time(text)
