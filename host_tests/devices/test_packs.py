"""A site of two packs at its edges: what is wired to whom, and the registers."""

from bess.core.call_points import CHARGE_BASE
from bess.core.control.modes import EMERGENCY
from bess.core.events import INFO, TRIP, WARNING
from bess.core.points import (
    BATTERY_W, CONTROL_BASE, EVENT_BASE, EVENT_MODULE_LOST, MODE, MODULE_BASE, MODULE_STRIDE,
    M_SOC_PM, SITE_MAP, SITE_SPAN, SOC_PM,
)
from bess.devices.register_bank import PACK_BASE, PACK_STRIDE, RegisterBank
from bess.devices.wiring import MAKERS
from bess.protocols.modbus import Server
from host_tests.core.bench_packs import SiteBench
from host_tests.devices.inverter import Bench as Inverter
from host_tests.devices.panel import Panel, long
from host_tests.devices.peer import Wire
from host_tests.devices.test_register_calls import CHARGE_SET
from host_tests.devices.test_register_bank import i32, read, write


def u16(answer):
    assert answer[0] == 3, answer
    return answer[2] << 8 | answer[3]


def register_of(point):
    """Address of a point of the site block."""
    return (SITE_MAP[2 * point] << 8 | SITE_MAP[2 * point + 1]) >> 3


# number of the module in the site, its pack, its bit there
PLACES = ((1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 1, 2))


def test_modules_belong_to_the_packs_in_order():
    site = SiteBench(packs=2).site
    for module, pack, bit in PLACES:
        row = {"unit": 5, "module": module, "period_ms": 0, "latency_ms": 0}
        device = MAKERS["bess_module"](row, site.settings, site)
        for each in site.packs:
            each.pack.balance_wanted = 0
        site.packs[1 - pack].pack.balance_wanted = 3
        assert device.next_write(1000) is None, module
        site.packs[pack].pack.balance_wanted = bit
        assert device.next_write(2000) is not None, module


def test_each_inverter_obeys_and_reports_to_its_own_pack():
    for number in (1, 2):
        site, plant = SiteBench(packs=2, w_rated=20_000).site, Inverter()
        row = {"unit": 1, "pack": number, "period_ms": 0}
        wire = Wire(MAKERS["sunspec_pcs"](row, site.settings, site), plant.registers, 1000)
        mine, other = site.packs[number - 1], site.packs[2 - number]
        other.command.run, other.command.battery_w = 1, 9000
        mine.command.run, mine.command.battery_w = 1, -2000
        wire.run(2000)
        assert plant.rates() == (3, 1000, -1000, 1), number
        assert mine.image.raw[BATTERY_W] == 0 and other.image.raw[BATTERY_W] is None


def test_an_event_says_of_which_pack_it_is():
    bench = SiteBench(packs=2)
    bench.run(1000)
    site = bench.site
    server = Server(RegisterBank(site, [], "two"))
    for number, level, wanted, why in ((2, WARNING, 2, "the second"), (1, INFO, 1, "the first"),
                                       (0, TRIP, 0, "the site")):
        events = site.packs[number - 1].events if number else site.events
        events.note(EVENT_MODULE_LOST, level, 5, bench.now_ms)
        assert u16(read(server, EVENT_BASE + 1, 1)) == EVENT_MODULE_LOST
        assert u16(read(server, EVENT_BASE + 2, 1)) == level, why
        assert u16(read(server, EVENT_BASE + 3, 1)) == wanted, why


def test_registers_of_the_site_and_of_each_pack():
    bench = SiteBench(packs=2)
    bench.plants[0].rows(M_SOC_PM, 400)
    bench.plants[1].rows(M_SOC_PM, 600)
    bench.run(5000)
    server = Server(RegisterBank(bench.site, [], "test"))
    soc = register_of(SOC_PM)
    assert u16(read(server, soc, 1)) == 500
    assert u16(read(server, PACK_BASE + soc, 1)) == 400
    assert u16(read(server, PACK_BASE + PACK_STRIDE + soc, 1)) == 600
    assert read(server, PACK_BASE + 2 * PACK_STRIDE, 1) == b"\x83\x02", "there is no third pack"
    assert read(server, PACK_BASE + SITE_SPAN, 1) == b"\x83\x02", "past the block"
    for module in range(4):
        wanted = 400 if module < 2 else 600
        assert u16(read(server, MODULE_BASE + MODULE_STRIDE * module + 2, 1)) == wanted
    assert read(server, MODULE_BASE + MODULE_STRIDE * 4, 1) == b"\x83\x02"
    assert write(server, CONTROL_BASE, i32(-20_000))[0] == 16, "both packs together"
    assert bench.site.remote_w() == -20_000
    assert write(server, CONTROL_BASE, i32(-20_001)) == b"\x90\x03"
    bench.site.packs[1].emergency_shutdown()
    bench.run(1000)
    assert u16(read(server, PACK_BASE + PACK_STRIDE + register_of(MODE), 1)) == EMERGENCY
    assert u16(read(server, register_of(MODE), 1)) == EMERGENCY, "the other one only stands by"



def test_the_calls_behind_registers_reach_every_pack():
    bench = SiteBench(packs=2, remote_reset=1).started()
    panel = Panel(bench)
    assert panel.write(CHARGE_BASE, *(CHARGE_SET + (1,))) == 0
    bench.tick()
    assert [each.charge_params.w_max for each in bench.site.packs] == [5000, 5000]
    assert panel.read(CHARGE_BASE, 12)[3] == 5000
    assert panel.write(302, *(long(18_000) + (5,))) == 0
    bench.run(15_000)
    assert sum(bench.commands()) == 18_000 and panel.read(302, 3) == [0, 18_000, 5]
    assert panel.read(460, 5) is not None and panel.read(470, 4) is not None
    bench.site.packs[1].emergency_shutdown()
    bench.run(15_000)
    assert panel.read(480, 1)[0] >= 1, "the alarm of the second pack is in the site's list"
    number = panel.read(340)[0]
    assert panel.write(341, number) == 0 and not bench.site.is_emergency()
