"""JK PB: byte addresses, three reads to a sample, quirks, alarms."""

import micropython

from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_CYCLES, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS,
    M_SOC_PM, M_SOH_PM, M_STATE,
)
from bess.devices.jk_bms import JkModule, celsius_dc
from host_tests.devices.peer import STEP_MS, Rows, Wire

FIRST = 0x1000
BYTES = 0x400


class JkRegisters:
    """A JK's memory: an address counts bytes, 40 registers at most in a read."""

    def __init__(self):
        self.memory = bytearray(BYTES)
        self.asked = []
        self.keep = True
        for cell in range(16):
            self.word(0x1200 + 2 * cell, 3300 + cell)
        for address, value in (
            (0x1020, 3450), (0x102C, 120_000), (0x1038, 180_000), (0x106C, 16), (0x1240, 0xFFFF),
            (0x1290, 52_920), (0x1298, 12_345), (0x12A0, 0), (0x12AC, 310_460), (0x12B0, 77),
            (0x12F0, 1000),
        ):
            self.long(address, value)
        for address, value in ((0x129C, 245), (0x129E, 251), (0x12F8, 240), (0x12FA, 239),
                               (0x12FC, 900), (0x12A6, 0x0037), (0x12B8, 0x6300),
                               (0x12C0, 0x0101), (0x12D0, 0x1E00)):
            self.word(address, value)

    def word(self, address, value):
        self.memory[address - FIRST] = value >> 8 & 0xFF
        self.memory[address - FIRST + 1] = value & 0xFF

    def long(self, address, value):
        self.word(address, value >> 16)
        self.word(address + 2, value)

    def read_registers(self, fc, address, count, out, offset):
        if self.keep:
            self.asked.append((fc, address, count))
        at = address - FIRST
        if count > 40 or at < 0 or at + 2 * count > BYTES:
            return 2
        for i in range(2 * count):
            out[offset + i] = self.memory[at + i]
        return 0


