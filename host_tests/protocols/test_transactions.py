"""What a link sends when: fairness, silence, faults. Stop commands are in test_stops.py."""

from bess.protocols.modbus import TIMEOUT
from bess.protocols.transactions import Request
from host_tests.protocols.bus import BOTH, NEAR_WRAP, Bus, Device, Unit, expected


def test_everybody_is_polled_in_turn():
    for serial in BOTH:
        devices = [Device(unit, period_ms=1) for unit in (1, 2, 3)]
        bus = Bus(serial, devices, [Unit(1), Unit(2, 5), Unit(3, 80)], timeout_ms=300)
        bus.run(3000)
        counts = [len(device.values) for device in devices]
        assert min(counts) >= 20 and max(counts) - min(counts) <= 1, counts
        for device in devices:
            assert device.values[-1] == expected(device.unit) and device.failures == []
        link = bus.link
        assert link.answered == sum(counts) and link.sent - link.answered <= 1
        assert link.timeouts == link.exceptions == 0
        assert link.framing.crc_errors == link.framing.frame_errors == 0


def test_periods_are_kept_and_the_line_rests_between():
    device = Device(1, period_ms=100)
    bus = Bus(True, [device], [Unit(1)], gap_ms=5)
    bus.run(2000)
    assert 16 <= len(device.values) <= 20
    assert bus.wait_ms_min >= 1 and bus.wait_ms_max <= 100


def test_gap_before_each_request_on_a_serial_line():
    devices = [Device(unit, period_ms=1) for unit in (1, 2)]
    bus = Bus(True, devices, [Unit(1, 10), Unit(2, 10)], gap_ms=7)
    bus.run(500)
    sent = [ms for ms, _, _ in bus.log]
    steps = [sent[i + 1] - sent[i] for i in range(len(sent) - 1)]
    assert min(steps) == max(steps) == 17, steps


def test_a_dead_unit_costs_one_timeout_a_rest():
    for serial in BOTH:
        for start_ms in (1000, NEAR_WRAP):
            dead, alive = Device(1), Device(2)
            bus = Bus(serial, [dead, alive], [Unit(1, None), Unit(2, 5)], start_ms,
                      timeout_ms=300, retries=1)
            bus.run(70_000)
            tries = bus.frames_to(1)
            # Two tries, then rests of 1, 2, 4, 8, 16, 30 s, each counted from its time-out.
            rests = [tries[i + 1] - tries[i] - 300 for i in range(1, len(tries) - 1)]
            assert [round_100(rest) for rest in rests] == [1000, 2000, 4000, 8000, 16000, 30000], (
                serial, rests)
            assert dead.failures == [TIMEOUT] * (len(tries) - 1), dead.failures
            # Everybody else loses the time-outs and nothing more.
            alive_ms = 70_000 - 300 * len(tries)
            assert len(alive.values) >= alive_ms // 120, len(alive.values)


def round_100(ms):
    return (ms + 50) // 100 * 100


def test_a_dead_unit_comes_back():
    unit, device = Unit(1, None), Device(1)
    bus = Bus(True, [device], [unit], timeout_ms=300)
    bus.run(5000)
    unit.delay_ms = 20
    bus.run(4500)
    assert device.values and bus.link.last_ok_ms is not None
    count = len(device.values)
    bus.run(1000)
    assert len(device.values) >= count + 8      # no rest is left over
    unit.delay_ms = None
    count = len(bus.log)
    bus.run(2500)
    tries = [ms for ms, _, _ in bus.log[count:]]
    steps = [tries[i + 1] - tries[i] for i in range(len(tries) - 1)]
    assert steps[0] == 300 and 1300 <= steps[1] <= 1330, "as for any unit that used to answer"


def test_a_spoiled_answer_is_asked_for_again():
    device, unit = Device(1), Unit(1)
    bus = Bus(True, [device], [unit], timeout_ms=300)
    unit.spoil = 1
    bus.run(360)
    assert bus.link.framing.crc_errors == 1 and bus.link.timeouts == 1 and device.failures == []
    assert device.values[0] == expected(1) and len(bus.frames_to(1)) == 2


def test_all_tries_spoiled_is_a_timeout():
    device, unit = Device(1), Unit(1)
    bus = Bus(True, [device], [unit], timeout_ms=300, retries=2)
    unit.spoil = 3
    bus.run(1300)
    assert device.failures == [TIMEOUT] and bus.link.timeouts == 3 and bus.link.sent == 3


def test_a_late_answer_is_not_taken_for_the_next_one():
    for serial in BOTH:
        for delay_ms in (310, 340, 390):
            slow, other = Device(1, period_ms=1), Device(1, period_ms=1)
            other.read = Request(1, 3, 200, 2)
            unit = Unit(1, delay_ms)
            bus = Bus(serial, [slow, other], [unit], timeout_ms=300, retries=1)
            bus.run(1000)
            unit.delay_ms = 20
            bus.run(6000)
            for values in slow.values:
                assert values == expected(1), (serial, delay_ms, values)
            for values in other.values:
                assert values == (1, 200, 1, 201), (serial, delay_ms, values)
            assert len(other.values) > 20 and len(slow.values) > 20
            if not serial:
                assert bus.framing.late > 0


