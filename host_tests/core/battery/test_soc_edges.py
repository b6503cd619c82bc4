"""Our count of the charge at its ends: to the mA s, to the second, and what is stored of it."""

from bess.core.battery.soc import Soc
from bess.core.points import EVENT_SOC_CALIBRATED, M_CELL_MV_MAX, M_CELL_MV_MIN, M_SOC_PM
from bess.core.tick import TICK_MASK
from host_tests.core.battery.bench_soc import Bench, Settings

PER_PM = 314_000 * 18 // 5          # 1 pm of 314 Ah in mA s


def test_the_first_milliampere_second_is_below_the_count():
    """The count is rounded down, so the least discharge leaves a permille that is not whole."""
    bench = Bench().started(0)
    bench.run(1, 2)                     # the mean of 0 and 2 for a second
    assert bench.soc.soc_pm == 499
    bench.run(2, -1)                    # 0.5 mA s in, the rest stays below
    assert bench.soc.soc_pm == 500
    bench.run(1, 0)
    assert bench.soc.soc_pm == 500


FULL = (
    # SoC, mA in, seconds, mA out afterwards, seconds, count, why
    (1000, -1000, 60, 0, 60, 1000, "what does not fit is not kept for later"),
    (1000, -1000, 60, 1, 3, 999, "so the first charge out of it counts"),
    (1000, 0, 60, 1, 3, 999, "the same from rest"),
    (999, -400_000, 3, 1, 3, 999, "and when the count came there by itself"),
    (2, 565_200, 3, -339_120, 2, 1, "1.5 pm out of 2, 0.6 back: not below its end on the way"),
    (0, 157_000, 30, 0, 30, 0, "empty stays empty"),
    (0, 157_000, 30, -1, 3, 0, "and the first charge into it is no permille yet"),
)


def test_at_the_ends_nothing_is_kept_beyond():
    for soc_pm, ma, seconds, then_ma, then_s, after_pm, why in FULL:
        bench = Bench(tick_ms=500).say(M_SOC_PM, soc_pm).started(0)
        bench.run(seconds, ma)
        bench.run(1, 0)
        bench.run(then_s, then_ma)
        assert bench.soc.soc_pm == after_pm, (why, bench.soc.soc_pm)


def test_what_leads_beyond_an_end_at_once_is_doubted_whole():
    """C for half a minute is 8.3 pm: all but the 1 pm that fitted was an error of the count."""
    for soc_pm, ma in ((999, -314_000), (1, 314_000)):
        bench = Bench(tick_ms=30_000).say(M_SOC_PM, soc_pm).started(0)
        bench.run(30, 2 * ma)
        assert bench.soc.soc_pm in (0, 1000)
        assert bench.soc.sigma_pm == 50 + 7, (soc_pm, bench.soc.sigma_pm)


def test_a_thousandth_of_the_capacity_for_an_hour_is_one_permille():
    """300 mA of offset and 14 of drift; the settings name the offset of one string."""
    for seconds, sigma_pm in ((3599, 50), (3600, 51), (7199, 51), (7200, 52)):
        bench = Bench()
        bench.settings.current_offset_ma = 300
        bench.soc = Soc(bench.settings)
        bench.run(seconds + 1, 0)
        assert bench.soc.sigma_pm == sigma_pm, (seconds, bench.soc.sigma_pm)


def test_seconds_do_not_drift():
    """Ticks that are no whole seconds: what is left of one counts in the next."""
    for tick_ms in (999, 1001, 1300, 1700, 2999):
        bench = Bench(tick_ms=tick_ms, start_ms=TICK_MASK - 500_000)
        for _ in range(1001):
            bench.tick()
        assert bench.soc.full_s == tick_ms, (tick_ms, bench.soc.full_s)


def test_half_a_string_does_not_count():
    """Two modules in series, one is silent: the other's samples are no current of the pack."""
    bench = Bench(strings_p=1, modules_s=2).started(314_000)
    bench.run(36)
    assert bench.soc.soc_pm == 489
    bench.silent = 2
    bench.run(3)
    found = bench.soc.soc_pm, bench.soc.sigma_pm, bench.soc._rest
    bench.run(60, 1_000_000)
    assert (bench.soc.soc_pm, bench.soc.sigma_pm, bench.soc._rest) == found


