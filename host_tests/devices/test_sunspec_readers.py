"""The devices that are only read: grid meter and photovoltaic inverter."""

import micropython

from bess.core.points import GRID_MV, GRID_W, PV_W
from bess.devices.sunspec_meter import SunspecMeter
from bess.devices.sunspec_pv import SunspecPv
from host_tests.devices.peer import Readings, Wire, chain

W, W_SF, ENERGY = 18, 22, 47
MARGIN_MS = 20


def meter(models=(1, 203), base=40000, **options):
    """A meter at 1500 W that was walked, in front of its first change."""
    registers, where = chain(models, base)
    at = where[models[-1]]
    registers.set(at + W, 1500)
    image = Readings()
    device = SunspecMeter(1, image, **options)
    wire = Wire(device, registers)
    wire.run(1000)
    return device, image, registers, wire, at


def test_meter_at_every_base():
    for models in ((1, 203), (1, 201), (1, 103, 203)):
        for base in (40000, 0, 50000):
            device, image, registers, wire, at = meter(models, base)
            assert device.known, (models, base)
            registers.set(at + W, -700)
            wire.run(600)
            assert image.values[GRID_W] == -700


def test_meter_sign_scale_and_absence():
    # W, scale factor, sign, GRID_W, why
    for raw, sf, sign, grid_w, why in (
        (1200, 0, 1, 1200, "import"), (1200, 0, -1, -1200, "a meter that counts + as export"),
        (12, 2, 1, 1200, "hundreds of watts"), (-12345, -1, 1, -1235, "tenths"),
        (0x8000, 0, 1, None, "not implemented"), (5, 0x8000, 1, None, "no scale factor"),
        (30_000, 4, 1, None, "300 MW"),
    ):
        device, image, registers, wire, at = meter(sign=sign)
        registers.set(at + W, raw)
        registers.set(at + W_SF, sf)
        wire.run(600)
        assert image.values[GRID_W] == grid_w, why
        assert (device.rejected > 0) == (grid_w is None), why


def test_meter_only_a_changed_answer_is_new():
    device, image, registers, wire, at = meter()
    assert image.puts[GRID_W] == 0, "one answer does not prove life"
    registers.set(at + W, 1600)
    wire.run(3000)
    assert image.puts[GRID_W] == 1
    registers.set(at + ENERGY, 1)
    wire.run(1000)
    assert image.puts[GRID_W] == 2, "the same power, but the energy went on"
    assert not device.frozen
    wire.run(10_000)
    assert image.puts[GRID_W] == 2 and device.frozen
    registers.set(at + ENERGY, 2)
    wire.run(1000)
    assert image.puts[GRID_W] == 3 and not device.frozen


def test_meter_sample_time():
    _, image, registers, wire, at = meter(latency_ms=300)
    registers.set(at + W, 1)
    before_ms = wire.now_ms
    wire.run(600)
    assert -300 <= image.at_ms[GRID_W] - before_ms <= 500 - 300 + MARGIN_MS
    _, image, registers, wire, at = meter(latency_ms=5000)
    registers.set(at + W, 1)
    wire.run(600)
    assert image.at_ms[GRID_W] > 1 << 29, "before the wrap"


# readings, those that are put, why; fuse 10 kW: beyond 15 kW or a step of 20 kW is odd
OUTLIERS = (
    ((1000, 16_000, 1010), (1000, 1010), "one is held"),
    ((1000, 16_000, 15_900, 16_100), (1000, 15_900, 16_100), "two agree"),
    ((1000, 16_000, 30_000, 900), (1000, 900), "two that do not agree"),
    ((-14_000, 12_000, 11_800), (-14_000, 11_800), "a step"),
    ((-14_000, 12_000, -13_900), (-14_000, -13_900), "a step and back"),
)


