"""What is loaded only when something needs it: when, and what follows when there is no memory."""

import sys

from bess.core.control import memory, restoring
from bess.core.control.calls import PowerManager
from bess.core.control.modes import CHARGE, IDLE, REFUSED_FULL, REFUSED_RANGE
from bess.core.points import BY_CALIBRATION, EVENT_REFUSED, PCS_GRID, UTC_DAY, UTC_S
from host_tests.core.bench_pack import Bench

ALWAYS = (1, 7, 0, 0, CHARGE, -2000, 1440, 1)
OPERATIONS = "bess.core.control.operations"
SCHEDULE = "bess.core.control.schedule"
CALLBACKS = "bess.core.control.callbacks"


class Crowded:
    """A module that there is no memory for."""

    def __getattr__(self, name):
        raise MemoryError


class Without:
    """Around calls while a module cannot be loaded."""

    def __init__(self, name):
        self._name = name

    def __enter__(self):
        self._before = sys.modules.get(self._name)
        sys.modules[self._name] = Crowded()

    def __exit__(self, *fault):
        if self._before is None:
            del sys.modules[self._name]
        else:
            sys.modules[self._name] = self._before


def hear(event, data, user_data):
    pass


def refusals(manager):
    """Data of the refusals that the ring still has."""
    events = manager.events
    slots = [events.slot(back) for back in range(32)]
    return [events.data(slot) for slot in slots
            if slot >= 0 and events.event(slot) == EVENT_REFUSED]


def loaded(manager):
    wishes = manager.wishes
    return tuple(part is not None for part in (
        wishes.operations, wishes.schedule, manager.callbacks))


# call, what is loaded after it: operations, schedule, callbacks; why
CALLS = (
    (lambda m: m.start(), (False, False, False), "running needs no charge with an end"),
    (lambda m: m.set_constant_power(2000, 0), (False, False, False), "nor does a constant power"),
    (lambda m: m.set_charge_params(2), (False, False, False), "they are kept for a later charge"),
    (lambda m: m.stop_operation(), (False, False, False), "there is nothing to end or to skip"),
    (lambda m: m.get_schedule(3), (False, False, False), "no entries, and so none is in use"),
    (lambda m: m.enable_scheduling(True), (False, False, False), "it is on"),
    (lambda m: m.unregister_callback(1, hear), (False, False, False), "there is none"),
    (lambda m: m.start_charging(0), (True, False, False), "a charge by its method"),
    (lambda m: m.start_discharging(0, 0), (True, False, False), "a discharge with an end"),
    (lambda m: m.add_schedule(ALWAYS), (True, True, False), "its entries charge and discharge"),
    (lambda m: m.update_schedule(2, ALWAYS), (True, True, False), "as above"),
    (lambda m: m.enable_scheduling(False), (True, True, False), "off must be remembered"),
    (lambda m: m.register_callback(1, hear), (False, False, True), "the first who listens"),
)


def test_each_part_is_loaded_by_the_first_call_that_needs_it():
    for call, wanted, why in CALLS:
        manager = Bench(locked=True).started().manager
        assert loaded(manager) == (False, False, False)
        call(manager)
        assert loaded(manager) == wanted, why


def test_no_tick_allocates_before_or_after():
    bench = Bench(locked=True).started(2000)
    manager = bench.manager
    for call, _, _ in CALLS:
        call(manager)
        bench.run(500)
    manager.stop_operation()
    manager.enable_scheduling(True)
    image = manager.image
    for second in range(200):
        image.now[UTC_DAY], image.now[UTC_S] = 20_000, 43_200 + second
        bench.tick()
    assert manager.mode == CHARGE and loaded(manager) == (True, True, True)


def test_without_memory_a_call_is_refused_and_changes_nothing():
    bench = Bench(locked=True).started(2000)
    manager = bench.manager
    with Without(OPERATIONS):
        assert manager.start_charging(0) == REFUSED_FULL
        assert manager.start_discharging(0, 0) == REFUSED_FULL
        assert manager.add_schedule(ALWAYS) == -1
        assert manager.update_schedule(1, ALWAYS) == REFUSED_FULL
        assert manager.enable_scheduling(False) == REFUSED_FULL
    assert refusals(manager) == [REFUSED_FULL] * 5
    with Without(SCHEDULE):
        assert manager.add_schedule(ALWAYS) == -1
    with Without(CALLBACKS):
        assert manager.register_callback(1, hear) == REFUSED_FULL
    assert loaded(manager) == (True, False, False)
    bench.run(500)
    assert manager.command.battery_w == 2000, "control goes on"
    assert manager.start_charging(0) == 0, "and with memory the same call is accepted"


