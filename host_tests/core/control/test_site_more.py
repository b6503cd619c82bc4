"""Several packs: what one of them does not know, and how the site's figures are made."""

from bess.core.control.modes import DISCHARGE
from bess.core.points import M_SOC_PM, WHY_SOC_UNKNOWN
from host_tests.core.bench_packs import SiteBench

BACKUP = 1                          # grid connection with a reserve

RESERVES = (
    # SoC of the packs, power of the site, commands of the packs, why
    ((500, None, 500), 9000, [4500, 0, 4500], "who does not know its SoC stays out"),
    ((None, 500, 500), 9000, [0, 4500, 4500], "also when it is the first"),
    ((None, None, None), 9000, [0, 0, 0], "nobody knows"),
    ((500, None, 200), 9000, [0, 0, 0], "the lowest of those that know is at the reserve"),
    ((500, 200, 600), 9000, [0, 0, 0], "the lowest decides, wherever it stands"),
    ((500, 600, 221), 9000, [3525, 4408, 1067], "above it, by what is left"),
)


def test_a_pack_without_a_soc_is_out_and_the_reserve_is_that_of_the_others():
    for levels, site_w, commands, why in RESERVES:
        bench = SiteBench(locked=True, grid_connection=BACKUP, backup_reserve_pm=200)
        bench.load_w = 12_000
        for plant, soc_pm in zip(bench.plants, levels):
            plant.rows(M_SOC_PM, soc_pm)
        bench.started()
        assert bench.site.set_constant_power(site_w, 0) == 0
        bench.run(15_000)
        assert bench.commands() == commands, (why, bench.commands())
        for each, soc_pm in zip(bench.site.packs, levels):
            assert (each.window.hi_why == WHY_SOC_UNKNOWN) == (soc_pm is None), why


def test_an_unknown_soc_in_the_middle_of_a_discharge():
    bench = SiteBench(locked=True).started(9000)
    bench.plants[1].rows(M_SOC_PM, None)
    bench.run(10_000)
    assert bench.commands() == [4500, 0, 4500] and bench.site.get_mode() == DISCHARGE
    bench.plants[1].rows(M_SOC_PM, 500)
    bench.run(10_000)
    assert bench.commands() == [3000, 3000, 3000]
