"""What surrounds the battery, in integers: house, sun, grid meter; and exact energy books."""

_W_MS_PER_WH = 3_600_000


class Books:
    """Energy of one signed power, exact: wh[0] of the positive side, wh[1] of the negative."""

    def __init__(self):
        self.wh = [0, 0]
        self._rest = [0, 0]

    def add(self, power_w, dt_ms):
        side = 1 if power_w < 0 else 0
        rest = self._rest[side] + abs(power_w) * dt_ms
        self.wh[side] += rest // _W_MS_PER_WH
        self._rest[side] = rest % _W_MS_PER_WH


class House:
    """Load that steps now and then, with a little noise."""

    _APPLIANCES_W = (0, 0, 95, 450, 900, 1800, 2200, 2600, 4100)

    def __init__(self, rng):
        self.load_w = 400
        self._rng = rng
        self._base_w = 400
        self._left_ms = 0

    def step(self, dt_ms):
        self._left_ms -= dt_ms
        if self._left_ms <= 0:
            rng = self._rng
            self._left_ms = 1000 * rng.between(4, 90)
            a, b = rng.below(9), rng.below(9)
            self._base_w = 300 + self._APPLIANCES_W[a] + self._APPLIANCES_W[b]
        self.load_w = self._base_w + self._rng.below(30)


class Sun:
    """PV power: one drawn value a minute, straight lines between them."""

    def __init__(self, rng, peak_w=9000):
        self._minute_w = [peak_w * rng.between(15, 100) // 100 for _ in range(61)]
        self._ms = 0
        self.pv_w = 0

    def step(self, dt_ms):
        self._ms = (self._ms + dt_ms) % 3_600_000
        minute, ms = self._ms // 60_000, self._ms % 60_000
        low = self._minute_w[minute]
        self.pv_w = low + (self._minute_w[minute + 1] - low) * ms // 60_000


class Meter:
    """Samples once a second, tells 300 ms later. shown_w: what a reader gets now."""

    def __init__(self):
        self.shown_w = 0
        self.shown_wh = (0, 0)
        self.books = Books()
        self._next_ms = 100
        self._latent_ms = -1
        self._sample_w = 0

    def step(self, dt_ms, grid_w):
        self.books.add(grid_w, dt_ms)
        self._next_ms -= dt_ms
        if self._latent_ms >= 0:
            self._latent_ms -= dt_ms
            if self._latent_ms < 0:
                self.shown_w = self._sample_w
                self.shown_wh = (self.books.wh[0], self.books.wh[1])
        if self._next_ms <= 0:
            self._next_ms += 1000
            self._sample_w = grid_w
            self._latent_ms = 200
