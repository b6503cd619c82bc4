"""Physics of the simulated battery: cells, their management, parallel modules, contactors."""

import math
import random

from tools.simsite.physics.bank import Bank
from tools.simsite.physics.bms import (
    CELL_OV,
    CHARGE_A_MAX,
    CHARGE_COLD,
    DISCHARGE_A_MAX,
    DISCHARGE_OC,
    Bms,
)
from tools.simsite.physics.curves import CHARGE_BY_CELL_MV, OCV_V, interpolate, ocv_v
from tools.simsite.physics.module import Module
from tools.simsite.physics.switchgear import Contact, Switchgear


def make_bank(socs=(0.5, 0.5, 0.5, 0.5)):
    modules = [Module(random.Random(f"m{i}"), soc) for i, soc in enumerate(socs)]
    return Bank(modules, [Bms(m, random.Random(f"b{i}")) for i, m in enumerate(modules)])


def run(bank, power_w, seconds, dt_s=0.5):
    return [bank.step(dt_s, power_w) for _ in range(round(seconds / dt_s))]


def test_interpolation_meets_its_points_and_holds_the_ends():
    for at, value, why in (
        (3375, 1.0, "first point"),
        (3000, 1.0, "held below"),
        (3400, 0.25, "a point"),
        (3412.5, 0.15, "half way"),
        (3600, 0.0, "held above"),
    ):
        assert abs(interpolate(CHARGE_BY_CELL_MV, at) - value) < 1e-9, why


def test_rest_voltage_rises_everywhere():
    steps = [ocv_v(i / 1000) for i in range(-40, 1045)]
    assert all(b > a for a, b in zip(steps, steps[1:]))


def test_rest_voltage_is_that_of_the_table():
    for soc, volt in OCV_V:
        assert abs(ocv_v(soc) - volt) < 0.002, soc


def test_energy_is_conserved_over_a_cycle():
    module = Module(random.Random(3), 0.6)
    for current_a in (100.0, -100.0, 40.0, -140.0):
        for _ in range(1800):
            module.step(1.0, current_a)
    terminals_wh = module.discharged_wh - module.charged_wh
    assert module.discharged_wh > 3000 and module.charged_wh > 3000
    assert abs(module.chemical_wh - terminals_wh - module.heat_wh) < 1e-6
    assert 0.005 < module.heat_wh / module.discharged_wh < 0.05


def test_charge_is_conserved():
    module = Module(random.Random(3), 0.5)
    before_ah = sum(s * c for s, c in zip(module.soc, module.capacity_ah))
    for _ in range(3600):
        module.step(1.0, 31.4)
    after_ah = sum(s * c for s, c in zip(module.soc, module.capacity_ah))
    assert abs((before_ah - after_ah) / 16 - 31.4) < 1e-6


def test_module_warms_under_load_and_cools_at_rest():
    module = Module(random.Random(3), 0.9)
    for _ in range(3600):
        module.step(1.0, 150.0)
    warm_c = module.temp_c
    for _ in range(7200):
        module.step(1.0, 0.0)
    assert 22.5 < warm_c < 45
    assert 22.0 < module.temp_c < warm_c


def test_currents_of_parallel_modules_sum_to_the_demand():
    bank = make_bank((0.5, 0.5, 0.5, 0.5))
    for power_w in (20_000, 500, 0, -500, -20_000):
        assert bank.step(0.1, power_w)
        assert abs(bank.current_a * bank.bus_v - power_w) < 1e-6
        assert abs(sum(m.current_a for m in bank.modules) - bank.current_a) < 1e-9


def test_the_module_with_less_resistance_takes_more():
    bank = make_bank((0.5, 0.5))
    bank.modules[0].total_ohm /= 2
    bank.step(0.1, 10_000)
    assert bank.modules[0].current_a > 1.5 * bank.modules[1].current_a


def test_modules_of_different_charge_equalise():
    bank = make_bank((0.9, 0.1))
    bank.step(0.1, 0)
    assert bank.modules[0].current_a > 1 > -1 > bank.modules[1].current_a
    assert abs(bank.current_a) < 1e-9


def test_open_path_leaves_the_current_to_the_others():
    bank = make_bank()
    bank.systems[1].faults = 1
    assert bank.step(0.1, 10_000)
    currents = [m.current_a for m in bank.modules]
    assert currents[1] == 0 and min(currents[0], currents[2], currents[3]) > 40


def test_each_direction_has_its_own_path():
    bank = make_bank()
    bank.systems[1].protections = 1 << CELL_OV
    bank.systems[2].protections = 1 << DISCHARGE_OC
    for power_w, still, why in (
        (-10_000, 1, "over-voltage takes no charge"),
        (10_000, 2, "discharge over-current gives none"),
    ):
        assert bank._share(power_w)[1].get(still) is None, why
        assert len(bank._share(power_w)[1]) == 3, why


def test_no_open_path_delivers_nothing():
    bank = make_bank((0.5, 0.5))
    for system in bank.systems:
        system.faults = 1
    assert not bank.step(0.1, 1000)
    assert bank.current_a == 0
    assert bank.step(0.1, 0), "standing still is always possible"


def test_protection_trips_and_releases():
    bank = make_bank((0.5,))
    system = bank.systems[0]
    for cell_mv, charge_on, discharge_on, why in (
        (3300, True, True, "healthy"),
        (3649, True, True, "warns only"),
        (3650, False, True, "cell over-voltage stops charging, not discharging"),
        (3500, False, True, "not low enough to release"),
        (3450, True, True, "released"),
        (2500, True, False, "cell under-voltage stops discharging"),
        (2900, True, False, "not high enough to release"),
        (2950, True, True, "released"),
    ):
        system.cell_mv_forced[3] = cell_mv
        run(bank, 0, 0.5)
        assert (system.charge_on, system.discharge_on) == (charge_on, discharge_on), why


