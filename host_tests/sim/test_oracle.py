"""The oracle is content with the firmware, and not with one that was tampered with."""

from host_tests.sim.battery import CAPACITY_MAH
from host_tests.sim.world import World

START = (1, "start", 1)


class FixedCommand:
    """A command that nobody can change."""

    run = 1
    battery_w = 5000


def as_it_is(world):
    """Nothing is tampered with."""


def turn_inverter_round(world):
    pcs = world.site.pcs
    target_w = pcs.target_w
    pcs.target_w = lambda: -target_w()


def cut_emergency_wire(world):
    inputs = world.site.inputs
    world.site.inputs = lambda: inputs() | 1


def close_all_at_once(world):
    outputs = world.manager.outputs
    world.manager.outputs = lambda: 7 if outputs() & 1 else 0


def command_without_the_tick(world):
    device = world.wire("inverter").link.transactions._slots[0].device
    device.control._command = FixedCommand


def jump_to_full_power(world):
    ramp = world.manager.ramp

    def follow(target_w, window, dt_ms):
        ramp.w = 20_000
        return ramp.w

    ramp.follow = follow


def never_miss_a_module(world):
    world.manager.pack.silent_ms = world.manager.settings.fade_after_ms = 1 << 29


def count_double(world):
    counters = world.manager.views.counters
    add = counters.add
    counters.add = lambda flow, power_w, dt_ms: add(flow, power_w and 2 * power_w, dt_ms)


def forget_the_limits(world):
    limits = world.manager.permits
    limits.charge_w = limits.discharge_w = 20_000
    limits.update = lambda pack, now_ms: None
    world.manager.diagnosis._renew = lambda: None       # its blocks guard the same limits


def overfill(world):
    """Cells beyond their highest charging voltage, and modules that believe to be half full."""
    for module in world.site.bank.modules:
        module.mah = CAPACITY_MAH * 1021 // 1000
        module.soc_error_pm = -500


# script, before the run, tampering, seconds, what the oracle says
CASES = (
    ((START, (12, "hold", 500)), as_it_is, turn_inverter_round, 45, "true power"),
    ((START, (12, "hold", 500), (20, "press", 0)), as_it_is, cut_emergency_wire, 30,
     "emergency input pressed"),
    ((START,), as_it_is, close_all_at_once, 8, "empty DC link"),
    ((START, (12, "hold", 500), (20, "stop", 0)), as_it_is, command_without_the_tick, 35,
     "outside the window"),
    ((START, (12, "hold", 500)), as_it_is, jump_to_full_power, 20, "an invariant of its own"),
    ((START, (12, "hold", 500), (20, "modules dead", 1)), as_it_is, never_miss_a_module, 35,
     "no module heard"),
    ((START, (12, "hold", 900)), as_it_is, count_double, 60, "counters say"),
    ((START, (12, "hold", -900)), overfill, forget_the_limits, 40, "is charged"),
)


def test_the_firmware_passes():
    for script, prepare, _, seconds, fault in CASES:
        world = World(1, script=script)
        prepare(world)
        world.run(10 * seconds)
        assert not world.faults, (fault, world.faults[0])


def test_tampering_is_seen():
    for script, prepare, tamper, seconds, fault in CASES:
        world = World(1, script=script)
        prepare(world)
        tamper(world)
        world.run(10 * seconds)
        assert world.faults, fault
        assert any([fault in text for text in world.faults]), (fault, world.faults[0])


def test_the_script_does_what_it_says():
    """The case above without a start moves nothing: the oracle judges a site that lives."""
    for script, moves in (((START, (12, "hold", 500)), True), (((12, "hold", 500),), False)):
        world = World(1, script=script)
        world.run(300)
        assert (world.site.pcs.ac_w == 10_000) == moves


def test_start_of_the_clock_does_not_matter():
    """The same minute from any tick, also over the wrap."""
    hashes = []
    for start_ms in (0, 12_345, (1 << 30) - 30_000, (1 << 29) - 100):
        world = World(3, start_ms=start_ms)
        world.run(600)
        hashes.append(world.hash)
    assert len(set(hashes)) == 1, hashes
