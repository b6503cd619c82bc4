"""True energy beside what the controller's counters say."""

_BELIEVED_S = 2.0           # a reading of power is unknown when it is older


class Ledger:
    """error_wh: what the counters are wrong by so far, both directions added.

    Compared from each start of the controller to its end, as long as the inverter answers: a
    reading that nobody has is booked nowhere. While its reading lies, what was told counts.
    """

    def __init__(self, world):
        self.error_wh = 0.0
        self.boots = 0
        self.true_wh = [0.0, 0.0]       # charged, discharged
        self.counted_wh = [0, 0]
        self._world = world
        self._base = None
        self._late_s = self._waiting_wh = 0.0

    def open(self):
        """The controller has made its first tick: what it brought along."""
        if self._base is None:
            self._base = self._world.controller.energy_wh()
            self.boots += 1

    def close(self):
        """It ends: take what it counted."""
        if self._base is None or self._world.controller.manager is None:
            return
        now = self._world.controller.energy_wh()
        for i in range(2):
            self.counted_wh[i] += now[i] - self._base[i]
        self._base = None
        self._waiting_wh = 0.0
        self.error_wh = sum(abs(self.counted_wh[i] - self.true_wh[i]) for i in range(2))

    def step(self, dt_s):
        """Book a tick of true power; a reading is a tick old when it is counted."""
        world = self._world
        wh, self._waiting_wh = self._waiting_wh, 0.0
        if world.now_s - world.wire("inverter").power_s <= _BELIEVED_S:
            self.true_wh[0 if wh < 0 else 1] += abs(wh)
        if self._base is None:
            return
        if world.stalled_s > 0:
            self._late_s = min(1.0, self._late_s + dt_s)    # more is not booked for one tick
            return
        dt_s, self._late_s = max(dt_s, self._late_s), 0.0
        self._waiting_wh = world.pcs.ac_w * world.inverter.lie_pm / 1000 * dt_s / 3600

    def judge(self):
        """At most 0.1 % of the throughput, 1 Wh, and 2 Wh a start: counters show whole ones."""
        most_wh = sum(self.true_wh) / 1000 + 1 + 2 * self.boots
        if self.error_wh > most_wh:
            self._world.oracle.violate("ENERGY", "%.1f Wh, at most %.1f: counted %s, true %s" % (
                self.error_wh, most_wh, self.counted_wh, [round(wh, 1) for wh in self.true_wh]))