def test_a_module_that_never_spoke_has_no_time():
    """Shortly before the counter wraps, the stamp 0 of such a module looks like a later one."""
    bench = Bench(2, start_ms=TICK_MASK - 200_000).say(M_SOC_PM, 500)
    bench.silent = 2
    bench.started(314_000)
    bench.run(36)
    assert bench.soc.soc_pm == 489, bench.soc.soc_pm


SESSION = (
    # seconds since the first one, tried, why
    (28_799, True, "still within the 8 hours"),
    (28_800, True, "this second still belongs to them"),
    (28_801, False, "given up"),
    (86_399, False, "wait until a day has passed"),
    (86_401, True, "and try again"),
)


def test_a_try_lasts_eight_hours_to_the_second():
    for seconds, wanted, why in SESSION:
        bench = Bench()
        bench.soc.sigma_pm = 51
        bench.tick()
        bench.now_ms += (seconds - 2) * 1000
        bench.tick()
        bench.run(1)
        assert bench.soc.due and bench.soc.wanted == wanted, why


def test_low_cells_at_rest_are_not_empty():
    """Just switched on, nobody saw a load: the voltage at rest says nothing."""
    bench = Bench().say(M_CELL_MV_MIN, 2850)
    bench.run(90, 0)
    assert bench.soc.soc_pm == 500 and bench.noted(EVENT_SOC_CALIBRATED) == []


def test_the_minute_of_low_cells_begins_anew_after_a_silence():
    bench = Bench().started(157_000)
    bench.say(M_CELL_MV_MIN, 2900).run(40)
    bench.silent = 1
    bench.run(5)
    bench.silent = 0
    bench.run(58)
    assert bench.soc.soc_pm > 400, "low and under load all the time, but nobody looked"
    bench.run(5)
    assert bench.soc.soc_pm == 0


def test_without_a_count_nothing_is_calibrated():
    for column, mv, ma in ((M_CELL_MV_MAX, 3500, -3000), (M_CELL_MV_MIN, 2900, 157_000)):
        bench = Bench().say(M_SOC_PM, None).say(column, mv)
        bench.limited = True
        bench.run(1000, ma)
        assert bench.soc.soc_pm is None and bench.soc.sigma_pm == 50
        assert bench.noted(EVENT_SOC_CALIBRATED) == []


RESTORED = (
    # stored: count, sigma, modules' SoC; SoC of the modules now, count, sigma, why
    (20, 50, 500, 451, 0, 54, "moved by 49: not below empty"),
    (49, 50, 500, 451, 0, 54, "to the permille"),
    (50, 50, 500, 451, 1, 54, "and one above"),
    (980, 50, 500, 549, 1000, 54, "not above full"),
    (951, 50, 500, 549, 1000, 54, "to the permille"),
    (950, 50, 500, 549, 999, 54, "and one below"),
    (500, 50, 500, 509, 509, 50, "less than 10: a tenth of it is nothing"),
    (500, 50, 500, 490, 490, 51, "10 are 1 pm of doubt"),
    (500, 990, 500, 800, 500, 1000, "nothing is known any more, and that is the most"),
    (500, 999, 500, 501, 501, 999, "up to there it counts"),
    (500, 999, 500, 510, 510, 1000, "and reaches it"),
)


def test_after_a_restart_the_count_stays_within_its_ends():
    for soc_pm, sigma_pm, then_pm, now_pm, own_pm, doubt_pm, why in RESTORED:
        bench = Bench()
        bench.soc.soc_pm, bench.soc.sigma_pm, bench.soc._modules_pm = soc_pm, sigma_pm, then_pm
        data = bench.soc.dump()
        bench.soc = Soc(bench.settings)
        bench.soc.restore(data)
        bench.say(M_SOC_PM, now_pm).tick()
        assert (bench.soc.soc_pm, bench.soc.sigma_pm) == (own_pm, doubt_pm), why


def test_the_stored_form_stays_as_it_is():
    """What the version before wrote is read by the next: version, count, sigma, modules, times."""
    soc = Soc(Settings())
    assert soc.dump() == b"\x01\xff\xff\x32\x00\xff\xff" + bytes(8)
    soc.restore(b"\x01\xe7\x03\x05\x00\x01\x00\x10\x27\x00\x00\xff\x00\x00\x00")
    assert (soc.soc_pm, soc.sigma_pm, soc.full_s) == (999, 5, 10_000)
    assert soc.dump() == b"\x01\xe7\x03\x05\x00\x01\x00\x10\x27\x00\x00\xff\x00\x00\x00"
