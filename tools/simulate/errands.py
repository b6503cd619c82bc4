"""What people and strangers do on purpose, as scripts: each yields the seconds until its next act.

While a script runs the energy manager rests, so that only the script's wishes are there. What a
script expects of the site it leaves in `plan` (schedule), `in_service` and `renewed_s`
(maintenance) of the person for the oracle, or judges itself where nothing but the end tells.
"""

from datetime import date, datetime, timedelta, timezone

from tools.simulate.controller import SERVICE_KEY
from tools.simulate.plant import RUNNING

CHARGE, DISCHARGE, IDLE = 1, 2, 3       # modes of the schedule
_ACCEPTED = 0
_RENEW_S = 2.0


def local(epoch_s):
    """Civil time in central Europe, by the rule itself: the last Sundays of March and October."""
    utc = datetime.fromtimestamp(epoch_s, timezone.utc)
    turns = []
    for month in (3, 10):
        last = date(utc.year, month, 31)
        last -= timedelta((last.weekday() + 1) % 7)
        turns.append(datetime(last.year, month, last.day, 1, tzinfo=timezone.utc))
    return utc + timedelta(hours=2 if turns[0] <= utc < turns[1] else 1)


def _renew(world, spent_s, name, *words):
    """The same call every 2 s, as a person who holds a button."""
    person = world.person
    person.tests = name
    until_s = world.now_s + spent_s
    while world.now_s < until_s:
        if world.controller.call(name, *words) == _ACCEPTED:
            person.renewed_s = world.now_s
        yield _RENEW_S


def _lets_go(world):
    """Power and coils end by themselves, or by a word."""
    if world.random.random() < 0.5:
        world.controller.call("stop_operation")
    yield 25


def _leave(world):
    for _ in range(6):
        if world.controller.call("leave_maintenance") == _ACCEPTED:
            break
        yield 5
    world.person.in_service = False


def _tests(world, random, was_well=False):
    """One or two tests, each let go of. was_well: nothing hinders a test of power."""
    most_w = max(world.rated_w // 20, 500)
    for _ in range(random.randint(1, 2)):
        if random.random() < 0.6:
            test_w = random.choice((-1, 1)) * random.choice((200, most_w))
            spent_s = random.choice((20, 50, 80))
            yield from _renew(world, spent_s, "test_power", test_w)
            moves_w = world.pcs.ac_w
            if spent_s == 50 and was_well and abs(moves_w - test_w) > abs(test_w) / 10 + 50:
                world.oracle.violate("TESTED", "%.0f W instead of %d" % (moves_w, test_w))
        else:
            coil = 1 << random.randrange(3 * world.gear.sets)
            yield from _renew(world, random.uniform(6, 20), "test_contactor", coil)
        yield from _lets_go(world)


def maintenance(world, random):
    """Tests in MAINTENANCE, sometimes with a restart of the controller in between."""
    person = world.person
    was_well = (world.pcs.state == RUNNING and world.oracle.is_mild
                and world.data.get("grid_connection") != 1)
    person.stop()
    yield 25
    person.in_service = world.controller.call("enter_maintenance") == _ACCEPTED
    yield 5
    yield from _tests(world, random, was_well)
    if random.random() < 0.3:
        world.reboot(3)
        yield 30
        yield from _tests(world, random)
    yield from _leave(world)
    person.start()


def service(world, random):
    """An emergency; nobody gets at the contactors without the service key."""
    person, call = world.person, world.controller.call
    world.site.emergency_ok = False
    yield 6
    world.site.emergency_ok = True
    yield 12
    call("enter_maintenance", random.choice(("", "3-2-1")))
    for name, word in (("test_contactor", 1), ("test_power", 300), ("start", None)):
        for _ in range(5):
            call(name) if word is None else call(name, word)
            yield _RENEW_S
    person.in_service = call("enter_maintenance", SERVICE_KEY) == _ACCEPTED
    yield 3
    yield from _tests(world, random)
    yield from _leave(world)


def _entry(world, start_s, sign, minutes, random):
    """Fields of an entry that begins at start_s of the simulation."""
    begins = local(world.epoch_s + int(start_s))
    power_w = sign * int(world.rated_w * random.choice((0, 0.2, 0.5, 1.5)))
    mode = (IDLE, DISCHARGE, CHARGE)[sign]
    day = random.choice((7, (begins.weekday() + 1) % 7))
    return (1, day, begins.hour, begins.minute, mode, power_w, minutes, random.randint(0, 1))


def schedule(world, random):
    """One entry or two that overlap: the lower one wins, the other takes over the rest."""
    person, call = world.person, world.controller.call
    epoch_s = world.epoch_s + int(world.now_s)
    start_s = world.now_s + 120 - epoch_s % 60
    written = []
    for n in range(random.randint(1, 2)):
        sign, minutes = random.choice((-1, -1, 1, 1, 0)), random.randint(2, 3) + n
        fields = _entry(world, start_s, sign, minutes, random)
        entry = call("add_schedule", fields)
        if entry is not None and entry >= 0:
            written.append((entry, fields))
            person.plan.append((start_s, start_s + 60 * minutes, sign))
    yield start_s - world.now_s + 70
    if random.random() < 0.4:
        world.reboot(3)
    end_s = max((row[1] for row in person.plan), default=world.now_s)
    yield max(end_s - world.now_s, 0) + 40
    for entry, fields in written:
        kept = call("get_schedule", entry)
        if kept is not None and not fields[7] and kept[0]:
            world.oracle.violate("SCHEDULE", "the one-shot entry %d is still armed" % entry)
        call("remove_schedule", entry)
    person.plan.clear()


def black_start(world, random):
    """The site is off and the grid is gone; where it may, it wakes up by itself."""
    person, pcs = world.person, world.pcs
    person.stop()
    yield 25
    pcs.grid = False
    yield 15
    person.start()
    yield 90
    lowest_mv = world.oracle.extremes[0]
    able = world.oracle.told_pm[0] > 180 and lowest_mv > 3000
    if able and not (pcs.state == RUNNING and pcs.islanded):
        world.oracle.violate("BLACK_START", "state %d after 90 s" % pcs.state)
    yield random.uniform(10, 60)
    pcs.grid = True


def stranger(world, random):
    """Another client writes to the inverter, now and then."""
    peer = world.inverter
    for _ in range(random.randint(3, 8)):
        rate = random.randint(-3000, 3000)
        model, name, values = random.choice((
            (124, "OutWRte", (rate, -rate)), (124, "StorCtl_Mod", (0,)), (123, "Conn", (0,))))
        peer.write_strange(model, name, values)
        yield random.uniform(8, 14)
