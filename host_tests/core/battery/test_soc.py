"""Our count of the charge: what flowed, how sure it is, what a silence does to it."""

import micropython

from bess.core.battery.soc import Soc
from bess.core.points import (
    EVENT_SOC_CALIBRATED, EVENT_SOC_JUMP, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA, M_SOC_PM,
)
from bess.core.tick import TICK_MASK
from host_tests.core.battery.bench_soc import DAY_S, MODULE_MAH, Bench

COUNTED = (
    # mA of each module, seconds, SoC after 500, why
    ((942_000,), 600, 0, "3 C for ten minutes"),
    ((-942_000,), 600, 1000, "and the other way"),
    ((-157_000,), 360, 550, "a tenth of it"),
    ((0,), 60, 500, "rest"),
    ((3140,), 361, 498, "rounded down: 1 pm in 6 min and a little more"),
    ((3140,), 359, 499, "not yet 1 pm"),
    ((-3140,), 360, 501, "1 pm more"),
    ((-3139,), 360, 500, "a milliampere less"),
    ((200_000, 114_000), 360, 450, "two strings: the mean of both"),
    ((100_000, -100_000), 360, 500, "what one gives the other takes"),
)


def test_counting():
    for ma, seconds, soc_pm, why in COUNTED:
        bench = Bench(len(ma)).say(M_CURRENT_MA, *ma)
        bench.tick()
        bench.run(seconds)
        assert bench.soc.soc_pm == soc_pm, (why, bench.soc.soc_pm)


def test_modules_in_series_share_one_current():
    bench = Bench(strings_p=1, modules_s=4).say(M_CURRENT_MA, 314_000)
    bench.tick()
    assert bench.run(360).soc.soc_pm == 400


def test_the_mean_of_two_samples_counts():
    bench = Bench().started(0)
    for ma in (0, 314_000) * 300:
        bench.run(1, ma)
    assert bench.soc.soc_pm == 500 - 84, "half a C for ten minutes: 83.3 pm"


def test_the_sampled_time_counts_and_not_the_arrival():
    """Answers of a slow bus come later and later; the current flowed between the samples."""
    bench = Bench(start_ms=TICK_MASK - 90_000).say(M_CURRENT_MA, 628_000)
    for i in range(901):
        bench.tick(late_ms=i % 9 * 100 if i < 900 else 0)
    assert bench.soc.soc_pm == 0
    assert bench.noted(EVENT_SOC_CALIBRATED) == []


def test_a_late_answer_of_another_module_takes_nothing_back():
    bench = Bench(2).started(0)
    pack = bench.pack
    for i in range(450):
        pack.rows[0][M_CURRENT_MA] = pack.rows[1][M_CURRENT_MA] = 628_000
        pack.put(0, bench.now_ms)
        pack.update(bench.now_ms)
        bench.soc.update(pack, 2 * MODULE_MAH, False, bench.events, bench.now_ms)
        pack.put(1, bench.now_ms - 700)
        bench.silent = 1
        pack.update(bench.now_ms)
        bench.soc.update(pack, 2 * MODULE_MAH, False, bench.events, bench.now_ms)
        bench.now_ms += 1000
    assert bench.soc.soc_pm == 250, bench.soc.soc_pm


def test_nothing_is_known_before_the_modules_say_something():
    bench = Bench().say(M_SOC_PM, None)
    bench.run(100, 157_000)
    assert bench.soc.soc_pm is None and not bench.soc.due and not bench.soc.disagrees
    bench.say(M_SOC_PM, 700).tick()
    assert bench.soc.soc_pm == 700


def test_a_silent_string_leaves_the_mean_of_the_others():
    bench = Bench(2).started(628_000)
    bench.silent = 2
    bench.run(449)
    assert bench.soc.soc_pm in (249, 250), bench.soc.soc_pm
    assert bench.noted(EVENT_SOC_JUMP) == []


