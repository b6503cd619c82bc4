"""What stands around the battery: contactors, inverter, house, and the site of all of them.

`Site.step(dt_s)` moves everything by one tick; in between nothing changes, so the wires may read
at any moment. Coils and feedbacks have the bits of the firmware's outputs and inputs.
"""

OFF, STARTING, RUNNING, FAULT, STANDBY = 1, 3, 4, 7, 8      # SunSpec model 103, St
RATE_FULL = 10_000                                          # 100 % with a scale factor of -2
K_MINUS, PRECHARGE, K_PLUS = 1, 2, 4
PRECHARGES, K_PLUSES = 0o22222, 0o44444     # of all sets
_MAIN = K_MINUS | K_PLUS
_JOINS = 0.015              # the firmware lets 1 % pass, and the readings are a few seconds old

_START_S = 2.0
_FAULT_S = 1.0              # a stop as long as this clears a fault
_DEAD_S = 0.3               # from a write to its effect
_GRID_WAIT_S = 20.0         # after the grid is back
_OVERLOAD_S = 60.0          # an island of too many loads ends
_SHED_W = (2000.0, 4000.0)  # loads behind the two outputs
_LINK_OHM = 40.0
_LINK_KEEPS = 0.81873       # of a difference after 100 ms of a time constant of 0.5 s


class Pcs:
    """The battery inverter; ac_w > 0 discharges, dc_w is what the battery gives for it.

    mode bit 0 puts the edge -in_rate in force, bit 1 the edge +out_rate, in 0.01 % of the rating.
    stubborn: None, or a power that it holds whatever it is told. grid: it has a grid to feed.
    forms: without one it supplies the site, as long as that needs no more than its rating;
    needs_w: what the site needs then; islanded: it does so now.
    """

    def __init__(self, rated_w, volts_min):
        self.rated_w = rated_w
        self.mode = self.run_asked = 0
        self.in_rate = self.out_rate = RATE_FULL
        self.run_left_s = self.storage_left_s = 0.0
        self.stubborn = None
        self.grid = True
        self.forms = self.islanded = False
        self.needs_w = self.over_s = 0.0
        self.state = OFF
        self.ac_w = self.dc_w = 0.0
        self._mv_min = 1000 * volts_min
        self._state_s = 0.0
        self._back_s = 0.0
        self._asked = self._obeyed = (0, 0)
        self._asked_s = 0.0

    def wanted_w(self):
        """Power that the registers ask for."""
        low = -self.in_rate if self.mode & 1 else -RATE_FULL
        high = self.out_rate if self.mode & 2 else RATE_FULL
        return 0 if low > high else self.rated_w * min(max(0, low), high) / RATE_FULL

    def step(self, dt_s, link_mv, connected):
        self._expire(dt_s)
        asked = (self.run_asked, self.wanted_w())
        if asked != self._asked:
            self._asked, self._asked_s = asked, 0.0
        self._asked_s += dt_s
        if self._asked_s >= _DEAD_S:
            self._obeyed = asked
        run, target_w = self._obeyed
        if self.stubborn is not None:
            run, target_w = 1, self.stubborn
        self._move(dt_s, run, connected and link_mv >= self._mv_min)
        if self.state != RUNNING:
            self.ac_w = self.dc_w = self.over_s = 0.0
            self.islanded = False
            return
        self.islanded = not self.grid
        if self.islanded:
            target_w = max(-self.rated_w, min(self.needs_w, self.rated_w))
        most_w = self.rated_w * dt_s * (2 if self.islanded else 0.5)
        self.ac_w += min(max(target_w - self.ac_w, -most_w), most_w)
        part = abs(self.ac_w) / self.rated_w
        self.dc_w = self.ac_w + self.rated_w * (0.003 + 0.01 * part + 0.015 * part * part)

    def _expire(self, dt_s):
        if self.storage_left_s > 0:
            self.storage_left_s -= dt_s
            if self.storage_left_s <= 0:
                self.mode, self.in_rate, self.out_rate = 3, 0, 0
        if self.run_left_s > 0:
            self.run_left_s -= dt_s
            if self.run_left_s <= 0:
                self.run_asked = 0

    def _move(self, dt_s, run, dc_ok):
        self._state_s += dt_s
        state = self.state
        self._back_s = self._back_s + dt_s if self.grid else 0.0
        over = self.islanded and self.needs_w > self.rated_w
        self.over_s = self.over_s + dt_s if over else 0.0
        if not self.grid and not self.forms or self.over_s > _OVERLOAD_S:
            self._enter(FAULT)
        elif state == FAULT:
            may = self.forms or self._back_s >= _GRID_WAIT_S
            if may and not run and self._state_s >= _FAULT_S:
                self._enter(OFF)
        elif state in (STARTING, RUNNING) and not dc_ok:
            self._enter(FAULT if abs(self.ac_w) > 200 else STANDBY)
        elif not run:
            self._enter(OFF)
        elif not dc_ok:
            self._enter(STANDBY)
        elif state in (OFF, STANDBY):
            self._enter(STARTING)
        elif state == STARTING and self._state_s >= _START_S:
            self._enter(RUNNING)

    def _enter(self, state):
        if state != self.state:
            self.state = state
            self._state_s = 0.0


