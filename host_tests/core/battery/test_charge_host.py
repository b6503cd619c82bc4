"""Whole charges in fine steps, and what holds whatever the cells and the day do."""

from hypothesis import given, settings, strategies as st

from bess.core.battery.rounds import ac_w
from bess.core.battery.stages import CC_CV, MULTI_STAGE, PULSED, TRICKLE
from host_tests.core.battery.bench_charge import FULL, TIMEOUT, Plant, Rig

FROM_A_FIFTH = (
    # method, tick ms, period, dead, noise mV, hours at most, code, SoC after at least, why
    (CC_CV, 500, 1, 1, 0, 3, FULL, 995, "half of C"),
    (MULTI_STAGE, 500, 1, 1, 0, 3, FULL, 995, "half of C, then less"),
    (PULSED, 500, 1, 1, 0, 3, FULL, 995, "half of C with rests"),
    (TRICKLE, 500, 1, 1, 0, 3, TIMEOUT, 237, "2 h of a fiftieth of C"),
    (CC_CV, 500, 4, 4, 0, 3, FULL, 995, "a sample in 2 s, an inverter 2 s late"),
    (MULTI_STAGE, 500, 4, 4, 0, 3, FULL, 995, "a sample in 2 s, an inverter 2 s late"),
    (CC_CV, 500, 1, 1, 3, 3, FULL, 985, "3 mV of noise"),
    (MULTI_STAGE, 500, 1, 1, 3, 3, FULL, 985, "3 mV of noise"),
)


def test_from_a_fifth_to_full():
    for method, tick_ms, period, dead, noise_mv, hours, code, least_pm, why in FROM_A_FIFTH:
        plant = Plant(11, 200, 1, tick_ms, period, dead, noise_mv)
        plant.charge_it(method, -8000, hours)
        found = (plant.charge.done, plant.high_mv, plant.most_w, plant.bank.soc_pm())
        assert plant.charge.done == code, (why, found)
        assert plant.high_mv <= 3460, (why, found)
        assert plant.most_w >= -8000, (why, found)
        assert least_pm <= plant.bank.soc_pm() <= 1008, (why, found)


def test_fine_ticks_and_several_modules():
    for method in (CC_CV, MULTI_STAGE, PULSED):
        for modules in (1, 4):
            plant = Plant(5, 970, modules, 100, 5, 5)
            plant.charge_it(method, -8000 * modules, 2)
            assert plant.charge.done == FULL, (method, modules)
            assert plant.high_mv <= 3460, (method, modules, plant.high_mv)


@settings(max_examples=60)
@given(st.sampled_from((CC_CV, PULSED, MULTI_STAGE, TRICKLE)),
       st.integers(-20_000, 0), st.integers(0, 1000),
       st.lists(st.tuples(st.integers(2900, 3700), st.integers(0, 300), st.integers(0, 999),
                          st.integers(0, 30_000), st.integers(100, 4000)), max_size=60))
def test_the_wish_is_a_charge_within_the_stated_power(method, power_w, target_pm, course):
    rig = Rig().begin(method, power_w, target_pm)
    for high_mv, spread_mv, soc_pm, cap_w, tick_ms in course:
        rig.cap_w = cap_w
        rig.set(high=high_mv, low=max(high_mv - spread_mv, 2000), soc=soc_pm).go(1, tick_ms)
        assert max(power_w or -2400, -2500) <= rig.charge.wish_w <= 0, "0 is the rating"
        assert not rig.charge.done or rig.charge.wish_w == 0
        assert not rig.charge.in_cv or high_mv >= 3435


@given(st.integers(0, 6_400_000), st.integers(10_000, 1_000_000), st.integers(800, 1000))
def test_power_of_a_current(charge_ma, pack_mv, eta_pm):
    exact_w = charge_ma * pack_mv / (1000 * eta_pm)
    tenth_v_w = charge_ma * 100 / (1000 * eta_pm)
    found_w = ac_w(charge_ma, pack_mv, eta_pm)
    assert found_w <= exact_w
    assert found_w > exact_w - tenth_v_w - 3, (found_w, exact_w)
