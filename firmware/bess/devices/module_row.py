"""What a row of the pack must hold before anybody may rely on it."""

from micropython import const

from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_CYCLES, M_DISCHARGE_MA_MAX, M_FULL_DAH, M_PACK_MV, M_SOC_PM, M_SOH_PM,
)

CELL_MV_MIN = const(1)       # 0 mV is how a missing cell or a broken wire reads
CELL_MV_MAX = const(6000)

# point, lowest, highest plausible value, 1 = without it there is no sample, 0 = it becomes None
_LIMITS = (
    M_PACK_MV, 10_000, 100_000, 1,
    M_CURRENT_MA, -1_000_000, 1_000_000, 1,
    M_CELL_MV_MAX, CELL_MV_MIN, CELL_MV_MAX, 1,
    M_CELL_MV_MIN, CELL_MV_MIN, CELL_MV_MAX, 1,
    M_CELL_DC_MAX, -500, 1500, 1,
    M_CELL_DC_MIN, -500, 1500, 1,
    M_CHARGE_MA_MAX, 0, 1_000_000, 1,
    M_DISCHARGE_MA_MAX, 0, 1_000_000, 1,
    M_SOC_PM, 0, 1000, 0,
    M_SOH_PM, 0, 1000, 0,
    M_CYCLES, 0, 65_534, 0,
    M_FULL_DAH, 0, 65_534, 0,
    M_CHARGE_MV_MAX, 10_000, 100_000, 0,        # 0: the BMS states none
)
_COLUMNS = const(4)


def is_plausible(row):
    """True when the row is a sample: all that matters is there and in range.

    An implausible value that is not needed becomes None.
    """
    for k in range(0, len(_LIMITS), _COLUMNS):
        value = row[_LIMITS[k]]
        if value is None or not _LIMITS[k + 1] <= value <= _LIMITS[k + 2]:
            if _LIMITS[k + 3]:
                return False
            row[_LIMITS[k]] = None
    return (row[M_CELL_MV_MIN] <= row[M_CELL_MV_MAX]
            and row[M_CELL_DC_MIN] <= row[M_CELL_DC_MAX])


def publish(sample, pack, index, sampled_ms):
    """Hand a plausible sample to the pack: all of the row changes, or nothing."""
    row = pack.rows[index]
    for i in range(2, len(sample)):     # M_LIVE and M_AGE_DS belong to the tick
        row[i] = sample[i]
    pack.put(index, sampled_ms)
