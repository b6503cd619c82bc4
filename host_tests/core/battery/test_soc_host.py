"""The count of the charge against exact sums, for any currents and any times."""

from fractions import Fraction

from hypothesis import given, strategies as st

from bess.core.battery.pack import Pack
from bess.core.battery.soc import Soc
from bess.core.events import Events
from bess.core.points import (
    EVENT_SOC_CALIBRATED, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA, M_SOC_PM,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy

CURRENT = st.integers(-5, 5) | st.integers(-400_000, 400_000)
SAMPLES = st.lists(
    st.tuples(st.integers(1, 2000), st.integers(0, 3), st.integers(0, 900), CURRENT),
    min_size=2, max_size=80)


class Settings:
    calibration_days = 14
    current_offset_ma = 0
    pack_mah = 314_000


def pack_of(strings_p):
    pack = Pack(1, strings_p, 2000, 157_000)
    for row in pack.rows:
        healthy(row)
    return pack


@given(st.sampled_from((1, 4)), st.integers(0, TICK_MASK), st.integers(1, 6_553_400), SAMPLES)
def test_the_charge_is_exact(strings_p, start_ms, module_mah, samples):
    """Our count and its remainder are the start less the trapezoids, to a mA s and a ms rest."""
    pack, soc, events = pack_of(strings_p), Soc(Settings()), Events()
    full_mah, now, newest = module_mah * strings_p, 10_000, None
    charge, before_ma, over = Fraction(0), 0, False
    for pause_ms, module, age_ms, ma in samples:
        now += pause_ms
        pack.rows[module % strings_p][M_CURRENT_MA] = ma
        for i in range(strings_p):
            age = age_ms if i == module % strings_p else 0
            pack.put(i, (start_ms + now - age) & TICK_MASK)
        at = now - (age_ms if strings_p == 1 else 0)
        pack.update((start_ms + now) & TICK_MASK)
        soc.update(pack, full_mah, False, events, (start_ms + now) & TICK_MASK)
        total_ma = pack.current_ma
        if newest is None:              # it begins at the stamp of the last module
            newest = now - (age_ms if module % strings_p == strings_p - 1 else 0)
        elif at > newest:
            charge += Fraction((before_ma + total_ma) * (at - newest), 2000)
            newest = at
        before_ma = total_ma
        over = over or not 0 < soc.soc_pm < 1000
    per_pm = full_mah * 9 // 5 * 2
    if not over:
        left = (soc.soc_pm - 500) * per_pm + soc._rest - Fraction(soc._ms_rest, 2000)
        assert left == -charge
        assert 0 <= soc._rest < per_pm and abs(per_pm - full_mah * 18 / 5) < 2
    assert 0 <= soc.soc_pm <= 1000 and 50 <= soc.sigma_pm <= 1000


STEPS = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from((100, 1000, 5000, 70_000)), CURRENT,
              st.sampled_from((2500, 2920, 3300, 3440, 3600)), st.none() | st.integers(0, 1000),
              st.booleans(), st.booleans()),
    min_size=1, max_size=30)


@given(STEPS)
def test_it_never_claims_more_than_it_knows(steps):
    """sigma falls only by a full charge; due stays until then; a store changes nothing."""
    pack, soc, events, now = pack_of(1), Soc(Settings()), Events(), 1000
    row = pack.rows[0]
    for times, dt_ms, ma, cell_mv, soc_pm, limited, silent in steps:
        row[M_CURRENT_MA], row[M_CELL_MV_MAX], row[M_CELL_MV_MIN] = ma, cell_mv, cell_mv
        row[M_SOC_PM] = soc_pm
        for _ in range(times):
            now += dt_ms
            sigma_pm, due, count = soc.sigma_pm, soc.due, events.count
            if not silent:
                pack.put(0, now & TICK_MASK)
            pack.update(now & TICK_MASK)
            soc.update(pack, 314_000, limited, events, now & TICK_MASK)
            if soc.sigma_pm < sigma_pm or due and not soc.due:
                assert soc.soc_pm == 1000 and soc.sigma_pm == 5 and limited and cell_mv >= 3440
                assert abs(ma) < 15_700 and not silent and soc.full_s == 0
            if soc.soc_pm == 0 and events.count != count:
                noted = [events.event(events.slot(back)) for back in range(events.count - count)]
                assert EVENT_SOC_CALIBRATED not in noted or cell_mv <= 2920
            assert 5 <= soc.sigma_pm <= 1000 and not (soc.wanted and not soc.due)
            assert soc.soc_pm is None or 0 <= soc.soc_pm <= 1000
    other = Soc(Settings())
    other.restore(soc.dump())
    assert other.dump() == soc.dump()
    assert (other.soc_pm, other.sigma_pm, other.full_s) == (soc.soc_pm, soc.sigma_pm, soc.full_s)