def heard(words=(), longs=()):
    """A JK whose memory was changed, after two rounds with running ticks."""
    pack, registers = Rows(), JkRegisters()
    for address, value in words:
        registers.word(address, value)
    for address, value in longs:
        registers.long(address, value)
    module = JkModule(3, 1, pack)
    wire = Wire(module, registers)
    wire.before = lambda now_ms: registers.long(0x12F0, now_ms // 100)
    wire.run(1500)
    return module, pack, registers, wire


EXPECTED = (
    (M_PACK_MV, 52_920, "mV"), (M_CURRENT_MA, -12_345, "+ is charging on the wire"),
    (M_SOC_PM, 550, "%, low byte"), (M_SOH_PM, 990, "%, high byte"),
    (M_CELL_MV_MAX, 3315, "of 16"), (M_CELL_MV_MIN, 3300, "of 16, not of the empty 16 places"),
    (M_CELL_DC_MAX, 251, "sensors 1 to 4"), (M_CELL_DC_MIN, 239, "not the absent fifth"),
    (M_CHARGE_MA_MAX, 120_000, "setting"), (M_DISCHARGE_MA_MAX, 180_000, "setting"),
    (M_STATE, 3, "both paths on"), (M_PROTECTIONS, 0, ""), (M_FAULTS, 0, ""),
    (M_CYCLES, 77, ""), (M_FULL_DAH, 3105, "310.46 Ah"),
    (M_CHARGE_MV_MAX, 55_200, "setting, for each of 16 cells"),
)

# words, longs, point, value, why
CHANGES = (
    (((0x129C, 1050),), (), M_CELL_DC_MIN, -50, "1050 is -5 degC"),
    (((0x129C, 65536 - 70),), (), M_CELL_DC_MIN, -70, "two's complement as well"),
    (((0x12D0, 0x0200),), (), M_CELL_DC_MIN, 245, "only the first sensor is there"),
    ((), ((0x1298, 0xFFFFFFFF - 4999),), M_CURRENT_MA, 5000, "negative is discharging"),
    (((0x12C0, 0x0001),), (), M_STATE, 2, "charge path off"),
    (((0x12C0, 0x0100),), (), M_STATE, 1, "discharge path off"),
    (((0x12A6, 0x0137), (0x12D0, 0x1E01)), (), M_STATE, 15, "balancing and heating"),
    (((0x12A6, 0x00FF),), (), M_SOC_PM, None, "255 % is unknown"),
    ((), ((0x12AC, 0xFFFFFFFF),), M_FULL_DAH, None, "unknown"),
    ((), ((0x12A0, 1 << 4),), M_PROTECTIONS, 1, "cell over-voltage"),
    ((), ((0x12A0, 1 << 11 | 1 << 12),), M_PROTECTIONS, 0b1010, "cell and pack under-voltage"),
    ((), ((0x12A0, 1 << 6 | 1 << 13),), M_PROTECTIONS, 0b110000, "over-current, both ways"),
    ((), ((0x12A0, 1 << 8 | 1 << 9),), M_PROTECTIONS, 0b11000000, "charge too hot, too cold"),
    ((), ((0x12A0, 1 << 21),), M_PROTECTIONS, 0b101000000, "battery hot: both directions"),
    ((), ((0x12A0, 1 << 14),), M_FAULTS, 1, "short circuit"),
    ((), ((0x12A0, 1 << 16 | 1 << 17),), M_FAULTS, 0b11000, "both switches"),
    ((), ((0x12A0, 1 << 3),), M_FAULTS, 0b100, "current sensor"),
    ((), ((0x12A0, 1 | 1 << 18 | 1 << 19 | 1 << 23),), M_FAULTS, 0, "not our business"),
    ((), ((0x106C, 8),), M_CELL_MV_MAX, 3307, "8 cells"),
    ((), ((0x106C, 8),), M_CHARGE_MV_MAX, 27_600, "8 cells"),
    ((), ((0x1020, 0),), M_CHARGE_MV_MAX, None, "a BMS that does not state it"),
    ((), ((0x1020, 0xFFFFFFFF),), M_CHARGE_MV_MAX, None, "nor with this"),
)

# words, longs, why there is no sample
NO_SAMPLE = (
    (((0x1200, 0),), (), "first cell missing"),
    (((0x121E, 0xFFFF),), (), "last cell not readable"),
    (((0x12D0, 0),), (), "no temperature sensor"),
    (((0x129C, 0x7FFF),), (), "1000 - 32767 is no temperature"),
    ((), ((0x1290, 0),), "no voltage"),
    ((), ((0x1298, 0x7FFFFFFF),), "no such current"),
    ((), ((0x102C, 1_000_001),), "no such limit"),
    ((), ((0x106C, 0),), "no cell count"),
    ((), ((0x106C, 33),), "no such cell count"),
)


def test_fields():
    _, pack, registers, _ = heard()
    assert pack.puts == 1 and pack.index == 1
    for point, value, why in EXPECTED:
        assert pack.rows[1][point] == value, (point, pack.rows[1][point], why)
    assert registers.asked[:4] == [(3, 0x1020, 40), (3, 0x1200, 32), (3, 0x1290, 33),
                                   (3, 0x12F0, 7)]


def test_changes():
    for words, longs, point, value, why in CHANGES:
        _, pack, _, _ = heard(words, longs)
        assert pack.puts == 1, why
        assert pack.rows[1][point] == value, (why, pack.rows[1][point])


def test_no_sample():
    for words, longs, why in NO_SAMPLE:
        module, pack, _, _ = heard(words, longs)
        assert pack.puts == 0, why
        assert module.rejected, why


def test_temperatures():
    for raw, dc, why in ((0, 0, "zero"), (989, 989, "98.9 degC"), (990, 10, "quirk begins"),
                         (1000, 0, "zero again"), (1200, -200, "-20"), (-5, -5, "as usual")):
        assert celsius_dc(raw) == dc, why


def test_a_frozen_bms_is_silent():
    _, pack, registers, wire = heard()
    wire.before = None
    wire.run(1000)
    before = pack.puts
    wire.run(5000)
    assert pack.puts == before
    registers.word(0x1200, 3299)
    wire.run(1000)
    assert pack.puts == before + 1, "a changed cell is news even if the ticks stand"


def test_a_slow_sample_is_none():
    """Each part takes 1.1 s: the last comes more than 2 s after the first."""
    pack, registers = Rows(), JkRegisters()
    module = JkModule(1, 0, pack)
    now_ms = 0
    for _ in range(20):
        request = module.next_read(now_ms)
        if request is not None:
            out = bytearray(2 * request.count)
            assert registers.read_registers(3, request.address, request.count, out, 0) == 0
            registers.long(0x12F0, now_ms)
            now_ms += 1100
            module.done(request, out, now_ms)
        now_ms += STEP_MS
    assert pack.puts == 0 and module.rejected >= 2


def test_a_lost_part_begins_anew():
    pack, registers = Rows(), JkRegisters()
    module = JkModule(1, 0, pack)
    asked = []
    for now_ms in range(0, 10_000, 100):
        request = module.next_read(now_ms)
        if request is None:
            continue
        asked.append(request.address)
        if request.address == 0x1290 and asked.count(0x1290) in (2, 3):
            module.failed(request, 0x100, now_ms)
            continue
        out = bytearray(2 * request.count)
        registers.long(0x12F0, now_ms)
        registers.read_registers(3, request.address, request.count, out, 0)
        module.done(request, out, now_ms)
    at = [i for i in range(len(asked)) if asked[i] == 0x1290]
    assert asked[at[1] + 1] == 0x1200 and asked[at[2] + 1] == 0x1200
    assert pack.puts == asked.count(0x12F0) - 1
    assert module.next_write(10_000) is None


def test_settings_are_read_again():
    _, pack, registers, wire = heard()
    registers.keep = False
    registers.long(0x102C, 50_000)
    wire.before = None
    wire.run(590_000)
    assert pack.rows[1][M_CHARGE_MA_MAX] == 120_000
    registers.word(0x1200, 3299)
    wire.run(12_000)
    registers.word(0x1200, 3300)
    wire.run(2000)
    assert pack.rows[1][M_CHARGE_MA_MAX] == 50_000


def test_no_heap():
    _, pack, registers, wire = heard()
    registers.keep = False
    wire.before = None
    wire.run(5000)
    before = pack.puts
    micropython.heap_lock()
    try:
        for i in range(20):
            registers.word(0x12F2, i)
            wire.run(1000)
    finally:
        micropython.heap_unlock()
    assert pack.puts >= before + 19
