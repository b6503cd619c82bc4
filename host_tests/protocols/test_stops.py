"""Stop commands: the frame is on the wire within STOP_MS_MAX, whatever else goes on."""

from bess.protocols.modbus import ABANDONED
from bess.protocols.transactions import Request
from host_tests.protocols.bus import BOTH, NEAR_WRAP, Bus, Device, Unit, expected

STOP_MS_MAX = 100


def stop_delay_ms(bus, device):
    """How long a stop command of `device` takes from now to its first frame."""
    before = len(bus.frames_to(device.unit, 6))
    at_ms = bus.at_ms
    device.stop()
    bus.run(2000, lambda: len(bus.frames_to(device.unit, 6)) > before)
    return bus.frames_to(device.unit, 6)[-1] - at_ms


def test_stop_at_any_moment_of_any_traffic():
    # delays of the stopped unit, of the other: alive, slow, dead
    for serial in BOTH:
        for delays in ((20, 20), (20, 200), (20, None), (None, 20), (None, None), (200, 200)):
            for moment_ms in (0, 1, 13, 26, 40, 77, 310, 640, 1500, 4000):
                stopped, other = Device(1), Device(2, 1)
                bus = Bus(serial, [other, stopped], [Unit(1, delays[0]), Unit(2, delays[1])],
                          NEAR_WRAP, timeout_ms=300)
                bus.run(moment_ms)
                delay_ms = stop_delay_ms(bus, stopped)
                limit_ms = STOP_MS_MAX if serial else 0
                assert delay_ms <= limit_ms, (serial, delays, moment_ms, delay_ms)


def test_stop_on_a_babbling_line():
    stopped = Device(1)
    bus = Bus(True, [stopped], [Unit(1)])
    bus.babbles = True
    bus.run(500)
    assert bus.log == []
    assert stop_delay_ms(bus, stopped) <= STOP_MS_MAX


def test_a_stop_is_repeated_until_it_is_answered():
    for serial in BOTH:
        stopped, other, unit = Device(1), Device(2), Unit(1, None)
        bus = Bus(serial, [stopped, other], [unit, Unit(2, 5)], timeout_ms=300)
        stopped.stop()
        bus.run(10_000)
        tries = bus.frames_to(1, 6)
        steps = [tries[i + 1] - tries[i] for i in range(len(tries) - 1)]
        assert max(steps) <= 1400 and len(tries) >= 7, steps
        assert len(other.values) >= 60, "the others are polled meanwhile"
        unit.delay_ms = 20
        bus.run(1500)
        assert stopped.written == 1 and not stopped.urgent


def test_a_second_stop_is_as_fast_as_the_first():
    stopped = Device(1)
    bus = Bus(True, [stopped], [Unit(1, None)], timeout_ms=300)
    assert stop_delay_ms(bus, stopped) <= STOP_MS_MAX
    bus.run(5000)
    stopped.urgent = stopped.write_due = False      # a new command came
    bus.run(2)
    assert stop_delay_ms(bus, stopped) <= STOP_MS_MAX


def test_two_stops_at_once():
    for serial in BOTH:
        for delays in ((20, 20), (None, 20), (None, None)):
            first, second, third = Device(1), Device(2), Device(3, 1)
            bus = Bus(serial, [first, second, third],
                      [Unit(1, delays[0]), Unit(2, delays[1]), Unit(3, None)], timeout_ms=1000)
            bus.run(37)
            first.stop()
            second.stop()
            at_ms = bus.at_ms
            bus.run(5000)
            for device in (first, second):
                assert bus.frames_to(device.unit, 6)[0] - at_ms <= 200, (serial, delays, bus.log)
            assert second.written == (delays[1] is not None)


def test_the_abandoned_poll_is_told():
    for serial in BOTH:
        stopped, other = Device(1, None), Device(2)
        bus = Bus(serial, [stopped, other], [Unit(1), Unit(2, None)], timeout_ms=1000)
        bus.run(10)
        assert stop_delay_ms(bus, stopped) <= STOP_MS_MAX
        assert other.failures == [ABANDONED]
        bus.run(300)
        assert stopped.written == 1 and bus.link.timeouts == 0


def test_a_poll_that_is_about_to_be_answered_is_not_disturbed_on_a_serial_line():
    stopped, other = Device(1, None), Device(2)
    bus = Bus(True, [stopped, other], [Unit(1), Unit(2, 40)])
    bus.run(10)
    assert stop_delay_ms(bus, stopped) <= 40
    assert other.failures == [] and other.values == [expected(2)]


def test_an_abandoned_poll_is_not_answered_into_another_one():
    stopped, slow, other = Device(1, None), Device(2, 1), Device(2, 1)
    other.read = Request(2, 3, 200, 2)
    bus = Bus(True, [stopped, slow, other], [Unit(1), Unit(2, 150)], timeout_ms=500)
    for _ in range(20):
        bus.run(317)
        assert stop_delay_ms(bus, stopped) <= STOP_MS_MAX
    assert ABANDONED in slow.failures + other.failures
    for values in slow.values:
        assert values == expected(2), values
    for values in other.values:
        assert values == (2, 200, 2, 201), values
    assert slow.values and other.values


def test_a_stop_does_not_push_out_another_stop():
    for serial in BOTH:
        first, second = Device(1, None), Device(2, None)
        bus = Bus(serial, [first, second], [Unit(1), Unit(2)])
        first.stop()
        bus.run(10)
        assert stop_delay_ms(bus, second) <= STOP_MS_MAX
        bus.run(100)
        assert (first.written, second.written) == (1, 1)
        assert first.failures == second.failures == []


def test_urgent_without_a_write_disturbs_nobody():
    for serial in BOTH:
        stopped, other = Device(1), Device(2)
        stopped.urgent = True               # waits for its read-back
        bus = Bus(serial, [stopped, other], [Unit(1), Unit(2)])
        bus.run(2000)
        assert len(stopped.values) >= 18 and len(other.values) >= 18
        assert stopped.failures == other.failures == []


def test_a_newer_stop_replaces_the_write_in_flight():
    device = Device(1, None)
    bus = Bus(False, [device], [Unit(1, 50)])
    device.write.data[1] = 99
    device.write_due = True
    bus.run(10)
    device.write.data[1] = 0
    assert stop_delay_ms(bus, device) == 0
    bus.run(200)
    assert bus.units[1].bank.written == [(7, 99), (7, 0)]
    assert device.written == 1 and device.failures == []
