"""Who commands the site: an energy manager over Modbus, and a person who comes by.

They know what the controller's registers tell, and what they asked for.
"""

STANDBY, EMERGENCY = 0, 4
_LOOK_S = 10.0
_RENEW_S = 20.0
_LIFE_S = 60
_PATIENCE_S = 130           # in STANDBY, so that an automatic restart comes first
_COMES_S = 60               # after an emergency


class EnergyManager:
    """Wishes of the remote setpoint. wish_w: what it asks now, None while it asks nothing.

    asked_s: when it last asked; shares: (charge, rest, release), the rest discharges.
    """

    def __init__(self, world, random, shares):
        self.wish_w = None
        self.asked_s = -1000.0
        self.since_s = 0.0          # of the present wish
        self._world = world
        self._random = random
        self._charge, self._rest, self._release = shares
        self._until_s = 30.0
        self._renew_s = 0.0

    def act(self, now_s):
        if self._world.person.script is not None and self._world.person.alone:
            self._pause(now_s)
            return
        if now_s >= self._until_s:
            self._decide(now_s)
        if self.wish_w is not None and now_s >= self._renew_s:
            self._renew_s = now_s + _RENEW_S
            if self._world.controller.ask(self.wish_w, _LIFE_S) == 0:
                self.asked_s = now_s

    def _pause(self, now_s):
        """Somebody else is at work."""
        if self.wish_w is not None:
            self._world.controller.release()
        self.wish_w = None
        self.asked_s, self._until_s = -1000.0, now_s + 30

    def _decide(self, now_s):
        random = self._random
        self._until_s = now_s + random.uniform(60, 500)
        self.since_s = now_s
        draw, data = random.random(), self._world.data
        rated_w = data["charge_w_max" if draw < self._charge else "discharge_w_max"]
        power_w = int(rated_w * random.choice((0.02, 0.2, 0.5, 1.0, 1.0)) * random.uniform(0.9, 1))
        if draw < self._charge:
            self.wish_w = -power_w
        elif draw < self._charge + self._rest:
            self.wish_w = 0
        elif draw < self._charge + self._rest + self._release:
            self.wish_w = None
            if random.random() < 0.5:       # else it just falls silent
                self._world.controller.release()
                self.asked_s = -1000.0
        else:
            self.wish_w = power_w
        self._renew_s = now_s

    def alive(self, now_s):
        """True while what it asked last has not expired."""
        return now_s - self.asked_s < _LIFE_S


class Person:
    """Starts, stops, resets. wants: the site shall run. must_rest: an emergency was pressed and
    nobody has reset it yet. starts: how often a start was asked for, until somebody clears it.
    script: what is done on purpose (errands.py), None for nothing; alone: the energy manager
    rests meanwhile. plan: [(begin, end, sign)] of schedule entries, the lowest first; in_service:
    MAINTENANCE; tests: the call that is held; renewed_s: when a test was renewed last.
    """

    def __init__(self, world):
        self.wants = True
        self.must_rest = False
        self.starts = 0
        self.script = None
        self.alone = False
        self.plan = []
        self.in_service = False
        self.renewed_s = -1000.0
        self.tests = ""
        self._world = world
        self._script_s = 0.0
        self._look_s = 2.0
        self._bad_s = 0.0
        self._idle_s = _PATIENCE_S
        self._restart_s = None

    def begin(self, script, alone):
        """Do this, and nothing else until it is done."""
        self.script, self.alone = script, alone
        self._script_s = 0.0

    def planned(self, now_s):
        """Sign of the power of the schedule entry that is alive, None without one."""
        for begin_s, end_s, sign in self.plan:
            if begin_s <= now_s < end_s:
                return sign
        return None

    def act(self, now_s):
        if self.script is not None:
            while self.script is not None and now_s >= self._script_s:
                pause_s = next(self.script, None)
                if pause_s is None:
                    self.script = None
                else:
                    self._script_s = now_s + pause_s
            if self.alone:
                return
        if now_s < self._look_s:
            return
        self._look_s = now_s + _LOOK_S
        controller = self._world.controller
        mode = controller.mode()
        self._bad_s = self._bad_s + _LOOK_S if mode == EMERGENCY else 0.0
        self._idle_s = self._idle_s + _LOOK_S if mode == STANDBY else 0.0
        if self._restart_s is not None and now_s >= self._restart_s:
            self._restart_s = None
            self.start()
        if self._bad_s >= _COMES_S and self._world.site.emergency_ok:
            if controller.manager.reset_emergency() == 0:
                self.must_rest = False
                self._idle_s = _PATIENCE_S
        elif self.wants and self._idle_s > _PATIENCE_S:
            self.stop()             # a start that stands already is none
            self.start()

    def stop(self):
        self._idle_s = 0.0
        if self._world.controller.manager is not None:
            self._world.controller.start(0)

    def start(self):
        if self._world.controller.manager is not None:
            self.starts += 1
            self._world.controller.start()

    def restart(self):
        """Stop and start again, so that modules that were left out come back."""
        self.stop()
        self._restart_s = self._look_s + 30