def test_limits_follow_cells_and_temperature():
    bank = make_bank((0.5,))
    system, module = bank.systems[0], bank.modules[0]
    for cell_mv, temp_c, charge, discharge, why in (
        (3300, 25, 1.0, 1.0, "all is well"),
        (3400, 25, 0.25, 1.0, "highest cell tapers charging"),
        (3500, 25, 0.0, 1.0, "highest cell ends charging"),
        (2960, 25, 1.0, 0.505, "lowest cell tapers discharging"),
        (2900, 25, 1.0, 0.0, "lowest cell ends discharging"),
        (3300, -5, 0.0, 0.1, "cold: no charging"),
        (3300, 56, 0.0, 0.0, "hot: nothing"),
    ):
        system.cell_mv_forced[0] = cell_mv
        module.temp_c = temp_c
        module.sensor_offset_c = [0.0] * 4
        run(bank, 0, 0.5, 0.25)
        assert abs(system.charge_a_max - CHARGE_A_MAX * charge) < 1.0, why
        assert abs(system.discharge_a_max - DISCHARGE_A_MAX * discharge) < 5.0, why
    assert not system.protections & 1 << CELL_OV


def test_cold_cell_sets_the_protection_bit():
    bank = make_bank((0.5,))
    bank.modules[0].temp_c = -5
    run(bank, 0, 0.5)
    assert bank.systems[0].protections == 1 << CHARGE_COLD


def test_over_current_trips_after_its_delay_and_releases():
    bank = make_bank((0.8,))
    system = bank.systems[0]
    run(bank, 11_000, 4.5, 0.25)
    assert not system.protections
    run(bank, 11_000, 1.5, 0.25)
    assert system.protections == 1 << DISCHARGE_OC
    run(bank, 0, 35, 0.25)
    assert not system.protections


def test_reported_soc_follows_the_true_one_and_snaps_to_full():
    bank = make_bank((0.9, 0.9))
    run(bank, -8_000, 1200, 2.0)
    for system, module in zip(bank.systems, bank.modules):
        assert abs(system.soc - module.mean_soc) < 0.01
    run(bank, -1400, 5400, 2.0)
    assert all(s.is_full and s.soc == 1.0 for s in bank.systems)


def test_balancing_pulls_the_highest_cell_down_and_lapses():
    bank = make_bank((1.002,))
    system, module = bank.systems[0], bank.modules[0]
    module.soc[5] += 0.004
    spread = max(module.soc) - min(module.soc)
    for _ in range(240):
        system.ask_balance(True)
        run(bank, 0, 30, 1.0)
    assert max(module.soc) - min(module.soc) < spread
    run(bank, 0, 61, 1.0)
    assert not system.balance_asked and module.bleeding() is None


def test_samples_are_counted_at_their_period():
    bank = make_bank((0.5,))
    before = bank.systems[0].samples
    run(bank, 0, 10, 0.02)
    assert abs(bank.systems[0].samples - before - 40) <= 2


def test_contact_follows_coil_and_feedback_follows_contact():
    contact, seen = Contact(), []
    for _ in range(6):
        contact.step(0.01, 1)
        seen.append((contact.closed, contact.feedback_closed))
    assert seen.index((True, False)) == 2, "contact after 30 ms"
    assert (True, True) in seen and seen[-1] == (True, True)


def test_faulty_contacts_ignore_the_coil():
    for fault, coil, closed in (("welded", 0, True), ("stuck_open", 1, False)):
        contact = Contact()
        setattr(contact, fault, True)
        for _ in range(10):
            contact.step(0.02, coil)
        assert contact.closed == contact.feedback_closed == closed, fault


def drive(gear, coils, seconds, current_a=0.0):
    for _ in range(round(seconds / 0.02)):
        gear.step(0.02, coils, 52.0, current_a)


def test_precharge_is_exponential():
    gear = Switchgear()
    drive(gear, (1, 1, 0), 0.04)
    start_v = gear.link_v
    drive(gear, (1, 1, 0), 0.5)
    expected_v = 52.0 - (52.0 - start_v) * math.exp(-1)
    assert abs(gear.link_v - expected_v) < 0.2
    assert not gear.connected
    drive(gear, (1, 1, 0), 2.0)
    drive(gear, (1, 1, 1), 0.1)
    assert gear.connected and gear.link_v == 52.0
    assert gear.closed_without_precharge == 0


def test_what_the_site_holds_against_the_controller():
    for precharged, current_a, hard_closings, loaded_openings, why in (
        (True, 0.0, 0, 0, "as it should be"),
        (False, 0.0, 1, 0, "K+ onto an empty link"),
        (True, 7.0, 0, 0, "below 2 %"),
        (True, -90.0, 0, 1, "opened while charging"),
    ):
        gear = Switchgear()
        if precharged:
            drive(gear, (1, 1, 0), 2.5)
        drive(gear, (1, 1, 1), 0.1)
        drive(gear, (0, 0, 0), 0.1, current_a)
        assert gear.closed_without_precharge == hard_closings, why
        assert gear.opened_under_load == loaded_openings, why
        assert not gear.connected


def test_failed_precharge_leaves_the_link_empty():
    gear = Switchgear()
    gear.precharge_fails = True
    drive(gear, (1, 1, 0), 5.0)
    assert gear.link_v == 0.0
