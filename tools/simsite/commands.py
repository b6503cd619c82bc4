"""The words of the control channel: faults, the emergency input, and the truth as JSON."""

import inspect
import json

from .peers.servers import BusyPort
from .physics.pcs import STATE_NAMES
from .pins import INPUTS

HELP = """press | release                      emergency input (opened | healthy)
open|close fire|insulation|door|aux  contact of the site; all are closed at the start
kill|revive pcs|pv|meter|modules|module N   wire fault: no port, no answer
hang pcs|pv|meter                    the port stays open and says nothing; revive ends it
weld|stick|mend K-|PRE|K+            contactor welded | stays open | as new
precharge_fail on|off                the precharge resistor is open
disobey on|off                       the PCS takes commands and does not follow
cut on|off                           the RS-485 wire is cut
garble N                             the next N answers on RS-485 are spoiled
set soc PCT [N]                      state of charge, all modules or module N
set cell_mv N CELL MV|off            reading of one cell (1..16) of module N
set temp N DEGC                      temperature of module N; drifts back by itself
set ambient DEGC                     around all modules
set fault N BITS                     fault register of module N
set load W|off, set pv W|off         hold house load | offered PV
state | help"""

_CONTACTS = {"K-": "k_minus", "PRE": "precharge", "K+": "k_plus"}


class CommandError(ValueError):
    """The line cannot be obeyed; the text says what is allowed."""


class Commands:
    """Obeys one line at a time; `site` has plant, links (name -> TcpPeer), serial and bus."""

    def __init__(self, site):
        self._site = site
        self._verbs = {
            "press": self._press, "release": self._press,
            "open": self._contacts, "close": self._contacts,
            "kill": self._kill, "revive": self._kill,
            "hang": self._hang, "weld": self._contact, "stick": self._contact,
            "mend": self._contact,
            "precharge_fail": self._precharge_fail, "disobey": self._disobey,
            "cut": self._cut, "garble": self._garble, "set": self._set,
            "state": self._state, "help": lambda verb: HELP,
        }  # fmt: skip

    async def obey(self, line):
        """One line of answer (help: several): `ok`, JSON, or `error: ...`."""
        verb, *words = line.split()
        try:
            if verb not in self._verbs:
                raise CommandError(f"unknown command {verb}, see help")
            answer = _call(self._verbs[verb], verb, words)
            if inspect.isawaitable(answer):
                answer = await answer
            return answer or "ok"
        except (CommandError, BusyPort) as error:
            return f"error: {error}"

    def _press(self, verb):
        self._site.emergency_healthy = verb == "release"

    def _contacts(self, verb, name):
        if name not in INPUTS:
            raise CommandError(f"contact must be one of {', '.join(INPUTS)}, got {name}")
        (self._site.opened.add if verb == "open" else self._site.opened.discard)(name)

    async def _kill(self, verb, name, number=None):
        site, dead = self._site, verb == "kill"
        if name in site.links:
            await (site.links[name].stop() if dead else site.links[name].start())
            return
        if name not in ("module", "modules") or (name == "module") != (number is not None):
            raise CommandError("a link is pcs, pv, meter, modules or module N")
        units = range(1, len(site.plant.bank.modules) + 1)
        chosen = [self._index(number) + 1] if number else units
        for unit in chosen:
            (site.serial.dead.add if dead else site.serial.dead.discard)(unit)

    def _hang(self, verb, name):
        if name not in self._site.links:
            raise CommandError(f"link must be one of {', '.join(self._site.links)}, got {name}")
        self._site.links[name].hung = True

    def _contact(self, verb, name):
        if name not in _CONTACTS:
            raise CommandError(f"contactor must be one of {', '.join(_CONTACTS)}, got {name}")
        contact = getattr(self._site.plant.switchgear, _CONTACTS[name])
        contact.welded, contact.stuck_open = verb == "weld", verb == "stick"

    def _precharge_fail(self, verb, word):
        self._site.plant.switchgear.precharge_fails = _switch(word)

    def _disobey(self, verb, word):
        if _switch(word):
            self._site.plant.pcs.disobedient = True
        else:
            self._site.plant.pcs.obey_again()

    def _cut(self, verb, word):
        self._site.bus.cut = _switch(word)

    def _garble(self, verb, word):
        self._site.bus.garble_left = int(_number(word, 0, 1000))

    def _set(self, verb, what, *words):
        setter = getattr(self, f"_set_{what}", None)
        if setter is None:
            raise CommandError(f"cannot set {what}, see help")
        return _call(setter, what, words)

    def _set_soc(self, what, percent, number=None):
        soc = _number(percent, 0, 100) / 100
        chosen = [self._index(number)] if number else range(len(self._bank.modules))
        for i in chosen:
            self._bank.modules[i].set_soc(soc)
            self._bank.systems[i].soc = soc

    def _set_cell_mv(self, what, number, cell, value):
        i = self._index(number)
        at = int(_number(cell, 1, len(self._bank.modules[i].soc))) - 1
        forced = self._bank.systems[i].cell_mv_forced
        if value == "off":
            forced.pop(at, None)
        else:
            forced[at] = int(_number(value, 0, 6000))

    def _set_temp(self, what, number, degrees):
        self._bank.modules[self._index(number)].temp_c = _number(degrees, -60, 150)

    def _set_ambient(self, what, degrees):
        for module in self._bank.modules:
            module.ambient_c = _number(degrees, -60, 150)

    def _set_fault(self, what, number, bits):
        self._bank.systems[self._index(number)].faults = int(_number(bits, 0, 0xFFFF))

    def _set_load(self, what, watts):
        self._site.plant.forced_load_w = None if watts == "off" else _number(watts, 0, 1e6)

    def _set_pv(self, what, watts):
        self._site.plant.forced_pv_w = None if watts == "off" else _number(watts, 0, 1e6)

    @property
    def _bank(self):
        return self._site.plant.bank

    def _index(self, number):
        return int(_number(number, 1, len(self._bank.modules))) - 1

    def _state(self, verb):
        return json.dumps(true_state(self._site))


