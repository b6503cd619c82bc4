"""Events of several packs: each says whose it is, and what concerns all is said once."""

from bess.core.control.checks import CELL_HIGH, DOOR_OPEN
from bess.core.control.pack_events import PackEvents
from bess.core.events import EMERGENCY, INFO, PACK_SHIFT, SIZE, TRIP, WARNING, Events
from bess.core.points import (
    BY_MANUAL, BY_PROTECT_CHARGE, BY_TEST, CAUSE_CELL_HIGH, CAUSE_COMMANDED, CAUSE_FIRE,
    CAUSE_INPUT, CAUSE_INSULATION, EVENT_AUTHORITY, EVENT_CLOCK_LOST, EVENT_CLOCK_SET,
    EVENT_EMERGENCY, EVENT_FLOW_CHANGE, EVENT_GRID_CONNECTED, EVENT_GRID_DISCONNECTED,
    EVENT_METER_BACK, EVENT_METER_STALE, EVENT_MODE_CHANGE, EVENT_MODULE_LOST, EVENT_REQUEST_WON,
    EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_SKIPPED, EVENT_SCHEDULE_STARTED, EVENT_TRIP,
    EVENT_WARNING, EVENT_WARNING_CLEARED, GRID_W, TRIP_AUX_SUPPLY, TRIP_DOOR,
    TRIP_GRID_UNEXPECTED, TRIP_PCS_FAULT, UTC_DAY, UTC_S,
)
from host_tests.core.bench_packs import SiteBench


class Rig:
    def __init__(self):
        self.events = Events()
        self.packs = [PackEvents(self.events, number) for number in (1, 2, 3)]

    def told(self):
        """(event, level, pack, data), oldest first."""
        found = []
        for back in range(SIZE - 1, -1, -1):
            slot = self.events.slot(back)
            if slot >= 0:
                level = self.events.level(slot)
                found.append((self.events.event(slot), level & 3, level >> PACK_SHIFT,
                              self.events.data(slot)))
        return found


OF_ALL = (
    # event, data, why
    (EVENT_METER_STALE, 1, "there is one meter"),
    (EVENT_METER_BACK, 0, "the same"),
    (EVENT_CLOCK_SET, 0, "and one clock"),
    (EVENT_CLOCK_LOST, 0, "the same"),
    (EVENT_AUTHORITY, 1, "a person has said it for all"),
    (EVENT_GRID_CONNECTED, 0, "one grid"),
    (EVENT_GRID_DISCONNECTED, 0, "the same"),
    (EVENT_SCHEDULE_STARTED, 3, "one schedule"),
    (EVENT_SCHEDULE_ENDED, 3, "the same"),
    (EVENT_REQUEST_WON, BY_MANUAL, "a request for the site"),
    (EVENT_EMERGENCY, CAUSE_INPUT, "one emergency loop"),
    (EVENT_EMERGENCY, CAUSE_FIRE, "an input of the cabinet"),
    (EVENT_EMERGENCY, CAUSE_INSULATION, "an input of the cabinet"),
    (EVENT_TRIP, TRIP_DOOR, "an input of the cabinet"),
    (EVENT_TRIP, TRIP_AUX_SUPPLY, "an input of the cabinet"),
    (EVENT_TRIP, TRIP_GRID_UNEXPECTED, "one connection"),
    (EVENT_WARNING, DOOR_OPEN, "an input of the cabinet"),
    (EVENT_WARNING_CLEARED, DOOR_OPEN, "an input of the cabinet"),
)


def test_what_concerns_all_is_said_once():
    for event, data, why in OF_ALL:
        rig = Rig()
        for pack in rig.packs:
            pack.note(event, WARNING, data, 500)
        assert rig.told() == [(event, WARNING, 0, data)], why


OF_ONE = (
    (EVENT_MODULE_LOST, WARNING, 1, "its module"),
    (EVENT_MODE_CHANGE, INFO, 3 * 256 + 4, "each has a mode"),
    (EVENT_EMERGENCY, EMERGENCY, CAUSE_CELL_HIGH, "its cell"),
    (EVENT_EMERGENCY, EMERGENCY, CAUSE_COMMANDED, "a person may mean one pack"),
    (EVENT_TRIP, TRIP, TRIP_PCS_FAULT, "its inverter"),
    (EVENT_WARNING, WARNING, CELL_HIGH, "its cell"),
    (EVENT_REQUEST_WON, INFO, BY_TEST, "tests are a pack's own"),
    (EVENT_REQUEST_WON, INFO, BY_PROTECT_CHARGE, "and so is what protects its cells"),
)


