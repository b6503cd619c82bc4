"""What goes wrong, as a table: how long it lasts, and which truths do not hold meanwhile.

Every truth of oracle.py that a row does not name must hold while that fault is in force. Those
that it names hold again 20 s after its end. Truths of liveness wait until the site has settled.
"""

from tools.simulate import errands, odd_errands
from tools.simulate.plant import PRECHARGES


class Kind:
    """One kind of fault: seconds it lasts (None: as long as its script), seconds to settle, truths
    that it suspends.

    begin(world, random) and end(world); steps: ((seconds after the begin, what), ...).
    """

    def __init__(self, span_s, settle_s, suspends, begin, end=None, steps=()):
        self.span_s = span_s
        self.settle_s = settle_s
        self.suspends = frozenset(suspends.split())
        self.begin = begin
        self.end = end
        self.steps = steps


def _set(**values):
    """A begin or end that sets attributes: `meter_wire__dead=True` is world.meter_wire.dead."""
    def act(world, random=None):
        for key, value in values.items():
            where, name = key.split("__")
            setattr(getattr(world, where), name, value)
    return act


def _any_wire(name, low, high):
    def begin(world, random):
        world.victim = random.choice(sorted(world.wires))
        setattr(world.wire(world.victim), name, random.randint(low, high))
    return begin


def _heal_wire(world):
    wire = world.wire(world.victim)
    wire.lost_pm = wire.late_pm = wire.spoilt_pm = 0
    wire.dead = False


def _any_module(act):
    def begin(world, random):
        world.victim = random.randrange(len(world.modules))
        act(world.modules[world.victim])
    return begin


def _heal_module(world):
    module = world.modules[world.victim]
    module.silent = module.frozen = False
    module.lie = None


def _lie_soc(module):
    """Its SoC stands at 50 %, so that only the voltages protect it."""
    module.lie = lambda told: (500,) + told[1:]


