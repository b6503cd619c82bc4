"""The words of the console, against a manager on the bench: what is said, and what is done."""

from bess.core.control.modes import CHARGE, MAINTENANCE, STANDBY
from bess.services import commands
from host_tests.core.bench_pack import Bench
from host_tests.core.bench_packs import SiteBench


class App:
    """What the words get to see; a pack that runs."""

    def __init__(self, **changes):
        self.bench = Bench(**changes).started()
        self.manager = self.bench.manager
        self.links = ()
        self.faults = []

    def say(self, line):
        words = line.split()
        try:
            return list(commands.table(self)[words[0]][0](words[1:]))
        except ValueError as fault:
            return [str(fault)]


LINES = (
    # line, words of the answer, why
    ("status", "mode IDLE, RUNNING, wanted 1", "where it stands"),
    ("modules", "1: live", "the first module"),
    ("faults", "none", "of the configuration"),
    ("power 500 10", "ok", "constant power"),
    ("power x", "got x, wanted: a whole number -20000..20000", "a word that is no number"),
    ("power", "got nothing, wanted", "a missing word"),
    ("charge 960", "refused: looser than the configuration", "above the maximum SoC"),
    ("charge 800", "ok", "to a target"),
    ("discharge 3000 5", "ok", "for minutes"),
    ("auto", "ok", "the operation ends"),
    ("schedule add mon 25:00 60 charge -500", "got 25, wanted: a whole number 0..23", "no hour"),
    ("schedule add day 1:00 60 charge -500", "got day, wanted: one of sun, mon", "no day"),
    ("schedule add mon 1:00 60 charge 500", "power_w is 500, allowed: <= 0 with CHARGE", "sign"),
    ("schedule add mon", "wanted: schedule, schedule remove N, or schedule add", "too few words"),
    ("schedule remove 3", "refused: out of range", "nothing is there"),
    ("ack 64", "got 64, wanted: a whole number 0..63", "no diagnosis"),
    ("authority both", "got both, wanted: one of remote, local", "no authority"),
    ("authority", "remote", "asked"),
    ("maintenance leave", "refused: not in this mode", "it is not there"),
    ("test 100", "refused: not in this mode", "only in maintenance"),
    ("sign", "refused: not in this mode", "only in maintenance"),
    ("shutdown", "emergency shutdown asked", "latched at the next tick"),
    ("help", "links      the links with their ages and errors\nmaintenance maintenance [KEY]",
     "every command, in order"),
    ("help", "mem        free and used heap in bytes", "the console's own one, too"),
)


def test_lines():
    for line, words, why in LINES:
        answer = "\n".join(App().say(line))
        assert words in answer, (why, answer)


class SiteApp(App):
    """The same with three packs of 10 kW."""

    def __init__(self):
        self.bench = SiteBench().started()
        self.manager = self.bench.site
        self.links = ()
        self.faults = []


def test_several_packs():
    app = SiteApp()
    assert app.say("power 30000") == ["ok"], "the site's power, not a pack's"
    assert "-30000..30000" in app.say("power 30001")[0]
    assert app.say("discharge 30000") == ["ok"] and "0..30000" in app.say("discharge 30001")[0]
    app.bench.plants[1].silent = 1
    app.bench.plants[2].pcs_state = 3
    app.bench.run(3000)
    lines = app.say("events 32")
    assert [line for line in lines if "event 40, level 1, data 0, pack 2" in line], lines
    alarms = app.say("alarms")
    assert [line for line in alarms if line.startswith("pack 2: diagnosis 51, warning")], alarms
    assert [line for line in alarms if line.startswith("pack 3: diagnosis 1, trip")], alarms


def test_a_schedule_is_written_and_read():
    app = App()
    assert app.say("schedule add daily 1:05 240 charge -4000") == ["entry 0"]
    assert app.say("schedule add sat 13:00 30 idle 0 once") == ["entry 1"]
    assert app.say("schedule") == ["0: daily 01:05, 240 min, CHARGE -4000 W",
                                   "1: sat 13:00, 30 min, IDLE 0 W, once"]
    assert app.manager.get_schedule(0) == (True, 7, 1, 5, CHARGE, -4000, 240, True)
    app.say("schedule remove 0")
    assert len(app.say("schedule")) == 1


def test_an_alarm_is_shown_and_acknowledged():
    app = App()
    app.say("shutdown")
    app.bench.run(1000)
    answer = app.say("alarms")
    assert len(answer) == 1 and answer[0].startswith("diagnosis 18, emergency, active, 1 times")
    assert app.say("ack 18") == ["1 acknowledged"] and "acknowledged" in app.say("alarms")[0]
    app.bench.run(10_000)
    assert app.say("reset") == ["ok"]
    app.bench.run(1000)
    assert app.say("alarms") == []


def test_maintenance():
    app = App()
    assert app.say("maintenance") == ["ok"]
    app.bench.run(10_000)
    assert app.manager.mode == MAINTENANCE
    assert app.say("test 100") == ["ok"] and app.say("stop") == ["ok"]
    app.bench.run(10_000)
    for _ in range(90):
        answer = app.say("sign")
        if answer != ["it goes on"]:
            break
        app.bench.run(1000)
    assert answer == ["unclear: try again"], "the bench has no meter"
    app.bench.run(10_000)
    assert app.say("maintenance leave") == ["ok"] and app.manager.mode == STANDBY


def test_authority():
    app = App()
    assert app.say("authority local") == ["local"] and app.manager.local is True
    assert app.say("authority remote") == ["remote"] and app.manager.local is False


def test_a_wrong_configuration_starts_nothing():
    app = App()
    app.faults = ["w_rated is 0"]
    assert app.say("start") == ["refused: the configuration has faults, see `faults`"]
