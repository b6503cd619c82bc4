"""Calls that concern all packs of a site at once, and what it shows while something is wrong."""

from bess.core.battery.sequence import PCS_FAULT
from bess.core.control.calls import PowerManager
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_FULL, REFUSED_LATCHED, REFUSED_LOOSER,
    REFUSED_MODE, REFUSED_NOT_STARTED, STANDBY, STARTING,
)
from bess.core.points import (
    AUTHORITY, CAUSE_INPUT, CAUSE_INVARIANT, FLOW, GRID_CONNECTION, INPUTS, M_SOC_PM, OUTPUTS,
    SOC_PM, STRING_INPUTS, UTC_DAY, UTC_S, WHY_SOC_UNKNOWN,
)
from host_tests.core.bench_pack import causes
from host_tests.core.bench_packs import SiteBench
from host_tests.core.control.test_loading import Without


def test_stop_and_maintenance_of_all():
    bench = SiteBench().started(9000)
    site = bench.site
    assert site.enter_maintenance() == REFUSED_MODE, "it gives power"
    assert site.stop() == 0 and site.remote_w() is None
    bench.run(15_000)
    assert site.stopped() and bench.modes() == [STANDBY] * 3
    assert site.set_grid_connection(3) == 0
    bench.run(1000)
    assert site.image.now[GRID_CONNECTION] == 3
    assert site.enter_maintenance() == 0 and bench.tick().get_mode() == MAINTENANCE
    assert site.test_power(200) == 0
    for _ in range(8):
        bench.run(3000)
        site.test_power(200)
    assert bench.commands() == [200, 0, 0], "tests are the first pack's"
    assert site.leave_maintenance() == REFUSED_MODE, "a test goes on"
    site.packs[0].stop()
    bench.run(15_000)
    assert site.leave_maintenance() == 0 and bench.tick().get_mode() == STANDBY
    assert site.leave_maintenance() == REFUSED_MODE, "nobody is in it"


def test_tests_of_a_site_are_those_of_its_first_pack():
    bench = SiteBench()
    bench.load_w = 1000
    bench.run(3000)
    site = bench.site
    assert site.enter_maintenance() == 0 and bench.tick().get_mode() == MAINTENANCE
    assert site.test_contactor(1) == 0
    assert bench.tick().packs[0].sequence.coils == 1
    site.packs[0].stop()
    bench.run(10_000)
    assert site.test_trickle() == 0
    site.packs[0].stop()
    bench.run(10_000)
    for _ in range(90):
        assert site.test_sign() == 0
        bench.run(1000)
        if site.test.verdict:
            break
    assert site.test.verdict == 1, "right"
    assert bench.modes() == [MAINTENANCE] * 3


CHARGES = (
    # SoC of the packs, modules of the second that are silent, SoC of the site, why
    ((800, 500, 500), 0, 600, "packs of one size"),
    ((800, 500, 500), 0b01, 620, "half of the second is not there: (2 x 800 + 500 + 2 x 500) / 5"),
    ((800, 500, 500), 0b11, 650, "nor is the rest"),
    ((1000, 1000, 1000), 0, 1000, "full"),
    ((1000, 999, 1000), 0, 999, "only when all are"),
)


def test_the_charge_of_a_site_is_weighted_by_capacity():
    for soc_pm, silent, wanted_pm, why in CHARGES:
        bench = SiteBench()
        bench.plants[1].silent = silent
        for i in range(3):
            for row in bench.site.packs[i].pack.rows:
                row[M_SOC_PM] = soc_pm[i]
        bench.run(8000)
        found_pm = bench.site.image.now[SOC_PM]
        assert found_pm == wanted_pm, (why, found_pm)


def test_a_refused_call_is_told_once():
    bench = SiteBench()
    bench.run(3000)
    before = bench.site.events.count
    assert bench.site.set_constant_power(1000, 0) == REFUSED_NOT_STARTED
    events = bench.site.events
    assert events.count == before + 1 and events.level(events.slot(0)) == 0, "the site's"


