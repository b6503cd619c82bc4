"""The physics of a site of several packs: contactors, inverter and bank each, one house and meter.

`PacksSite` looks like the `Site` of one pack where faults, wires and world reach for what all
packs share: the emergency loop, the grid, the house, the coils of all sets side by side.
"""

from tools.simulate.battery import Bank, Module
from tools.simulate.peers import MeterPeer, ModulePeer, PcsPeer
from tools.simulate.plant import DcSide, Pcs
from tools.simulate.world import SITES

_CALM_SITE = 6              # "mild"


class PackSite(DcSide):
    """What one pack has of its own; `whole` is the site around it."""

    def __init__(self, whole, bank, pcs, dt_s, own_sets):
        DcSide.__init__(self, bank, pcs, dt_s, own_sets)
        self.whole = whole

    @property
    def emergency_ok(self):
        """The loop of the whole site."""
        return self.whole.emergency_ok

    @emergency_ok.setter
    def emergency_ok(self, healthy):
        self.whole.emergency_ok = healthy


class _Grid:
    """The inverters together. grid: all of them have one; forms: none supplies an island."""

    forms = False

    def __init__(self, packs):
        self._packs = packs
        self._grid = True

    @property
    def grid(self):
        return self._grid

    @grid.setter
    def grid(self, there):
        self._grid = there
        for each in self._packs:
            each.pcs.grid = there


class _Sets:
    """The contactor sets of all packs: bits 3 s .. 3 s + 2 of set s, pack after pack."""

    def __init__(self, packs):
        self._packs = packs
        self.width = 3 * packs[0].gear.sets if packs else 3
        self.sets = len(packs) * self.width // 3

    def proofs(self):
        """Mirror contacts of all sets: 1 proves open."""
        closed = 0
        for i, each in enumerate(self._packs):
            closed |= each.gear.closed << self.width * i
        return ~closed & (1 << 3 * self.sets) - 1


class PacksSite:
    """packs: PackSite each, set by `join`. battery_w: what all inverters give together."""

    def __init__(self, house):
        self.packs = ()
        self.emergency_ok = True
        self.shed = 0
        self.house = house
        self.pcs = self.gear = None
        self.grid_w = self.battery_w = self.needs_w = 0.0
        self.throughput_wh = 0.0

    def join(self, packs):
        """These are the packs."""
        self.packs = packs
        self.pcs, self.gear = _Grid(packs), _Sets(packs)

    @property
    def coils(self):
        """Coils of all sets, as the board's outputs have them."""
        coils = 0
        for i, each in enumerate(self.packs):
            coils |= each.coils << self.gear.width * i
        return coils

    @coils.setter
    def coils(self, coils):
        width = self.gear.width
        for i, each in enumerate(self.packs):
            each.coils = coils >> width * i & (1 << width) - 1

    def step(self, dt_s):
        battery_w = 0.0
        for each in self.packs:
            each.step(dt_s)
            battery_w += each.pcs.ac_w
            self.throughput_wh += abs(each.pcs.ac_w) * dt_s / 3600
        house = self.house
        house.step(dt_s)
        self.battery_w = battery_w
        self.needs_w = house.load_w - house.pv_w
        self.grid_w = self.needs_w - battery_w if self.pcs.grid else 0.0

    def inputs(self):
        """The board's inputs: feedbacks come set by set, see `_Sets.proofs`."""
        return 1 if self.emergency_ok else 0


class PackPcsPeer(PcsPeer):
    """Knows which powers the controller wrote. lowest_w, highest_w: since they were taken."""

    def __init__(self, site):
        super().__init__(site)
        self.lowest_w = self.highest_w = 0.0
        self._is_strange = False

    def write(self, first, data):
        code = super().write(first, data)
        if code == 0 and not self._is_strange and self._writes_power(first, len(data)):
            set_w = self._pcs.wanted_w()
            self.lowest_w = min(self.lowest_w, set_w)
            self.highest_w = max(self.highest_w, set_w)
        return code

    def _writes_power(self, first, size):
        return first <= self._rate < first + size

    def seal(self):
        super().seal()
        self._rate = self.at(124, "OutWRte")

    def write_strange(self, model, name, values):
        self._is_strange = True
        super().write_strange(model, name, values)
        self._is_strange = False

    def take(self):
        """(lowest, highest) power that was written since the last call."""
        taken = self.lowest_w, self.highest_w
        self.lowest_w = self.highest_w = 0.0
        return taken


def make_pack(whole, shape, dice, dt_s, pack):
    """(PackSite, module peers) of one pack of a drawn site; the first is what the site is."""
    row = SITES[_CALM_SITE] if pack and dice.random() < 0.5 else next(
        row for row in SITES if row[0] == shape["name"])
    soc_pm, temp_c = dice.randint(*row[1]), dice.uniform(*row[2])
    modules = [Module(dice, soc_pm, temp_c, dice.randint(*row[3]))
               for _ in range(shape["modules"])]
    if row[0] == "hot":                 # the fan does not run
        for module in modules:
            module.mohm_hot = 40.0
    pcs = Pcs(shape["w_rated"], 40 * shape["modules_s"])
    site = PackSite(whole, Bank(modules, shape["modules_s"]), pcs, dt_s, shape["own_sets"])
    first = pack * shape["modules"] if shape["one_bus"] else 0
    return site, [ModulePeer(module, first + i + 1) for i, module in enumerate(modules)]


def make_meter(site, rated_w):
    """The meter of the whole site."""
    return MeterPeer(site, 1 if rated_w > 30_000 else 0)
