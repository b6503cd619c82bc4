"""Several packs behind one site: shared power, losses of one pack, and what stays common."""

from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_LATCHED, REFUSED_MODE,
    REFUSED_NOT_STARTED, STANDBY,
)
from bess.core.points import (
    BATTERY_W, BY_MANUAL, BY_PROTECT_CHARGE, BY_REMOTE, BY_SELF_USE, CAUSE_COMMANDED,
    CAUSE_INPUT, CHARGE_W_RATED, COMMAND_W, DISCHARGE_AVAILABLE_W, GRID_W, HI_REASON, HI_W, LO_W,
    MODE, MODULES, MODULES_LIVE, M_CELL_MV_MAX, M_CELL_MV_MIN, M_FAULTS, M_SOC_PM, OUTPUTS, OWNER,
    SOC_PM, STRING_COILS, TRIPS, WHY_CELL_LOW, WHY_EXPORT_CAP, WHY_IMPORT_CAP, WISH_W,
)
from host_tests.core.bench_pack import causes
from host_tests.core.bench_packs import SiteBench


def soc(bench, pack, soc_pm):
    bench.plants[pack].rows(M_SOC_PM, soc_pm)


def test_starts_every_pack_with_contactors_of_its_own():
    bench = SiteBench().started()
    now = bench.site.image.now
    assert now[STRING_COILS] == 0b101101101
    assert now[OUTPUTS] & 7 == 0b101, "the first set has the usual outputs"
    assert bench.site.get_mode() == now[MODE] == IDLE
    assert now[MODULES] == now[MODULES_LIVE] == 6 and now[CHARGE_W_RATED] == 30_000


def test_a_pack_whose_contactor_stays_open_is_alone_in_it():
    bench = SiteBench()
    bench.plants[1].stuck_open = 4
    bench.run(3000)
    bench.site.start()
    bench.run(30_000)
    assert bench.modes() == [IDLE, STANDBY, IDLE] and bench.site.get_mode() == IDLE
    assert bench.site.packs[1].trips.present and bench.site.image.now[TRIPS]


# power of the site, usable energy of each pack by SoC, expected commands, why
SHARES = (
    (15_000, (500, 500, 500), (5000, 5000, 5000), "alike"),
    (-15_000, (500, 500, 500), (-5000, -5000, -5000), "charging alike"),
    (30_000, (500, 500, 500), (10_000, 10_000, 10_000), "all of it"),
    (-30_000, (500, 500, 500), (-10_000, -10_000, -10_000), "all of it, charging"),
    (12_000, (700, 300, 500), (6000, 2000, 4000), "by what is left above 100 pm"),
    (20_000, (900, 200, 200), (10_000, 5000, 5000), "one at its limit, the others take the rest"),
    (500, (900, 200, 200), (500, 0, 0), "small power: the fullest pack alone"),
)


def test_power_is_shared_by_usable_energy():
    for power_w, levels, expected, why in SHARES:
        bench = SiteBench()
        for i in range(3):
            soc(bench, i, levels[i])
        bench.started(power_w)
        bench.run(5000)
        for got_w, wanted_w in zip(bench.commands(), expected):
            assert abs(got_w - wanted_w) <= 60, (why, bench.commands())
        assert sum(bench.commands()) == power_w, why
        now = bench.site.image.now
        assert now[COMMAND_W] == now[WISH_W] == power_w and now[OWNER] == BY_MANUAL
        assert now[BATTERY_W] == power_w


def test_when_a_pack_leaves_the_others_take_its_power():
    bench = SiteBench().started(15_000)
    bench.plants[1].pcs_state = 3                       # its inverter reports a fault
    bench.run(20_000)
    assert bench.modes()[1] == STANDBY and bench.site.packs[1].trips.present
    assert bench.commands() == [7500, 0, 7500]
    assert bench.site.get_mode() == DISCHARGE and bench.site.image.now[TRIPS]
    assert bench.site.image.now[HI_W] == 20_000


def test_a_silent_inverter_takes_only_its_own_pack():
    bench = SiteBench().started(15_000)
    bench.plants[2].pcs_answers = False
    bench.run(40_000)
    assert bench.modes()[2] == STANDBY
    assert bench.commands() == [7500, 7500, 0]
    assert bench.site.image.now[BATTERY_W] == 15_000, "a pack at rest whose inverter is unknown: 0"


def test_silent_modules_of_one_pack_are_its_own_emergency():
    bench = SiteBench().started(15_000)
    bench.plants[0].silent = 3
    bench.run(20_000)
    assert bench.commands() == [0, 7500, 7500], "its window faded, the others took over"
    bench.run(60_000)
    assert bench.modes()[0] == EMERGENCY and bench.modes()[1] == DISCHARGE
    assert bench.site.is_emergency() and not bench.site.latched
    assert bench.site.set_constant_power(8000, 0) == 0, "the others still obey"


