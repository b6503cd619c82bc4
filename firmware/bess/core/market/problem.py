"""What a plan is made for: tariff, forecast, battery, grid connection, rules.

Units: power W, time min, stored energy mWh, prices and costs per kWh in 1/1000 of the minor unit
(0.28 EUR/kWh = 28 000). Every series has one entry a slot and may be any sequence of integers.
Multiplying all powers and energies by one factor multiplies the cost by it and changes no plan, so
that a caller with finer or coarser figures than W may scale them.

Inside the planner stored energy is counted in *units*: the energy that 1 W at the AC terminals
stores in a minute. Charging is then exact in integers: `w * minutes` units; only discharging
divides by the efficiency of the round trip.
"""

from micropython import const

_PPM = const(1_000_000)
_UNIT = const(60_000)
SHIFT = const(20)                   # fraction bits of the factors below
HALF = const(1 << 19)


class Problem:
    """One battery, one house, one grid connection, n slots; made once for every plan."""

    def __init__(self, import_price, export_price, load_w, pv_w):
        self.n = len(import_price)
        self.minutes = 30               # of every slot but the first
        self.first_minutes = 30         # what is left of the slot now running
        self.import_price = import_price
        self.export_price = export_price
        self.load_w = load_w
        self.pv_w = pv_w
        self.soc_mwh = 0                # now; may lie below soc_mwh_min
        self.soc_mwh_min = 0
        self.soc_mwh_max = 0
        self.charge_w_max = 0           # at the AC terminals
        self.discharge_w_max = 0
        self.eta_charge_ppm = _PPM      # one way
        self.eta_discharge_ppm = _PPM
        self.wear = 0                   # price of a kWh stored or taken out
        self.import_w_max = 0           # beyond it import costs import_excess more, and no charge
        self.import_excess = 0
        self.export_w_max = None        # series; None: no limit
        self.grid_charge = True         # False: charge from surplus only
        self.battery_export = True      # False: discharge for the net load only
        self.reserve_mwh = None         # series of the energy wanted at the end of each slot
        self.end_value = 0              # price of a kWh stored at the end
        self.end_mwh_min = 0            # energy wanted at the end
        self.keep_mode = None           # mode in force in the running slot; None: nothing is
        self.keep_w = 0                 # its battery power, + discharges, where the mode is forced
        self.keep_gain = 0              # cost that a change of it has to save

    def prepare(self):
        """Derive the factors; to be called when the fields are set."""
        round_trip = self.eta_charge_ppm * self.eta_discharge_ppm
        square = _PPM * _PPM
        self.out_units = ((square << SHIFT) + round_trip // 2) // round_trip    # per W min
        self.out_price = ((round_trip << SHIFT) + square // 2) // square
        self.unit_wear = self.to_unit_price(self.wear)

    def to_units(self, mwh):
        """Stored energy in units."""
        return (mwh * _UNIT + self.eta_charge_ppm // 2) // self.eta_charge_ppm

    def to_unit_price(self, price):
        """Price of a kWh of stored energy as price of 60 000 units."""
        return (price * self.eta_charge_ppm + _PPM // 2) // _PPM

    def to_price(self, unit_price):
        """The way back."""
        return (unit_price * _PPM + self.eta_charge_ppm // 2) // self.eta_charge_ppm

    def slot_minutes(self, t):
        return self.minutes if t else self.first_minutes

    def wanted_mwh(self, t):
        """Energy wanted at the end of slot t, reachable or not."""
        wanted = self.soc_mwh_min
        if self.reserve_mwh is not None and self.reserve_mwh[t] > wanted:
            wanted = self.reserve_mwh[t]
        if t == self.n - 1 and self.end_mwh_min > wanted:
            wanted = self.end_mwh_min
        return wanted

    def export_limit(self, t):
        """W; without a limit what load, PV and battery can never exceed."""
        if self.export_w_max is None:
            return self.pv_w[t] + self.discharge_w_max
        return self.export_w_max[t]

    def charge_limit(self, t):
        """W at the AC terminals, not negative."""
        room = self.pv_w[t] - self.load_w[t]
        if self.grid_charge:
            room += self.import_w_max
        return max(0, min(self.charge_w_max, room))

    def discharge_limit(self, t):
        """W at the AC terminals, not negative."""
        limit = min(self.discharge_w_max, self.load_w[t] + self.export_limit(t))
        if not self.battery_export:
            limit = min(limit, self.load_w[t] - self.pv_w[t])
        return max(0, limit)