def _jump_soc(module):
    """Its SoC jumps up and down; inside what the limits permit, and above and below."""
    state = [0]

    def lie(told):
        state[0] += 1
        return (700 if state[0] // 20 % 2 else told[0],) + told[1:]
    module.lie = lie


def _halt(world, random=None):
    world.reboot(2 + 3 * (random or world.random).random())


def _cut_store(world, random):
    """The emergency is pressed, and the supply fails while the latch is being written."""
    disk = world.controller.disk
    disk.keeps_parts = random.random() < 0.5
    disk.cut_in = random.randrange(40)
    world.site.emergency_ok = False


def _unpress(world):
    world.site.emergency_ok = True
    world.controller.disk.cut_in = None


def _unpress_reset(world):
    """The supply fails before anybody has reset the emergency."""
    _unpress(world)
    _halt(world)


def _unprotect(world):
    for module in world.modules:
        module.protections = 0


def _overload(world, random):
    """The grid is gone, and what is left on the inverter is more than it can give."""
    world.pcs.grid = False
    world.site.house.extra_w = world.rated_w * random.uniform(0.9, 1.4)


def _unload(world):
    world.pcs.grid = True
    world.site.house.extra_w = 0.0


def _derate(world, random):
    module = random.choice(world.modules)
    module.charge_ma = module.discharge_ma = random.randrange(0, 120_000, 100)


def _rerate(world):
    for module in world.modules:
        module.charge_ma = module.discharge_ma = 157_000


def _stubborn(world, random):
    pcs = world.site.pcs
    pcs.stubborn = pcs.ac_w


def _errand(script, alone=True):
    """Lasts as long as the script does."""
    def begin(world, random):
        world.person.begin(script(world, random), alone)
    return begin


def _weld(world, random):
    gear = world.site.gear
    gear.welded = gear.closed & random.choice((0o11111, 0o44444))


_GRACE_S = 20.0
_ERRAND_S = (1, 1)          # at least; it lasts as long as its script
_LINK = "RAMP"
BLACK = "black start"
_BLIND = "RAMP OPENING"

KINDS = {
    "lost readings": Kind((30, 120), 150, _BLIND, _any_wire("lost_pm", 100, 700), _heal_wire),
    "late readings": Kind((30, 120), 150, _BLIND, _any_wire("late_pm", 100, 600), _heal_wire),
    "corrupt readings": Kind((30, 120), 150, _BLIND, _any_wire("spoilt_pm", 50, 500), _heal_wire),
    "lying soc": Kind((60, 200), 60, "SOC", _any_module(_lie_soc), _heal_module),
    "jumping soc": Kind((60, 150), 60, "SOC", _any_module(_jump_soc), _heal_module),
    "lying power": Kind((30, 90), 150, "RAMP OPENING",
                        lambda world, random: setattr(
                            world.inverter, "lie_pm", random.choice((0, 800, 1150))),
                        _set(inverter__lie_pm=1000)),
    "lying meter": Kind((30, 90), 60, "METER", _set(meter_peer__sign=-1),
                        _set(meter_peer__sign=1)),
    "frozen meter": Kind((70, 150), 120, "", _set(meter_peer__frozen=True),
                         _set(meter_peer__frozen=False)),
    "dead module": Kind((20, 110), 120, "OPENING",
                        _any_module(lambda module: setattr(module, "silent", True)),
                        _heal_module, ((150, "restart"),)),
    "frozen module": Kind((20, 80), 120, "OPENING",
                          _any_module(lambda module: setattr(module, "frozen", True)),
                          _heal_module, ((110, "restart"),)),
    "all modules dead": Kind((4, 90), 200, _BLIND, _set(modules_wire__dead=True),
                             _set(modules_wire__dead=False)),
    "dead inverter": Kind((3, 60), 200, _BLIND, _set(inverter_wire__dead=True),
                          _set(inverter_wire__dead=False)),
    "refusing inverter": Kind((3, 40), 200, _BLIND, _set(inverter__refusing=True),
                              _set(inverter__refusing=False)),
    "disobedient inverter": Kind((50, 70), 200, _BLIND + " ASKED RATING BMS SOC COLD HOT "
                                 "CELL_LOW CELL_HIGH PRESSED SILENT METER PCS_DEAD PROTECTION",
                                 _stubborn, _set(pcs__stubborn=None), ((15, "stop"),)),
    "dead meter": Kind((20, 100), 120, "", _set(meter_wire__dead=True),
                       _set(meter_wire__dead=False)),
    "falling limit": Kind((20, 60), 60, "", _derate, _rerate),
    "protecting module": Kind((20, 60), 60, "",
                              lambda world, random: setattr(
                                  random.choice(world.modules), "protections", 1), _unprotect),
    "press and reset": Kind((5, 6), 300, _BLIND, _set(site__emergency_ok=False), _unpress_reset),
    "emergency press": Kind((5, 30), 240, _LINK, _set(site__emergency_ok=False), _unpress),
    "grid loss": Kind((5, 60), 240, _BLIND + " SOC", _set(pcs__grid=False), _set(pcs__grid=True)),
    "island overload": Kind((40, 150), 240, _BLIND + " BMS SHARE SOC", _overload, _unload),
    "welded contactor": Kind((70, 70), 200, _LINK,
                             _weld,
                             _set(gear__welded=0), ((10, "stop"), (40, "start"))),
    "failed precharge": Kind((100, 230), 200, _LINK,
                             lambda world, random: setattr(world.site.gear, "stuck", PRECHARGES),
                             _set(gear__stuck=0), ((1, "stop"), (25, "start"))),
    "reset under load": Kind((1, 1), 240, _BLIND, _halt),
    "reboot": Kind((30, 30), 240, _LINK, lambda world, random: world.person.stop(),
                   lambda world: _halt(world)),
    "late tick": Kind((2, 4), 20, "RAMP", lambda world, random: world.stall(1.2, 4.0)),
    "clock jump": Kind((5, 120), 20, "", lambda world, random: world.jump(random),
                       lambda world: world.jump_back()),
    "foreign master": Kind((30, 120), 150, _BLIND, _set(modules_wire__foreign_pm=300),
                           _set(modules_wire__foreign_pm=0)),
    "stranger": Kind(None, 240, _BLIND, _errand(errands.stranger, False)),
    "maintenance": Kind(None, 120, _LINK, _errand(errands.maintenance)),
    "service key": Kind(None, 240, _BLIND, _errand(errands.service)),
    "schedule": Kind(None, 60, "OPENING", _errand(errands.schedule)),
    "missed entry": Kind(None, 60, _BLIND, _errand(odd_errands.missed_entry)),
    "deep cells": Kind(None, 240, _BLIND, _errand(odd_errands.deep_cells)),
    BLACK: Kind(None, 240, _BLIND, _errand(errands.black_start)),
    "cut store": Kind((20, 30), 240, _BLIND, _cut_store, _unpress),
}
SERIES = "silent module in a series string"
PAUSE_S = (120, 330)        # between the end of one fault and the begin of the next


class Faults:
    """The course of faults of one run. injected: {kind: count}; in_force: kind or None."""

    def __init__(self, world, random, kinds=None):
        self.injected = {}
        self.in_force = self.last = None
        self.calm_s = 0.0           # since the last one has settled
        self.suspended = frozenset()
        self._world = world
        self._random = random
        self._kinds = sorted(KINDS if kinds is None else kinds)
        self._deck = []
        self._name = None
        self._steps = []
        self._settles_s = self._graced_s = 0.0
        self._next_s = random.uniform(60, 120)
        self._end_s = None

    def act(self, now_s, dt_s):
        """What is due now."""
        if (self._end_s is not None and now_s >= self._end_s
                and self._world.person.script is None):
            self._finish(now_s)
        while self._steps and self._steps[0][0] <= now_s:
            getattr(self._world.person, self._steps.pop(0)[1])()
        if self.in_force is None and now_s >= self._next_s and self._kinds:
            self._begin(now_s)
        if self._end_s is None:
            if self.suspended and now_s >= self._graced_s:
                self.suspended = frozenset()
            if now_s >= self._settles_s:
                self.calm_s += dt_s

    def switched_off(self, now_s):
        """By a person, under load: a reset that is none of the faults."""
        self.calm_s = 0.0
        self.suspended = KINDS["reset under load"].suspends
        self._graced_s, self._settles_s = now_s + _GRACE_S, now_s + 240

    def _begin(self, now_s):
        random = self._random
        if not self._deck:
            self._deck = random.sample(self._kinds, len(self._kinds))
        name = self._deck.pop()
        kind = KINDS[name]
        self._name = name
        if name == BLACK and not self._world.may_black_start:
            name = self._name = "grid loss"
            kind = KINDS[name]
        if name == "dead module" and self._world.data["modules_s"] > 1:
            name = SERIES
        elif name == "island overload" and not self._world.pcs.forms:
            name = "grid loss"
        self.injected[name] = self.injected.get(name, 0) + 1
        self.in_force = self.last = name
        self.calm_s = 0.0
        self.suspended = kind.suspends
        self._end_s = now_s + random.uniform(*kind.span_s or _ERRAND_S)
        self._steps = [(now_s + after_s, what) for after_s, what in kind.steps]
        kind.begin(self._world, random)

    def _finish(self, now_s):
        kind = KINDS[self._name]
        if kind.end is not None:
            kind.end(self._world)
        self.in_force = None
        self._end_s = None
        self._settles_s, self._graced_s = now_s + kind.settle_s, now_s + _GRACE_S
        self._next_s = now_s + self._random.uniform(*PAUSE_S)
