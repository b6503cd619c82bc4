"""The words that the console understands. Loaded for one line, then forgotten."""

from bess.core.events import PACK_SHIFT
from bess.core.points import (
    BATTERY_W, CAUSES, COMMAND_W, GRID_W, HI_REASON, HI_W, LOAD_W, LO_REASON, LO_W, MODULES,
    MODULES_LIVE, OWNER, PHASE, PV_W, SOC_PM, TRIPS, WISH_W,
    L_AGE_DS, L_ANSWERED, L_FRAME_ERRORS, L_SENT, L_STATE, L_TIMEOUTS, M_CELL_MV_MAX,
    M_CELL_MV_MIN, M_CURRENT_MA, M_SOC_PM,
)
from bess.core.tick import elapsed_ms
from bess.services.console import mem

_POINTS = "/bess/points.tsv"
_MODES = ("STANDBY", "CHARGE", "DISCHARGE", "IDLE", "EMERGENCY", "MAINTENANCE")
_PHASES = ("OFF", "STARTING", "RUNNING", "STOPPING", "BLOCKED")
_REFUSALS = ("", "not started", "not in this mode", "an emergency is latched",
             "a cause is still present, or the pack is not at rest", "a person is needed",
             "local only", "out of range", "a setting forbids this direction",
             "all are in use, or no memory is left",
             "somebody else asks at this rank", "looser than the configuration",
             "the clock is unknown")
_VERDICTS = ("it goes on", "right", "the meter counts the wrong way round",
             "the inverter moves the wrong way", "the inverter's reading has the wrong sign",
             "the meter sees nothing of it", "the inverter does not move", "unclear: try again")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "daily")
_LEVELS = ("info", "warning", "block", "trip", "emergency")
_ENTRY = "schedule add DAY HH:MM MINUTES MODE W [once]; DAY sun..sat or daily"


def table(app):
    """{word: (function, help)}; app has manager, links, faults."""
    words = Words(app)
    return {
        "status": (words.status, "mode, powers, window, who won"),
        "points": (words.points, "all values; points NAME shows those that contain NAME"),
        "modules": (words.modules, "the battery modules"),
        "links": (words.links, "the links with their ages and errors"),
        "events": (words.events, "the last events; events N shows N of them"),
        "faults": (words.faults, "what is wrong with the configuration"),
        "start": (words.start, "close the contactors, start the inverter"),
        "stop": (words.stop, "power to zero, contactors open"),
        "power": (words.power, "power W [MINUTES]: constant power, - charges; 0: for ever"),
        "charge": (words.charge, "charge [SOC_PM]: charge by the method of the parameters"),
        "discharge": (words.discharge, "discharge [W] [MINUTES]: discharge with a constant power"),
        "auto": (words.auto, "end what a person operates; skip the schedule's occurrence"),
        "schedule": (words.schedule, "its entries; schedule remove N; " + _ENTRY),
        "alarms": (words.alarms, "what is wrong, or was; ack [N] acknowledges"),
        "ack": (words.ack, "acknowledge alarm N, or all"),
        "authority": (words.authority, "authority local|remote: who may move power"),
        "maintenance": (words.maintenance, "maintenance [KEY]: enter; maintenance leave"),
        "test": (words.test, "test W: low power in maintenance, repeat within 5 s; stop ends it"),
        "sign": (words.sign, "+-200 W in maintenance: do the signs fit? repeat each second"),
        "shutdown": (words.shutdown, "emergency shutdown, latched"),
        "reset": (words.reset, "reset the emergency when its causes are gone for 5 s"),
        "help": (words.help, "this list"),
        "mem": (mem, "free and used heap in bytes"),
    }


