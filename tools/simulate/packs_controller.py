"""The firmware of a site of several packs: its configuration, and what one pack shows of it."""

from bess.core.control.site import Site
from bess.devices.register_bank import PACK_BASE, PACK_STRIDE
from tools.simulate.controller import _CHARGED, _DISCHARGED, _MODE, Controller, configuration

_SLOW_MS = 1000
_SETS_MAX = 5


def shape_of(site, packs, tick_ms):
    """A drawn site (see world.py) for several packs: what is the same in each of them."""
    site = dict(site)
    site["backup"] = site["black_start"] = 0        # a grid is formed by one pack alone
    sets = site["modules"] // site["modules_s"] * packs
    if site["own_sets"] and sets > _SETS_MAX:
        site["own_sets"] = 0
    site["packs"] = packs
    site["one_bus"] = site["start_ms"] % 3 == 0 and tick_ms >= _SLOW_MS
    site["w_rated"] = 5000 * site["modules"]
    # caps of the site that a wish may pass, or none
    total_w = packs * site["w_rated"]
    turn = site["start_ms"] // 3 % 3
    site["import_w_max"] = total_w * 55 // 100 if turn != 1 else 0
    site["export_w_max"] = total_w * 50 // 100 if turn != 2 else 0
    return site


def packs_configuration(site, tick_ms):
    """Configuration of such a site: a bus each or one for all, an inverter each, one meter."""
    packs, count = site["packs"], site["modules"]
    data = configuration(site, tick_ms)
    period_ms = data["links"][0]["devices"][0]["period_ms"]
    if site["one_bus"]:
        period_ms = 2900
    buses = []
    for i in range(packs):
        first = i * count
        buses.append([
            {"kind": "bess_module", "unit": n + 1 + (first if site["one_bus"] else 0),
             "module": first + n + 1, "period_ms": period_ms, "series_rated": 1}
            for n in range(count)])
    if site["one_bus"]:
        buses = [sum(buses, [])]
    links = [{"kind": "rtu", "name": "modules %d" % (i + 1), "uart": i, "devices": bus}
             for i, bus in enumerate(buses)]
    inverter = data["links"][1]["devices"][0]
    links += [{"kind": "tcp", "name": "inverter %d" % (i + 1),
               "devices": [dict(inverter, pack=i + 1)]} for i in range(packs)]
    data["links"] = links + data["links"][2:]
    data["packs"] = packs
    data["import_w_max"], data["export_w_max"] = site["import_w_max"], site["export_w_max"]
    if tick_ms >= _SLOW_MS:
        data["module_silent_ms"] = 3 * period_ms + 300
        data["fade_after_ms"] = 3 * period_ms + 1300
    return data


class PacksController(Controller):
    """As app.py composes it where `packs` is above 1."""

    manager_class = Site

    def tasks(self, now_ms):
        for each in self.manager.packs:
            each.wishes.load_wanted()
        self._keeper.look(now_ms)


class PackController:
    """One pack of it, as a person at its cabinet and the registers of that pack show it."""

    def __init__(self, controller, number):
        self._controller = controller
        self._number = number
        self._base = PACK_BASE + number * PACK_STRIDE

    @property
    def manager(self):
        """The power manager of this pack; None while there is no power."""
        site = self._controller.manager
        return None if site is None else site.packs[self._number]

    def call(self, name, *words):
        """A call of the manager of this pack."""
        return None if self.manager is None else getattr(self.manager, name)(*words)

    def start(self, on=1):
        """The person's start and stop, of this pack alone."""
        return self.call("start" if on else "stop")

    def mode(self):
        """The mode of this pack as the map tells it."""
        return self._controller.read(self._base + _MODE, 1)[0]

    def energy_wh(self):
        """(charged, discharged) as the map tells them."""
        pairs = [self._controller.read(self._base + at, 2) for at in (_CHARGED, _DISCHARGED)]
        return [0 if high == low == 0xFFFF else high << 16 | low for high, low in pairs]