def test_uncertainty_over_time():
    """20 mA of offset and 13 + 1 mA of drift: 2.6 pm a day for 314 Ah."""
    for strings_p in (1, 4):
        bench = Bench(strings_p, tick_ms=600_000)
        bench.run(10 * DAY_S, 0)
        assert bench.soc.sigma_pm == 50 + 25, (strings_p, bench.soc.sigma_pm)


def test_uncertainty_over_throughput():
    """3 pm for a full cycle, both directions together."""
    bench = Bench(tick_ms=30_000)
    bench.settings.current_offset_ma = 0
    bench.soc = Soc(bench.settings)
    for _ in range(4):
        bench.run(3600, 157_000)
        bench.run(3600, -157_000)
    assert bench.soc.sigma_pm == 50 + 6, "2 cycles, each direction counts half; and 8 hours"


def test_uncertainty_ends():
    bench = Bench(tick_ms=600_000)
    bench.settings.current_offset_ma = 5000
    bench.settings.calibration_days = 0
    bench.soc = Soc(bench.settings)
    bench.run(3 * DAY_S, 0)
    assert bench.soc.sigma_pm == 1000


ENDS = (
    # SoC, mA, count after three minutes at the end, why
    (1000, -314_000, 1000, "above full"),
    (0, 314_000, 0, "below empty"),
)


def test_beyond_its_ends_the_count_was_wrong():
    for soc_pm, ma, after_pm, why in ENDS:
        bench = Bench().say(M_SOC_PM, soc_pm).started(ma)
        bench.run(180)
        assert bench.soc.soc_pm == after_pm, why
        assert 50 + 50 <= bench.soc.sigma_pm <= 50 + 51, (why, bench.soc.sigma_pm)
        bench.run(360, -ma)
        assert abs(bench.soc.soc_pm - after_pm) in (99, 100, 101), (why, bench.soc.soc_pm)


def test_a_short_silence_is_counted_and_doubted():
    bench = Bench().started(157_000)
    bench.run(600)
    before_pm, sigma_pm = bench.soc.soc_pm, bench.soc.sigma_pm
    bench.silent = 1
    bench.run(27)
    assert bench.soc.soc_pm == before_pm and not bench.pack.strings_live
    bench.silent = 0
    bench.run(2)
    assert before_pm - 5 <= bench.soc.soc_pm <= before_pm - 4, "28 s at half a C: 3.9 pm"
    assert sigma_pm + 3 <= bench.soc.sigma_pm <= sigma_pm + 4
    assert bench.noted(EVENT_SOC_JUMP) == []


def test_a_sample_now_and_then_is_no_silence():
    """2 s between two samples, as long as a module may be quiet: nothing is doubted."""
    bench = Bench().started(157_000)
    for _ in range(40):
        bench.silent ^= 1
        bench.tick()
    assert bench.soc.soc_pm == 500 - 6 and bench.soc.sigma_pm == 50
    for _ in range(40):
        bench.silent = 1
        bench.run(2)
        bench.silent = 0
        bench.tick()
    assert bench.soc.sigma_pm > 50 + 15, "3 s are"


def test_two_silences_are_not_one_long_one():
    bench = Bench().started(0)
    for _ in range(2):
        bench.silent = 1
        bench.run(40)
        bench.silent = 0
        bench.run(5)
    bench.silent = 1
    bench.run(40)
    bench.say(M_SOC_PM, 300)
    bench.silent = 0
    bench.run(2)
    assert bench.noted(EVENT_SOC_JUMP) == [-200]


def test_of_a_longer_silence_half_a_minute_is_counted():
    for silent_s, counted_s in ((28, 29), (29, 30), (30, 30), (58, 30)):
        bench = Bench().started(157_000)
        before_mas = charge_mas(bench)
        bench.silent = 1
        bench.run(silent_s)
        bench.silent = 0
        bench.tick()
        assert charge_mas(bench) == before_mas - counted_s * 157_000, silent_s


