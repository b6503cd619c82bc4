"""The power of a site over its packs: weights, limits, one pack out, few at small powers."""

import micropython

from bess.core.battery.share import Share
from bess.core.tick import TICK_MASK


class Settings:
    w_rated = 20_000
    share_pm_min = 150                  # 3 000 W a pack


def site(limits_w, energies_wh, pm_min=150):
    """Packs with the same window and energy in both directions."""
    settings = Settings()
    settings.share_pm_min = pm_min
    share = Share(settings, len(limits_w))
    for i in range(len(limits_w)):
        share.charge_w[i] = share.discharge_w[i] = limits_w[i]
        share.left_wh[i] = share.room_wh[i] = energies_wh[i]
    return share


def dealt(share, wish_w, now_ms=0):
    given_w = share.share(wish_w, now_ms)
    assert sum(share.w) == given_w
    return tuple(share.w)


SPLITS = (
    # limits, energies, wish, powers, why
    ((20_000,) * 3, (8000,) * 3, 15_000, (5000, 5000, 5000), "equal packs"),
    ((20_000,) * 3, (8000,) * 3, -15_000, (-5000, -5000, -5000), "and charging"),
    ((20_000,) * 2, (8000, 4000), 18_000, (12_000, 6000), "by energy"),
    ((20_000,) * 2, (1025, 512), 18_000, (12_000, 6000), "weights have 10 bits"),
    ((20_000,) * 2, (1024, 3), 5130, (5120, 10), "weights have 10 bits: 512 to 1"),
    ((20_000,) * 2, (1023, 3), 5130, (5115, 15), "small ones are exact"),
    ((9000, 20_000), (8000, 4000), 18_000, (9000, 9000), "one is at its limit"),
    ((9000, 4000), (8000, 4000), 18_000, (9000, 4000), "all are"),
    ((0, 20_000, 20_000), (8000,) * 3, 18_000, (0, 9000, 9000), "one is out"),
    ((0, 20_000, 7000), (8000,) * 3, 18_000, (0, 11_000, 7000), "within its own window"),
    ((0, 0), (8000, 8000), 18_000, (0, 0), "all are out"),
    ((-5, 20_000), (8000, 8000), 9000, (0, 9000), "a broken limit is no limit"),
    ((20_000,) * 3, (8000,) * 3, 0, (0, 0, 0), "nothing is wished"),
    ((20_000,) * 2, (8000, 8000), -1, (-1, 0), "one watt"),
    ((20_000,) * 2, (8000, 8000), 1, (1, 0), "one watt"),
    ((20_000,) * 3, (8000,) * 3, 17_000, (5667, 5667, 5666), "the rest goes to the first"),
    ((20_000,) * 2, (0, 0), 9000, (4500, 4500), "no energy known to be left: equal"),
    ((20_000,) * 2, (8000, 0), 9000, (8992, 8), "next to nothing for the empty one"),
    ((500, 20_000, 20_000), (8000, 8000, 4000), 15_500, (500, 10_000, 5000), "what it lacks"),
    ((1000, 3000, 20_000), (8000, 4000, 1000), 20_000, (1000, 3000, 16_000), "two at theirs"),
    ((1_000_000,) * 4, (16_000_000,) * 4, -4_000_000, (-1_000_000,) * 4, "the largest site"),
)


def test_splits():
    for limits_w, energies_wh, wish_w, powers_w, why in SPLITS:
        share = site(limits_w, energies_wh, 0)
        found = dealt(share, wish_w)
        assert found == powers_w, (why, found)


def test_each_direction_has_its_own_limits_and_energies():
    share = site((20_000, 20_000), (8000, 8000), 0)
    share.charge_w[0], share.discharge_w[1] = 2000, 3000
    share.room_wh[1] = 1000
    assert dealt(share, 16_000) == (13_000, 3000)
    assert dealt(share, -16_000) == (-2000, -14_000)
    share.charge_w[0] = 20_000
    assert dealt(share, -18_000) == (-16_000, -2000)


COUNTS = (
    # wish, packs in use, why
    (100, 1, "all together at 25 W would lose more than that"),
    (3000, 1, "3 000 W are enough for one"),
    (7199, 1, "below 1.2 * 2 * 3 000"),
    (7200, 2, "two at 1.2 times the least"),
    (10_799, 2, "not yet three"),
    (10_800, 3, "three"),
    (14_400, 4, "all"),
    (40_000, 4, "all"),
)


def test_few_packs_at_small_power():
    for wish_w, count, why in COUNTS:
        found = dealt(site((20_000,) * 4, (8000,) * 4), wish_w)
        assert 4 - found.count(0) == count, (why, found)


def test_limits_call_for_more_packs():
    share = site((1000,) * 4, (8000,) * 4)
    assert dealt(share, 900) == (900, 0, 0, 0), "nine tenths of the limit"
    assert dealt(share, 901) == (451, 450, 0, 0)
    assert dealt(share, 4000) == (1000,) * 4
    assert dealt(share, 4001) == (1000,) * 4