def test_a_device_has_its_own_patience():
    device = Device(1)
    device.read.timeout_ms = 800
    bus = Bus(True, [device], [Unit(1, 700)], timeout_ms=300)
    bus.run(1000)
    assert len(device.values) == 1 and bus.link.timeouts == 0


def test_refusals_reach_the_device_and_make_no_rest():
    device, unit = Device(1), Unit(1)
    unit.bank.refuses = 2
    device.write_due = True
    bus = Bus(True, [device], [unit])
    bus.run(1000)
    assert device.failures == [2] and bus.link.exceptions == 1
    assert len(device.values) >= 9


def test_a_gateway_that_reaches_nobody_counts_as_silence():
    device = Device(5)
    bus = Bus(False, [device], [Unit(1)])
    bus.units = {5: Unit(1)}                # answers 0B to the wrong unit
    bus.units[5].bank.unit = 5
    bus.run(3500)
    assert device.failures[0] == 11 and len(device.failures) == 3


def test_writes_go_before_polls():
    for serial in BOTH:
        writer, reader = Device(1, None), Device(2, 1)
        bus = Bus(serial, [reader, writer], [Unit(1), Unit(2)])
        bus.run(103)
        writer.write_due = True
        at_ms = bus.at_ms
        bus.run(200)
        assert bus.frames_to(1)[0] - at_ms <= 30 and writer.written == 1


def test_refused_writes_do_not_starve_the_polls():
    for urgent in (False, True):
        writer, reader = Device(1, 100), Device(2, 100)
        unit = Unit(1, 5)
        unit.bank.refuses = 4
        writer.write_again = True
        writer.write_due = True
        writer.urgent = urgent
        bus = Bus(True, [writer, reader], [unit, Unit(2, 5)])
        bus.run(5000)
        assert len(reader.values) >= 15 and len(writer.values) >= 15, (urgent, reader.values)
        assert len(bus.frames_to(1, 6)) > 100


def test_a_stop_without_end_does_not_starve_the_polls():
    class Stopping(Device):
        """Never satisfied, though every write succeeds."""

        def done(self, request, data, now_ms):
            super().done(request, data, now_ms)
            self.urgent = self.write_due = True

    for serial in BOTH:
        stopping, reader = Stopping(1), Device(2)
        bus = Bus(serial, [stopping, reader], [Unit(1, 5), Unit(2, 5)])
        stopping.stop()
        bus.run(5000)
        assert len(reader.values) >= 15 and len(stopping.values) >= 15


def test_requests_end_when_the_connection_does():
    device = Device(1)
    bus = Bus(False, [device], [Unit(1, None)])
    bus.run(10)
    bus.link.lost(bus.now_ms)
    assert device.failures == [TIMEOUT]
    bus.units[1].delay_ms = 5
    bus.run(200)
    assert device.values == [expected(1)] * len(device.values) and device.values


def test_nobody_rests_on_a_new_connection():
    device = Device(1)
    bus = Bus(False, [device], [Unit(1, None)], timeout_ms=200)
    bus.run(10_000)
    bus.link.lost(bus.now_ms)
    bus.units[1].delay_ms = 5
    bus.run(200)
    assert device.values


def test_a_stream_out_of_step_asks_for_a_new_connection():
    device = Device(1)
    bus = Bus(False, [device], [Unit(1)])
    bus.run(5)
    bus.link.receive(b"HTTP/1.0 400", 12, bus.now_ms)
    assert bus.link.broken and bus.link.framing.frame_errors == 1
    bus.run(100)
    assert device.values == []
    bus.link.lost(bus.now_ms)
    assert not bus.link.broken
    bus.run(300)
    assert device.values[-1] == expected(1)


def test_broadcast_is_done_without_an_answer():
    device = Device(0, None)
    device.write_due = True
    bus = Bus(True, [device], [Unit(1), Unit(2)])
    bus.run(250)
    assert device.written == 1 and bus.link.timeouts == 0
    assert [bus.units[unit].bank.written for unit in (1, 2)] == [[(7, 0)], [(7, 0)]]


def test_answers_to_nothing_are_counted_and_dropped():
    device = Device(1, None)
    bus = Bus(True, [device], [Unit(1)])
    bus.link.receive(b"\x01\x03\x02\x00\x0a\x38\x43", 7, 0)
    assert bus.link.framing.frame_errors == 1 and device.values == [] and device.failures == []


def test_traffic_is_the_same_across_the_wrap():
    logs = []
    for start_ms in (1000, NEAR_WRAP, 0x3FFFFFFF):
        devices = [Device(1), Device(2), Device(3, 30)]
        units = [Unit(1), Unit(2, None), Unit(3, 250)]
        bus = Bus(True, devices, units, start_ms, timeout_ms=200)
        bus.run(1500)
        devices[0].stop()
        bus.run(3000)
        logs.append(bus.log)
    assert logs[0] == logs[1] == logs[2] and len(logs[0]) > 30