def test_meter_outliers():
    for readings, expected, why in OUTLIERS:
        _, image, registers, wire, at = meter(fuse_w=10_000)
        got, puts = [], 0
        for reading in readings:
            registers.set(at + W, reading)
            wire.run(600)
            if image.puts[GRID_W] > puts:
                puts = image.puts[GRID_W]
                got.append(image.values[GRID_W])
        assert tuple(got) == expected, (why, got)


def test_meter_moves_to_another_place():
    device, image, registers, wire, at = meter((1, 103, 203))
    old, other = registers.words, chain((1, 203))[0]
    other.set(40070 + W, 222)
    for i in range(len(other.words)):
        old[i] = other.words[i]
    wire.run(9000)
    other.set(40070 + W, 223)
    for i in range(len(other.words)):
        old[i] = other.words[i]
    wire.run(1000)
    assert device.walks == 2 and image.values[GRID_W] == 223


def test_silence_and_return():
    device, image, registers, wire, at = meter()
    wire.dead = True
    wire.run(20_000)
    registers.set(at + W, 5)
    wire.dead = False
    wire.run(31_000)
    assert image.values[GRID_W] == 5 and device.walks == 1


def test_no_chain_is_looked_for_again():
    registers, where = chain((1,))
    image = Readings()
    device = SunspecMeter(1, image)
    wire = Wire(device, registers)
    wire.run(60_000)
    assert not device.known
    assert 10 <= device.walks <= 13, "every 5 s, not all the time"


def pv(power, sf=0, volts=2300, hz=5000):
    registers, where = chain((1, 103))
    at = where[103]
    for offset, value in ((14, power), (15, sf), (16, hz), (10, volts)):
        registers.set(at + offset, value)
    image = Readings()
    device = SunspecPv(1, image)
    wire = Wire(device, registers)
    wire.run(1000)
    return device, image, wire


def test_pv():
    # W, scale factor, volts, Hz, PV_W, why
    for power, sf, volts, hz, pv_w, why in (
        (4321, 0, 2300, 5000, 4321, "noon"), (500, 1, 2300, 5000, 5000, "tens"),
        (-6, 0, 2300, 5000, 0, "its own use at night is no generation"),
        (-2000, 0, 2300, 5000, None, "it does not draw that much"),
        (0, 0, 2300, 5000, 0, "night"), (0, 0, 0, 0, None, "null frame"),
        (0x8000, 0, 2300, 5000, None, "not implemented"),
        (32_000, 3, 2300, 5000, None, "32 MW"),
    ):
        device, image, _ = pv(power, sf, volts, hz)
        assert image.values[PV_W] == pv_w, why
        assert (device.rejected == 0) == (pv_w is not None), why


def test_nothing_is_written():
    device, _, _ = pv(1)
    assert device.next_write(5000) is None and device.urgent is False


def test_no_heap():
    _, image, registers, wire, at = meter()
    _, pv_image, pv_wire = pv(100)
    wire.run(2000)
    pv_wire.run(2000)
    before, pv_before = image.puts[GRID_W], pv_image.puts[PV_W]
    micropython.heap_lock()
    try:
        for i in range(20):
            registers.words[at - 40000 + W] = i
            wire.run(500)
            pv_wire.run(500)
    finally:
        micropython.heap_unlock()
    assert image.puts[GRID_W] >= before + 19
    assert pv_image.puts[PV_W] >= pv_before + 9


def test_meter_voltage():
    # raw, scale factor, GRID_MV, why
    for raw, sf, grid_mv, why in (
        (2312, -1, 231_200, "tenths of a volt"), (230, 0, 230_000, "volts"),
        (0x8000, -1, None, "not implemented"), (0xFFFF, 0, None, "below zero"),
        (20_000, 0, None, "20 kV"), (0, -1, None, "a meter that does not measure it"),
    ):
        _, image, registers, wire, at = meter()
        registers.set(at + 7, raw)
        registers.set(at + 15, sf & 0xFFFF)
        registers.set(at + W, 900)
        wire.run(600)
        assert image.values[GRID_MV] == grid_mv, why