class Switchgear:
    """Contactors and the inverter's DC link behind them.

    welded: bits that stay closed; stuck: bits that stay open. closed: bits that are closed.
    hard_closings: times K+ closed onto an empty link; hard_joins: times a string closed onto a bus
    of another voltage. on: bits of the strings on the bus, -1 where all have this set.
    """

    on = -1
    sets = 1
    filling = 0

    def __init__(self, dt_s):
        self.closed = 0
        self.welded = self.stuck = 0
        self.link_mv = 0.0
        self.precharge_ma = 0.0
        self.hard_closings = self.hard_joins = 0
        self.connected = False
        self._keeps = round(_LINK_KEEPS ** round(10 * dt_s), 6)

    def step(self, coils, bank):
        bus_mv = bank.bus_mv
        self.closed = (coils | self.welded) & ~self.stuck & 7
        was_connected = self.connected
        self.connected = self.closed & (K_MINUS | K_PLUS) == K_MINUS | K_PLUS
        self.precharge_ma = 0.0
        if self.connected:
            if not was_connected and bus_mv - self.link_mv > bus_mv / 10:
                self.hard_closings += 1
            self.link_mv = bus_mv
        elif self.closed & (K_MINUS | PRECHARGE) == K_MINUS | PRECHARGE:
            self.precharge_ma = (bus_mv - self.link_mv) / _LINK_OHM
            self.link_mv += (bus_mv - self.link_mv) * (1 - self._keeps)
        else:
            self.link_mv -= self.link_mv * 0.03

    def inputs(self):
        """Mirror contacts as input bits 1..3: 1 proves open."""
        return (~self.closed & 7) << 1


class StringGear(Switchgear):
    """A set of contactors for each string: bits 3 s .. 3 s + 2 of string s. filling: string whose
    precharge resistor feeds the link.
    """

    def __init__(self, dt_s, sets):
        super().__init__(dt_s)
        self.sets = sets
        self.on = 0

    def step(self, coils, bank):
        self.closed = (coils | self.welded) & ~self.stuck & (1 << 3 * self.sets) - 1
        before, self.on = self.on, 0
        self.precharge_ma = 0.0
        fills = -1
        for s in range(self.sets):
            bits = self.closed >> 3 * s & 7
            if bits & _MAIN == _MAIN:
                self.on |= 1 << s
                if not before >> s & 1:
                    self._close(bank.emf_mv[s], bank.bus_mv if before else None)
            elif bits == K_MINUS | PRECHARGE:
                fills = s
        self.connected = self.on != 0
        if self.connected:
            self.link_mv = bank.bus_mv if before else bank.emf_mv[self._first()]
        elif fills >= 0:
            self.filling = fills
            lacks_mv = bank.emf_mv[fills] - self.link_mv
            self.precharge_ma = lacks_mv / _LINK_OHM
            self.link_mv += lacks_mv * (1 - self._keeps)
        else:
            self.link_mv -= self.link_mv * 0.03

    def _first(self):
        s = 0
        while not self.on >> s & 1:
            s += 1
        return s

    def _close(self, emf_mv, bus_mv):
        if bus_mv is None:
            if emf_mv - self.link_mv > emf_mv / 10:
                self.hard_closings += 1
        elif abs(emf_mv - bus_mv) > emf_mv * _JOINS:
            self.hard_joins += 1

    def inputs(self):
        """The board's own inputs have no mirror contacts here."""
        return 0

    def proofs(self):
        """Mirror contacts of all sets: 1 proves open."""
        return ~self.closed & (1 << 3 * self.sets) - 1


class House:
    """Load and sun: steps and slow changes drawn from the seed."""

    _APPLIANCES_W = (0, 0, 95, 450, 900, 1800, 2200, 2600, 4100)

    def __init__(self, random, sun_w):
        self.load_w = 400.0
        self.extra_w = 0.0
        self.pv_w = self._pv_aim_w = 0.0
        self._random = random
        self._sun_w = sun_w
        self._left_s = 0.0

    def step(self, dt_s):
        self._left_s -= dt_s
        if self._left_s <= 0:
            choose = self._random.choice
            self._left_s = self._random.uniform(4, 120)
            self.load_w = 300.0 + choose(self._APPLIANCES_W) + choose(self._APPLIANCES_W)
            self._pv_aim_w = self._sun_w * self._random.random()
        self.pv_w += (self._pv_aim_w - self.pv_w) * min(1.0, dt_s / 20)


class DcSide:
    """Contactors, bank and inverter of a pack; coils is what the firmware drives."""

    def __init__(self, bank, pcs, dt_s, own_sets=False):
        self.coils = 0
        self.bank = bank
        self.pcs = pcs
        self.gear = StringGear(dt_s, len(bank.strings)) if own_sets else Switchgear(dt_s)

    def step(self, dt_s):
        gear, bank, pcs = self.gear, self.bank, self.pcs
        gear.step(self.coils, bank)
        pcs.step(dt_s, gear.link_mv, gear.connected)
        if gear.on < 0:
            bank.step(dt_s, pcs.dc_w, gear.precharge_ma)
        else:
            bank.step_apart(dt_s, pcs.dc_w, gear)


class Site(DcSide):
    """Everything together, of a single pack; emergency_ok is the input's loop.

    shed: bits of the outputs that switch loads off.
    """

    def __init__(self, bank, pcs, house, dt_s, own_sets=False):
        DcSide.__init__(self, bank, pcs, dt_s, own_sets)
        self.shed = 0
        self.emergency_ok = True
        self.house = house
        self.grid_w = 0.0
        self.throughput_wh = 0.0

    def step(self, dt_s):
        DcSide.step(self, dt_s)
        pcs = self.pcs
        self.house.step(dt_s)
        house = self.house
        needs_w = house.load_w + house.extra_w - house.pv_w
        for i in range(2):
            if self.shed >> i & 1:
                needs_w -= min(_SHED_W[i], house.extra_w / 2)
        pcs.needs_w = needs_w
        self.grid_w = needs_w - pcs.ac_w if pcs.grid else 0.0
        self.throughput_wh += abs(pcs.ac_w) * dt_s / 3600

    def inputs(self):
        """Input bits as the board's pins would give them."""
        return self.gear.inputs() | self.emergency_ok
