"""The pack against a naive model that computes everything anew in every tick."""

from hypothesis import given, strategies as st

from bess.core.battery.pack import Pack
from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS, M_SOC_PM,
    M_STATE, MODULE_POINTS,
)
from bess.core.tick import TICK_MASK

SILENT_MS, RATED_MA = 2000, 157_000
TOPOLOGIES = ((1, 1), (1, 4), (4, 1), (2, 3), (4, 3), (13, 1), (1, 16), (16, 1))

VALUES = st.fixed_dictionaries({
    M_SOC_PM: st.none() | st.integers(0, 1000),
    M_PACK_MV: st.integers(10_000, 100_000),
    M_CURRENT_MA: st.integers(-1_000_000, 1_000_000) | st.integers(-200_000, 200_000),
    M_CELL_MV_MAX: st.integers(1, 6000),
    M_CELL_MV_MIN: st.integers(1, 6000),
    M_CELL_DC_MAX: st.integers(-500, 1500),
    M_CELL_DC_MIN: st.integers(-500, 1500),
    M_CHARGE_MA_MAX: st.integers(0, 1_000_000),
    M_DISCHARGE_MA_MAX: st.integers(0, 1_000_000),
    M_STATE: st.none() | st.integers(0, 7),
    M_PROTECTIONS: st.none() | st.integers(0, 1023),
    M_FAULTS: st.none() | st.integers(0, 63),
    M_FULL_DAH: st.none() | st.integers(0, 65_534),
    M_CHARGE_MV_MAX: st.none() | st.just(0) | st.integers(10_000, 100_000),
})
TICKS = st.lists(
    st.tuples(st.sampled_from((100, 100, 100, 500, 1900, 2100, 60_000)),
              st.dictionaries(st.integers(0, 15), VALUES, max_size=16)),
    min_size=1, max_size=25)


class Model:
    """Everything that was ever said, and when."""

    def __init__(self, modules_s, strings_p):
        self.modules_s, self.strings_p = modules_s, strings_p
        self.said = [None] * (modules_s * strings_p)
        self.at = [None] * len(self.said)

    def live_strings(self, now):
        live = []
        for string in range(self.strings_p):
            mine = range(string * self.modules_s, (string + 1) * self.modules_s)
            if all(self.at[i] is not None and now - self.at[i] <= SILENT_MS for i in mine):
                live.append(mine)
        return live

    def summary(self, now):
        strings = self.live_strings(now)
        rows = [self.said[i] for mine in strings for i in mine]
        found = {"strings_live": len(strings), "modules_live": len(rows)}
        if not strings:
            return found
        found["cell_mv_max"] = max(row[M_CELL_MV_MAX] for row in rows)
        found["cell_mv_min"] = min(row[M_CELL_MV_MIN] for row in rows)
        found["cell_dc_max"] = max(row[M_CELL_DC_MAX] for row in rows)
        found["cell_dc_min"] = min(row[M_CELL_DC_MIN] for row in rows)
        found["pack_mv"] = sum(row[M_PACK_MV] for row in rows) // len(strings)
        found["current_ma"] = sum(row[M_CURRENT_MA] for row in rows) // self.modules_s
        found["string_ma_max"] = max(abs(row[M_CURRENT_MA]) for row in rows)
        stated = [row[M_CHARGE_MV_MAX] for row in rows if row[M_CHARGE_MV_MAX]]
        found["bms_mv"] = min(stated) * self.modules_s if stated else None
        charges = [row[M_SOC_PM] for row in rows]
        if None in charges:
            found["soc_pm"] = found["soc_pm_max"] = found["soc_pm_min"] = None
        else:
            found["soc_pm_max"], found["soc_pm_min"] = max(charges), min(charges)
            weights = [row[M_FULL_DAH] or 0 for row in rows]
            total = sum(w * soc for w, soc in zip(weights, charges))
            soc = total // sum(weights) if sum(weights) else min(charges)
            found["soc_pm"] = 999 if soc == 1000 and min(charges) < 1000 else soc
        found["charge_ma"] = self.limit(rows, strings, M_CHARGE_MA_MAX, 1, (0, 2, 4, 6, 7))
        found["discharge_ma"] = self.limit(rows, strings, M_DISCHARGE_MA_MAX, 2, (1, 3, 5, 8, 9))
        return found

    def limit(self, rows, strings, column, switch, protections):
        """Exact limit of the pack in mA: n_live * weakest / k."""
        weakest = RATED_MA
        for row in rows:
            state = 3 if row[M_STATE] is None else row[M_STATE]
            hit = any((row[M_PROTECTIONS] or 0) >> bit & 1 for bit in protections)
            weakest = min(weakest, 0 if hit or not state & switch else row[column])
        total = abs(sum(row[M_CURRENT_MA] for row in rows) / self.modules_s)
        mean = total / len(strings)
        k = max(abs(row[M_CURRENT_MA]) for row in rows) / mean if mean else 1
        return len(strings) * weakest / (max(1, k) if mean > RATED_MA / 5 else 1)


@given(st.sampled_from(TOPOLOGIES), st.integers(0, TICK_MASK), TICKS)
def test_against_the_model(topology, start_ms, ticks):
    pack, model, now = Pack(*topology, SILENT_MS, RATED_MA), Model(*topology), 0
    before = model.summary(now)
    for pause_ms, said in ticks:
        now += pause_ms
        for i, values in said.items():
            if i < pack.count:
                for column, value in values.items():
                    pack.rows[i][column] = value
                pack.put(i, (start_ms + now) & TICK_MASK)
                model.said[i], model.at[i] = values, now
        pack.update((start_ms + now) & TICK_MASK)
        wanted = model.summary(now)
        compare(pack, wanted, before)
        before = wanted
    assert len(pack.rows[0]) == MODULE_POINTS


def compare(pack, wanted, before):
    for name in wanted:
        if name == "charge_ma":
            near(pack.charge_ma_max, wanted[name], pack)
        elif name == "discharge_ma":
            near(pack.discharge_ma_max, wanted[name], pack)
        else:
            assert getattr(pack, name) == wanted[name], (name, getattr(pack, name), wanted[name])
    if not wanted["strings_live"] and before["strings_live"]:
        assert pack.soc_pm == before["soc_pm"], "the last summary stands"


def near(limit_ma, exact_ma, pack):
    """Integer steps of 100 mA a string; the imbalance in per mille, rounded."""
    assert abs(limit_ma - exact_ma) <= 100 * pack.strings_p + exact_ma // 100, (limit_ma, exact_ma)
    if exact_ma == 0:
        assert limit_ma == 0