def test_what_concerns_one_says_which():
    for event, level, data, why in OF_ONE:
        rig = Rig()
        for pack in rig.packs:
            pack.note(event, level, data, 500)
        assert rig.told() == [(event, level, number, data) for number in (1, 2, 3)], why


def test_what_comes_again_is_said_again():
    rig = Rig()
    for now_ms in (100, 200):
        for pack in rig.packs:
            pack.note(EVENT_METER_STALE, WARNING, 1, now_ms)
            pack.note(EVENT_METER_STALE, WARNING, 2, now_ms)
    assert [row[3] for row in rig.told()] == [1, 2, 1, 2]
    rig = Rig()
    for _ in range(2):
        rig.packs[0].note(EVENT_SCHEDULE_SKIPPED, INFO, 3, 100)
    assert len(rig.told()) == 2, "two occurrences of an entry, one after the other"


def test_the_grid_as_each_inverter_sees_it():
    rig = Rig()
    for pack, event, now_ms in (
        (0, EVENT_GRID_CONNECTED, 100), (2, EVENT_GRID_CONNECTED, 300),
        (1, EVENT_GRID_DISCONNECTED, 400), (0, EVENT_GRID_DISCONNECTED, 900),
        (0, EVENT_GRID_CONNECTED, 5000), (1, EVENT_GRID_CONNECTED, 5600),
    ):
        rig.packs[pack].note(event, INFO, 0, now_ms)
        rig.packs[pack].note(EVENT_MODE_CHANGE, INFO, 3, now_ms)
    grid = [row[0] for row in rig.told() if row[0] != EVENT_MODE_CHANGE]
    assert grid == [EVENT_GRID_CONNECTED, EVENT_GRID_DISCONNECTED, EVENT_GRID_CONNECTED]


def test_a_grid_event_that_the_ring_has_lost_is_said_again():
    rig = Rig()
    rig.packs[0].note(EVENT_GRID_CONNECTED, INFO, 0, 100)
    for _ in range(SIZE):
        rig.packs[0].note(EVENT_MODE_CHANGE, INFO, 3, 200)
    rig.packs[1].note(EVENT_GRID_CONNECTED, INFO, 0, 300)
    assert rig.told()[-1] == (EVENT_GRID_CONNECTED, INFO, 0, 0)


def test_a_pack_reads_what_the_site_has():
    rig = Rig()
    pack = rig.packs[1]
    pack.note(EVENT_MODULE_LOST, WARNING, 7, 1234)
    slot = pack.slot(0)
    assert pack.count == rig.events.count == 1
    assert (pack.event(slot), pack.data(slot), pack.at_ms(slot)) == (EVENT_MODULE_LOST, 7, 1234)
    assert pack.level(slot) == WARNING | 2 << PACK_SHIFT


def heard(bench, span_ms):
    """What callbacks are told while the bench runs, with the pack."""
    told, site = [], bench.site
    site.register_callback(-1, lambda event, data, user: told.append(
        (event, data, site.callbacks.pack)))
    for _ in range(span_ms // 100):
        bench.tick()
        site.callbacks.run(bench.now_ms)
    return told


def test_a_site_says_each_thing_once_and_of_whom():
    bench = SiteBench()
    bench.load_w = 2000
    bench.started(6000)
    bench.load_w = None
    now = bench.site.image.now
    now[UTC_DAY], now[UTC_S] = 20_000, 0
    bench.plants[1].silent = 0b10
    told = heard(bench, 20_000)
    assert told.count((EVENT_METER_STALE, 1, 0)) == 1 and told.count((EVENT_CLOCK_SET, 0, 0)) == 1
    assert (EVENT_MODULE_LOST, 1, 2) in told, "the second module of the second pack"
    assert [row[0] for row in told].count(EVENT_METER_STALE) == 1
    assert bench.site.image.raw[GRID_W] is not None
    bench.loop_ok = False
    told = heard(bench, 500)
    assert told.count((EVENT_EMERGENCY, CAUSE_INPUT, 0)) >= 1
    changes = [row[2] for row in told if row[0] == EVENT_MODE_CHANGE]
    assert sorted(set(changes)) == [1, 2, 3]


def test_where_the_power_flows_the_site_says_once():
    bench = SiteBench()
    bench.load_w = 2000
    bench.started()
    bench.site.set_constant_power(9000, 0)
    told = heard(bench, 30_000)
    flows = [row for row in told if row[0] == EVENT_FLOW_CHANGE]
    assert flows and len(set(flows)) == len(flows) and set([row[2] for row in flows]) == {0}
