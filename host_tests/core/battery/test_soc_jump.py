"""Our count against what the modules say: disagreement and jumps."""

from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_SOC_CALIBRATED, EVENT_SOC_JUMP, M_CELL_MV_MAX, M_SOC_PM
from host_tests.core.battery.bench_soc import Bench

APART = (
    # modules' SoC beside our 500, sigma, seconds, warned, why
    (551, 20, 603, True, "more than 50 pm for 10 min"),
    (449, 20, 603, True, "the other way"),
    (551, 20, 597, False, "not long enough"),
    (550, 20, 700, False, "50 pm"),
    (580, 40, 700, False, "twice the uncertainty"),
    (582, 40, 700, True, "beyond it"),
)


def test_disagreement():
    for soc_pm, sigma_pm, seconds, warned, why in APART:
        bench = Bench().started(0)
        bench.soc.sigma_pm = sigma_pm
        bench.say(M_SOC_PM, soc_pm).run(seconds)
        assert bench.soc.disagrees == warned, why
        bench.say(M_SOC_PM, 510).run(2)
        assert not bench.soc.disagrees, (why, "agreed again")


def test_unknown_or_silent_does_not_disagree():
    bench = Bench().started(0)
    bench.soc.sigma_pm = 20
    bench.say(M_SOC_PM, 600).run(700)
    assert bench.soc.disagrees
    bench.say(M_SOC_PM, None).run(2)
    assert not bench.soc.disagrees
    bench.say(M_SOC_PM, 600).run(700)
    assert bench.soc.disagrees
    bench.silent = 1
    bench.run(5)
    assert not bench.soc.disagrees


JUMPS = (
    # SoC of two modules then, event data, why
    ((551, 551), [51], "both up"),
    ((550, 550), [], "50 pm is none"),
    ((449, 449), [-51], "both down"),
    ((450, 450), [], "50 pm is none"),
    ((500, 449), [-51], "one of them: the lowest stops the discharge"),
    ((551, 500), [51], "one of them: the highest stops the charge"),
    ((550, 551), [51], "the highest by more than 50, the lowest not"),
    ((449, 450), [-51], "the lowest by more than 50, the highest not"),
    ((None, 500), [], "unknown is no jump"),
)


def test_jumps():
    for values, data, why in JUMPS:
        bench = Bench(2).started(0)
        bench.run(5)
        bench.say(M_SOC_PM, *values).run(120)
        assert bench.noted(EVENT_SOC_JUMP) == data, (why, bench.noted(EVENT_SOC_JUMP))
        assert bench.soc.soc_pm == 500, (why, "our own count stands")


def test_after_the_unknown_the_comparison_begins_anew():
    bench = Bench().started(0)
    bench.say(M_SOC_PM, None).run(5)
    bench.say(M_SOC_PM, 700).run(5)
    assert bench.noted(EVENT_SOC_JUMP) == []
    bench.say(M_SOC_PM, 640).run(5)
    assert bench.noted(EVENT_SOC_JUMP) == [-60], "from there on"


def test_a_jump_is_a_warning():
    bench = Bench().started(0)
    bench.say(M_SOC_PM, 900).run(2)
    assert bench.events.level(bench.events.slot(0)) == WARNING
    bench.say(M_CELL_MV_MAX, 3450)
    bench.limited = True
    bench.run(1000)
    assert bench.events.level(bench.events.slot(0)) == INFO, "a calibration is none"
    assert bench.noted(EVENT_SOC_CALIBRATED) == [500]


def creep(bench, step_pm, every_s, steps):
    soc_pm = 500
    for _ in range(steps):
        soc_pm += step_pm
        bench.say(M_SOC_PM, soc_pm).run(every_s)


def test_within_a_minute_or_slower():
    bench = Bench().started(0)
    bench.run(90)
    creep(bench, 11, 10, 5)
    assert bench.noted(EVENT_SOC_JUMP) == [55], "in 50 s"
    bench = Bench().started(0)
    bench.run(90)
    creep(bench, -11, 10, 5)
    assert bench.noted(EVENT_SOC_JUMP) == [-55], "the other way"
    bench = Bench().started(0)
    bench.run(90)
    creep(bench, 1, 2, 100)
    assert bench.noted(EVENT_SOC_JUMP) == [], "30 pm a minute"


def test_two_halves_of_a_jump():
    for phase_s in (0, 3, 6, 9):
        for apart_s, count in ((50, 1), (61, 0)):
            bench = Bench().started(0)
            bench.run(70 + phase_s)
            bench.say(M_SOC_PM, 526).run(apart_s)
            bench.say(M_SOC_PM, 552).run(20)
            assert len(bench.noted(EVENT_SOC_JUMP)) == count, (phase_s, apart_s)


def test_with_matching_charge_it_is_no_jump():
    bench = Bench().started(0)
    soc_pm = 500
    for _ in range(20):
        soc_pm += 10
        bench.run(12, -942_000).say(M_SOC_PM, soc_pm)
    assert bench.noted(EVENT_SOC_JUMP) == []
    bench.say(M_SOC_PM, soc_pm + 60).run(2)
    assert len(bench.noted(EVENT_SOC_JUMP)) == 1


def test_a_string_that_comes_or_goes_is_no_jump():
    bench = Bench(2).say(M_SOC_PM, 500, 600).started(0)
    bench.silent = 2
    bench.run(30)
    bench.silent = 0
    bench.run(30)
    assert bench.noted(EVENT_SOC_JUMP) == []


def test_a_module_that_restarts_with_another_charge_jumps():
    bench = Bench().started(0)
    bench.run(30)
    bench.silent = 1
    bench.run(20)
    bench.say(M_SOC_PM, 300)
    bench.silent = 0
    bench.run(30)
    assert bench.noted(EVENT_SOC_JUMP) == [-200]
    assert bench.soc.soc_pm == 500


def test_our_own_calibration_is_no_jump():
    bench = Bench().started(0).say(M_CELL_MV_MAX, 3450)
    bench.limited = True
    bench.run(1200)
    assert bench.soc.soc_pm == 1000 and bench.noted(EVENT_SOC_JUMP) == []
    bench.say(M_SOC_PM, 1000).run(10)
    assert bench.noted(EVENT_SOC_JUMP) == [500], "the module's own is"
