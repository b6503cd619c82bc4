"""What a person sets for charging and for discharging; a set is taken whole or not at all.

Magnitudes; 0 means the default or unlimited.
"""


class ChargeParams:
    """method: 0 CC_CV, 1 PULSED, 2 MULTI_STAGE, 3 TRICKLE. w_max: W at AC; ma_max: mA of the pack;
    mv_max: mV of a string; soc_pm_target: per mille; minutes_max: time-out; balancing: 0 or 1.
    mv_less: by so much mv_max is below the configuration's.
    """

    def __init__(self):
        self.method = self.w_max = self.ma_max = self.mv_max = 0
        self.soc_pm_target = self.minutes_max = self.mv_less = 0
        self.balancing = 1


class DischargeParams:
    """w_max: W at AC; ma_max: mA of the pack; mv_min: mV of a string; soc_pm_min: per mille;
    minutes_max: time-out. mv_more, pm_more: by so much mv_min and soc_pm_min are above those of
    the configuration.
    """

    def __init__(self):
        self.w_max = self.ma_max = self.mv_min = self.soc_pm_min = self.minutes_max = 0
        self.mv_more = self.pm_more = 0
