"""The backward pass of the planner, in slices."""

from bess.core.market.problem import HALF, SHIFT
from bess.core.market.search import Search
from bess.core.market.stage import Stage


class Sweep:
    """Backward pass; `run` is a generator, one slice a step. Then:

    taken[t]        units taken out of the battery in slot t (negative: stored)
    floors[t]       fewest units allowed at the start of slot t, t = 0 .. n
    low_keys[t]     key of the first unit above the floor there, where the floor cut steps off
    high_keys[t]    key of the last unit below the ceiling, where that did
    """

    def __init__(self, problem):
        self._problem = problem
        n = problem.n
        self.stage = Stage(problem)
        self.now = problem.to_units(problem.soc_mwh)
        self.ceiling = max(self.now, problem.to_units(problem.soc_mwh_max))
        self.floors = [0] * (n + 1)
        self.taken = self.low_keys = self.high_keys = None
        self.possible = False       # whether the limits can be met from where the battery is
        self.choice = None          # branch of each slot, once one had to be searched for
        self.bridges = []
        self.end_key = 2 * problem.to_unit_price(problem.end_value) + 1
        self.operations = 0

    def pin(self, w):
        """Settle the power of the running slot, charging positive, as far as the battery can."""
        p = self._problem
        minutes = p.slot_minutes(0)
        if w >= 0:
            units = -min(w * minutes, self.ceiling - self.now)
        else:
            units = (-w * minutes * p.out_units + HALF) >> SHIFT
            units = min(units, max(0, self.now - p.to_units(p.soc_mwh_min)))
        self.stage.pinned = units

    def run(self):
        yield from self._reach()
        yield from self.merge()
        torn = yield from self._torn()
        if self.possible and torn:
            search = Search(self)
            yield from search.run()
            if search.choice != self.choice:
                self.choice = search.choice
                yield from self.merge()

    def _reach(self):
        """Floors: what is wanted, or as near as charging as fast as allowed comes to it."""
        p = self._problem
        reach = self.now
        wanted = -1
        self.floors[0] = reach
        for t in range(p.n):
            mwh = p.wanted_mwh(t)
            if mwh != wanted:
                wanted = mwh
                units = p.to_units(mwh)
            reach += self.stage.load(t)
            if reach > self.ceiling:
                reach = self.ceiling
            self.floors[t + 1] = units if units < reach else reach
            yield

    def merge(self):
        """Merge the slots from last to first; `left` .. `right` are the reachable units."""
        stage = self.stage
        t = self._problem.n
        self.taken = taken = [0] * (t + 1)
        self.low_keys = [None] * (t + 1)
        self.high_keys = [None] * (t + 1)
        self.possible = False
        left, right = self.floors[t], self.ceiling
        keys = [self.end_key]
        lengths, slots = [right - left], [t]
        while t:
            t -= 1
            b = stage.slots[t] + (self.choice[t] if self.choice else 0)
            start, i, end = stage.starts[b], stage.ends[b], stage.ends[b + 1]
            step_keys, step_lengths = stage.keys, stage.lengths
            if self.choice is None and stage.slots[t + 1] - b > 1:
                step_keys, step_lengths = stage.relax(t, self.bridges)
                i, end = 0, len(step_keys)
            taken[t] += start
            left += start
            right += start
            at = 0
            while i < end:
                key = step_keys[i]
                top = len(keys)
                while at < top:
                    middle = (at + top) >> 1
                    if keys[middle] > key:
                        at = middle + 1
                    else:
                        top = middle
                keys.insert(at, key)
                slots.insert(at, t)
                lengths.insert(at, step_lengths[i])
                right += step_lengths[i]
                i += 1
            self.operations += len(keys)
            if left > self.ceiling or right < self.floors[t]:
                return
            if right > self.ceiling:
                self._cut_right(t, right - self.ceiling, keys, lengths, slots)
                right = self.ceiling
            if left < self.floors[t]:
                self._cut_left(t, self.floors[t] - left, keys, lengths, slots)
                left = self.floors[t]
            yield
        self.possible = left <= self.now <= right
        if self.low_keys[0] is None:        # nothing lay below: the lowest that there is
            self.low_keys[0] = keys[0] if keys else self.high_keys[0] or 0

    def _cut_right(self, t, cut, keys, lengths, slots):
        """What lies above the ceiling is never taken out."""
        while cut >= lengths[-1]:
            cut -= lengths.pop()
            slots.pop()
            key = keys.pop()
            if not lengths:
                break
        else:
            lengths[-1] -= cut
            key = keys[-1]
        self.high_keys[t] = key

    def _cut_left(self, t, cut, keys, lengths, slots):
        """What lies below the floor is always taken out."""
        while cut >= lengths[0]:
            length = lengths.pop(0)
            cut -= length
            self.taken[slots.pop(0)] += length
            key = keys.pop(0)
            if not lengths:
                break
        else:
            lengths[0] -= cut
            self.taken[slots[0]] += cut
            key = keys[0]
        self.low_keys[t] = key

    def key_at(self, t, units, key):
        """Key of the marginal unit from slot t on, `key` before it; a binding limit moves it."""
        high, low = self.high_keys[t], self.low_keys[t]
        if units >= self.ceiling and high is not None and high > key:
            key = high
        if units <= self.floors[t] and low is not None and low < key:
            key = low
        return key

    def _torn(self):
        """Whether some bridge was taken in part, which no real slot can do."""
        for i in range(0, len(self.bridges), 3):
            if self.bridges[i + 1] < self.taken[self.bridges[i]] < self.bridges[i + 2]:
                return True
            if i & 31 == 31:
                yield
        return False
