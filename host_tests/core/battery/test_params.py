"""A set of parameters that nobody has touched: it limits nothing, and the cells are balanced."""

from bess.core.battery.params import ChargeParams, DischargeParams
from bess.core.battery.stages import CC_CV


def test_what_nobody_has_set_limits_nothing():
    charge, discharge = ChargeParams(), DischargeParams()
    assert charge.method == CC_CV and charge.balancing == 1
    assert (charge.w_max, charge.ma_max, charge.mv_max, charge.soc_pm_target,
            charge.minutes_max) == (0, 0, 0, 0, 0)
    assert (discharge.w_max, discharge.ma_max, discharge.mv_min, discharge.soc_pm_min,
            discharge.minutes_max) == (0, 0, 0, 0, 0)