def test_what_only_rest_permits():
    site = SiteBench().started().site
    assert site.set_grid_connection(3) == REFUSED_MODE
    site.emergency_shutdown()


def test_parameters_and_authority_of_all():
    bench = SiteBench().started()
    site = bench.site
    assert site.set_charge_params(w_max=4000) == 0 and site.set_discharge_params(w_max=3000) == 0
    assert site.set_charge_params(w_max=0, soc_pm_target=999) == REFUSED_LOOSER
    bench.tick()
    assert site.charge_params.w_max == 4000 and site.discharge_params.w_max == 3000
    assert site.set_constant_power(20_000, 0) == 0
    bench.run(20_000)
    assert bench.commands() == [3000, 3000, 3000]
    assert site.set_authority(True) == 0
    bench.run(1000)
    assert site.image.now[AUTHORITY] == 1 and site.local


def test_an_emergency_of_all_refuses_everything_and_none_may_start():
    bench = SiteBench().started(9000)
    bench.site.emergency_shutdown()
    bench.run(1000)
    assert bench.site.set_constant_power(1000, 0) == REFUSED_LATCHED
    assert bench.site.start_discharging(1000, 0) == REFUSED_LATCHED
    row = [0] * 8
    assert bench.site.alarms.read(0, row) and not bench.site.alarms.read(96, row)
    assert bench.site.alarms.acknowledge(-1) >= 3 and bench.site.alarms.lost == 0


def test_too_many_restarts_concern_all():
    bench = SiteBench()
    for each in bench.site.packs:
        each.restore_run()
    bench.site.forget_run()
    bench.run(30_000)
    assert bench.modes() == [STANDBY] * 3


def test_packs_that_fight_stop_and_latch():
    """Only a bug could bring it about."""
    bench = SiteBench().started(9000)
    bench.site.packs[1].act = lambda now_ms: None
    bench.site.packs[1].command.battery_w = -500
    bench.tick()
    bench.site.packs[1].command.battery_w = 0
    assert bench.site.command.battery_w == 0
    assert CAUSE_INVARIANT in causes(bench.site.packs[0])


def test_a_step_that_fails_stops_every_pack():
    bench = SiteBench().started(9000)
    bench.site.fail(bench.now_ms)
    assert bench.commands() == [0, 0, 0] and bench.site.outputs() & 8, "the trip output"
    assert bench.site.outputs() == bench.site.image.now[OUTPUTS]
    bench.tick()
    assert bench.modes() == [EMERGENCY] * 3


def test_feedbacks_that_nobody_tells_are_unknown():
    bench = SiteBench()
    bench.run(1000)
    site = bench.site
    site.image.put(STRING_INPUTS, None, bench.now_ms)
    site.image.put(INPUTS, 1, bench.now_ms)
    for tick in range(10):
        site.step(bench.now_ms + 100 * tick)
        assert site.packs[0].image.now[INPUTS] is None
    assert [causes(each) for each in site.packs] == [(CAUSE_INPUT,)] * 3, "nobody sees the loop"


def test_packs_that_switch_themselves_need_no_feedbacks():
    bench = SiteBench(contactors="none")
    bench.started(9000)
    assert bench.site.packs[2].image.now[INPUTS] == 1 and bench.commands() == [3000] * 3


def test_an_unknown_inverter_leaves_the_balance_unknown():
    bench = SiteBench(self_use=1)
    bench.load_w = 6000
    bench.started()
    bench.run(20_000)
    assert bench.site.get_mode() == DISCHARGE and bench.site.image.now[FLOW] is not None
    bench.plants[1].pcs_answers = False
    bench.run(3500)
    assert bench.site.grid.base_w is None, "who knows what it does"
    bench.load_w = None
    bench.run(20_000)
    assert bench.site.image.now[FLOW] is None


def test_before_any_inverter_has_spoken_the_sum_is_none():
    bench = SiteBench()
    for plant in bench.plants:
        plant.pcs_answers = False
    bench.run(2000)
    assert bench.site.get_mode() == STANDBY and bench.site.command.run == 0


