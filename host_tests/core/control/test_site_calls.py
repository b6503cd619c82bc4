"""Calls that concern all packs of a site at once, and what it shows while something is wrong."""

from bess.core.control.calls import PowerManager
from bess.core.control.modes import (
    DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_FULL, REFUSED_LATCHED, REFUSED_LOOSER,
    REFUSED_MODE, STANDBY,
)
from bess.core.points import (
    AUTHORITY, CAUSE_INPUT, CAUSE_INVARIANT, FLOW, GRID_CONNECTION, INPUTS, OUTPUTS, STRING_INPUTS,
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
    assert site.stopped() and bench.modes() == [STANDBY] * 3 and not site.blocked()
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


