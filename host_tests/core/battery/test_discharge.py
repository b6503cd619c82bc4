"""Discharging: constant power, its trim, and every end."""

import micropython

from bess.core.battery.discharge import Discharge
from bess.core.battery.pack import Pack
from bess.core.points import M_PACK_MV, M_SOC_PM
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy

TICK_MS = 100
POWER_W = 8000
MINUTE = 60_000
TARGET, LIMIT, DURATION, TIMEOUT, STOPPED = 2, 3, 4, 5, 6      # data of the event


class Settings:
    cells_s = 16
    modules_s = 1
    discharge_mv_min = 46_000
    discharge_w_max = 9000
    soc_pm_min = 100


class Rig:
    """A pack and an inverter that delivers short_pm less than commanded, lag ticks late."""

    def __init__(self, start_ms=1000, short_pm=0, lag=3):
        self.pack = Pack(1, 2, 5000, 157_000)
        for row in self.pack.rows:
            healthy(row)
        self.discharge = Discharge(Settings(), self.pack)
        self.now_ms = start_ms
        self.short_pm = short_pm
        self.command_w = 0
        self.most_w = 1_000_000
        self.pipe = [0] * lag
        self.battery_w = 0
        self.known = True
        self.ticks = 0
        self.sample()

    def sample(self):
        for i in range(2):
            self.pack.put(i, self.now_ms)

    def begin(self, duration_ms=0, power_w=POWER_W):
        self.discharge.begin(power_w, duration_ms, self.now_ms)
        return self

    def go(self, span_ms):
        for _ in range(span_ms // TICK_MS):
            self.now_ms = (self.now_ms + TICK_MS) & TICK_MASK
            if self.ticks % 5 == 0:
                self.sample()
            self.ticks += 1
            self.pack.update(self.now_ms)
            self.discharge.tick(self.command_w, self.battery_w if self.known else None,
                                self.now_ms)
            wish_w = min(self.discharge.wish_w, self.most_w)
            self.command_w = min(self.command_w + 500, wish_w)
            self.pipe.append(self.command_w * (1000 - self.short_pm) // 1000)
            self.battery_w = self.pipe.pop(0)
        return self

    def until_done(self, span_ms):
        for ticks in range(span_ms // TICK_MS):
            if self.go(TICK_MS).discharge.done:
                return (ticks + 1) * TICK_MS
        return None


def test_nothing_is_wished_before_it_begins():
    rig = Rig().go(1000)
    assert (rig.discharge.wish_w, rig.discharge.done) == (0, STOPPED)


def test_half_a_string_ends_nothing():
    pack = Pack(2, 1, 5000, 157_000)
    discharge = Discharge(Settings(), pack)
    discharge.begin(POWER_W, 0, 0)
    healthy(pack.rows[0])
    pack.put(0, 100)
    pack.update(100)
    discharge.tick(POWER_W, None, 100)
    assert (discharge.wish_w, discharge.done) == (POWER_W, 0)


def test_the_stated_power_is_wished_at_once():
    rig = Rig().begin()
    assert (rig.discharge.wish_w, rig.discharge.done) == (POWER_W, 0)


TRIMS = (
    # short per mille, measured W after 5 minutes, wish, why
    (0, (8000, 8000), (8000, 8000), "exact: left alone"),
    (4, (7968, 7968), (8000, 8000), "within 5 pm: left alone"),
    (20, (7960, 8040), (8120, 8205), "held against the losses"),
    (-20, (7960, 8040), (7803, 7883), "too much is taken back"),
    (90, (7644, 7644), (8400, 8400), "at most 50 pm more"),
    (-90, (8284, 8284), (7600, 7600), "at most 50 pm less"),
)


def test_trim():
    for short_pm, (low_w, high_w), (wish_low_w, wish_high_w), why in TRIMS:
        rig = Rig(short_pm=short_pm).begin().go(5 * MINUTE)
        assert low_w <= rig.battery_w <= high_w, (why, rig.battery_w)
        assert wish_low_w <= rig.discharge.wish_w <= wish_high_w, (why, rig.discharge.wish_w)


def test_trim_is_slow_and_waits_until_all_has_settled():
    rig = Rig(short_pm=20).begin()
    rig.go(1500)
    assert rig.command_w == 7500, "the ramp is still under way"
    rig.go(3100)
    assert rig.discharge.wish_w == POWER_W, "not yet 3 s at the wish"
    rig.go(100)
    assert rig.discharge.wish_w == POWER_W + 40, "a quarter of 160 W"
    rig.go(3000)
    assert rig.discharge.wish_w == POWER_W + 40
    rig.go(100)
    assert rig.discharge.wish_w == POWER_W + 40 + 30, "a quarter of what is left"


DEADBANDS = (
    # stated W, measured W, wish, why
    (8000, 7960, 8000, "5 pm"),
    (8000, 7959, 8010, "more"),
    (1000, 990, 1000, "10 W"),
    (1000, 989, 1002, "more"),
)


def test_deadband():
    for power_w, measured_w, wish_w, why in DEADBANDS:
        rig = Rig()
        rig.discharge.begin(power_w, 0, rig.now_ms)
        for span_ms in (0, 2999, 3000):
            assert rig.discharge.wish_w == power_w, (why, "3 s at the wish first")
            rig.discharge.tick(power_w, measured_w, rig.now_ms + span_ms)
        assert rig.discharge.wish_w == wish_w, (why, rig.discharge.wish_w)


def test_a_bounded_command_is_not_trimmed():
    rig = Rig(short_pm=20)
    rig.most_w = 5000
    rig.begin().go(MINUTE)
    assert rig.discharge.wish_w == POWER_W, "the window binds: nothing to wind up"


def test_unknown_power_is_not_trimmed():
    rig = Rig(short_pm=20)
    rig.known = False
    assert rig.begin().go(MINUTE).discharge.wish_w == POWER_W


def test_a_new_discharge_starts_without_the_old_trim():
    rig = Rig(short_pm=20).begin().go(MINUTE)
    assert rig.discharge.wish_w > POWER_W
    assert rig.begin().discharge.wish_w == POWER_W


def test_a_renewed_discharge_settles_anew():
    rig = Rig(short_pm=20).begin()
    rig.go(4000)
    assert rig.discharge.wish_w == POWER_W, "almost settled"
    assert rig.begin().go(2900).discharge.wish_w == POWER_W
    assert rig.go(200).discharge.wish_w == POWER_W + 40


def test_duration_and_time_out():
    for start_ms in (1000, TICK_MASK - 10_000):
        assert Rig(start_ms).begin(MINUTE).until_done(2 * MINUTE) == MINUTE
        rig = Rig(start_ms)
        rig.discharge.timeout_ms = 30_000
        assert rig.begin().until_done(MINUTE) == 30_000
        assert rig.discharge.done == TIMEOUT and rig.discharge.wish_w == 0
    rig = Rig().begin(MINUTE)
    rig.discharge.timeout_ms = MINUTE
    rig.until_done(MINUTE)
    assert rig.discharge.done == DURATION, "its own end comes first"
    assert Rig().begin().until_done(2 * MINUTE) is None, "0 minutes: until stopped"


ENDS = (
    # SoC of the two modules, voltages of three samples, ms to the end, why
    ((101, 500), (52_000, 52_000, 52_000), None, "above the minimum"),
    ((100, 500), (52_000, 52_000, 52_000), 100, "the lower one is at the minimum"),
    ((None, 500), (52_000, 52_000, 52_000), None, "unknown: the window closes it, not we"),
    ((500, 500), (46_001, 46_001, 46_001), None, "above the minimum voltage"),
    ((500, 500), (46_000, 46_000, 46_000), 600, "two samples at the minimum"),
    ((500, 500), (52_000, 45_000, 46_000), 1100, "two samples, later"),
    ((500, 500), (46_000, 46_001, 46_000), None, "not in a row"),
)


def test_ends_of_charge_and_voltage():
    for socs, voltages, ms, why in ENDS:
        rig = Rig().begin()
        found = None
        for sample in range(3):
            for i in range(2):
                rig.pack.rows[i][M_SOC_PM] = socs[i]
                rig.pack.rows[i][M_PACK_MV] = voltages[sample]
            spent_ms = rig.until_done(500)
            if spent_ms and found is None:
                found = 500 * sample + spent_ms
        assert found == ms, (why, found)
        assert rig.discharge.done == (LIMIT if ms else 0), why
        assert rig.discharge.wish_w == (0 if ms else POWER_W), why


def test_parameters_are_tighter():
    rig = Rig().begin(0, 0)
    assert rig.discharge.wish_w == 9000, "0 is the rating"
    params = rig.discharge.params
    params.w_max, params.mv_min, params.soc_pm_min = 7000, 51_000, 300
    assert rig.begin(0, 0).discharge.wish_w == 7000
    assert rig.until_done(2000) is None
    for row in rig.pack.rows:
        row[M_PACK_MV] = 51_000
    assert rig.until_done(2000) is not None
    for row in rig.pack.rows:
        row[M_PACK_MV] = 52_000
        row[M_SOC_PM] = 300
    rig.go(500)
    assert rig.begin().until_done(1000) is not None


def test_an_end_from_outside_keeps_the_first_reason():
    rig = Rig().begin()
    rig.discharge.end(STOPPED)
    assert (rig.discharge.done, rig.discharge.wish_w) == (STOPPED, 0)
    rig.discharge.end(TARGET)
    assert rig.discharge.done == STOPPED
    assert rig.go(5000).discharge.wish_w == 0


def test_the_tick_allocates_nothing():
    rig = Rig()
    rig.discharge.begin(1_000_000, 0, rig.now_ms)
    for ticks in range(100):
        rig.now_ms += 1000
        rig.sample()
        rig.pack.update(rig.now_ms)
        micropython.heap_lock()
        try:
            rig.discharge.tick(rig.discharge.wish_w, 900_000, rig.now_ms)
        finally:
            micropython.heap_unlock()
    assert rig.discharge.wish_w == 1_050_000
