"""Several packs: what one of them does not know, and how the site's figures are made."""

from bess.core.control.modes import (
    DISCHARGE, EMERGENCY, MAINTENANCE, REFUSED_CAUSE_PRESENT, REFUSED_LATCHED, REFUSED_LOOSER,
    REFUSED_MODE, REFUSED_NOT_STARTED, REFUSED_NO_PERSON, STANDBY,
)
from bess.core.points import BY_MANUAL, M_SOC_PM, OWNER, WHY_SOC_UNKNOWN
from host_tests.core.bench_packs import SiteBench

UNKNOWN = (
    # SoC of the packs, commands of the packs for 9 kW, why
    ((500, None, 500), [4500, 0, 4500], "who does not know its SoC stays out"),
    ((None, 500, 500), [0, 4500, 4500], "also when it is the first"),
    ((None, None, None), [0, 0, 0], "nobody knows"),
)


def test_a_pack_without_a_soc_is_out_alone():
    for levels, commands, why in UNKNOWN:
        bench = SiteBench(locked=True)
        for plant, soc_pm in zip(bench.plants, levels):
            plant.rows(M_SOC_PM, soc_pm)
        bench.started()
        assert bench.site.set_constant_power(9000, 0) == 0
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


def latched_first(bench):
    """This bench with an emergency of its first pack alone."""
    bench.site.packs[0].emergency_shutdown()
    bench.run(1000)
    assert bench.modes()[0] == EMERGENCY
    return bench


ONE_IS_ENOUGH = (
    # call, why
    (lambda site: site.start(), "the others start"),
    (lambda site: site.start_charging(0), "the others charge"),
    (lambda site: site.start_discharging(3000, 0), "the others discharge"),
    (lambda site: site.stop_operation(), "the others end theirs"),
    (lambda site: site.set_constant_power(3000, 0), "the others give it"),
)


def test_a_call_is_accepted_when_one_pack_accepts_it():
    for call, why in ONE_IS_ENOUGH:
        site = latched_first(SiteBench().started()).site
        assert call(site) == 0, why
        for each in site.packs:
            each.emergency_shutdown()
        site.step(site.now_ms + 100)
        assert call(site) == REFUSED_LATCHED, why


def test_all_must_be_at_rest():
    bench = SiteBench(auto_restart=0).started(9000)
    bench.plants[1].pcs_state = 3
    bench.run(15_000)
    site = bench.site
    assert site.packs[1].stopped() and not site.stopped()
    bench.plants[0].pcs_state = bench.plants[2].pcs_state = 3
    bench.run(15_000)
    assert site.stopped()


def test_minutes_of_a_power_of_the_site():
    site = SiteBench().started().site
    for minutes in (1, 1440):
        assert site.set_constant_power(3000, minutes) == 0
        site.step(site.now_ms + 100)
        assert site.requests.left_ms == minutes * 60_000 - 100
    for minutes in (-1, 1441):
        for call in (site.set_constant_power, site.start_discharging):
            try:
                call(3000, minutes)
                raise RuntimeError("accepted")
            except ValueError as fault:
                assert str(fault).startswith("minutes is %d, allowed" % minutes), fault


def test_the_last_operation_takes_the_place_of_the_one_before():
    bench = SiteBench().started(9000)
    site = bench.site
    assert site.start_charging(951) == REFUSED_LOOSER, "above the maximum SoC"
    bench.run(1000)
    assert sum(bench.commands()) == 9000, "what is refused changes nothing"
    assert site.start_charging(0) == 0
    bench.run(30_000)
    assert sum(bench.commands()) == -30_000, "nothing of the 9 kW is left"
    assert site.set_constant_power(9000, 0) == 0
    assert [each.wishes.manual for each in site.packs] == [0, 0, 0]
    bench.run(30_000)
    assert sum(bench.commands()) == 9000
    site.stop()
    bench.run(20_000)
    bench.started()
    bench.run(5000)
    assert site.rank == 0 and bench.commands() == [0, 0, 0], "a stop ends it"


def test_the_connection_of_a_site_of_several_packs():
    bench = SiteBench()
    site = bench.run(1000)
    for kind in (0, 1, 4):
        try:
            site.set_grid_connection(kind)
            raise RuntimeError("accepted")
        except ValueError as fault:
            assert "kind is %d, allowed: a whole number 2..3" % kind in str(fault)
    assert site.set_grid_connection(3) == 0 and site.grid.kind == 3
    bench.started(9000)
    site.stop()
    bench.tick()
    assert bench.modes() == [STANDBY] * 3 and not site.stopped()
    assert site.set_grid_connection(2) == REFUSED_MODE, "not before all is at rest"
    bench.run(15_000)
    assert site.set_grid_connection(2) == 0


