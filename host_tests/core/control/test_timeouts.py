"""A constant power that the time-out of the parameters ends: what is told of it."""

from bess.core.battery.rounds import TIMEOUT
from bess.core.events import INFO, WARNING
from bess.core.points import (
    BY_MANUAL, EVENT_CHARGE_COMPLETE, EVENT_CHARGE_TIMEOUT, EVENT_DISCHARGE_COMPLETE,
    EVENT_DISCHARGE_TIMEOUT, EVENT_REQUEST_ENDED,
)
from host_tests.core.bench_pack import Bench
from host_tests.core.bench_packs import SiteBench
from host_tests.core.control.test_wishes_ends import told

# power, minutes, completed, late, why; time-outs of the parameters: 1 minute
POWERS = (
    (-1500, 0, EVENT_CHARGE_COMPLETE, EVENT_CHARGE_TIMEOUT, "it charged"),
    (1500, 0, EVENT_DISCHARGE_COMPLETE, EVENT_DISCHARGE_TIMEOUT, "it discharged"),
    (-1500, 1, 0, 0, "its own time is no time-out"),
    (1500, 1, 0, 0, "its own time is no time-out"),
)
FOUR = (EVENT_CHARGE_COMPLETE, EVENT_CHARGE_TIMEOUT, EVENT_DISCHARGE_COMPLETE,
        EVENT_DISCHARGE_TIMEOUT)


def with_timeouts(charge_min=1, discharge_min=1):
    bench = Bench(locked=True).started()
    bench.manager.set_charge_params(minutes_max=charge_min)
    bench.manager.set_discharge_params(minutes_max=discharge_min)
    bench.tick()
    return bench


def test_a_power_that_the_time_out_ends_says_so():
    for power_w, minutes, completed, late, why in POWERS:
        bench = with_timeouts()
        assert bench.manager.set_constant_power(power_w, minutes) == 0
        bench.run(59_900)
        for event in FOUR:
            assert told(bench, event) == [], why
        bench.run(10_000)
        for event in FOUR:
            wanted = ([(INFO, TIMEOUT)] if event == completed
                      else [(WARNING, TIMEOUT)] if event == late else [])
            assert told(bench, event) == wanted, (why, event, told(bench, event))
        assert told(bench, EVENT_REQUEST_ENDED) == [(INFO, BY_MANUAL)], why


UNTOLD = (
    # what happens before the time-out, why no time-out is told
    (lambda m: m.stop_operation(), "a person ended it"),
    (lambda m: m.set_constant_power(-900, 2), "another power took its place"),
    (lambda m: m.set_constant_power(0, 0), "0 W has no time-out"),
    (lambda m: m.start_discharging(900, 2), "a discharge took its place"),
    (lambda m: m.emergency_shutdown(), "an emergency ended it"),
    (lambda m: m.stop(), "all was stopped"),
)


def test_a_power_that_something_else_ends_has_no_time_out():
    for end, why in UNTOLD:
        bench = with_timeouts()
        bench.manager.set_constant_power(900, 0)
        bench.run(30_000)
        end(bench.manager)
        bench.run(70_000)
        for event in FOUR:
            assert told(bench, event) == [], (why, event)
    bench = with_timeouts(discharge_min=0)
    bench.manager.set_constant_power(900, 0)
    bench.run(70_000)
    assert bench.manager.requests.rank == BY_MANUAL, "no time-out: it goes on"


def test_a_power_of_a_site_has_the_time_out_too():
    for power_w, minutes, completed, late, why in POWERS:
        bench = SiteBench(locked=True).started()
        bench.site.set_charge_params(minutes_max=1)
        bench.site.set_discharge_params(minutes_max=1)
        bench.tick()
        assert bench.site.set_constant_power(power_w, minutes) == 0
        bench.run(59_900)
        assert [told(bench, event) for event in FOUR] == [[]] * 4, why
        bench.run(10_000)
        for event in FOUR:
            wanted = ([(INFO, TIMEOUT)] if event == completed
                      else [(WARNING, TIMEOUT)] if event == late else [])
            assert told(bench, event) == wanted, (why, event, told(bench, event))
        assert told(bench, EVENT_REQUEST_ENDED) == [(INFO, BY_MANUAL)], why


SITE_UNTOLD = (
    (lambda site: site.stop_operation(), "a person ended it"),
    (lambda site: site.set_constant_power(-900, 2), "another power took its place"),
    (lambda site: site.start_discharging(9000, 2), "a discharge took its place"),
    (lambda site: site.emergency_shutdown(), "nobody is left to follow it"),
)


def test_a_power_of_a_site_that_something_else_ends():
    for end, why in SITE_UNTOLD:
        bench = SiteBench().started()
        bench.site.set_discharge_params(minutes_max=1)
        bench.tick()
        bench.site.set_constant_power(900, 0)
        bench.run(30_000)
        end(bench.site)
        bench.run(50_000)
        assert told(bench, EVENT_DISCHARGE_TIMEOUT) == [], why
