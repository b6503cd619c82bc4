"""The BESS module map: fields, signs, what is no sample, balance requests."""

import micropython

from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_CYCLES, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS,
    M_SOC_PM, M_SOH_PM, M_STATE,
)
from bess.devices.bess_module import Module
from host_tests.devices.peer import Registers, Rows, Wire

# map, version, cells, counter, rated, full, 52.98 V, -, +12.345 A charge, 55.1 %, 99.8 %, cells,
# 24.5 and -3.0 degC, limits 100 A and 157 A, 55.20 V, state, warnings, protections, faults, cycles
SAMPLE = (0x4253, 1, 16, 7, 3140, 3105, 5298, 0, 0, 12345, 551, 998, 3320, 3301, 245, 65536 - 30,
          1000, 1570, 5520, 3, 0, 0x101, 2, 41, 0, 1000, 0, 900, 245, 240, 100, 65536 - 30) + (
    3320,) + (3310,) * 14 + (3301,)

EXPECTED = (
    (M_PACK_MV, 52_980, "10 mV"), (M_CURRENT_MA, -12_345, "+ is charging on the wire"),
    (M_SOC_PM, 551, "0.1 %"), (M_SOH_PM, 998, "0.1 %"), (M_CELL_MV_MAX, 3320, "mV"),
    (M_CELL_MV_MIN, 3301, "mV"), (M_CELL_DC_MAX, 245, "0.1 degC"),
    (M_CELL_DC_MIN, -30, "below zero"), (M_CHARGE_MA_MAX, 100_000, "0.1 A"),
    (M_DISCHARGE_MA_MAX, 157_000, "0.1 A"), (M_STATE, 3, "bits"), (M_PROTECTIONS, 0x101, "bits"),
    (M_FAULTS, 2, "bits"), (M_CYCLES, 41, ""), (M_FULL_DAH, 3105, "present, not rated"),
    (M_CHARGE_MV_MAX, 55_200, "10 mV"),
)

# register, value, why there is no sample
NO_SAMPLE = (
    (0, 0x4254, "another map"),
    (1, 2, "another version of the map"),
    (2, 14, "no such number of cells"),
    (2, 0xFFFF, "no such number of cells"),
    (6, 0, "no voltage"),
    (6, 10_001, "more than 100 V"),
    (8, 0x7FFF, "a current of 2 MA"),
    (12, 0, "no highest cell"),
    (12, 3300, "highest below lowest"),
    (13, 0, "no lowest cell"),
    (14, 1501, "hotter than 150 degC"),
    (15, 65536 - 501, "colder than -50 degC"),
    (14, 65536 - 40, "hottest below coldest"),
    (16, 10_001, "more than 1000 A"),
    (17, 0xFFFF, "more than 1000 A"),
    (32, 0, "first cell missing"),
    (47, 0, "last cell missing"),
    (40, 0xFFFF, "cell not readable"),
)

# register, value, point, what the row holds then, why
EDGES = (
    (10, 1001, M_SOC_PM, None, "an impossible SoC is unknown, the rest still protects"),
    (11, 0xFFFF, M_SOH_PM, None, "unknown"),
    (23, 0xFFFF, M_CYCLES, None, "unknown"),
    (16, 0, M_CHARGE_MA_MAX, 0, "a limit of zero is a limit"),
    (18, 0, M_CHARGE_MV_MAX, None, "a charge voltage of zero is none"),
    (18, 999, M_CHARGE_MV_MAX, None, "nor is one that no module has"),
    (18, 1000, M_CHARGE_MV_MAX, 10_000, "the lowest there is"),
    (18, 10_000, M_CHARGE_MV_MAX, 100_000, "the highest there is"),
    (18, 0xFFFF, M_CHARGE_MV_MAX, None, "unknown"),
    (35, 3400, M_CELL_MV_MAX, 3400, "a cell above the highest that is stated counts"),
    (35, 3000, M_CELL_MV_MIN, 3000, "a cell below the lowest that is stated counts"),
)


def heard(changes=(), index=0):
    """The module after a first answer and one with a new count: (module, pack, registers)."""
    pack = Rows()
    module = Module(1, index, pack)
    registers = Registers(0, SAMPLE + (0,) * 80)
    for register, value in changes:
        registers.set(register, value)
    wire = Wire(module, registers)
    wire.run(100)
    registers.set(3, 8)
    wire.run(600)
    return module, pack, registers, wire


def test_fields():
    _, pack, _, _ = heard(index=2)
    for point, value, why in EXPECTED:
        assert pack.rows[2][point] == value, (point, pack.rows[2][point], why)
    assert pack.rows[0][M_PACK_MV] is None


def test_no_sample():
    for register, value, why in NO_SAMPLE:
        module, pack, _, _ = heard(((register, value),))
        assert pack.puts == 0, why
        assert module.rejected >= 1, why
        assert pack.rows[0][M_PACK_MV] is None, why


def test_edges():
    for register, value, point, expected, why in EDGES:
        _, pack, _, _ = heard(((register, value),))
        assert pack.puts == 1, why
        assert pack.rows[0][point] == expected, why


def test_only_a_new_count_is_a_sample():
    _, pack, registers, wire = heard()
    assert (pack.puts, pack.index, pack.at_ms) == (1, 0, 1500)
    registers.set(8, 1)
    wire.run(3000)
    assert pack.puts == 1, "the count stands still: a module that hangs"
    registers.set(3, 0)
    registers.set(8, 0)
    wire.run(600)
    assert pack.puts == 2, "the count wraps"


def test_one_answer_does_not_prove_life():
    pack = Rows()
    wire = Wire(Module(1, 0, pack), Registers(0, SAMPLE))
    wire.run(5000)
    assert pack.puts == 0


def test_latency_and_wrap():
    pack = Rows()
    module = Module(1, 3, pack, 500, latency_ms=40)
    registers = Registers(0, SAMPLE)
    wire = Wire(module, registers, (1 << 30) - 490)
    wire.run(100)
    registers.set(3, 9)
    wire.run(600)
    assert (pack.index, pack.at_ms) == (3, (10 - 40) & 0x3FFFFFFF)


def test_balance_request():
    _, pack, registers, wire = heard(index=1)
    registers.log.clear()
    wire.run(30_000)
    assert registers.log == [], "nobody asked"
    pack.balance_wanted = 0b1101
    wire.run(1000)
    assert registers.log == [], "another module was asked"
    pack.balance_wanted = 0b0010
    wire.run(50_000)
    assert registers.log == [(100, [1])] * 3, "at once and every 20 s"
    pack.balance_wanted = 0
    wire.run(50_000)
    assert registers.log == [(100, [1])] * 3 + [(100, [0])]


def test_balance_refused_or_left_out():
    pack = Rows()
    pack.balance_wanted = 1
    registers = Registers(0, SAMPLE)       # ends before register 100
    wire = Wire(Module(1, 0, pack), registers)
    wire.run(10_000)
    assert wire.transactions.exceptions == 1, "a refusal is not repeated before the refresh"
    registers = Registers(0, SAMPLE + (0,) * 80)
    Wire(Module(1, 0, pack, 500, balance=False), registers).run(30_000)
    assert registers.log == []


def test_no_heap():
    _, pack, registers, wire = heard()
    registers.keep_log = False
    wire.run(2000)
    before = pack.puts
    micropython.heap_lock()
    try:
        for i in range(20):
            registers.words[3] = i
            wire.run(500)
    finally:
        micropython.heap_unlock()
    assert pack.puts >= before + 20