def test_without_memory_a_call_is_refused_and_what_is_no_call_is_none():
    bench = Bench()
    manager = bench.manager
    manager.set_mode(IDLE)
    call = PowerManager.set_mode
    del PowerManager.set_mode
    try:
        with Without("bess.core.control.operate"):
            assert manager.set_mode(IDLE) == REFUSED_FULL
            for name in ("_n", "n_", "__call__"):
                try:
                    getattr(manager, name)
                except AttributeError:
                    assert name[0] == "_", "a call that may only not be loaded"
                else:
                    assert name == "n_", "a private name is never loaded"
        assert manager.set_mode(IDLE) == 0, "there is room again"
    finally:
        PowerManager.set_mode = call


def test_entries_that_are_not_in_use():
    manager = Bench().manager
    assert manager.remove_schedule(3) == manager.enable_schedule(3, True) == REFUSED_RANGE
    for call in (manager.get_schedule, manager.remove_schedule):
        try:
            call(16)
        except ValueError as fault:
            assert "allowed: a whole number 0..15" in str(fault)
        else:
            raise AssertionError("entry 16 was accepted")


def test_stored_entries_are_loaded_at_boot():
    first = Bench().manager
    assert memory.dump_schedule(first) == restoring.NO_ENTRIES
    restoring.restore_schedule(first, memory.dump_schedule(first))
    restoring.restore_schedule(first, None)
    assert loaded(first) == (False, False, False), "no entries"
    first.add_schedule((1, 7, 1, 2, IDLE, 0, 60, 1))
    kept = memory.dump_schedule(first)
    second = Bench().manager
    restoring.restore_schedule(second, kept)
    assert loaded(second) == (True, True, False)
    assert second.get_schedule(0) == first.get_schedule(0)


def test_stored_entries_survive_a_boot_without_memory_for_them():
    first = Bench().manager
    first.add_schedule(ALWAYS)
    kept = memory.dump_schedule(first)
    bench = Bench()
    with Without(SCHEDULE):
        restoring.restore_schedule(bench.manager, kept)
    assert loaded(bench.manager) == (True, False, False)
    assert refusals(bench.manager) == [REFUSED_FULL]
    assert memory.dump_schedule(bench.manager) == kept, "nothing is written over them"
    assert bench.manager.add_schedule(ALWAYS) == 1, "the next call brings them back"


def test_damaged_entries_are_dropped():
    manager = Bench().manager
    try:
        restoring.restore_schedule(manager, b"\x11\x00")
    except ValueError:
        assert manager.wishes.schedule is None
        assert memory.dump_schedule(manager) == restoring.NO_ENTRIES
        assert manager.add_schedule(ALWAYS) == 0
    else:
        raise AssertionError("a record of two bytes was accepted")


def test_an_island_is_loaded_where_the_site_may_be_one():
    for changes, wanted, why in (
        ({}, False, "interactive, without a backup output"),
        ({"grid_connection": 3}, False, "export"),
        ({"backup_output": 1}, True, "its backup output goes on without the grid"),
        ({"grid_connection": 1}, True, "backup"),
        ({"grid_connection": 0}, True, "isolated"),
    ):
        assert Bench(**changes).manager.island.is_island == wanted, why


def test_an_island_is_loaded_when_the_connection_is_changed():
    bench = Bench(locked=True)
    manager = bench.run(1000)
    manager.image.put(PCS_GRID, 2, bench.now_ms)
    bench.run(1000)
    state = manager.island.state
    with Without("bess.core.control.island"):
        assert manager.set_grid_connection(1) == REFUSED_FULL
        assert not manager.island.is_island and manager.grid.kind == 2
    assert manager.set_grid_connection(3) == 0 and not manager.island.is_island
    assert manager.set_grid_connection(1) == 0 and manager.island.is_island
    assert manager.island.state == state and manager.grid.kind == 1
    bench.run(1000)


def test_a_calibration_has_the_charge_loaded_between_two_ticks():
    bench = Bench(locked=True).started()
    manager = bench.manager
    manager.wishes.soc.full_s = 14 * 86_400
    with Without(OPERATIONS):
        bench.run(5000)
        assert manager.wishes.soc.wanted and loaded(manager) == (False, False, False)
        assert manager.requests.rank != BY_CALIBRATION
        assert refusals(manager) == [REFUSED_FULL], "once, not each tick"
    bench.run(5000)
    assert loaded(manager) == (False, False, False), "it is not tried again"
    assert manager.start_charging(0) == 0, "but by a call"
    manager.stop_operation()
    bench.run(500)
    assert manager.requests.rank == BY_CALIBRATION and manager.command.battery_w < 0