def charge_mas(bench):
    """The count with its remainder, in mA s."""
    return bench.soc.soc_pm * (MODULE_MAH * 18 // 5) + bench.soc._rest


def test_a_minute_of_silence_is_the_longest_that_is_counted():
    """A string is silent 2 s after its last sample; its SoC is another one when it returns."""
    for silent_s, jumps, sigma_pm in ((62, [-200], 50), (63, [], 250)):
        bench = Bench().started(0)
        bench.silent = 1
        bench.run(silent_s)
        bench.say(M_SOC_PM, 300)
        bench.silent = 0
        bench.run(2)
        assert bench.noted(EVENT_SOC_JUMP) == jumps, silent_s
        assert bench.soc.sigma_pm == sigma_pm, silent_s


RETURNS = (
    # SoC of the module afterwards, our count, sigma, events, why
    (500, 500, 50, [], "nothing happened"),
    (550, 550, 55, [], "it went on counting: believed, a tenth is doubted"),
    (460, 460, 54, [], "the same downwards"),
    (551, 500, 101, [], "more than a jump: not believed, doubted in full"),
    (100, 500, 450, [], "it began anew somewhere"),
    (None, None, 50, [], "it does not know either: wait"),
)


def test_after_a_long_silence_the_modules_are_asked():
    for soc_pm, own_pm, sigma_pm, events, why in RETURNS:
        bench = Bench().started(0)
        bench.silent = 1
        bench.run(65)
        bench.say(M_SOC_PM, soc_pm)
        bench.silent = 0
        bench.run(2)
        assert bench.soc.soc_pm == (500 if own_pm is None else own_pm), (why, bench.soc.soc_pm)
        assert bench.soc.sigma_pm == sigma_pm, (why, bench.soc.sigma_pm)
        assert bench.noted(EVENT_SOC_JUMP) == events, why


def test_the_modules_word_stays_within_the_ends():
    bench = Bench().say(M_SOC_PM, 900).started(-157_000)
    bench.run(600)
    assert bench.soc.soc_pm == 983
    bench.silent = 1
    bench.run(65, 0)
    bench.say(M_SOC_PM, 940)
    bench.silent = 0
    bench.run(2)
    assert bench.soc.soc_pm == 1000


def test_no_heap():
    bench = Bench(16, tick_ms=1000, start_ms=TICK_MASK - 30_000)
    bench.locked = True
    bench.started(157_000)
    bench.run(40)
    bench.say(M_CELL_MV_MIN, 2900).run(70)
    bench.say(M_SOC_PM, 700).run(30, -3000)
    bench.silent = 0xFFFF
    bench.run(70)
    bench.silent = 0
    bench.say(M_CELL_MV_MAX, 3450)
    bench.limited = True
    bench.run(950)
    assert bench.soc.soc_pm == 1000 and len(bench.noted(EVENT_SOC_CALIBRATED)) == 2
    assert bench.noted(EVENT_SOC_JUMP) == [200]


def test_the_largest_pack_takes_no_heap():
    """16 strings of 6,553 Ah and 1,000 A each: on a 32-bit chip larger products take heap."""
    bench = Bench(16)
    bench.pack.silent_ms = 30_000
    soc, pack, now_ms = bench.soc, bench.pack, 1000
    bench.settings.current_offset_ma = 5000
    soc.__init__(bench.settings)
    micropython.heap_lock()
    try:
        for i in range(40):
            for row in pack.rows:
                row[M_CURRENT_MA] = 1_000_000 if i // 10 % 2 else -1_000_000
            for module in range(16):
                pack.put(module, now_ms)
            pack.update(now_ms)
            soc.update(pack, 16 * 6_553_400, False, bench.events, now_ms)
            now_ms += 31_000 if i == 15 else 29_000
    finally:
        micropython.heap_unlock()
    assert 480 <= soc.soc_pm <= 520, soc.soc_pm