def test_names_that_are_no_calls():
    manager = SiteBench().site.packs[0]
    for name in ("_nothing", "nothing_of_the_kind"):
        try:
            getattr(manager, name)
            raise RuntimeError("found")
        except AttributeError:
            pass


def test_without_memory_a_call_that_is_not_loaded_is_refused():
    manager = SiteBench().site.packs[0]
    manager.set_mode(STANDBY)
    call = PowerManager.set_mode
    del PowerManager.set_mode
    try:
        with Without("bess.core.control.operate"):
            assert manager.set_mode(IDLE) == REFUSED_FULL
        assert manager.set_mode(STANDBY) == 0, "there is room again"
    finally:
        PowerManager.set_mode = call




def test_an_unknown_charge_of_one_pack_closes_that_pack_only():
    for unknown in (0, 1):
        bench = SiteBench(2).started(2000)
        for row in bench.site.packs[unknown].pack.rows:
            row[M_SOC_PM] = None
        bench.run(8000)
        assert bench.modes()[1 - unknown] == DISCHARGE and bench.commands()[1 - unknown] == 2000
        assert bench.commands()[unknown] == 0
        window = bench.site.packs[unknown].window
        assert (window.lo_w, window.hi_w, window.hi_why) == (0, 0, WHY_SOC_UNKNOWN)


def test_a_power_smaller_than_the_packs_is_not_that_of_the_parameters():
    bench = SiteBench(3).started()
    assert bench.site.start_discharging(1, 0) == 0
    bench.run(8000)
    assert 0 < sum(bench.commands()) <= 3
    for mode, power_w in ((CHARGE, -1), (DISCHARGE, 2)):
        bench = SiteBench(3).started()
        assert bench.site.add_schedule((1, 7, 1, 0, mode, power_w, 60, 1)) == 0
        bench.site.image.now[UTC_DAY], bench.site.image.now[UTC_S] = 20_000, 3600
        bench.run(8000)
        assert abs(sum(bench.commands())) <= 3, (mode, bench.commands())


def test_an_operation_of_the_site_is_no_test_where_a_person_works():
    bench = SiteBench(2).started()
    site = bench.site
    assert site.packs[0].enter_maintenance() == 0
    bench.run(12_000)
    assert bench.modes() == [MAINTENANCE, IDLE] and site.packs[0].stopped()
    assert site.start_discharging(500, 0) == 0
    bench.run(5000)
    assert bench.commands() == [0, 500] and site.packs[0].test.kind == 0
    assert site.start_charging(0) == 0 and site.packs[0].test.kind == 0
    assert site.set_constant_power(600, 0) == 0
    bench.run(9000)
    assert bench.commands() == [0, 600] and site.packs[0].test.kind == 0
    assert site.stop() == 0
    bench.run(12_000)
    assert site.packs[1].enter_maintenance() == 0
    bench.run(1000)
    for call in (lambda: site.start_discharging(500, 0), lambda: site.start_charging(0),
                 lambda: site.set_constant_power(500, 0)):
        assert call() == REFUSED_MODE, "a person works at each"
    bench.run(1000)
    assert site.requests.rank == 0 and [each.test.kind for each in site.packs] == [0, 0]


def test_a_pack_that_waits_after_a_trip_keeps_no_wish():
    bench = SiteBench(2).started()
    site = bench.site
    for plant in bench.plants:
        plant.pcs_state = PCS_FAULT
    bench.run(8000)
    assert site.set_constant_power(500, 0) == REFUSED_NOT_STARTED
    bench.plants[0].pcs_state = None
    bench.until(lambda s: s.packs[0].sequence.phase == STARTING, 80_000)
    assert site.set_constant_power(500, 0) == 0, "one pack can follow"
    site.packs[1].emergency_shutdown()
    bench.run(200)
    assert site.set_constant_power(400, 0) == 0
