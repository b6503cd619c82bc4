"""Contactors between the battery bus and the inverter's DC link, with precharge and faults."""

import math

_CLOSE_S = 0.030  # contacts follow the coil
_FEEDBACK_S = 0.020  # the mirror contact follows the contacts
_PRECHARGE_TAU_S = 0.5
_BLEED_TAU_S = 30.0
_INRUSH_V = 5.0  # closing onto a link that is emptier than this is a hard closing
_LOADED_A = 8.0  # 2 % of 400 A


class Contact:
    """One contactor. `welded` and `stuck_open` are faults that outrank the coil."""

    def __init__(self):
        self.closed = False
        self.feedback_closed = False
        self.welded = False
        self.stuck_open = False
        self._moving_s = 0.0
        self._feedback_s = 0.0

    def step(self, dt_s, coil):
        wanted = self.welded or (bool(coil) and not self.stuck_open)
        self._moving_s = self._moving_s + dt_s if wanted != self.closed else 0.0
        if self._moving_s + 1e-9 >= _CLOSE_S or self.welded:
            self.closed = wanted
            self._moving_s = 0.0
        self._feedback_s = self._feedback_s + dt_s if self.feedback_closed != self.closed else 0.0
        if self._feedback_s + 1e-9 >= _FEEDBACK_S:
            self.feedback_closed = self.closed
            self._feedback_s = 0.0


class Switchgear:
    """K-, precharge, K+ and the link capacitor behind them."""

    def __init__(self, always_closed=False, bus_v=0.0):
        self.k_minus, self.precharge, self.k_plus = Contact(), Contact(), Contact()
        self.always_closed = always_closed
        self.precharge_fails = False
        self.link_v = 0.0
        self.opened_under_load = 0
        self.opened_current_a = 0.0  # of the last opening under load
        self.closed_without_precharge = 0
        if always_closed:
            self.link_v = bus_v
            for contact in (self.k_minus, self.k_plus):
                contact.closed = contact.feedback_closed = True

    @property
    def connected(self):
        """True when the inverter can draw power from the battery."""
        return self.k_minus.closed and self.k_plus.closed

    def step(self, dt_s, coils, bus_v, current_a):
        """Move the contacts and the link voltage.

        Args:
            coils: (K-, precharge, K+) as the controller drives them.
            current_a (A): battery current, for the judgement of an opening.
        """
        if self.always_closed:
            coils = (1, 0, 1)
        was_connected = self.connected
        self.k_minus.step(dt_s, coils[0])
        self.precharge.step(dt_s, coils[1])
        self.k_plus.step(dt_s, coils[2])
        if was_connected and not self.connected and abs(current_a) > _LOADED_A:
            self.opened_under_load += 1
            self.opened_current_a = current_a
        if self.connected and not was_connected and bus_v - self.link_v > _INRUSH_V:
            self.closed_without_precharge += 1
        self._charge_link(dt_s, bus_v)

    def _charge_link(self, dt_s, bus_v):
        if self.connected:
            self.link_v = bus_v
        elif self.k_minus.closed and self.precharge.closed and not self.precharge_fails:
            self.link_v += (bus_v - self.link_v) * (1.0 - math.exp(-dt_s / _PRECHARGE_TAU_S))
        else:
            self.link_v *= math.exp(-dt_s / _BLEED_TAU_S)
