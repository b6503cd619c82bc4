"""Grid support curves that the inverter runs itself."""

from bess.core.control.calls import PowerManager
from bess.core.flow.grid_support import FREQUENCY_WATT, VOLT_VAR, VOLT_WATT
from bess.devices.sunspec_curves import SunspecCurves
from bess.devices.wiring import build
from host_tests.core.bench_pack import settings_of
from host_tests.devices.peer import Wire, chain

# as in a chain; lengths of the fixed part do for what is read
LENGTHS = {126: 64, 127: 10, 132: 64, 134: 64, 705: 13, 706: 11, 711: 12}


class Support:
    pcs_curves = 0


class Bench:
    def __init__(self, models):
        self.registers, self.where = chain(models, lengths=LENGTHS)
        self.support = Support()
        self.device = SunspecCurves(1, self.support)
        self.wire = Wire(self.device, self.registers)
        self.wire.run(2000)

    def set(self, model, offset, value):
        self.registers.set(self.where[model] + offset, value)
        self.wire.run(11_000)
        return self.support.pcs_curves


CURVES = (
    # model, register of its enable, curve
    (126, 3, VOLT_VAR), (705, 2, VOLT_VAR), (132, 3, VOLT_WATT), (706, 2, VOLT_WATT),
    (134, 3, FREQUENCY_WATT), (127, 6, FREQUENCY_WATT), (711, 2, FREQUENCY_WATT),
)


def test_enables():
    for model, offset, curve in CURVES:
        bench = Bench((1, 103, model))
        assert bench.device.known and bench.support.pcs_curves == 0, model
        assert bench.set(model, offset, 1) == curve, model
        assert bench.set(model, offset, 0xFFFF) == 0, (model, "not implemented")
        assert bench.set(model, offset, 0xFFFE) == 0, (model, "other bits")
        assert bench.set(model, offset, 1) == curve
        assert bench.set(model, offset, 0) == 0, model


STATUS = (
    # low half of StActCtl, curves, why
    (0, 0, "none"), (1 << 3, VOLT_VAR, ""), (1 << 4, FREQUENCY_WATT, "by parameters"),
    (1 << 5, FREQUENCY_WATT, "by a curve"), (1 << 10, VOLT_WATT, ""),
    (1 << 3 | 1 << 5 | 1 << 10, VOLT_VAR | FREQUENCY_WATT | VOLT_WATT, "all"),
    (0xFFFF & ~(1 << 3 | 1 << 4 | 1 << 5 | 1 << 10), 0, "everything else"),
    (0xFFFF, 0, "not implemented"),
)


def test_active_controls():
    for word, curves, why in STATUS:
        assert Bench((1, 103, 122)).set(122, 36, word) == curves, why


def test_several_at_once():
    bench = Bench((1, 103, 122, 126, 127, 132, 134))
    bench.set(134, 3, 1)
    bench.set(132, 3, 1)
    assert bench.set(122, 36, 1 << 3) == FREQUENCY_WATT | VOLT_WATT | VOLT_VAR
    assert bench.set(132, 3, 0) == FREQUENCY_WATT | VOLT_VAR
    assert bench.set(134, 3, 0) == VOLT_VAR
    assert bench.set(127, 6, 1) == FREQUENCY_WATT | VOLT_VAR


def test_an_inverter_without_curves():
    bench = Bench((1, 103, 123, 124))
    bench.wire.run(20_000)
    assert bench.device.known and bench.support.pcs_curves == 0


def test_another_chain_runs_nothing_of_the_old_one():
    for models in ((1, 103, 705), (1, 103, 123)):
        bench = Bench((1, 103, 126))
        assert bench.set(126, 3, 1) == VOLT_VAR
        other = Bench(models).registers.words
        for i in range(len(bench.registers.words)):
            bench.registers.words[i] = other[i] if i < len(other) else 0
        bench.wire.run(60_000)
        assert bench.device.walks == 2 and bench.support.pcs_curves == 0, models


def test_it_is_there_where_a_curve_of_ours_is_configured():
    for curve, count in (("none", 1), ("ieee1547", 2)):
        settings = settings_of(frequency_watt=curve)
        settings.links = [{"kind": "tcp", "name": "inverter", "timeout_ms": 300, "devices": [
            {"kind": "sunspec_pcs", "unit": 3, "pack": 1, "period_ms": 0, "latency_ms": 0}]}]
        manager = PowerManager(settings)
        link = build(settings, manager)[0]
        devices = [slot.device for slot in link.transactions._slots]
        assert len(devices) == count and link.commands, curve
        if count == 2:
            assert devices[1].unit == 3 and devices[1]._support is manager.support
