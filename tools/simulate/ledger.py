"""True energy beside what the controller's counters say."""

_NEW_S = 1.0                # a reading that is older has been missed by one at least
_BELIEVED_S = 2.0           # a reading of power is unknown when it is older


class Ledger:
    """error_wh: what the counters are wrong by so far, both directions added, beyond the one Wh
    that whole numbers leave open each time the controller starts.

    Compared from each start of the controller to its end, as long as the inverter answers: a
    reading that nobody has is booked nowhere. While its reading lies, what was told counts; while
    readings are missing, what was told last.
    """

    def __init__(self, world):
        self.error_wh = 0.0
        self.boots = 0
        self.true_wh = [0.0, 0.0]       # charged, discharged
        self.counted_wh = [0, 0]
        self._world = world
        self._base = None
        self._waiting_wh = self._newest_wh = self._waiting_s = 0.0

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
        self._waiting_wh = self._newest_wh = self._waiting_s = 0.0
        self.error_wh = sum(max(0.0, abs(self.counted_wh[i] - self.true_wh[i]) - self.boots)
                            for i in range(2))

    def flow(self, dt_s):
        """A tick of true power; the controller reads it at the tick's end and books it later."""
        self._waiting_wh += self._newest_wh
        power_w = self._world.pcs.ac_w * self._world.inverter.lie_pm / 1000
        self._newest_wh = power_w * dt_s / 3600
        self._waiting_s += dt_s

    def count(self):
        """The controller comes to its tick: it books what flowed since the last one."""
        world, wire = self._world, self._world.wire("inverter")
        age_s = world.now_s - wire.power_s
        wh = self._waiting_wh if age_s <= _NEW_S else wire.power_w * self._waiting_s / 3600
        self._waiting_wh = self._waiting_s = 0.0
        if self._base is not None and age_s <= _BELIEVED_S:
            self.true_wh[0 if wh < 0 else 1] += abs(wh)

    def judge(self):
        """At most 0.1 % of the throughput and 1 Wh."""
        most_wh = sum(self.true_wh) / 1000 + 1
        if self.error_wh > most_wh:
            self._world.oracle.violate("ENERGY", "%.1f Wh, at most %.1f: counted %s, true %s" % (
                self.error_wh, most_wh, self.counted_wh, [round(wh, 1) for wh in self.true_wh]))
