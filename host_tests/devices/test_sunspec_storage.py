"""The command of the inverter: rounded, ordered, confirmed, renewed, defended."""

from bess.core.points import BATTERY_W, PCS_UNCONFIRMED
from bess.devices.sunspec_storage import portion
from host_tests.devices.inverter import (
    B, CONN, CONN_REVERT, GRID_CHARGE, IN, MODE, OUT, RAMP, REVERT, REVERT_MS, WIN, Bench,
)


# W, registers IN and OUT, why; base 20 kW, 0.01 %
COMMANDS = (
    (0, 0, 0, "nothing flows"),
    (20_000, -10_000, 10_000, "full discharge"),
    (-20_000, 10_000, -10_000, "full charge"),
    (5000, -2500, 2500, "a quarter"),
    (-5001, 2500, -2500, "half a register step more: towards zero"),
    (5003, -2501, 2501, "towards zero"),
    (-1, 0, 0, "below one step"),
    (3, -1, 1, "one step"),
    (25_000, -10_000, 10_000, "not beyond the device"),
    (-1_000_000, 10_000, -10_000, "not beyond the device"),
)


def test_commands():
    bench = Bench()
    for power_w, charge, discharge, why in COMMANDS:
        bench.ask(1, power_w)
        assert bench.rates() == (3, charge, discharge, 1), (why, bench.rates())
        assert bench.image.values[PCS_UNCONFIRMED] == 0, why


# w_max, scale factor, W, raw OUT, why
SCALES = (
    (20_000, 0, 5900, 29, "whole percent: 29.5 %"),
    (20_000, -1, 5990, 299, "29.95 %"),
    (9999, -2, 3333, 3333, "33.3333 %"),
    (9999, -2, -3334, -3334, "33.3433 %"),
    (7001, -2, 7000, 9998, "99.986 %"),
    (20_000, -3, 6000, 30_000, "0.001 %"),
    (20_000, -3, 10_000, 32767, "50 % do not fit: clamped"),
    (20_000, -3, -10_000, -32767, "clamped, never the sentinel"),
    (20_000, 1, 9000, 4, "tens of percent: 45 %"),
    (20_000, 2, 19_999, 0, "only 0 or 100 %"),
    (20_000, 2, 20_000, 1, "100 %"),
)


def test_scales():
    for w_max, sf, power_w, raw, why in SCALES:
        bench = Bench(rate_sf=sf, w_max=w_max)
        bench.ask(1, power_w)
        assert bench.rates() == (3, -raw, raw, 1), (why, bench.rates())


