"""Frequency-watt: power that leans against a frequency which leaves its nominal value.

Shares of the rating are counted in 1/100 of a per mille (`_cpm`). The rows are the defaults of
IEEE 1547-2018, EN 50549-1, VDE-AR-N 4105:2018 and AS/NZS 4777.2:2020 (region A); the operator of a
network may want other values.
"""

from micropython import const

FULL_CPM = const(100_000)
_SHIFT_CPM_MAX = const(200_000)     # from full discharge to full charge

# columns of a frequency-watt row
EDGE_MHZ = const(0)         # deviation from nominal at which it begins
_DROOP_PM = const(1)        # change of frequency for the whole rating, of nominal; 0: to the end
_OVER_MHZ = const(2)        # from the edge to full charge
_UNDER_MHZ = const(3)       # from the edge to full discharge
_RESPONSE_MS = const(4)
_BACK_MHZ = const(5)        # it ends so far inside the edge ...
_CALM_MS = const(6)         # ... after so long
_RETURN_PM = const(7)       # rating per minute at which power returns; 0: by the response time
_RULE = const(8)
_OF_PRESENT = const(1)      # rule: above nominal the droop is of the power when it began
_KEEPS = const(2)           # rule: the strongest response stands until the end

# IEEE: 0.036 Hz, 5 %, 5 s. EN: 5 %, that is 40 % of the rating per Hz. VDE: 40 % of the present
# power per Hz above 50.2 Hz, back at 10 % a minute. AS: 50.25 to 52.00 and 49.75 to 49.00 Hz, then
# 60 s within 0.15 Hz and back at 16.7 % a minute.
PROFILES = (
    "ieee1547", (36, 50, 0, 0, 5000, 0, 0, 0, 0),
    "en50549", (200, 50, 0, 0, 2000, 0, 0, 0, 0),
    "vde4105", (200, 50, 0, 0, 2000, 0, 0, 100, _OF_PRESENT),
    "as4777", (250, 0, 1750, 750, 10_000, 100, 60_000, 167, _KEEPS),
)


def closer(now_cpm, aim_cpm, response_ms, dt_ms):
    """One step of a first-order response whose 90 % time is response_ms (2.303 time constants)."""
    gap_cpm = aim_cpm - now_cpm
    if gap_cpm == 0:
        return now_cpm
    taus = dt_ms * 2303 // 1000
    step_cpm = gap_cpm * min(4096 * taus // (2 * response_ms + taus), 2048) // 2048
    if step_cpm == 0 and gap_cpm > 0:
        step_cpm = 1
    return now_cpm + step_cpm


class Droop:
    """Frequency-watt. shift_cpm: share of the rating by which power shifts, + discharges.

    side: 1 while it answers a high frequency, -1 a low one, else 0.

    The shift is added to the wish as it stands, so a wish that changes meanwhile passes through;
    where a rule refers to the power before, that is the wish when the frequency left the edge.
    """

    def __init__(self, row, hz):
        self.shift_cpm = 0
        self._row = row
        self._hz = hz
        self.side = 0
        self._aim_cpm = 0           # magnitude
        self._pre_pm = 0            # wish when it began
        self._calm_ms = 0
        self._rest = 0

    def follow(self, wish_pm, grid_mhz, dt_ms):
        """Renew `shift_cpm`. grid_mhz None, or beyond 10 % of nominal: that is no live grid."""
        row = self._row
        off_mhz = 0 if grid_mhz is None else grid_mhz - self._hz * 1000
        if abs(off_mhz) > self._hz * 100:
            off_mhz = 0
        beyond_mhz = abs(off_mhz) - row[EDGE_MHZ]
        if beyond_mhz > 0:
            self._answer(1 if off_mhz > 0 else -1, beyond_mhz, wish_pm)
        elif self.side:
            self._calm(-beyond_mhz, dt_ms)
        elif self.shift_cpm == 0:
            return
        self._move(dt_ms)

    def _answer(self, side, beyond_mhz, wish_pm):
        rule = self._row[_RULE]
        if side != self.side:
            self.side = side
            self._pre_pm = wish_pm
            self._aim_cpm = 0
        self._calm_ms = 0
        aim_cpm = self._strength(beyond_mhz)
        if aim_cpm > self._aim_cpm or not rule & _KEEPS:
            self._aim_cpm = aim_cpm

    def _strength(self, beyond_mhz):
        """How far the power shifts this far beyond the edge."""
        row, over = self._row, self.side > 0
        if row[_DROOP_PM] == 0:
            span_mhz = row[_OVER_MHZ] if over else row[_UNDER_MHZ]
            room_pm = 1000 + (self._pre_pm if over else -self._pre_pm)
            return room_pm * 100 * min(beyond_mhz, span_mhz) // span_mhz
        cpm = min(beyond_mhz * FULL_CPM // (self._hz * row[_DROOP_PM]), _SHIFT_CPM_MAX)
        if over and row[_RULE] & _OF_PRESENT:
            cpm = cpm * abs(self._pre_pm) // 1000
        return cpm

    def _calm(self, inside_mhz, dt_ms):
        """Inside the edge: the end, when it has lasted; until then what was reached stands."""
        row = self._row
        if inside_mhz < row[_BACK_MHZ]:
            self._calm_ms = 0
            return
        self._calm_ms += dt_ms
        if self._calm_ms >= row[_CALM_MS]:
            self.end()

    def end(self):
        """Nothing to answer any more; the shift goes back to zero."""
        self.side = self._aim_cpm = self._calm_ms = 0

    def give_up(self, dt_ms):
        """Somebody else answers: back to zero in the response time."""
        self.end()
        self.shift_cpm = closer(self.shift_cpm, 0, self._row[_RESPONSE_MS], dt_ms)

    def _move(self, dt_ms):
        row, now_cpm = self._row, self.shift_cpm
        if self.side or not row[_RETURN_PM]:
            self._rest = 0
            aim_cpm = -self.side * self._aim_cpm
            self.shift_cpm = closer(now_cpm, aim_cpm, row[_RESPONSE_MS], dt_ms)
            return
        moved = row[_RETURN_PM] * dt_ms + self._rest        # 600 of them are 1 cpm
        step_cpm = moved // 600
        self._rest = moved - step_cpm * 600
        if now_cpm > 0:
            self.shift_cpm = max(now_cpm - step_cpm, 0)
        else:
            self.shift_cpm = min(now_cpm + step_cpm, 0)