class Words:
    """Each method gets the words after its name and returns lines; ValueError is shown."""

    def __init__(self, app):
        self._app = app
        self._manager = app.manager

    def status(self, words):
        manager, now = self._manager, self._manager.image.now
        return (
            "mode %s, %s, wanted %d" % (_MODES[manager.mode], _PHASES[now[PHASE] or 0],
                                        manager.run_wanted),
            "battery %s W, grid %s W, load %s W, pv %s W, soc %s pm" % (
                now[BATTERY_W], now[GRID_W], now[LOAD_W], now[PV_W], now[SOC_PM]),
            "command %d W, window %d (reason %d) .. %d (reason %d)" % (
                now[COMMAND_W] or 0, now[LO_W] or 0, now[LO_REASON] or 0, now[HI_W] or 0,
                now[HI_REASON] or 0),
            "request rank %d wishes %d W" % (now[OWNER] or 0, now[WISH_W] or 0),
            "modules live %s of %s, causes %s, trips %s" % (
                now[MODULES_LIVE], now[MODULES], now[CAUSES], now[TRIPS]),
        )

    def points(self, words):
        """Name, value and unit of every site point, read line by line from the table in flash."""
        wanted = words[0].upper() if words else ""
        now, index = self._manager.image.now, 0
        with open(_POINTS) as table:
            for line in table:
                if not line.startswith("site\t"):
                    continue
                cells = line.split("\t")
                if wanted in cells[1]:
                    yield "%s %s %s" % (cells[1], now[index], "" if cells[3] == "-" else cells[3])
                index += 1

    def modules(self, words):
        number = 0
        for each in self._manager.packs:
            pack = each.pack
            for i in range(pack.count):
                row, number = pack.rows[i], number + 1
                age_ms = elapsed_ms(self._manager.now_ms, pack.at_ms[i])
                yield "%d: %s, %d ms, soc %s pm, %s mA, cells %s..%s mV" % (
                    number, "live" if pack.live[i] else "silent", age_ms, row[M_SOC_PM],
                    row[M_CURRENT_MA], row[M_CELL_MV_MIN], row[M_CELL_MV_MAX])

    def links(self, words):
        for link in self._app.links:
            row = link.row(self._manager.now_ms)
            yield "%s: %s, age %s ds, sent %d, answered %d, time-outs %d, bad frames %d" % (
                link.name, ("down", "up", "silent")[row[L_STATE]], row[L_AGE_DS], row[L_SENT],
                row[L_ANSWERED], row[L_TIMEOUTS], row[L_FRAME_ERRORS])

    def events(self, words):
        events = self._manager.events
        for back in range(_number(words, 0, 1, 32) if words else 10):
            slot = events.slot(back)
            if slot < 0:
                return
            age_ms = elapsed_ms(self._manager.now_ms, events.at_ms(slot))
            level, pack = events.level(slot) & 3, events.level(slot) >> PACK_SHIFT
            yield "%d s ago: event %d, level %d, data %d%s" % (
                age_ms // 1000, events.event(slot), level, events.data(slot),
                ", pack %d" % pack if pack else "")

    def faults(self, words):
        return self._app.faults or ("none",)

    def start(self, words):
        if self._app.faults:
            return ("refused: the configuration has faults, see `faults`",)
        return _answer(self._manager.start())

    def stop(self, words):
        return _answer(self._manager.stop())

    def power(self, words):
        settings, packs = self._manager.settings, len(self._manager.packs)
        battery_w = _number(words, 0, -settings.charge_w_max * packs,
                            settings.discharge_w_max * packs)
        minutes = _number(words, 1, 0, 1440) if len(words) > 1 else 0
        return _answer(self._manager.set_constant_power(battery_w, minutes))

    def auto(self, words):
        return _answer(self._manager.stop_operation())

    def charge(self, words):
        target_pm = _number(words, 0, 0, 1000) if words else 0
        return _answer(self._manager.start_charging(target_pm))

    def discharge(self, words):
        most_w = self._manager.settings.discharge_w_max * len(self._manager.packs)
        battery_w = _number(words, 0, 0, most_w) if words else 0
        minutes = _number(words, 1, 0, 1440) if len(words) > 1 else 0
        return _answer(self._manager.start_discharging(battery_w, minutes))

    def schedule(self, words):
        manager = self._manager
        if not words:
            return self._entries()
        if words[0] == "remove":
            return _answer(manager.remove_schedule(_number(words, 1, 0, 15)))
        if words[0] != "add" or len(words) < 6:
            raise ValueError("wanted: schedule, schedule remove N, or " + _ENTRY)
        hour, _, minute = words[2].partition(":")
        entry = manager.add_schedule((
            True, _one_of(words[1], _DAYS), _number((hour,), 0, 0, 23),
            _number((minute,), 0, 0, 59), _one_of(words[4].upper(), _MODES),
            _number(words, 5, -1_000_000, 1_000_000), _number(words, 3, 1, 1440),
            words[6:] != ["once"]))
        return ("entry %d" % entry,) if entry >= 0 else _answer(9)

    def _entries(self):
        schedule = self._manager.wishes.schedule
        alive = -1 if schedule is None else schedule.entry
        for entry in range(16):
            fields = self._manager.get_schedule(entry)
            if fields is not None:
                on, day, hour, minute, mode, battery_w, minutes, repeat = fields
                yield "%d: %s %02d:%02d, %d min, %s %d W%s%s%s" % (
                    entry, _DAYS[day], hour, minute, minutes, _MODES[mode], battery_w,
                    "" if repeat else ", once", "" if on else ", off",
                    ", alive" if entry == alive else "")

    def alarms(self, words):
        row = [0] * 8
        packs = len(self._manager.packs)
        for i in range(32 * packs):
            if self._manager.alarms.read(i, row):
                yield "%sdiagnosis %d, %s, %s%s, %d times, first %d s, last %d s, data %d" % (
                    "pack %d: " % (i // 32 + 1) if packs > 1 else "", row[0],
                    _LEVELS[row[1]], "active" if row[2] else "over",
                    ", acknowledged" if row[3] else "", row[6], row[4], row[5], row[7])

    def ack(self, words):
        return ("%d acknowledged" % self._manager.acknowledge(
            _number(words, 0, 0, 63) if words else -1),)

    def authority(self, words):
        if words:
            self._manager.set_authority(_one_of(words[0], ("remote", "local")) == 1)
        return ("local" if self._manager.local else "remote",)

    def maintenance(self, words):
        if words and words[0] == "leave":
            return _answer(self._manager.leave_maintenance())
        return _answer(self._manager.enter_maintenance(words[0] if words else ""))

    def test(self, words):
        return _answer(self._manager.test_power(_number(words, 0, -50_000, 50_000)))

    def sign(self, words):
        refusal = self._manager.test_sign()
        return _answer(refusal) if refusal else (_VERDICTS[self._manager.test.verdict],)

    def shutdown(self, words):
        self._manager.emergency_shutdown()
        return ("emergency shutdown asked",)

    def reset(self, words):
        return _answer(self._manager.reset_emergency())

    def help(self, words):
        commands = table(self._app)
        for name in sorted(commands):
            yield "%-10s %s" % (name, commands[name][1])


def _answer(refusal):
    return ("refused: " + _REFUSALS[refusal],) if refusal else ("ok",)


def _one_of(word, allowed):
    """Place of a word in `allowed`; ValueError names them."""
    if word not in allowed:
        raise ValueError("got %s, wanted: one of %s" % (word, ", ".join(allowed)))
    return allowed.index(word)


def _number(words, place, low, high):
    """Word `place` as a number; ValueError says what is allowed."""
    text = words[place] if len(words) > place else "nothing"
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise ValueError("got %s, wanted: a whole number %d..%d" % (text, low, high))
    return number
