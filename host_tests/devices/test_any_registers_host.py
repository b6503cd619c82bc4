"""Whatever a device answers: nothing raises, nothing out of range is put (hypothesis)."""

from hypothesis import given, settings, strategies as st

from bess.core.points import (
    BATTERY_W, DC_MV, GRID_CHZ, GRID_MV, GRID_W, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX,
    M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX, M_CURRENT_MA, M_CYCLES, M_DISCHARGE_MA_MAX,
    M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS, M_SOC_PM, M_SOH_PM, M_STATE, PCS_GRID,
    PCS_STATE, PCS_UNCONFIRMED, PV_W,
)
from bess.devices.bess_module import Module
from bess.devices.jk_bms import JkModule
from bess.devices.sunspec_meter import SunspecMeter
from bess.devices.sunspec_pcs import SunspecPcs
from bess.devices.sunspec_pv import SunspecPv
from bess.protocols.sunspec import Walker
from host_tests.devices.peer import Command, Readings, Rows, Wire, chain
from host_tests.devices.test_bess_module import SAMPLE
from host_tests.devices.test_jk_bms import JkRegisters

SITE_RANGES = {
    BATTERY_W: (-1_000_000, 1_000_000), GRID_W: (-1_000_000, 1_000_000), PV_W: (0, 1_000_000),
    GRID_MV: (0, 1_000_000), DC_MV: (0, 2_000_000), GRID_CHZ: (4000, 7000), PCS_STATE: (0, 4),
    PCS_UNCONFIRMED: (0, 65_534), PCS_GRID: (1, 2),
}
# range, may be unknown
MODULE_RANGES = {
    M_SOC_PM: (0, 1000, True), M_SOH_PM: (0, 1000, True), M_PACK_MV: (10_000, 100_000, False),
    M_CURRENT_MA: (-1_000_000, 1_000_000, False), M_CELL_MV_MAX: (1, 6000, False),
    M_CELL_MV_MIN: (1, 6000, False), M_CELL_DC_MAX: (-500, 1500, False),
    M_CELL_DC_MIN: (-500, 1500, False), M_CHARGE_MA_MAX: (0, 1_000_000, False),
    M_DISCHARGE_MA_MAX: (0, 1_000_000, False), M_STATE: (0, 65_535, False),
    M_PROTECTIONS: (0, 65_535, False), M_FAULTS: (0, 65_535, False), M_CYCLES: (0, 65_534, True),
    M_FULL_DAH: (0, 65_534, True), M_CHARGE_MV_MAX: (10_000, 100_000, True),
}
WORDS = st.one_of(st.integers(0, 0xFFFF), st.sampled_from(
    (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF, 0xFFF6, 0xFFFE - 1, 10, 103, 123, 124)))
CHANGES = st.lists(st.tuples(st.integers(0, 400), WORDS), max_size=30)


class CheckedReadings(Readings):
    def put(self, point, value, sampled_ms):
        low, high = SITE_RANGES[point]
        assert value is None or low <= value <= high, (point, value)
        assert 0 <= sampled_ms < 1 << 30
        super().put(point, value, sampled_ms)


class CheckedRows(Rows):
    def put(self, index, sampled_ms):
        row = self.rows[index]
        for point, (low, high, optional) in MODULE_RANGES.items():
            value = row[point]
            assert optional if value is None else low <= value <= high, (point, value)
        assert row[M_CELL_MV_MIN] <= row[M_CELL_MV_MAX]
        assert row[M_CELL_DC_MIN] <= row[M_CELL_DC_MAX]
        super().put(index, sampled_ms)


def spoil(registers, changes):
    for at, word in changes:
        if at < len(registers.words):
            registers.words[at] = word


@settings(max_examples=60)
@given(first=CHANGES, later=st.lists(CHANGES, max_size=4), power_w=st.integers(-10**6, 10**6))
def test_sunspec_devices(first, later, power_w):
    image, command = CheckedReadings(), Command()
    command.run, command.battery_w = 1, power_w
    devices = (
        (SunspecPcs(1, image, command, 30_000), (1, 103, 120, 121, 122, 123, 124)),
        (SunspecMeter(1, image), (1, 203)), (SunspecPv(1, image), (1, 103)),
    )
    for device, models in devices:
        registers, _ = chain(models)
        spoil(registers, first)
        wire = Wire(device, registers)
        wire.run(2000)
        for changes in later:
            spoil(registers, changes)
            wire.run(1500)


@settings(max_examples=60)
@given(base_w=st.integers(1, 65_534), base_sf=st.integers(0, 3), sf=st.integers(-10, 2),
       power_w=st.integers(-10**6, 10**6))
def test_the_window_never_exceeds_the_command(base_w, base_sf, sf, power_w):
    image, command = CheckedReadings(), Command()
    command.run, command.battery_w = 1, power_w
    registers, where = chain((1, 103, 123, 124))
    storage = where[124]
    for offset, value in ((2, base_w), (18, base_sf), (25, sf)):
        registers.set(storage + offset, value)
    Wire(SunspecPcs(1, image, command, 30_000), registers).run(2000)
    charge, discharge = registers.signed(storage + 13), registers.signed(storage + 12)
    assert charge == -discharge and registers.get(storage + 5) == 3
    assert discharge * power_w >= 0
    commanded_w = min(abs(power_w), 30_000)
    assert abs(discharge) * 10**base_sf * base_w * 10**(sf + 10) <= commanded_w * 10**12
    assert image.values[PCS_UNCONFIRMED] == 0


@given(raw=st.lists(WORDS, min_size=48, max_size=48), changes=CHANGES, good=st.booleans())
def test_bess_module(raw, changes, good):
    pack = CheckedRows()
    module = Module(1, 2, pack)
    words = list(SAMPLE) if good else [0x4253, 1] + raw[2:]
    for at, word in changes:
        words[at % 48] = word
    for counter in (1, 2, 3):
        words[3] = counter
        data = b"".join(word.to_bytes(2, "big") for word in words)
        module.done(module.next_read(counter * 1000), memoryview(data), counter * 1000)


@given(changes=st.lists(st.tuples(st.integers(0, 0x3FF), st.integers(0, 255)), max_size=20),
       ticks=st.lists(st.integers(0, 0xFFFFFFFF), max_size=4))
def test_jk_bms(changes, ticks):
    pack, registers = CheckedRows(), JkRegisters()
    for at, value in changes:
        registers.memory[at] = value
    wire = Wire(JkModule(1, 0, pack), registers)
    for tick in ticks:
        registers.long(0x12F0, tick)
        wire.run(1200)


@given(answers=st.lists(st.one_of(st.none(), st.binary(min_size=4, max_size=4)), min_size=1))
def test_walker_always_ends(answers):
    walker = Walker((103, 123, 124))
    for i in range(600):
        if walker.ended:
            return
        assert 0 <= walker.address and walker.address + walker.count <= 0x10000
        answer = answers[i % len(answers)]
        if answer is None:
            walker.failed(2)
        else:
            walker.feed(b"SunS" if walker.count == 2 and answer[0] & 1 else answer)
    raise AssertionError("600 reads and no end")
