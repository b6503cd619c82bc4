"""The power of a site over its packs, each with an inverter of its own.

Packs in use take part by their usable energy, so that they are empty or full together. The watts
are dealt out like seats to parties (highest averages, Jefferson): while the same packs are in
use, one watt more or less for the site is one watt for one pack, and no other pack moves.
"""

from array import array

from micropython import const

from bess.core.curves import part
from bess.core.tick import TICK_MASK, Dwell

_WEIGHT_MAX = const(1023)           # times a pack's power of 1 MW this stays inside 2**30
_DROP_MS = const(30_000)
_ROTATE_MS = const(900_000)
_BUSY_PM = const(900)               # of the limits in use: beyond, one more pack joins
_CALM_PM = const(800)               # of the limits that stay: below, one may leave


class Share:
    """Put in, for each pack: charge_w and discharge_w (its own window, magnitudes up to 1 MW,
    both 0 while it is out), left_wh and room_wh (usable energy). Comes out: w.

    active: bit for each pack in use; below `share_pm_min` of the inverter's rating for each, packs
    rest at 0 W one after the other (no load losses); practice: 95 % of the best efficiency.
    """

    def __init__(self, settings, packs):
        self.packs = packs
        self.charge_w = array("i", [0] * packs)
        self.discharge_w = array("i", [0] * packs)
        self.left_wh = array("i", [0] * packs)
        self.room_wh = array("i", [0] * packs)
        self.w = array("i", [0] * packs)
        self.active = 0
        self._least_w = part(settings.w_rated, settings.share_pm_min)
        self._most_w = array("i", [0] * packs)      # limits and weights of the side in question
        self._weight = array("i", [0] * packs)
        self._calm = Dwell(_DROP_MS)
        self._rotated_ms = 0

    def share(self, wish_w, now_ms):
        """Deal out a power of the site (+ discharges); returns what the packs give together.

        That is the wish, bounded by the sum of the packs' windows. No pack leaves its own
        window, none charges while another discharges.
        """
        charging = wish_w < 0
        self._take_side(charging)
        total_w = min(-wish_w if charging else wish_w, sum(self._most_w))
        if total_w:
            self._choose(total_w, now_ms)
        self._fill(total_w)
        if charging:
            for i in range(self.packs):
                self.w[i] = -self.w[i]
            return -total_w
        return total_w

    def _take_side(self, charging):
        limits = self.charge_w if charging else self.discharge_w
        energy = self.room_wh if charging else self.left_wh
        most_w, weight, shift = self._most_w, self._weight, 0
        while max(energy) >> shift > _WEIGHT_MAX:
            shift += 1
        for i in range(self.packs):
            most_w[i] = max(limits[i], 0)
            weight[i] = max(energy[i] >> shift, 1)
            if most_w[i] == 0:
                self.active &= ~(1 << i)

    # --- who takes part ---------------------------------------------------------------------

    def _choose(self, total_w, now_ms):
        """Few packs at a small power; one more at once when it is needed, one less later."""
        count = limit_w = 0
        for i in range(self.packs):
            if self.active >> i & 1:
                count += 1
                limit_w += self._most_w[i]
        while (part(limit_w, _BUSY_PM) < total_w
               or total_w * 5 >= (count + 1) * self._least_w * 6):
            best = self._find(False)
            if best < 0:
                break
            self.active |= 1 << best
            count += 1
            limit_w += self._most_w[best]
        last = self._find(True)
        stay_w = limit_w - self._most_w[last]
        calm = total_w < count * self._least_w and part(stay_w, _CALM_PM) >= total_w
        if self._calm.held(calm, now_ms):
            self._calm.held(False, now_ms)
            self.active &= ~(1 << last)
        elif (now_ms - self._rotated_ms) & TICK_MASK >= _ROTATE_MS:
            self._rotated_ms = now_ms
            self._rotate(total_w, stay_w, last)

    def _rotate(self, total_w, stay_w, last):
        """The resting pack with the most energy for the one in use with the least."""
        best = self._find(False)
        if (best >= 0 and self._weight[best] > self._weight[last]
                and part(stay_w + self._most_w[best], _BUSY_PM) >= total_w):
            self.active ^= 1 << best | 1 << last

    def _find(self, active):
        """The active pack with the least energy or the resting one with the most; -1: none."""
        found, weights = -1, self._weight
        for i in range(self.packs):
            if self._most_w[i] == 0 or (self.active >> i & 1 == 1) != active:
                continue
            if found < 0 or (weights[i] < weights[found] if active
                             else weights[i] > weights[found]):
                found = i
        return found

    # --- how much each ----------------------------------------------------------------------

    def _fill(self, left_w):
        """Water-filling: by weight; what a pack at its limit cannot take goes to the others."""
        w, most_w, weight = self.w, self._most_w, self._weight
        for i in range(self.packs):
            w[i] = 0
        below = self.active
        while left_w and below:
            sum_weight = spent_w = dealt_w = 0
            for i in range(self.packs):
                if below >> i & 1:
                    sum_weight += weight[i]
            level_w = left_w // sum_weight
            rest_w = left_w % sum_weight
            for i in range(self.packs):
                if below >> i & 1:
                    w[i] = level_w * weight[i] + rest_w * weight[i] // sum_weight
                    dealt_w += w[i]
                    if w[i] >= most_w[i]:
                        w[i] = most_w[i]
                        spent_w += most_w[i]
                        below &= ~(1 << i)
            if spent_w == 0:
                self._deal(left_w - dealt_w, below)
                return
            left_w -= spent_w

    def _deal(self, left_w, below):
        """The last few watts one by one, to the highest weight for the watts it would have."""
        w, weight = self.w, self._weight
        while left_w:
            best = -1
            for i in range(self.packs):
                if below >> i & 1 and w[i] < self._most_w[i] and (
                        best < 0 or weight[i] * (w[best] + 1) > weight[best] * (w[i] + 1)):
                    best = i
            w[best] += 1
            left_w -= 1
