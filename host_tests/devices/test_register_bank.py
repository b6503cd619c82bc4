"""The controller's own map, through the server that serves it."""

from bess.core import config
from bess.core.control.calls import PowerManager
from bess.core.points import (
    BATTERY_W, CELL_DC_MIN, CONTROL_BASE, EVENT_BASE, GRID_W, INPUTS, LINK_BASE, MODULE_BASE,
    SITE_SPAN, SOC_PM, M_CURRENT_MA, M_SOC_PM, TRIP_PRECHARGE,
)
from bess.devices.register_bank import RegisterBank
from bess.protocols.modbus import Server

_UNKNOWN_I32 = b"\x80\x00\x00\x00"


class FakeLink:
    def row(self, now_ms):
        return [1, 5, 70_000, 69_999, 3, 2, 1, 0]


def served(**changes):
    settings, faults = config.check(dict({"w_rated": 20_000, "charge_w_max": 20_000,
                                          "discharge_w_max": 15_000, "strings_p": 2,
                                          "charge_c_pm": 1000, "module_ma_rated": 200_000},
                                         **changes))
    assert faults == []
    manager = PowerManager(settings)
    return manager, Server(RegisterBank(manager, [FakeLink()], "test"))


def tick(manager, now_ms):
    manager.image.put(INPUTS, 0x0F, now_ms)
    manager.step(now_ms)


def ask(server, *pdu):
    out = bytearray(260)
    request = bytes(pdu)
    return bytes(out[:server.answer(request, 0, len(request), out, 0)])


def read(server, address, count):
    return ask(server, 3, address >> 8, address & 255, 0, count)


def write(server, address, data):
    count = len(data) // 2
    return ask(server, 16, address >> 8, address & 255, 0, count, len(data), *data)


def i32(value):
    value &= 0xFFFFFFFF
    return bytes((value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255))


# address, registers, why
BEYOND = (
    (SITE_SPAN - 1, 2, "one register past the site block"),
    (SITE_SPAN, 1, "between the blocks"),
    (CONTROL_BASE + 5, 2, "past the control block"),
    (MODULE_BASE + 64, 1, "a third module where there are two"),
    (MODULE_BASE + 63, 2, "the last module and one more"),
    (LINK_BASE + 16, 1, "a second link where there is one"),
    (EVENT_BASE + 256, 1, "a 33rd event"),
    (40072, 1, "past the end of the SunSpec chain"),
    (39999, 2, "begins before the SunSpec marker"),
    (65535, 1, "the last address there is"),
)


def test_reads_beyond_a_block_are_exception_2():
    _, server = served()
    for address, count, why in BEYOND:
        assert read(server, address, count) == b"\x83\x02", why


def test_values_travel_with_sign_and_word_order():
    manager, server = served()
    now = manager.image.now
    now[BATTERY_W], now[GRID_W], now[SOC_PM], now[CELL_DC_MIN] = -70_000, 1, 505, -15
    assert read(server, 18, 4)[2:] == i32(-70_000) + i32(1)
    assert read(server, 19, 1)[2:] == i32(-70_000)[2:], "the low word alone"
    assert read(server, 26, 1)[2:] == b"\x01\xf9"
    assert read(server, 31, 1)[2:] == b"\xff\xf1", "-1.5 degC"


def test_unknown_is_never_zero():
    manager, server = served()
    manager.image.now[BATTERY_W] = None
    manager.image.now[SOC_PM] = None
    assert read(server, 18, 2)[2:] == _UNKNOWN_I32
    assert read(server, 26, 1)[2:] == b"\xff\xff"


