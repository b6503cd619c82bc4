"""What the pack can do now: the weakest module of each string, sums, times, cycles."""

import micropython

from bess.core.battery.capability import Capability
from bess.core.battery.pack import Pack
from bess.core.points import (
    M_CURRENT_MA, M_FULL_DAH, M_SOC_PM, M_SOH_PM, WHY_CELL_HIGH, WHY_MODE, WHY_RATING, WHY_TRIP,
)
from bess.core.tick import TICK_MASK
from bess.core.window import Window
from host_tests.core.bench_pack import healthy


class Settings:
    cells_s, modules_s, strings_p = 16, 1, 1
    soc_pm_min, soc_pm_max = 100, 900
    charge_w_max, discharge_w_max = 20_000, 15_000
    energy_wh_rated = 16_000
    pack_mah = 314_000


class Limits:
    charge_w, discharge_w = 12_000, 18_000


class Bench:
    def __init__(self, modules_s=1, strings_p=1):
        self.settings = Settings()
        self.settings.modules_s, self.settings.strings_p = modules_s, strings_p
        self.settings.pack_mah = strings_p * 314_000
        self.pack = Pack(modules_s, strings_p, 2000, 157_000)
        self.limits, self.window = Limits(), Window()
        self.window.open(9000, 8000, WHY_RATING)
        self.capability = Capability(self.settings)
        for row in self.pack.rows:
            healthy(row)

    def tick(self, now_ms=0, silent=0):
        for i in range(self.pack.count):
            if not silent >> i & 1:
                self.pack.put(i, now_ms)
        self.pack.update(now_ms)
        self.capability.update(self.pack, self.limits, self.window, now_ms)
        return self.capability


ENERGY = (
    # modules_s, strings_p, {module: (SoC, 0.1 Ah, SoH)}, Wh left, Wh of room, mAh, why
    (1, 1, {}, 6430, 6430, 314_000, "400 pm of 314 Ah at 51.2 V, both ways"),
    (1, 1, {0: (100, 3140, None)}, 0, 12_861, 314_000, "at the minimum"),
    (1, 1, {0: (900, 3140, None)}, 12_861, 0, 314_000, "at the maximum"),
    (1, 1, {0: (50, 3140, None)}, 0, 13_665, 314_000, "below it nothing is left, not less"),
    (1, 1, {0: (950, 3140, None)}, 13_665, 0, 314_000, "above the maximum no room, not less"),
    (1, 1, {0: (500, 2512, 800)}, 5144, 5144, 251_200, "what is told has aged already"),
    (1, 1, {0: (500, None, 800)}, 5144, 5144, 251_200, "rated capacity and health"),
    (1, 1, {0: (500, 0, None)}, 6430, 6430, 314_000, "neither is told"),
    (1, 1, {0: (500, None, 0)}, 0, 0, 1, "no health at all"),
    (1, 2, {0: (500, None, 1000), 1: (500, None, None)}, 12_861, 12_861, 628_000, "of two"),
    (1, 4, {}, 25_722, 25_722, 1_256_000, "strings add up"),
    (4, 1, {}, 25_722, 25_722, 314_000, "voltages too"),
    (4, 1, {2: (300, 3140, None)}, 12_861, 25_722, 314_000, "the emptiest of a string stops it"),
    (4, 1, {2: (700, 3140, None)}, 25_722, 12_861, 314_000, "and the fullest"),
    (2, 1, {1: (500, 1570, None)}, 6430, 6430, 157_000, "the smallest"),
    (2, 2, {1: (100, 3140, None)}, 12_861, 25_722, 628_000, "only that string"),
    (1, 2, {0: (100, 3140, None)}, 6430, 19_292, 628_000, "in parallel each counts for itself"),
)


def test_energy():
    for modules_s, strings_p, rows, left_wh, room_wh, mah, why in ENERGY:
        bench = Bench(modules_s, strings_p)
        for i in rows:
            row = bench.pack.rows[i]
            row[M_SOC_PM], row[M_FULL_DAH], row[M_SOH_PM] = rows[i]
        found = bench.tick()
        assert (found.left_wh, found.room_wh) == (left_wh, room_wh), (
            why, found.left_wh, found.room_wh)
        assert found.full_mah == mah, (why, found.full_mah)


