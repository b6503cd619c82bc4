"""Rules of a site of several packs that can be disabled; see sabotage.py."""

from bess.core.battery.sequence import RUN
from bess.core.control.site_tick import SiteTick


def _after(name, change):
    original = SiteTick.__dict__[name]

    def patched(self, *words):
        result = original(self, *words)
        change(self)
        return result
    return SiteTick, name, patched


def _judge_sum(self, now_ms):
    """Opposite commands are nobody's fault."""
    self.command.battery_w = sum(each.command.battery_w for each in self.packs)
    self.command.run = max(each.command.run for each in self.packs)


_BLIND_TO_FIGHTS = ((SiteTick, "_opposed", lambda self, wish_w: False),
                    (SiteTick, "_judge", _judge_sum))


def _circulate(site):
    """The first pack charges the second one."""
    if all(each.sequence.step == RUN for each in site.packs):
        site.packs[0].requests.wish_w = -2000
        site.packs[1].requests.wish_w = 2000


def _open_for_all(open_window):
    """The caps bound each pack as if it were alone."""
    def patched(self, now_ms):
        narrow, keep = self.grid.narrow, self.command.battery_w
        self.grid.narrow = lambda *words: None
        open_window(self, now_ms)
        del self.grid.narrow
        for each in self.packs:
            narrow(each.window, keep // len(self.packs), self.meter_step, 0)
    return patched


def _count_the_lost(site):
    """A pack that is out has its share like the others."""
    for i, each in enumerate(site.packs):
        if each.sequence.step != RUN:
            site.share.charge_w[i] = site.settings.charge_w_max
            site.share.discharge_w[i] = site.settings.discharge_w_max


def _stop_all(site):
    """The trip of one pack is the trip of all."""
    if any(each.trips.present or each.latched for each in site.packs):
        for each in site.packs:
            each.trips.present |= 1


PACK_RULES = {
    "packs opposed": lambda: list(_BLIND_TO_FIGHTS),
    "packs fight": lambda: [*_BLIND_TO_FIGHTS, _after("_deal", _circulate)],
    "caps of the site": lambda: [
        (SiteTick, "_open_window", _open_for_all(SiteTick._open_window))],
    "share of the lost": lambda: [_after("_limit_packs", _count_the_lost)],
    "trip of one pack": lambda: [_after("_judge", _stop_all)],
}
