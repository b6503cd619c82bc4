"""Sharing for any packs: sums exact, windows kept, one sign, nobody moves more than he must."""

from fractions import Fraction

from hypothesis import given, settings, strategies as st

from bess.core.battery.share import Share

LIMIT = st.just(0) | st.integers(1, 30_000) | st.integers(1, 1_000_000)
ENERGY = st.integers(0, 16_000) | st.integers(0, 16_000_000)
PACKS = st.lists(st.tuples(LIMIT, LIMIT, ENERGY, ENERGY), min_size=1, max_size=8)
WISH = st.integers(-40_000, 40_000) | st.integers(-9_000_000, 9_000_000)


class Settings:
    w_rated = 20_000

    def __init__(self, pm_min):
        self.share_pm_min = pm_min


def made(packs, pm_min):
    share = Share(Settings(pm_min), len(packs))
    put(share, packs)
    return share


def put(share, packs):
    for i, (charge_w, discharge_w, left_wh, room_wh) in enumerate(packs):
        share.charge_w[i], share.discharge_w[i] = charge_w, discharge_w
        share.left_wh[i], share.room_wh[i] = left_wh, room_wh


def bounded(packs, wish_w):
    low_w, high_w = -sum(p[0] for p in packs), sum(p[1] for p in packs)
    return min(max(wish_w, low_w), high_w)


TICKS = st.lists(st.tuples(WISH, st.integers(0, 100_000), st.none() | st.integers(0, 7)),
                 min_size=1, max_size=12)


@given(PACKS, st.sampled_from((0, 150, 1000)), TICKS)
def test_sum_windows_and_sign(packs, pm_min, ticks):
    share, now_ms, out = made(packs, pm_min), 0, set()
    for wish_w, dt_ms, toggled in ticks:
        now_ms += dt_ms
        if toggled is not None and toggled < len(packs):
            out ^= {toggled}
        present = [(0, 0, *p[2:]) if i in out else p for i, p in enumerate(packs)]
        put(share, present)
        given_w = share.share(wish_w, now_ms)
        assert given_w == bounded(present, wish_w) == sum(share.w)
        for (charge_w, discharge_w, _, _), w in zip(present, share.w):
            assert -charge_w <= w <= discharge_w
            assert w * wish_w >= 0
        assert all(share.active >> i & 1 for i, w in enumerate(share.w) if w)


@given(PACKS, st.integers(0, 9_000_000), st.integers(1, 50_000), st.booleans())
def test_monotone_and_stable(packs, wish_w, more_w, charging):
    """With the same packs in use a larger wish takes power from none of them."""
    sign = -1 if charging else 1
    share = made(packs, 0)
    given_w = share.share(sign * wish_w, 0)
    before = list(share.w)
    grown_w = share.share(sign * (wish_w + more_w), 0) - given_w
    assert abs(grown_w) <= more_w
    for w, was_w in zip(share.w, before):
        assert 0 <= sign * (w - was_w) <= abs(grown_w)


@given(PACKS, st.integers(1, 100_000), st.booleans())
@settings(max_examples=30)
def test_one_watt_is_one_watt_of_one_pack(packs, wish_w, charging):
    sign = -1 if charging else 1
    share = made(packs, 0)
    share.share(sign * wish_w, 0)
    before = list(share.w)
    for step in range(1, 25):
        grown_w = abs(share.share(sign * (wish_w + step), 0)) - sum(map(abs, before))
        moved = [abs(w - was_w) for w, was_w in zip(share.w, before)]
        assert sum(moved) == grown_w <= 1
        before = list(share.w)


@given(PACKS, st.integers(1, 9_000_000))
def test_near_the_exact_share(packs, wish_w):
    """The continuous answer is a level at which the clipped shares add up; watts are whole."""
    share = made(packs, 0)
    total_w = share.share(wish_w, 0)
    energies = [p[2] for p in packs]
    shift = 0
    while max(energies) >> shift > 1023:
        shift += 1
    weights = [max(e >> shift, 1) for e in energies]
    exact = [Fraction(0)] * len(packs)
    open_packs, left = {i for i, p in enumerate(packs) if p[1]}, Fraction(total_w)
    while open_packs:
        level = left / sum(weights[i] for i in open_packs)
        full = {i for i in open_packs if level * weights[i] >= packs[i][1]}
        for i in full or open_packs:
            exact[i] = Fraction(packs[i][1]) if full else level * weights[i]
        left -= sum(exact[i] for i in full)
        open_packs = open_packs - full if full else set()
    for w, wanted in zip(share.w, exact):
        assert -1 < w - wanted <= len(packs)


@given(PACKS, st.sampled_from((150, 400)), st.integers(1, 200_000), st.booleans())
def test_settled_packs_in_use_are_needed(packs, pm_min, wish_w, charging):
    """After some minutes at one wish nothing changes, and nobody is in use without need."""
    sign = -1 if charging else 1
    share = made(packs, pm_min)
    for now_ms in range(0, 31_000 * (len(packs) + 1), 10_000):
        share.share(sign * wish_w, now_ms)
    total_w = abs(share.share(sign * wish_w, now_ms))
    limits = [p[0] if charging else p[1] for p in packs]
    used = [i for i in range(len(packs)) if share.active >> i & 1]
    assert all(limits[i] for i in used)
    least_w = Settings.w_rated * pm_min // 1000
    count = len(used)
    if count > 1 and total_w < count * least_w:
        energies = [p[3] if charging else p[2] for p in packs]
        lightest = min(used, key=lambda i: energies[i])
        others_w = sum(limits[i] for i in used if energies[i] > energies[lightest])
        assert total_w > others_w * 8 // 10, "a calm pack would have left"
    if count < sum(1 for limit_w in limits if limit_w):
        assert total_w <= sum(limits[i] for i in used) * 9 // 10
        assert total_w * 5 < (count + 1) * least_w * 6