def test_energy_is_exact_to_the_watt_hour():
    bench = Bench(2, 2)
    for soc_pm in range(100, 901, 9):
        for row in bench.pack.rows:
            row[M_SOC_PM], row[M_FULL_DAH] = soc_pm, 3137
        bench.capability._due = True
        found = bench.tick()
        assert found.left_wh == 2 * 3137 * (soc_pm - 100) * 32 // 3125, soc_pm
        assert found.room_wh == 2 * 3137 * (900 - soc_pm) * 32 // 3125, soc_pm


def test_unknown_is_not_zero():
    bench = Bench(1, 2)
    bench.pack.rows[1][M_SOC_PM] = None
    bench.pack.rows[0][M_CURRENT_MA] = 50_000
    found = bench.tick()
    assert found.left_wh is None and found.room_wh is None
    assert found.empty_min is None and found.full_min is None
    assert found.full_mah == 628_000, "the capacity is known"


def test_before_and_without_modules():
    bench = Bench()
    found = bench.capability
    assert found.full_mah == 314_000, "the rated one"
    assert (found.charge_w, found.discharge_w) == (0, 0)
    assert (found.left_wh, found.room_wh, found.empty_min, found.full_min) == (None,) * 4
    found = bench.tick(silent=1)
    assert (found.left_wh, found.room_wh, found.full_min) == (None, None, None)
    assert found.full_mah == 314_000
    bench.tick(1000)
    assert bench.capability.left_wh == 6430
    bench.tick(4000, silent=1)
    assert bench.capability.left_wh is None, "unknown again"


def test_silent_strings_have_nothing():
    bench = Bench(2, 2)
    bench.tick(0)
    bench.tick(1900, silent=0b0010)
    found = bench.tick(2900, silent=0b0010)
    assert bench.pack.strings_live == 1
    assert found.left_wh == 12_861 and found.full_mah == 314_000


POWERS = (
    # lo, its reason, hi, its reason, charge, discharge, why
    (-9000, WHY_RATING, 8000, WHY_CELL_HIGH, 9000, 8000, "the window as it stands"),
    (0, WHY_TRIP, 0, WHY_TRIP, 0, 0, "nothing goes"),
    (0, WHY_MODE, 0, WHY_MODE, 12_000, 15_000, "at rest: what pack and ratings permit"),
    (-9000, WHY_RATING, 0, WHY_MODE, 9000, 15_000, "each side for itself"),
    (0, WHY_MODE, 8000, WHY_RATING, 12_000, 8000, "each side for itself"),
)


def test_powers():
    for lo_w, lo_why, hi_w, hi_why, charge_w, discharge_w, why in POWERS:
        bench = Bench()
        window = bench.window
        window.lo_w, window.lo_why, window.hi_w, window.hi_why = lo_w, lo_why, hi_w, hi_why
        found = bench.tick()
        assert (found.charge_w, found.discharge_w) == (charge_w, discharge_w), why


def test_powers_at_rest_are_bounded_both_ways():
    bench = Bench()
    bench.window.close(WHY_MODE)
    bench.limits.charge_w, bench.limits.discharge_w = 30_000, 3000
    found = bench.tick()
    assert (found.charge_w, found.discharge_w) == (20_000, 3000)
    found = bench.tick(3000, silent=1)
    assert (found.charge_w, found.discharge_w) == (0, 0), "nobody knows what it could"


TIMES = (
    # mA, SoC, minutes to empty, to full, why
    (125_600, 500, 60, None, "400 pm of 314 Ah at 125.6 A"),
    (-125_600, 500, None, 60, "and back"),
    (125_600, 499, 59, None, "rounded down"),
    (125_600, 100, 0, None, "at the end"),
    (-125_600, 950, None, 0, "beyond it"),
    (0, 500, None, None, "at rest"),
    (628, 500, None, None, "C / 500 is rest"),
    (629, 500, 9999, None, "11 981 minutes are a week and more"),
    (-628, 500, None, None, "C / 500 is rest"),
    (-629, 500, None, 9999, "11 981 minutes are a week and more"),
    (760, 500, 9915, None, "the slowest that is told"),
)


