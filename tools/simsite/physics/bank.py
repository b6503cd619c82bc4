"""Modules in parallel on one DC bus: the current divides by voltage and resistance."""

import math


class Bank:
    """All modules of the site with their management systems.

    Args:
        modules, systems (lists): the chemistry and the BMS of each module, same order.
    """

    def __init__(self, modules, systems):
        self.modules = modules
        self.systems = systems
        self.bus_v = self._solve(range(len(modules)), 0.0)[0]
        self.current_a = 0.0

    def step(self, dt_s, power_w):
        """Deliver `power_w` (W DC, + discharge) for `dt_s`.

        Returns True when the bank could; False when its switches or its voltage do not allow it
        and nothing flowed.
        """
        solved = self._share(power_w)
        delivered = solved is not None
        if not delivered:
            solved = self._share(0.0) or (self.bus_v, {})
        self.bus_v, currents = solved
        self.current_a = sum(currents.values())
        for i, module in enumerate(self.modules):
            module.step(dt_s, currents.get(i, 0.0))
            self.systems[i].step(dt_s)
        return delivered

    def _share(self, power_w):
        """(bus voltage, {index: A}) with every open path left out, None when nothing remains."""
        members = list(range(len(self.modules)))
        while members:
            solved = self._solve(members, power_w)
            if solved is None:
                return None
            allowed = [i for i in members if self._may_flow(i, solved[1][i])]
            if len(allowed) == len(members):
                return solved
            members = allowed
        return (self.bus_v, {}) if power_w == 0 else None

    def _may_flow(self, i, current_a):
        if current_a > 1e-6:
            return self.systems[i].discharge_on
        if current_a < -1e-6:
            return self.systems[i].charge_on
        return True

    def _solve(self, members, power_w):
        """Bus voltage and currents of `members`; None when the bank cannot give that power."""
        mhos = {i: 1.0 / self.modules[i].total_ohm for i in members}
        mho = sum(mhos.values())
        emf_v = sum(self.modules[i].emf_v * mhos[i] for i in members) / mho
        under_root = emf_v * emf_v - 4.0 * power_w / mho
        if under_root < 0:
            return None
        bus_v = (emf_v + math.sqrt(under_root)) / 2.0
        return bus_v, {i: (self.modules[i].emf_v - bus_v) * mhos[i] for i in members}
