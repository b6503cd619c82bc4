"""Errands for what seldom happens: an entry of the schedule that is missed, cells run down.

Scripts as in errands.py.
"""

from bess.core.points import (
    EVENT_BASE, EVENT_MAP, EVENT_SCHEDULE_SKIPPED, EVENT_STRIDE, E_DATA, E_ID, SCHEDULE_ENTRY,
)
from tools.simulate.battery import rest_mv
from tools.simulate.controller import SERVICE_KEY, register
from tools.simulate.errands import _ACCEPTED, _entry, _leave, _lets_go, _renew

_DAY_S = 86_400
_EVENTS = 32
_ENTRY = register(SCHEDULE_ENTRY)


def _event_register(point):
    return (EVENT_MAP[2 * point] << 8 | EVENT_MAP[2 * point + 1]) >> 3


def _told_events(controller):
    """(number, data) of the newest events, as the map tells them."""
    id_at, data_at = _event_register(E_ID), _event_register(E_DATA)
    for back in range(_EVENTS):
        words = controller.read(EVENT_BASE + back * EVENT_STRIDE, EVENT_STRIDE)
        yield words[id_at], words[data_at] << 16 | words[data_at + 1]


def _hide_clock(controller):
    """Nobody tells the controller what time it is, until the caller deletes `tick` again."""
    tick = controller.tick

    def blind(now_ms, inputs, epoch_s, proofs=None):
        return tick(now_ms, inputs, None, proofs)
    controller.tick = blind


def missed_entry(world, random):
    """A one-shot entry whose time passes while the controller is off or has no clock."""
    call, controller, oracle = world.controller.call, world.controller, world.oracle
    epoch_s = world.epoch_s + int(world.now_s)
    start_s = world.now_s + 120 - epoch_s % 60
    minutes = random.randint(1, 2)
    fields = (1, 7, *_entry(world, start_s, random.choice((-1, 1)), minutes, random)[2:7], 0)
    entry = call("add_schedule", fields)
    yield start_s - world.now_s - 15
    if random.random() < 0.5:
        world.reboot(60 * minutes + 30)
        yield 1
    else:
        _hide_clock(controller)
        yield 60 * minutes + 30
        del controller.tick
    told = set()
    for _ in range(8):                  # the ring holds the newest ones only
        yield 4
        told.update(_told_events(controller))
    kept = call("get_schedule", entry)
    if kept is None or kept[0]:
        oracle.violate("MISSED", "the entry is still armed: %s" % (kept,))
    if (EVENT_SCHEDULE_SKIPPED, entry) not in told:
        oracle.violate("MISSED", "no event tells of entry %d" % entry)
    away_s = int(start_s + _DAY_S - 45 - world.now_s)
    world.epoch_s += away_s             # the same hour of the next day
    yield 90
    if controller.read(_ENTRY, 1)[0] == entry:
        oracle.violate("MISSED", "entry %d runs a day later" % entry)
    world.epoch_s -= away_s
    call("remove_schedule", entry)
    yield 5


def deep_cells(world, random):
    """A battery that was left alone until its cells are deep, and a person who recovers it."""
    person, call, modules = world.person, world.controller.call, world.modules
    person.stop()
    yield 25
    kept = [(peer.module.mah, peer.module.temp_c) for peer in modules]
    pm, cools = random.uniform(-30, 20), random.random() < 0.4 and kept[0][1] < 30
    for peer in modules:
        peer.module.mah = pm * peer.module.MAH_PER_PM
        if cools:
            peer.module.temp_c = 3.0
    yield 30
    key = random.choice((None, SERVICE_KEY))
    entered = call("enter_maintenance") if key is None else call("enter_maintenance", key)
    person.in_service = entered == _ACCEPTED
    before_mah = modules[0].module.mah
    yield 5
    yield from _renew(world, 300, "test_trickle")
    moved_mah = modules[0].module.mah - before_mah
    lowest_mv = rest_mv(before_mah + modules[0].module.offsets[0])
    able = lowest_mv > 2600 and 7 < modules[0].module.temp_c < 50
    if person.in_service and able and moved_mah < 100:
        world.oracle.violate("RECOVERY", "%.0f mAh at %.0f mV" % (moved_mah, lowest_mv))
    yield from _lets_go(world)
    yield from _leave(world)
    for peer, (mah, temp_c) in zip(modules, kept):
        peer.module.mah, peer.module.temp_c = mah, temp_c
    yield 60
    call("reset_emergency")
    person.start()
    yield 20
