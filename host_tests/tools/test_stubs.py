"""The stubs record what they were asked; they run wherever a port is tested."""

import esp32
import machine
import network


def test_pins_of_one_number_share_a_level():
    coil = machine.Pin(40, machine.Pin.OUT, value=0)
    other_end = machine.Pin(40, machine.Pin.IN)
    coil.on()
    assert other_end.value() == 1 and coil() == 1
    assert ("value", 1) in coil.calls
    machine.levels[40] = 0
    assert other_end() == 0


def test_an_input_nobody_drives_reads_its_pull():
    assert machine.Pin(41, machine.Pin.IN, machine.Pin.PULL_UP).value() == 1
    assert machine.Pin(42, machine.Pin.IN, machine.Pin.PULL_DOWN).value() == 0


def test_uart_reads_what_came_and_keeps_what_went():
    uart = machine.UART(2, 9600, tx=1, rx=3)
    assert uart.read() is None and uart.options["tx"] == 1
    uart.incoming += b"abcd"
    buf = bytearray(3)
    assert uart.any() == 4 and uart.readinto(buf) == 3 and bytes(buf) == b"abc"
    assert uart.write(b"xy") == 2 and bytes(uart.sent) == b"xy" and uart.read(9) == b"d"


def test_spi_peer_answers():
    bus = machine.SPI(1)
    bus.peer = lambda sent: bytes([byte ^ 0xFF for byte in sent])
    buf = bytearray(2)
    bus.write_readinto(b"\x01\x02", buf)
    assert bytes(buf) == b"\xfe\xfd" and bus.calls == [("exchange", b"\x01\x02")]


def test_reset_does_not_return():
    for name in ("reset", "soft_reset"):
        try:
            getattr(machine, name)()
        except machine.ResetAsked:
            assert machine.calls[-1] == (name,)
        else:
            raise AssertionError(name)


def test_settings_memory_has_the_limits_of_the_chip():
    memory = esp32.NVS("limits")
    memory.set_i32("a", -5)
    memory.set_blob("b", b"xyz")
    assert memory.get_i32("a") == -5
    for call, error in (
        (lambda: memory.set_i32("sixteen_letters_", 1), ValueError),
        (lambda: memory.set_i32("a", 1 << 31), OverflowError),
        (lambda: memory.get_i32("none"), OSError),
        (lambda: memory.get_blob("b", bytearray(2)), OSError),
    ):
        try:
            call()
        except error:
            continue
        raise AssertionError(error)


def test_settings_are_kept_by_commit_only():
    esp32.NVS("kept").set_i32("a", 1)
    memory = esp32.NVS("kept")
    memory.set_i32("b", 2)
    memory.commit()
    again = esp32.NVS("kept")
    assert again.get_i32("b") == 2
    try:
        again.get_i32("a")
    except OSError:
        return
    raise AssertionError("kept without commit")


def test_radio_joins_when_told_and_reachable():
    station = network.WLAN(network.STA_IF)
    assert not station.isconnected()
    station.active(True)
    station.connect("home", "secret")
    assert station.isconnected() and station.calls[-1][:2] == ("connect", "home")
    station.disconnect()
    assert not station.isconnected()