def test_modules_links_and_events():
    manager, server = served()
    manager.pack.rows[1][M_SOC_PM] = 777
    manager.pack.rows[1][M_CURRENT_MA] = -12_345
    at = MODULE_BASE + 32
    assert read(server, at + 2, 1)[2:] == b"\x03\x09"
    assert read(server, at + 6, 2)[2:] == i32(-12_345)
    assert read(server, MODULE_BASE, 64)[1] == 128, "both modules in one request"
    assert read(server, LINK_BASE + 2, 2)[2:] == i32(70_000)
    manager.events.note(40, 1, -3, 0)
    manager.events.note(41, 0, 7, 0)
    assert read(server, EVENT_BASE + 1, 2)[2:] == b"\x00\x29\x00\x00", "newest first"
    assert read(server, EVENT_BASE + 8 + 6, 2)[2:] == i32(-3)
    assert read(server, EVENT_BASE + 16, 1)[2:] == b"\xff\xff", "no third event"


def test_sunspec_from_the_start():
    _, server = served()
    data = read(server, 40000, 72)[2:]
    assert data[:4] == b"SunS"
    assert data[4:8] == b"\x00\x01\x00\x42", "model 1, 66 registers"
    assert data[-4:] == b"\xff\xff\x00\x00", "end marker"


# address, data, answer's exception (0 = accepted), why
WRITES = (
    (200, i32(-6000), 0, "charge with 6 kW"),
    (200, i32(-20_000), 0, "the rating itself"),
    (200, i32(-20_001), 3, "more than the rating"),
    (200, i32(15_001), 3, "more than the discharge rating"),
    (200, i32(-6000)[:2], 2, "the high word alone"),
    (201, i32(-6000)[2:], 2, "the low word alone"),
    (200, i32(-6000) + b"\x00\x1e", 0, "with its life"),
    (200, i32(-6000) + b"\x00\x00", 3, "a life of 0 s"),
    (202, b"\x0e\x11", 3, "a life above an hour"),
    (204, b"\x00\x02", 3, "start is 0 or 1"),
    (205, b"\x00\x00\x00\x00", 2, "past the block"),
    (18, b"\x00\x00", 2, "a reading cannot be written"),
)


def test_writes():
    for address, data, code, why in WRITES:
        manager, server = served()
        manager.start()
        answer = write(server, address, data)
        assert answer == (bytes((0x90, code)) if code else answer[:5]), why
        wish = manager.remote_w()
        assert (wish is not None) == (code == 0), why


def test_remote_setpoint_renews_and_expires():
    manager, server = served()
    tick(manager, 0)
    write(server, 200, i32(-6000) + b"\x00\x02")
    tick(manager, 1900)
    assert manager.remote_w() == -6000
    write(server, 200, i32(-5000))
    tick(manager, 3800)
    assert manager.remote_w() == -5000, "its last write keeps the life of 2 s"
    tick(manager, 3901)
    assert manager.remote_w() is None
    assert read(server, 200, 2)[2:] == _UNKNOWN_I32


def test_release_start_stop_shutdown():
    manager, server = served()
    tick(manager, 0)
    write(server, 200, i32(-6000))
    write(server, 203, b"\x00\x01")
    assert manager.remote_w() is None
    write(server, 204, b"\x00\x01")
    assert manager.run_wanted == 1
    assert ask(server, 1, 0, 0, 0, 1) == b"\x01\x01\x01", "coil 0"
    ask(server, 5, 0, 0, 0, 0)
    assert manager.run_wanted == 0
    sticky = manager.trips.present = 1 << TRIP_PRECHARGE
    manager.start()
    assert manager.trips.present == 0, "a person's start forgives it"
    manager.trips.present = sticky
    write(server, 204, b"\x00\x01")
    assert manager.trips.present == sticky, "a cyclic writer forgives nothing"
    manager.trips.present = 0
    write(server, 205, b"\x00\x01")
    tick(manager, 100)
    assert manager.latched
    assert write(server, 204, b"\x00\x01") == b"\x90\x04", "latched: start is refused"
    assert write(server, 200, i32(-6000)) == b"\x90\x04"
    assert ask(server, 2, 0, 34, 0, 1) == b"\x02\x01\x01", "discrete input: cause 2"