def _call(act, verb, words):
    """Call with as many words as `act` takes, or say that their number is wrong."""
    try:
        inspect.signature(act).bind(verb, *words)
    except TypeError:
        raise CommandError(f"wrong number of words after {verb}, see help") from None
    return act(verb, *words)


def _switch(word):
    if word not in ("on", "off"):
        raise CommandError(f"needs on or off, got {word}")
    return word == "on"


def _number(word, low, high):
    try:
        value = float(word)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise CommandError(f"needs a number from {low:g} to {high:g}, got {word}")
    return value


def true_state(site):
    """What really happens, for tests and views; Wh are since the start unless said otherwise."""
    plant = site.plant
    gear, pcs = plant.switchgear, plant.pcs
    dead = [name for name, link in site.links.items() if not link.alive]
    return {
        "time_s": round(plant.time_s, 3),
        "battery_w": round(plant.battery_w, 1),
        "grid_w": round(plant.grid_w, 1),
        "load_w": round(plant.load_w, 1),
        "pv_w": round(plant.pv_w, 1),
        "pv_offered_w": round(plant.pv.offered_w, 1),
        "pcs": {
            "state": STATE_NAMES[pcs.state], "dc_w": round(pcs.dc_w, 1), "run": pcs.run_asked,
            "mode": pcs.mode, "target_w": round(pcs.target_w(), 1), "reverts": pcs.reverts,
        },
        "dc": {"bus_v": round(plant.bank.bus_v, 3), "link_v": round(gear.link_v, 3),
               "current_a": round(plant.bank.current_a, 3)},
        "contactors": {
            "coils": list(plant.coils), "k_minus": gear.k_minus.closed,
            "precharge": gear.precharge.closed, "k_plus": gear.k_plus.closed,
        },
        "opened_under_load": gear.opened_under_load,
        "opened_current_a": round(gear.opened_current_a, 1),
        "closed_without_precharge": gear.closed_without_precharge,
        "emergency_healthy": site.emergency_healthy, "opened": sorted(site.opened),
        "outputs": site.outputs(),
        "energy_wh": {name: round(wh, 3) for name, wh in plant.energy_wh.items()},
        "meter": {"import_wh": round(plant.meter.import_wh, 3),
                  "export_wh": round(plant.meter.export_wh, 3)},
        "modules": [_module_state(s) for s in plant.bank.systems],
        "dead": sorted(site.serial.dead) + dead,
    }  # fmt: skip


def _module_state(system):
    module = system.module
    return {
        "soc": round(module.mean_soc, 5), "bms_soc": round(system.soc, 4),
        "current_a": round(module.current_a, 3), "temp_c": round(module.temp_c, 2),
        "cells_mv": [round(v * 1000, 1) for v in module.cells_v()],
        "charged_wh": round(module.charged_wh, 3),
        "discharged_wh": round(module.discharged_wh, 3),
        "charge_a_max": round(system.charge_a_max, 1),
        "discharge_a_max": round(system.discharge_a_max, 1),
        "protections": system.protections, "faults": system.faults,
    }  # fmt: skip
