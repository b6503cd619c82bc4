"""What the diagnosis blocks, the window closes."""

from bess.core.points import WHY_BLOCK, WHY_RATING
from host_tests.core.bench_pack import Bench

BLOCKS = (
    # charge closed by, discharge closed by, lo, lo why, hi, hi why, why
    (0, 0, -20_000, WHY_RATING, 20_000, WHY_RATING, "nothing is blocked"),
    (WHY_BLOCK, 0, 0, WHY_BLOCK, 20_000, WHY_RATING, "charging"),
    (0, WHY_BLOCK, -20_000, WHY_RATING, 0, WHY_BLOCK, "discharging"),
    (WHY_BLOCK, WHY_BLOCK, 0, WHY_BLOCK, 0, WHY_BLOCK, "both"),
)


class Blocking:
    """The diagnosis of a manager, with blocks set by hand."""

    def __init__(self, diagnosis, block_charge, block_discharge):
        self.causes = self.present = self.changes = 0
        self.modules = diagnosis.modules
        self.block_charge, self.block_discharge = block_charge, block_discharge

    def tick(self, sequence, zero, now_ms):
        pass


def test_a_block_closes_its_direction_in_the_same_tick():
    for charge, discharge, lo_w, lo_why, hi_w, hi_why, why in BLOCKS:
        bench = Bench().started()
        manager = bench.manager
        manager.diagnosis = Blocking(manager.diagnosis, charge, discharge)
        window = bench.tick().window
        got = (window.lo_w, window.lo_why, window.hi_w, window.hi_why)
        assert got == (lo_w, lo_why, hi_w, hi_why), (why, got)