def test_the_fullest_go_first_and_the_emptiest_rest_first():
    share = site((20_000,) * 3, (5000, 9000, 7000))
    share.room_wh[0] = 9999
    assert dealt(share, 1000) == (0, 1000, 0)
    assert dealt(share, 8000) == (0, 4501, 3499)
    share.share(12_000, 0)
    assert share.active == 0b111
    for now_ms in (0, 10_000, 29_900, 29_999):
        share.share(5000, now_ms)
        assert share.active == 0b111, "not at once"
    share.share(5000, 30_000)
    assert share.active == 0b110
    assert dealt(site((20_000,) * 3, (5000, 9000, 7000)), -1000) == (0, -1000, 0)
    other = site((20_000,) * 2, (8000, 8000))
    other.room_wh[1] = 9000
    assert dealt(other, -1000) == (0, -1000)


def settle(share, wish_w, seconds, start_ms=0):
    """Ticks of a second; how often the packs in use changed."""
    changes, before = 0, share.active
    for i in range(seconds):
        share.share(wish_w if i % 2 else wish_w * 11 // 10, (start_ms + 1000 * i) & TICK_MASK)
        changes += share.active != before
        before = share.active
    return changes


def test_a_swinging_wish_does_not_switch_packs():
    for wish_w in (2900, 5500, 6600, 9000, 10_000, -5500, -10_000):
        for start_ms in (0, TICK_MASK - 40_000):
            share = site((20_000,) * 4, (8000,) * 4)
            share.share(16_000 if wish_w > 0 else -16_000, start_ms)
            settle(share, wish_w, 100, start_ms)
            assert settle(share, wish_w, 300, (start_ms + 100_000) & TICK_MASK) == 0, wish_w


def test_one_leaves_after_the_other():
    share = site((20_000,) * 4, (8000,) * 4)
    share.share(20_000, 0)
    seen = []
    for second in range(1, 130):
        share.share(1000, 1000 * second)
        count = 4 - tuple(share.w).count(0)
        if not seen or seen[-1][0] != count:
            seen.append((count, second))
    assert [count for count, _ in seen] == [4, 3, 2, 1]
    for i in range(1, 3):
        assert 30 <= seen[i + 1][1] - seen[i][1] <= 32, seen


def test_nobody_leaves_who_is_needed_soon():
    for wish_w, active, why in ((4161, 0b111, "more than 80 % of the limits of two"),
                                (4160, 0b110, "80 %")):
        share = site((2600,) * 3, (8000,) * 3)
        share.share(7000, 0)
        assert share.active == 0b111
        for now_ms in range(0, 60_000, 10_000):
            share.share(wish_w, now_ms)
        assert share.active == active, why


def test_nobody_leaves_who_has_enough_to_do():
    for wish_w, active, why in ((5999, 0b10, "less than 3 000 W each"), (6000, 0b11, "enough")):
        share = site((20_000,) * 2, (8000,) * 2)
        share.share(9000, 0)
        for now_ms in range(0, 60_000, 10_000):
            share.share(wish_w, now_ms)
        assert share.active == active, why


def test_one_pack_out():
    share = site((9000,) * 3, (8000,) * 3)
    assert dealt(share, 20_000) == (6667, 6667, 6666)
    share.discharge_w[1] = 0
    assert dealt(share, 20_000, 100) == (9000, 0, 9000), "at once, and not beyond their windows"
    share.discharge_w[1] = 9000
    assert dealt(share, 20_000, 200) == (6667, 6667, 6666)
    share = site((20_000,) * 3, (8000,) * 3)
    assert dealt(share, 5000) == (5000, 0, 0)
    share.discharge_w[0] = 0
    assert dealt(share, 5000, 100) == (0, 5000, 0), "another one steps in"


def test_rotation():
    share = site((20_000,) * 3, (9000, 8000, 7000))
    assert dealt(share, 2000) == (2000, 0, 0)
    share.left_wh[0] = 7500
    assert dealt(share, 2000, 899_999) == (2000, 0, 0), "each quarter of an hour"
    assert dealt(share, 2000, 900_000) == (0, 2000, 0), "the fullest takes over"
    share.left_wh[0] = 9000
    assert dealt(share, 2000, 1_799_999) == (0, 2000, 0)
    share.discharge_w[0] = 2000
    assert dealt(share, 1801, 1_800_000) == (0, 1801, 0), "it could hardly carry it"
    assert dealt(share, 1800, 2_699_999) == (0, 1800, 0)
    assert dealt(share, 1800, 2_700_000) == (1800, 0, 0), "nine tenths of its limit"
    share.discharge_w[0] = 20_000
    assert dealt(share, 2000, 2_700_100) == (2000, 0, 0)
    share.left_wh[1] = 9000
    assert dealt(share, 2000, 3_600_000) == (2000, 0, 0), "no gain, no change"
    share.left_wh[1] = 9500
    share.share(15_000, 4_500_000)
    assert share.active == 0b111, "all are in use: nobody to take over"


def test_no_heap():
    share = site((1_000_000,) * 16, (16_000_000,) * 16)
    share.share(16_000_000, 0)
    micropython.heap_lock()
    try:
        for step in range(60):
            share.left_wh[step % 16] = 1_000_000 * (step % 17)
            share.room_wh[step % 13] = 900_000 * (step % 11)
            share.discharge_w[step % 7] = 0 if step % 5 == 0 else 1_000_000
            share.share((step * 400_001) % 16_000_001, step * 20_000)
            share.share(-(step * 7_000_001) % 16_000_000 - 16_000_000, step * 20_000)
            share.share(-100, step * 20_000)
    finally:
        micropython.heap_unlock()
    assert sum(share.w) == -100
