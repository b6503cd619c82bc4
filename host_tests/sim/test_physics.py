"""The simulated site keeps its own laws, in whole numbers, on every interpreter."""

from host_tests.sim.battery import CAPACITY_MAH, Bank, rest_10uv
from host_tests.sim.physics import FAULT, OFF, RUNNING, STANDBY, Pcs, Switchgear
from host_tests.sim.rng import Rng
from host_tests.sim.surroundings import Books, Meter

# seed, stream, the first draws; taken from CPython, where no number can overflow
DRAWS = (
    (1, 0, (15712, 8613, 22918, 13374)),
    (1, 7, (16823, 8814, 16810, 9088)),
    (1073741823, 0, (32530, 21984, 2939, 12211)),
)


def test_chance_is_the_same_everywhere():
    for seed, stream, wanted in DRAWS:
        rng = Rng(seed, stream)
        assert tuple([rng.below(32_768) for _ in range(4)]) == wanted


def test_chance_covers_its_range_evenly():
    rng = Rng(12345, 3)
    counts = [0] * 16
    for _ in range(16_000):
        counts[rng.below(16)] += 1
    assert min(counts) > 850 and max(counts) < 1150, counts
    values = [rng.between(-3, 3) for _ in range(500)]
    assert min(values) == -3 and max(values) == 3


def test_streams_and_seeds_differ():
    seen = []
    for seed in (0, 1, 2, 1 << 15, (1 << 30) - 1):
        for stream in (0, 1, 2):
            rng = Rng(seed, stream)
            seen.append(tuple([rng.below(1000) for _ in range(6)]))
    assert len(set(seen)) == len(seen)


def test_rest_voltage_rises_with_charge():
    last = 0
    for mah in range(-20_000, CAPACITY_MAH + 20_000, 700):
        assert rest_10uv(mah) >= last, mah
        last = rest_10uv(mah)
    # plateau, full, beyond full, beyond empty
    for mah, low_mv, high_mv in ((157_000, 3260, 3270), (CAPACITY_MAH, 3390, 3400),
                                 (CAPACITY_MAH * 2, 4000, 4000), (-CAPACITY_MAH, 2000, 2000)):
        assert low_mv <= rest_10uv(mah) // 100 <= high_mv, mah


def test_modules_share_what_the_inverter_takes():
    for dc_w in (0, 5000, -5000, 20_000, -20_000):
        bank = Bank(Rng(1, 1), 4, 500)
        for _ in range(50):
            bank.step(100, dc_w)
        currents = [m.current_ma for m in bank.modules]
        assert abs(sum(currents) - bank.current_ma) <= 200, (dc_w, currents)
        power_w = bank.bus_mv // 10 * (bank.current_ma // 100) // 1000
        assert abs(power_w - dc_w) <= abs(dc_w) // 100 + 10, (dc_w, power_w)


def test_charge_is_kept_to_the_last_ma_ms():
    bank = Bank(Rng(1, 1), 1, 500)
    module = bank.modules[0]
    before_mah = module.mah
    for sign in (1, -1):
        for _ in range(36_000):
            module.step(100, sign * 12_345)
        if sign == 1:
            assert before_mah - module.mah in (12_344, 12_345)
    assert module.mah == before_mah


# what is written, s, state, AC power afterwards, why
COURSES = (
    (1, 3, 5000, 10, RUNNING, 10_000, "starts, then gives half of its rating"),
    (1, 3, -5000, 10, RUNNING, -10_000, "charges"),
    (1, 0, 5000, 10, RUNNING, 0, "rates without a mode are no command"),
    (0, 3, 5000, 10, OFF, 0, "not asked to run"),
    (1, 3, 5000, 35, OFF, 0, "both timers ended: nobody renewed"),
)


def test_inverter_obeys_late_and_reverts():
    for run, mode, rate, seconds, state, power_w, why in COURSES:
        pcs = Pcs(20_000)
        pcs.run_timer.span_s = pcs.storage_timer.span_s = 30
        pcs.run_asked, pcs.mode, pcs.out_rate, pcs.in_rate = run, mode, rate, -rate
        pcs.run_timer.renew()
        pcs.storage_timer.renew()
        for _ in range(10 * seconds):
            pcs.step(100, 52_000, True)
        assert (pcs.state, pcs.ac_w) == (state, power_w), why
        assert pcs.dc_w >= pcs.ac_w, why


def test_inverter_without_its_dc_link():
    pcs = Pcs(20_000)
    pcs.run_asked, pcs.mode, pcs.out_rate, pcs.in_rate = 1, 3, 9000, -9000
    pcs.step(100, 0, False)
    for _ in range(20):
        pcs.step(100, 0, False)
    assert pcs.state == STANDBY
    for _ in range(100):
        pcs.step(100, 52_000, True)
    assert pcs.state == RUNNING and pcs.ac_w == 18_000
    pcs.step(100, 52_000, False)
    assert pcs.state == FAULT and pcs.ac_w == 0


def test_link_is_filled_before_k_plus_or_counted():
    for fill_ticks, hard in ((40, 0), (0, 1)):
        gear = Switchgear(Rng(1, 2))
        for _ in range(fill_ticks):
            gear.step(100, 3, 52_000)
        gear.step(100, 7, 52_000)
        assert gear.connected and gear.hard_closings == hard
        assert gear.link_mv == 52_000
    gear.step(100, 0, 52_000)
    gear.step(100, 0, 52_000)
    assert not gear.connected and gear.inputs() == 14


def test_books_lose_nothing():
    books = Books()
    for power_w in (7, -3, 11, -11, 4000, -1):
        for _ in range(36_000):
            books.add(power_w, 100)
    assert books.wh == [4018, 15]


def test_meter_tells_once_a_second_and_late():
    meter = Meter()
    shown = []
    for tick in range(40):
        meter.step(100, 1000 + tick)
        shown.append(meter.shown_w)
    # sampled in ticks 0, 10, 20, 30; shown 300 ms later
    assert shown[2] == 0 and shown[3] == 1000 and shown[12] == 1000 and shown[13] == 1010
    assert shown[39] == 1030