def test_times():
    for ma, soc_pm, empty_min, full_min, why in TIMES:
        bench = Bench()
        row = bench.pack.rows[0]
        row[M_CURRENT_MA], row[M_SOC_PM] = ma, soc_pm
        found = bench.tick()
        assert (found.empty_min, found.full_min) == (empty_min, full_min), (
            why, found.empty_min, found.full_min)


def test_times_of_the_largest_pack():
    bench = Bench(1, 16)
    for row in bench.pack.rows:
        row[M_CURRENT_MA], row[M_FULL_DAH], row[M_SOC_PM] = 1_000_000, 65_534, 900
    assert bench.tick().empty_min == 314, "5 242 Ah at 1 000 A"


CYCLES = (
    # Wh in, Wh out, rated Wh, cycles in pm, why
    (0, 0, 16_000, 0, "new"),
    (16_000, 16_000, 16_000, 1000, "one full cycle"),
    (16_000, 0, 16_000, 500, "half of it"),
    (8000, 24_000, 16_000, 1000, "both directions count"),
    (160_032, 160_000, 16_000, 10_001, "in per mille"),
    (1_000_000_000, 1_000_000_000, 100, 1_000_000_000, "the largest number"),
    (12_000_000, 12_000_000, 8_000_000, 1500, "a large plant"),
    (16_777_214, 0, 8_388_607, 1000, "exactly one"),
    (15_999_998, 0, 7_999_999, 1000, "exactly one"),
    (31_000, 0, 16_000, 968, "rounded down"),
    (15_999_996, 0, 7_999_999, 999, "not yet"),
    (16_777_212, 0, 8_388_607, 999, "not yet"),
)


def test_cycles():
    for charge_wh, discharge_wh, rated_wh, cycles_pm, why in CYCLES:
        bench = Bench()
        bench.settings.energy_wh_rated = rated_wh
        found = bench.capability.cycles_pm(charge_wh, discharge_wh)
        assert found == cycles_pm, (why, found)


def test_renewed_once_a_second():
    for start_ms in (0, 123_456, TICK_MASK - 500):
        bench = Bench()
        bench.tick(start_ms)
        bench.pack.rows[0][M_SOC_PM] = 700
        assert bench.tick((start_ms + 999) & TICK_MASK).left_wh == 6430
        assert bench.tick((start_ms + 1000) & TICK_MASK).left_wh == 9646
        bench.pack.rows[0][M_SOC_PM] = 800
        assert bench.tick((start_ms + 1900) & TICK_MASK).left_wh == 9646
        assert bench.tick((start_ms + 2000) & TICK_MASK).left_wh == 11_253


def test_no_heap():
    for modules_s, strings_p in ((1, 16), (16, 1), (4, 3)):
        bench = Bench(modules_s, strings_p)
        bench.settings.soc_pm_min, bench.settings.soc_pm_max = 0, 1000
        for row in bench.pack.rows:
            row[M_CURRENT_MA], row[M_FULL_DAH], row[M_SOC_PM] = 1_000_000, 65_534, 1000
        bench.window.close(WHY_MODE)
        pack, found = bench.pack, bench.capability
        bench.tick(0)
        micropython.heap_lock()
        try:
            for now_ms in range(1000, 9000, 500):
                found.update(pack, bench.limits, bench.window, now_ms)
                found.cycles_pm(999_999_999, 999_999_999)
            bench.settings.energy_wh_rated = 16_000_000
            found.cycles_pm(999_999_999, 999_999_999)
        finally:
            micropython.heap_unlock()
        assert found.left_wh == 65_534 * 5120 * modules_s * strings_p // 1000, found.left_wh