OPERABLE = (
    # what was done before, refusal of a constant power, why
    (lambda site: site.start(), 0, "kept while it starts"),
    (lambda site: site.packs[2].start(), 0, "one is enough"),
    (lambda site: site.enter_maintenance(), REFUSED_NOT_STARTED, "tests are for a single pack"),
    (lambda site: site.stop(), REFUSED_NOT_STARTED, ""),
)


def test_which_packs_can_be_operated():
    for deed, refusal, why in OPERABLE:
        site = SiteBench().run(1000)
        assert deed(site) == 0
        assert site.set_constant_power(1000, 0) == refusal, why


def test_the_refusal_of_one_pack_is_told():
    """Parameters, authority, MAINTENANCE and a reset are for all: who refuses is heard."""
    bench = latched_first(SiteBench(remote_reset=1, service_key="brass").started())
    site = bench.site
    site.packs[1].stop()
    bench.run(15_000)
    assert site.enter_maintenance() == REFUSED_LATCHED, "the first has an emergency, no key"
    assert site.packs[1].mode == MAINTENANCE and site.packs[0].mode == EMERGENCY
    site.packs[2].emergency_shutdown()
    bench.tick()
    assert site.reset_emergency() == REFUSED_CAUSE_PRESENT, "the third has only just stopped"
    assert bench.modes()[0] == STANDBY, "the first is reset"
    bench.run(15_000)
    assert site.reset_emergency(False) == REFUSED_NO_PERSON, "no number was given out"
    assert site.reset_emergency(False, site.reset_number()) == 0


def one_tested(battery_w, **changes):
    """Three packs, the second in MAINTENANCE with a test of its power."""
    bench = SiteBench(**changes)
    bench.load_w = 3000
    bench.started()
    pack = bench.site.packs[1]
    pack.stop()
    bench.until(lambda site: pack.stopped(), 20_000)
    assert pack.enter_maintenance() == 0
    renew(bench, battery_w, 8)
    assert bench.commands() == [0, battery_w, 0]
    return bench


def renew(bench, battery_w, seconds):
    for _ in range(seconds):
        assert bench.site.packs[1].test_power(battery_w) == 0
        bench.run(1000)


BESIDE_A_TEST = (
    # test of the second pack, power of the site, what the two others give, settings, why
    (200, 9000, 9000, {}, "both discharge"),
    (-200, -9000, -9000, {}, "both charge"),
    (200, -9000, 0, {}, "packs never fight"),
    (-200, 9000, 0, {}, "packs never fight"),
    (200, -1, 0, {}, "not by a watt"),
    (-200, 1, 0, {}, "not by a watt"),
    (200, 20_000, 6800, {"export_w_max": 4000}, "the test is inside the cap: 3 kW load and cap"),
    (-200, -20_000, -5800, {"import_w_max": 9000}, "the test is inside the cap"),
)


def test_packs_beside_one_that_is_tested():
    for test_w, site_w, others_w, changes, why in BESIDE_A_TEST:
        bench = one_tested(test_w, **changes)
        assert bench.site.set_constant_power(site_w, 0) == 0
        renew(bench, test_w, 15)
        w = bench.commands()
        assert w[1] == test_w and abs(w[0] + w[2] - others_w) <= (3 if changes else 0), (why, w)
        assert bench.site.rank == BY_MANUAL and bench.site.wish_w == site_w


def test_a_protective_charge_is_beside_a_charge_of_the_site():
    bench = SiteBench(soc_pm_floor=50)
    bench.plants[1].rows(M_SOC_PM, 40)
    bench.run(3000)
    assert bench.site.start() == 0
    alone_w = bench.run(20_000).packs[1].requests.wish_w
    assert alone_w < -500 and bench.commands() == [0, alone_w, 0]
    assert bench.site.set_constant_power(-9000, 0) == 0
    bench.run(15_000)
    assert bench.commands() == [-4500, alone_w, -4500]
    assert bench.site.image.now[OWNER] == BY_MANUAL, "the protection is that pack's own"


def test_a_person_at_one_pack_adds_to_the_site():
    bench = SiteBench().started(9000)
    assert bench.site.test is bench.site.packs[0].test
    assert bench.site.packs[1].set_constant_power(1500, 0) == 0
    bench.run(10_000)
    assert bench.site.wish_w == 10_500 and sum(bench.commands()) == 10_500