def test_the_emergency_input_and_a_shutdown_are_for_all():
    bench = SiteBench().started(15_000)
    bench.loop_ok = False
    bench.tick()
    bench.tick()
    assert bench.commands() == [0, 0, 0] and bench.modes() == [EMERGENCY] * 3
    assert bench.site.latched == 1 << CAUSE_INPUT and bench.site.get_mode() == EMERGENCY
    assert bench.site.start() == REFUSED_LATCHED
    bench.loop_ok = True
    assert bench.site.reset_emergency() != 0, "its cause is not gone for 5 s"
    bench.run(7000)
    assert bench.site.reset_emergency() == 0 and bench.tick().get_mode() == STANDBY
    bench.site.emergency_shutdown()
    bench.tick()
    assert [causes(each) for each in bench.site.packs] == [(CAUSE_COMMANDED,)] * 3


def test_a_press_during_a_tick_is_for_the_next_one():
    """The interrupt may come between two packs: neither of them loses it."""
    bench = SiteBench()
    bench.run(1000)
    first = bench.site.packs[0]
    look = first.look

    def disturbed(now_ms):
        look(now_ms)
        bench.site.pressed = True

    first.look = disturbed
    bench.tick()
    first.look = look
    bench.tick()
    assert [causes(each) for each in bench.site.packs] == [(CAUSE_INPUT,)] * 3


def test_a_press_between_two_ticks_is_for_all():
    bench = SiteBench().started(15_000)
    bench.site.pressed = True
    bench.tick()
    assert bench.commands() == [0, 0, 0]
    assert [causes(each) for each in bench.site.packs] == [(CAUSE_INPUT,)] * 3
    bench.run(15_000)
    assert bench.site.reset_emergency() == 0 and not bench.site.is_emergency()


def test_a_remote_reset_has_one_number_for_all_packs():
    bench = SiteBench(remote_reset=1).started()
    bench.site.emergency_shutdown()
    bench.run(15_000)
    assert bench.site.reset_emergency(False, 77) != 0
    number = bench.site.reset_number()
    assert bench.site.reset_emergency(False, number) == 0
    assert bench.modes() == [STANDBY] * 3


# cap key, cap, load of the site, wish, expected sum, reason of the side
CAPS = (
    ("export_w_max", 4000, 3000, 20_000, 7000, WHY_EXPORT_CAP, "load and cap"),
    ("import_w_max", 9000, 3000, -20_000, -6000, WHY_IMPORT_CAP, "cap less load"),
)


def test_caps_of_the_connection_bound_the_sum():
    for key, cap_w, load_w, wish_w, expected_w, why, reason in CAPS:
        bench = SiteBench(**{key: cap_w})
        bench.load_w = load_w
        bench.started()
        bench.site.set_constant_power(wish_w, 0)
        bench.run(20_000)
        assert abs(sum(bench.commands()) - expected_w) <= 3, (reason, bench.commands())
        now = bench.site.image.now
        assert why in (now[HI_REASON], bench.site.window.lo_why), reason
        assert now[LO_W] >= -30_000 and now[HI_W] <= 30_000


def test_a_falling_cap_cuts_every_pack_at_once():
    bench = SiteBench(export_w_max=5000)
    bench.load_w = 15_000
    bench.started(20_000)
    bench.load_w = 1000
    bench.until(lambda site: site.meter_step == 0 and site.image.meter_fresh, 1100)
    assert sum(bench.commands()) <= 6000
    assert min(bench.commands()) > 1900, "each its part"


def test_self_use_follows_the_meter_with_all_packs():
    bench = SiteBench(self_use=1)
    bench.load_w = 9000
    bench.started()
    bench.run(30_000)
    now = bench.site.image.now
    assert now[OWNER] == BY_SELF_USE
    assert abs(now[GRID_W] - 20) <= 30, now[GRID_W]
    assert abs(sum(bench.commands()) - 8980) <= 60
    assert max(bench.commands()) - min(bench.commands()) <= 100


def test_no_pack_charges_while_another_discharges():
    bench = SiteBench()
    soc(bench, 0, 900)
    bench.started(15_000)
    bench.site.set_constant_power(-15_000, 0)
    turned = False
    for _ in range(600):
        bench.tick()
        w = bench.commands()
        assert not (min(w) < 0 < max(w)), w
        turned = turned or min(w) < 0
    assert turned and bench.site.get_mode() == CHARGE


def test_an_empty_pack_is_charged_before_the_site_discharges():
    """A pack below its floor asks for a protective charge: 90 beats every other wish."""
    bench = SiteBench(soc_pm_min=100, soc_pm_floor=50)
    soc(bench, 1, 40)
    bench.run(3000)
    bench.site.start()
    bench.run(20_000)
    bench.site.set_constant_power(9000, 0)
    bench.run(20_000)
    w = bench.commands()
    assert w[1] < 0 and w[0] == w[2] == 0, w
    assert bench.site.packs[1].requests.rank == BY_PROTECT_CHARGE
    soc(bench, 1, 300)
    bench.until(lambda site: site.packs[1].requests.rank == BY_MANUAL, 200_000)
    bench.run(20_000)
    assert sum(bench.commands()) == 9000
    soc(bench, 1, 40)
    bench.run(20_000)
    w = bench.commands()
    assert w[1] < 0 and w[0] == w[2] == 0, "the others give way, not the pack that is in need"


