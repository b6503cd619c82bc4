"""The grid meter on the wire: SunSpec 1 and 203, + = import, counters by direction."""

from .inverters import ILLEGAL_ADDRESS, grid_hz
from .sunspec import BASE, Chain

_PHASES = "ABC"


class MeterPeer:
    def __init__(self, plant):
        self.plant = plant
        self.address = BASE
        self.chain = chain = Chain(1, 203)
        chain.put(1, Mn="Simulated", Md="Grid meter", Vr="1.0", SN="SIM-METER-1", DA=1)
        chain.put(203, A_SF=-1, V_SF=-1, Hz_SF=-2, W_SF=0, TotWh_SF=0, Evt=0)

    @property
    def words(self):
        return self.chain.words

    def refresh(self):
        """Show the meter's last published sample; between samples nothing moves."""
        shown, chain = self.plant.meter.shown, self.chain
        volts, amps = [], []
        for phase, watts in zip(_PHASES, shown.phases_w, strict=True):
            volt = 231.0 - watts / 230.0 * 0.08
            volts.append(volt)
            amps.append(watts / volt)
            chain.put(203, **{f"Wph{phase}": watts, f"Aph{phase}": watts / volt,
                              f"PhVph{phase}": volt})  # fmt: skip
        chain.put(203, W=shown.grid_w, A=sum(amps), PhV=sum(volts) / 3, Hz=grid_hz(shown.time_s))
        chain.put(203, TotWhImp=shown.import_wh, TotWhExp=shown.export_wh)

    def write(self, address, values):
        return ILLEGAL_ADDRESS
