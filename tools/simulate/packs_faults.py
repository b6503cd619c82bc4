"""What goes wrong at a site of several packs: the same table, aimed at one pack or at all.

A pack that is not hit has no truth suspended: it goes on as if nothing had happened. Truths of the
whole site rest as long as those that the fault names, here or in faults.py.
"""

from tools.simulate.faults import _BLIND, _GRACE_S, _LINK, KINDS, PAUSE_S, Kind, _set

# what concerns every pack; all others hit one
WHOLE = frozenset((
    "lying meter", "frozen meter", "dead meter", "press and reset", "emergency press", "grid loss",
    "reset under load", "reboot", "late tick", "clock jump", "schedule", "missed entry",
    "cut store"))
_NEVER = frozenset(("island overload", "black start"))
_PRESSES = frozenset(("service key",))      # aimed at one pack, felt by all


def _silence(world, random):
    """All modules of one pack; the others on the bus answer."""
    for module in world.modules:
        module.silent = True


def _speak(world):
    for module in world.modules:
        module.silent = False


def _stop(world, random):
    """A person stops one pack for a while."""
    world.person.wants = False
    world.person.stop()


def _go(world):
    world.person.wants = True
    world.person.start()


def _shut_down(world, random):
    """Somebody at the cabinet shuts one pack down; nobody has reset it until a person comes."""
    world.controller.call("emergency_shutdown")


PACK_KINDS = {
    "all modules dead": Kind((4, 90), 200, _BLIND, _silence, _speak),
    "open breaker": Kind((20, 150), 240, _BLIND, _set(pcs__grid=False), _set(pcs__grid=True)),
    "stopped pack": Kind((60, 300), 120, _LINK, _stop, _go),
    "pack emergency": Kind((20, 60), 240, _LINK, _shut_down, None, ((12, "rest"),)),
}
# truths of the whole site that do not hold either
SITE_TRUTHS = {
    "lying power": "CAP", "disobedient inverter": "CAP FIGHT", "dead inverter": "CAP FIGHT",
    "refusing inverter": "CAP FIGHT", "stranger": "CAP FIGHT", "lost readings": "CAP FIGHT",
    "late readings": "CAP FIGHT", "corrupt readings": "CAP FIGHT", "lying meter": "CAP",
    "frozen meter": "CAP", "dead meter": "CAP", "late tick": "CAP",
    "reset under load": "CAP FIGHT",
}
_NONE = frozenset()


def kinds_of_packs():
    """{name: kind} of all that may happen to a site of several packs."""
    kinds = {name: kind for name, kind in KINDS.items() if name not in _NEVER}
    kinds.update(PACK_KINDS)
    return kinds


class State:
    """Faults as one pack feels them: in_force, last, suspended, calm_s."""

    def __init__(self):
        self.in_force = self.last = None
        self.suspended = _NONE
        self.calm_s = 0.0
        self.settles_s = self.graced_s = 0.0

    def hit(self, name, suspended):
        self.in_force = self.last = name
        self.suspended = suspended
        self.calm_s = 0.0

    def heal(self, now_s, settle_s):
        self.in_force = None
        self.calm_s = 0.0
        self.graced_s = max(self.graced_s, now_s + _GRACE_S)
        self.settles_s = max(self.settles_s, now_s + settle_s)

    def pass_by(self, now_s, dt_s):
        if self.in_force is None:
            if self.suspended and now_s >= self.graced_s:
                self.suspended = _NONE
            if now_s >= self.settles_s:
                self.calm_s += dt_s


class PackFaults:
    """The course of faults of a site of several packs; see faults.Faults.

    site: State of the truths of the site as a whole; the packs' own are their sections' `faults`.
    """

    def __init__(self, world, random, kinds=None):
        self.injected = {}
        self.site = State()
        self._kinds = kinds_of_packs()
        self._world = world
        self._random = random
        self._names = sorted(self._kinds if kinds is None else kinds)
        self._deck = []
        self._kind = self._target = self._end_s = None
        self._hit = ()
        self._steps = []
        self._next_s = random.uniform(60, 120)

    @property
    def suspended(self):
        return self.site.suspended

    @property
    def in_force(self):
        return self.site.in_force

    @property
    def last(self):
        return self.site.last

    def act(self, now_s, dt_s):
        """What is due now."""
        if (self._end_s is not None and now_s >= self._end_s
                and self._target.person.script is None):
            self._finish(now_s)
        while self._steps and self._steps[0][0] <= now_s:
            getattr(self._target.person, self._steps.pop(0)[1])()
        if self._end_s is None and now_s >= self._next_s and self._names:
            self._begin(now_s)
        self.site.pass_by(now_s, dt_s)
        for section in self._world.sections:
            section.faults.pass_by(now_s, dt_s)

    def shake(self, now_s):
        """The controller restarts: every pack feels it, whomever the fault was aimed at."""
        kind = KINDS["reset under load"]
        self.site.suspended |= kind.suspends | _NONE.union(("CAP", "FIGHT"))
        for state in [self.site] + [section.faults for section in self._world.sections]:
            state.suspended |= kind.suspends
            state.calm_s = 0.0
            state.graced_s = max(state.graced_s, now_s + 2 * _GRACE_S)
            state.settles_s = max(state.settles_s, now_s + kind.settle_s)

    def _begin(self, now_s):
        world, random = self._world, self._random
        if not self._deck:
            self._deck = random.sample(self._names, len(self._names))
        name = self._deck.pop()
        kind = self._kind = self._kinds[name]
        section = random.choice(world.sections)
        self._target = world if name in WHOLE else section
        self.injected[name] = self.injected.get(name, 0) + 1
        self._end_s = now_s + random.uniform(*kind.span_s or (1, 1))
        self._steps = [(now_s + after_s, what) for after_s, what in kind.steps]
        kind.begin(self._target, random)
        self._hit = self._feel(name)
        for state in self._hit:
            state.hit(name, kind.suspends)
        self.site.hit(name, kind.suspends | frozenset(SITE_TRUTHS.get(name, "").split()))

    def _feel(self, name):
        """States of the packs that this fault hits: of a link all that hang on it."""
        world, section = self._world, self._target
        if section is world or name in _PRESSES:
            return [each.faults for each in world.sections]
        if name.endswith(" readings") or name == "foreign master":
            link = section.victim if name.endswith(" readings") else "modules"
            wire = section.wires.get(link)
            return [each.faults for each in world.sections if each.wires.get(link) is wire]
        return [section.faults]

    def _finish(self, now_s):
        kind = self._kind
        if kind.end is not None:
            kind.end(self._target)
        self._end_s = None
        for state in self._hit:
            state.heal(now_s, kind.settle_s)
        self.site.heal(now_s, kind.settle_s)
        self._next_s = now_s + self._random.uniform(*PAUSE_S)