def test_never_more_than_commanded():
    for base_w in (1, 7, 999, 20_000, 65_534, 6_553_400, 100_000_000):
        for digits in range(0, 13):
            full = min(10 ** digits, 32767)
            for power_w in (0, 1, base_w // 3, base_w - 1, base_w, base_w + 5):
                raw = portion(power_w, base_w, digits, full)
                assert 0 <= raw <= full
                assert raw * base_w <= power_w * 10 ** digits
                assert raw == full or (raw + 1) * base_w > power_w * 10 ** digits


def test_unusable_scale_is_never_commanded():
    for sf, w_max in ((0x8000, B), (3, B), (11, B), (-2, 0), (-2, 0xFFFF)):
        bench = Bench(rate_sf=sf, w_max=w_max, settle=False)
        bench.ask(1, 5000, 5000)
        assert bench.registers.log == [], sf
        assert bench.image.values[PCS_UNCONFIRMED] >= 3, "and says that it does not obey"
        bench.set(124, 25, -2)
        bench.set(124, 2, B)
        bench.wire.run(2000)
        assert bench.rates() == (3, -2500, 2500, 1), sf
        assert bench.image.values[PCS_UNCONFIRMED] == 0


def test_order_of_a_start_and_of_a_stop():
    bench = Bench()
    bench.written()
    bench.ask(1, 3000)
    assert bench.written() == [(124, OUT), (124, IN), (123, CONN_REVERT), (123, CONN)]
    assert bench.get(123, CONN_REVERT) == 30
    bench.ask(1, 4000)
    assert bench.written() == [(124, OUT), (124, IN)], "only what changed"
    bench.ask(0, 0)
    assert bench.written() == [(123, CONN_REVERT), (123, CONN), (124, OUT), (124, IN)]
    assert bench.get(123, CONN_REVERT) == 0, "a stop that reverts would be a start"


def test_first_command_writes_everything_mode_last():
    bench = Bench(settle=False)
    bench.ask(1, 1000, 1500)
    names = bench.written()
    assert names.index((124, REVERT)) < names.index((124, OUT)) < names.index((124, MODE))
    assert names.index((124, MODE)) < names.index((123, CONN))
    assert bench.get(124, REVERT) == 30 and bench.get(124, GRID_CHARGE) == 1


def test_equal_command_is_not_written_again():
    bench = Bench()
    bench.ask(1, 5000)
    bench.written()
    for power_w in (5001, 5000, 5001):
        bench.ask(1, power_w, 100)
    assert bench.written() == [], "5000 W and 5001 W are the same register"


def test_renewed_within_a_third_of_the_revert_time():
    bench = Bench()
    bench.ask(1, 5000)
    for _ in range(8):
        bench.written()
        bench.wire.run(REVERT_MS // 3)
        names = bench.written()
        for name in ((124, OUT), (124, MODE), (123, CONN_REVERT), (123, CONN)):
            assert name in names
        assert len(names) <= 10, "renewed, not repeated all the time"


def test_urgent_until_written():
    bench = Bench()
    device = bench.device
    assert not device.urgent
    bench.ask(1, 5000)
    assert not device.urgent
    bench.command.battery_w = 0
    assert device.urgent, "a zero"
    request = device.next_write(bench.wire.now_ms)
    assert request.address == bench.where[124] + OUT
    device.done(request, None, bench.wire.now_ms)
    assert not device.urgent
    bench.command.battery_w = 5000
    assert not device.urgent
    bench.wire.run(300)
    bench.command.run = 0
    assert device.urgent, "a stop, whatever the power"
    request = device.next_write(bench.wire.now_ms)
    assert request.address == bench.where[123] + CONN_REVERT
    device.done(request, None, bench.wire.now_ms)
    assert device.urgent, "the rates are left"
    bench.wire.run(300)
    assert not device.urgent and bench.rates() == (3, 0, 0, 0)


def test_a_zero_does_not_wait_for_the_read_back():
    bench = Bench()
    bench.ask(1, 5000)
    bench.command.battery_w = 6000
    device, now_ms = bench.device, bench.wire.now_ms
    device.next_write(now_ms)
    request = device.next_write(now_ms)      # the first yielded to a poll that is due
    device.done(request, None, now_ms)
    bench.command.battery_w = 7000
    assert device.next_write(now_ms) is None, "a change waits for the read-back"
    bench.command.battery_w = 0
    assert device.next_write(now_ms) is not None


def test_stubborn_registers_are_unconfirmed():
    for model, offset, why in ((124, OUT, "rates"), (124, MODE, "mode"), (123, CONN, "run")):
        bench = Bench(settle=False)
        bench.registers.stubborn = (bench.where[model] + offset,)
        bench.ask(1, 5000, 4000)
        assert bench.image.values[PCS_UNCONFIRMED] >= 3, why
        assert bench.overruled == 0, why
        bench.registers.stubborn = ()
        bench.wire.run(1500)
        assert bench.image.values[PCS_UNCONFIRMED] == 0, why
        assert bench.rates() == (3, -2500, 2500, 1), why


def test_refused_commands_are_unconfirmed_and_paced():
    for model, offset, why in ((124, OUT, "rates"), (124, MODE, "mode"), (123, CONN, "run")):
        bench = Bench(settle=False)
        bench.registers.read_only = (bench.where[model] + offset,)
        bench.ask(1, 5000, 4000)
        assert bench.image.values[PCS_UNCONFIRMED] >= 3, why
        assert bench.wire.transactions.exceptions < 30, why
        assert bench.image.puts[BATTERY_W] > 15, "polls go on"
        bench.registers.read_only = ()
        bench.wire.run(1500)
        assert bench.image.values[PCS_UNCONFIRMED] == 0, why


def test_one_register_that_is_refused_keeps_all_unconfirmed():
    """Though the others are accepted, read back and renewed meanwhile."""
    bench = Bench(settle=False)
    bench.registers.read_only = (bench.where[124] + MODE,)
    bench.command.run = 1
    seen = 0
    for _ in range(100):
        bench.ask(1, 5000, 100)
        unconfirmed = bench.image.values[PCS_UNCONFIRMED]
        assert unconfirmed >= seen
        seen = unconfirmed
    assert seen >= 10


def test_all_is_written_once_even_if_it_is_there():
    """The timers of the device begin with a write."""
    bench = Bench(settle=False)
    for model, offset, value in ((124, OUT, 0), (124, IN, 0), (124, MODE, 3)):
        bench.set(model, offset, value)
    bench.wire.run(1500)
    names = bench.written()
    for name in ((124, OUT), (124, IN), (124, MODE), (123, CONN)):
        assert names.count(name) == 1


def test_after_a_time_out_all_is_written_again():
    bench = Bench()
    bench.ask(1, 5000)
    bench.written()
    device, now_ms = bench.device, bench.wire.now_ms
    bench.command.battery_w = 0
    device.failed(device.next_write(now_ms), 0x100, now_ms)
    bench.wire.run(1000)
    names = bench.written()
    for name in ((124, OUT), (124, IN), (124, MODE), (123, CONN)):
        assert names.count(name) == 1


def test_settings_that_are_read_only_do_no_harm():
    bench = Bench(settle=False)
    base = bench.where[124]
    bench.registers.read_only = (base + REVERT, base + GRID_CHARGE)
    bench.set(124, REVERT, 600)
    bench.set(124, WIN, 0xFFFF)
    bench.set(124, RAMP, 60)
    bench.ask(1, 5000, 3000)
    assert bench.image.values[PCS_UNCONFIRMED] == 0
    assert bench.rates() == (3, -2500, 2500, 1)
    assert bench.wire.transactions.exceptions == 2, "each is tried once"
    assert bench.get(124, WIN) == -1 and bench.get(124, RAMP) == 0
    assert not bench.device.control.setup.reverts
    bench.registers.read_only = ()
    assert Bench().device.control.setup.reverts


def test_no_timer_at_conn():
    # absent: reads as not implemented; refused: the pair is refused, the single register is not
    for absent in (True, False):
        bench = Bench(settle=False)
        if absent:
            bench.set(123, CONN_REVERT, 0xFFFF)
        bench.registers.read_only = (bench.where[123] + CONN_REVERT,)
        bench.ask(1, 5000, 2000)
        assert bench.rates() == (3, -2500, 2500, 1), absent
        assert bench.image.values[PCS_UNCONFIRMED] == 0, absent
        assert bench.wire.transactions.exceptions == (0 if absent else 1)


def test_overruled():
    bench = Bench()
    bench.ask(1, 5000)
    for model, offset, value in ((124, MODE, 0), (124, OUT, 10_000), (123, CONN, 0)):
        before = bench.overruled
        bench.wire.run(2000)
        bench.set(model, offset, value)
        bench.wire.run(1300)
        assert bench.rates() == (3, -2500, 2500, 1), (model, offset)
        assert bench.overruled == before + 1, (model, offset)
        assert bench.device.control.overruled == bench.overruled
        assert bench.image.values[PCS_UNCONFIRMED] == 0
    bench.ask(0, 0)
    bench.set(123, CONN, 1)
    bench.wire.run(1300)
    assert bench.rates() == (3, 0, 0, 0), "a start by somebody else is stopped"
