"""What sets the count right, when that is due, and what is stored of it."""

from bess.core.battery.soc import Soc
from bess.core.points import (
    EVENT_CALIBRATION_DUE, EVENT_SOC_CALIBRATED, EVENT_SOC_JUMP, M_CELL_MV_MAX, M_CELL_MV_MIN,
    M_CURRENT_MA, M_SOC_PM,
)
from host_tests.core.battery.bench_soc import DAY_S, Bench, Settings

FULL = (
    # highest cell, bounded by the cells, mA, seconds, count, why
    (3440, True, -15_699, 902, 1000, "15 min at less than 50 pm of C"),
    (3440, True, -15_699, 898, 500, "a little too short"),
    (3440, True, -15_700, 1000, 500, "too much current"),
    (3439, True, -15_699, 1000, 500, "not high enough"),
    (3440, False, -3000, 1000, 500, "little current for another reason: cold, a cap, little sun"),
    (3500, True, 200, 1000, 1000, "the sensor's zero is no discharge"),
    (3500, True, 15_700, 1000, 500, "discharging"),
)


def test_full():
    for cell_mv, limited, ma, seconds, soc_pm, why in FULL:
        bench = Bench().say(M_CELL_MV_MAX, cell_mv)
        bench.limited = limited
        bench.run(seconds, ma)
        full = soc_pm == 1000
        assert (bench.soc.soc_pm == 1000) == full, (why, bench.soc.soc_pm)
        assert (bench.soc.sigma_pm == 5) == full, why
        assert (bench.soc.full_s < 60) == full, why
        assert len(bench.noted(EVENT_SOC_CALIBRATED)) == full, (why, "once")


def test_times_to_the_millisecond():
    """Three ticks: the second is the first that is judged, the third comes so much later."""
    for full_ms, full in ((899_999, False), (900_000, True)):
        bench = Bench(tick_ms=full_ms).say(M_CELL_MV_MAX, 3450)
        bench.limited = True
        for _ in range(3):
            bench.tick()
        assert (bench.soc.sigma_pm == 5) == full, full_ms
    for low_ms, empty in ((59_999, False), (60_000, True)):
        bench = Bench(tick_ms=low_ms).say(M_CELL_MV_MIN, 2900).say(M_CURRENT_MA, 10_000)
        for _ in range(3):
            bench.tick()
        assert (bench.soc.soc_pm == bench.soc._rest == 0) == empty, low_ms
    for apart_ms, warned in ((599_999, False), (600_000, True)):
        bench = Bench(tick_ms=apart_ms)
        bench.tick()
        bench.soc.sigma_pm = 20
        bench.say(M_SOC_PM, 600).tick()
        bench.tick()
        assert bench.soc.disagrees == warned, apart_ms


def test_full_must_hold_on_end():
    breaks = (
        lambda bench: bench.say(M_CELL_MV_MAX, 3439),
        lambda bench: bench.say(M_CURRENT_MA, -100_000),
    )
    for spoil in breaks:
        bench = Bench().say(M_CELL_MV_MAX, 3450)
        bench.limited = True
        bench.run(600, -3000)
        spoil(bench)
        bench.run(2)
        bench.say(M_CELL_MV_MAX, 3450).run(600, -3000)
        assert bench.soc.sigma_pm == 50
    bench.silent = 1
    bench.run(4)
    bench.silent = 0
    bench.run(600)
    assert bench.soc.sigma_pm >= 50, "nobody watched for a moment"
    bench.run(400)
    assert bench.soc.sigma_pm == 5


def test_full_again_is_another_event():
    bench = Bench().say(M_CELL_MV_MAX, 3450)
    bench.limited = True
    bench.run(1000, -3000)
    assert len(bench.noted(EVENT_SOC_CALIBRATED)) == 1
    bench.say(M_CELL_MV_MAX, 3300).run(600, 157_000)
    bench.say(M_CELL_MV_MAX, 3450).run(1000, -3000)
    assert bench.noted(EVENT_SOC_CALIBRATED)[-1] == 81
    assert len(bench.noted(EVENT_SOC_CALIBRATED)) == 2
    assert bench.soc.soc_pm == 1000