def test_a_charge_goes_to_every_pack_by_its_own_method():
    bench = SiteBench().started()
    bench.plants[2].rows(M_CELL_MV_MAX, 3450)           # at the CV target: it takes less
    assert bench.site.start_charging(0) == 0
    bench.run(40_000)
    w = bench.commands()
    assert w[0] == w[1] == -10_000 and -10_000 < w[2] < 0, w
    assert bench.site.get_mode() == CHARGE
    assert bench.site.stop_operation() == 0
    bench.run(10_000)
    assert bench.commands() == [0, 0, 0]


def test_a_discharge_is_held_by_the_packs_that_are_left():
    bench = SiteBench().started()
    assert bench.site.start_discharging(12_000, 30) == 0
    bench.run(20_000)
    assert sum(bench.commands()) == 12_000
    bench.plants[0].rows(M_CELL_MV_MIN, 2880)
    bench.run(20_000)
    w = bench.commands()
    assert w[0] == 0 and sum(w) > 7000, w


def test_a_schedule_entry_has_the_power_of_the_site():
    bench = SiteBench().started()
    bench.site.add_schedule((1, 7, 0, 0, DISCHARGE, 9000, 60, 1))
    for second in range(30):
        set_clock(bench, 20_000, 60 + second)
        bench.run(1000)
    assert sum(bench.commands()) == 9000, bench.commands()
    set_clock(bench, 20_000, 3601)
    bench.run(20_000)
    assert bench.commands() == [0, 0, 0], "an hour is over"


def set_clock(bench, day, second):
    from bess.core.points import UTC_DAY, UTC_S
    bench.site.image.now[UTC_DAY], bench.site.image.now[UTC_S] = day, second


def test_a_remote_setpoint_is_for_the_site():
    bench = SiteBench().started()
    assert bench.site.ask_remote(-24_000, 60_000) == 0
    bench.run(15_000)
    assert bench.commands() == [-8000, -8000, -8000]
    assert bench.site.image.now[OWNER] == BY_REMOTE and bench.site.remote_w() == -24_000
    bench.site.release_remote()
    bench.run(10_000)
    assert bench.commands() == [0, 0, 0]


def test_the_range_of_a_power_is_that_of_all_packs():
    site = SiteBench().started().site
    assert site.set_constant_power(30_000, 0) == 0
    for call in (lambda: site.set_constant_power(30_001, 0),
                 lambda: site.ask_remote(-30_001, 5000),
                 lambda: site.start_discharging(30_001, 0)):
        try:
            call()
            raise AssertionError("accepted")
        except ValueError as fault:
            assert "30000" in str(fault)


def test_packs_are_maintained_one_by_one():
    bench = SiteBench().started(15_000)
    pack = bench.site.packs[1]
    assert pack.enter_maintenance() == REFUSED_MODE
    pack.stop()
    bench.until(lambda site: pack.stopped(), 20_000)
    assert pack.enter_maintenance() == 0
    bench.run(2000)
    assert bench.modes() == [DISCHARGE, MAINTENANCE, DISCHARGE]
    assert sum(bench.commands()) == 15_000
    assert pack.test_power(200) == 0
    for _ in range(10):
        bench.run(4000)
        pack.test_power(200)
    assert bench.commands()[1] == 200 and sum(bench.commands()) == 15_200


def test_stopped_packs_refuse_and_sleepers_wake():
    bench = SiteBench(idle_standby_ms=10_000)
    bench.run(3000)
    assert bench.site.set_constant_power(1000, 0) == REFUSED_NOT_STARTED
    bench.started()
    bench.run(40_000)
    assert bench.modes() == [STANDBY] * 3
    assert bench.site.ask_remote(15_000, 600_000) == 0
    bench.until(lambda site: site.command.battery_w == 15_000, 60_000)


def test_one_image_for_the_site():
    bench = SiteBench()
    soc(bench, 0, 200)
    soc(bench, 1, 1000)
    soc(bench, 2, 600)
    bench.started()
    bench.plants[0].rows(M_CELL_MV_MIN, 2900)
    bench.plants[1].rows(M_FAULTS, 0)
    bench.run(3000)
    now = bench.site.image.now
    assert now[SOC_PM] == 600, "mean of packs of one size"
    assert now[DISCHARGE_AVAILABLE_W] < 30_000
    assert bench.site.packs[0].window.hi_why == WHY_CELL_LOW
    status, limits, stats = [None] * 10, [None] * 4, [None] * 10
    bench.site.status(status)
    bench.site.limits(limits)
    bench.site.stats(stats)
    assert status[0] == IDLE and limits[1] == now[HI_W] and stats[0] == 0


def test_no_step_allocates():
    bench = SiteBench(locked=True, self_use=1, import_w_max=20_000)
    bench.load_w = 9000
    bench.started()
    bench.run(5000)
    bench.site.set_constant_power(-15_000, 1)
    bench.run(20_000)
    bench.plants[1].pcs_state = 3
    bench.run(10_000)
    bench.loop_ok = False
    bench.run(1000)
    assert bench.modes() == [EMERGENCY] * 3