EMPTY = (
    # lowest cell, mA before, rest before it is low, mA then, seconds, count, why
    (2920, 6281, 0, 0, 63, 0, "right after a load above 20 pm of C"),
    (2920, 6280, 0, 0, 63, 499, "too small a load to say anything"),
    (2920, -6281, 0, 0, 63, 500, "charging"),
    (2921, 6281, 0, 0, 63, 499, "not low enough"),
    (2920, 6281, 0, 0, 58, 499, "too short"),
    (2900, 157_000, 9, 0, 63, 0, "less than 10 s after the load"),
    (2900, 157_000, 10, 0, 63, 496, "later: a rest voltage says nothing about a load"),
    (2900, 6281, 0, 157_000, 63, 0, "the load goes on"),
)


def test_empty():
    for cell_mv, before_ma, rest_s, ma, seconds, soc_pm, why in EMPTY:
        bench = Bench().started(before_ma)
        bench.run(30)
        bench.run(rest_s, 0)
        bench.say(M_CELL_MV_MIN, cell_mv).run(seconds, ma)
        empty = soc_pm == 0
        found = bench.soc.soc_pm
        assert (found == 0) == empty and (empty or abs(found - soc_pm) <= 1), (why, found)
        assert len(bench.noted(EVENT_SOC_CALIBRATED)) == empty, (why, "once")
        assert bench.soc.sigma_pm in (50, 51) or ma, (why, "only full says how sure it is")


def test_empty_must_hold_on_end():
    bench = Bench().started(157_000)
    bench.run(10).say(M_CELL_MV_MIN, 2900).run(40, 0)
    bench.say(M_CELL_MV_MIN, 3000).run(1)
    bench.say(M_CELL_MV_MIN, 2900).run(70)
    assert bench.soc.soc_pm > 400, "the load is too long ago for the second time"
    bench.run(10, 157_000)
    bench.silent = 1
    bench.run(5)
    bench.silent = 0
    bench.run(70, 0)
    assert bench.soc.soc_pm > 400, "the silence came between"
    bench.run(2, 157_000)
    bench.run(65, 0)
    assert bench.soc.soc_pm == 0


def calm(days, strings_p=1):
    """A pack that was full a moment ago; ticks of 5 min."""
    bench = Bench(strings_p, tick_ms=300_000)
    bench.settings.calibration_days = days
    bench.settings.current_offset_ma = 0
    bench.soc = Soc(bench.settings)
    return bench.say(M_SOC_PM, 1000).say(M_CELL_MV_MAX, 3450)


def fill(bench):
    bench.limited = True
    bench.say(M_CELL_MV_MAX, 3450).run(1500, 0)
    bench.limited = False
    bench.say(M_CELL_MV_MAX, 3340)
    assert bench.soc.full_s == 0 and bench.soc.sigma_pm == 5


def test_due_after_the_days():
    bench = calm(14)
    fill(bench)
    bench.run(14 * DAY_S - 300)
    assert not bench.soc.due and not bench.soc.wanted
    bench.run(300)
    assert bench.soc.due and bench.soc.wanted
    assert bench.noted(EVENT_CALIBRATION_DUE) == [bench.soc.sigma_pm]
    bench.run(8 * 3600 - 300)
    assert bench.soc.wanted
    bench.run(300)
    assert bench.soc.due and not bench.soc.wanted, "it gives up after 8 h"
    bench.run(16 * 3600 - 300)
    assert not bench.soc.wanted
    bench.run(300)
    assert bench.soc.wanted, "and tries again a day later"
    fill(bench)
    assert not bench.soc.due and not bench.soc.wanted
    assert len(bench.noted(EVENT_CALIBRATION_DUE)) == 1, "said once"
    bench.run(14 * DAY_S)
    assert len(bench.noted(EVENT_CALIBRATION_DUE)) == 2 and bench.soc.wanted


def test_due_when_unsure():
    bench = Bench(tick_ms=600_000)
    bench.run(8 * 3600, 0)
    assert bench.soc.sigma_pm == 50 and not bench.soc.due
    bench.run(3 * 3600)
    assert bench.soc.sigma_pm == 51 and bench.soc.due
    assert bench.noted(EVENT_CALIBRATION_DUE) == [51]


def test_never_due_when_switched_off():
    bench = calm(0)
    bench.settings.current_offset_ma = 5000
    bench.soc = Soc(bench.settings)
    bench.run(DAY_S, 0)
    assert bench.soc.sigma_pm > 400 and not bench.soc.due and not bench.soc.wanted
    assert bench.noted(EVENT_CALIBRATION_DUE) == []


def test_dump_and_restore():
    bench = Bench().say(M_SOC_PM, 730).started(-314_000)
    bench.run(36)
    bench.say(M_SOC_PM, 740).run(1)
    data = bench.soc.dump()
    assert bench.soc.soc_pm == 740 and len(data) == 15
    for soc_pm, own_pm, sigma_pm, why in ((740, 740, 50, "nothing flowed"),
                                          (760, 760, 52, "it went on for a while"),
                                          (500, 740, 290, "the module was exchanged")):
        other = Bench()
        other.soc.restore(data)
        assert other.soc.soc_pm == 740, "known at once"
        other.say(M_SOC_PM, soc_pm).started(0)
        assert other.soc.soc_pm == own_pm and other.soc.sigma_pm == sigma_pm, why
        assert other.noted(EVENT_SOC_JUMP) == []


def test_days_and_tries_go_on_after_a_restart():
    bench = calm(14)
    fill(bench)
    bench.run(14 * DAY_S + 7 * 3600)
    other = calm(14)
    other.soc.restore(bench.soc.dump())
    assert abs(other.soc.full_s - bench.soc.full_s) == 0
    other.run(1800)
    assert other.soc.due and other.soc.wanted
    other.run(3600)
    assert other.soc.due and not other.soc.wanted, "the 8 h do not begin anew"


def test_stored_in_the_first_second():
    """Our count is known, what the modules said beside it is not."""
    bench = Bench().say(M_SOC_PM, 700)
    bench.tick()
    other = Bench()
    other.soc.restore(bench.soc.dump())
    other.started(0)
    assert other.soc.soc_pm == 700 and other.soc.sigma_pm == 50


def test_nothing_known_is_stored_as_nothing():
    soc = Soc(Settings())
    other = Soc(Settings())
    other.restore(soc.dump())
    assert other.soc_pm is None and other.sigma_pm == 50


MALFORMED = (
    (b"", "nothing"),
    (b"\x01" + bytes(13), "too short"),
    (b"\x02" + bytes(14), "another version"),
    (b"\x01\xe9\x03" + bytes(12), "a charge of 1001"),
    (b"\x01\x00\x00\xe9\x03" + bytes(10), "an uncertainty of 1001"),
    (b"\x01" + bytes(4) + b"\xe9\x03" + bytes(8), "the modules' charge of 1001"),
    (b"\x01" + bytes(6) + b"\x00\x00\x00\x40" + bytes(4), "34 years without full"),
    (b"\x01" + bytes(10) + b"\x80\x51\x01\x00", "a try of more than a day"),
)


def test_malformed():
    for data, why in MALFORMED:
        soc = Soc(Settings())
        try:
            soc.restore(data)
        except ValueError as error:
            assert "stored charge" in str(error), why
            assert soc.soc_pm is None and soc.full_s == 0, (why, "nothing is taken")
        else:
            raise AssertionError(why)
    Soc(Settings()).restore(b"\x01\xe8\x03\xe8\x03\xe8\x03\xff\xff\xff\x3f\x7f\x51\x01\x00")
