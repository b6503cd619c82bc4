"""The two SunSpec inverters: battery (PCS) and PV. Registers from physics, writes into physics."""

import math

from ..physics.pcs import RUNNING
from .sunspec import BASE, Chain

ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
_RATE_MAX = 10_000  # 100 % with InOutWRte_SF = -2
_OFF, _EMPTY, _DISCHARGING, _CHARGING, _FULL, _HOLDING = 1, 2, 3, 4, 5, 6


class SunSpecPeer:
    """Shared part: `refresh` before a read, `write` all or nothing.

    A subclass fills WRITABLE: (model, point) -> (low, high) of the signed raw value.
    """

    WRITABLE = {}

    def __init__(self, chain, md, sn):
        self.chain = chain
        self.address = BASE
        chain.put(1, Mn="Simulated", Md=md, Vr="1.0", SN=sn, DA=1)
        self._writable = {chain.address(*key): key for key in self.WRITABLE}

    @property
    def words(self):
        return self.chain.words

    def write(self, address, values):
        """Take a write of raw words; 0 or the Modbus exception code, then nothing changed."""
        fields = []
        for i, word in enumerate(values):
            key = self._writable.get(address + i)
            if key is None:
                return ILLEGAL_ADDRESS
            low, high = self.WRITABLE[key]
            value = word - 0x10000 if low < 0 and word & 0x8000 else word
            if not low <= value <= high:
                return ILLEGAL_VALUE
            fields.append((key, value))
        for i, word in enumerate(values):
            self.chain.words[address - BASE + i] = word
        self.apply({name: value for (_, name), value in fields})
        return 0

    def apply(self, fields):
        """Hand the written raw values on to the physics."""
        raise NotImplementedError


def put_ac(chain, ac_w, hz=50.0, energy_wh=0.0):
    """AC side of model 103 for a power spread evenly over three phases."""
    phase_a = abs(ac_w) / 690.0
    chain.put(103, A=3 * phase_a, AphA=phase_a, AphB=phase_a, AphC=phase_a, W=ac_w, VA=abs(ac_w))
    chain.put(103, PhVphA=230, PhVphB=230, PhVphC=230, Hz=hz, WH=energy_wh)


def grid_hz(time_s):
    """A grid that breathes a little around 50 Hz."""
    return 50.0 + 0.02 * math.sin(time_s / 37.0) + 0.008 * math.sin(time_s / 5.3)


def set_limit_scales(chain):
    chain.put(103, A_SF=-1, V_SF=-1, W_SF=0, Hz_SF=-2, VA_SF=0, WH_SF=0)
    chain.put(103, DCA_SF=-1, DCV_SF=-1, DCW_SF=0, Tmp_SF=-1, Evt1=0, Evt2=0)
    chain.put(123, WMaxLimPct_SF=-2, OutPFSet_SF=-2, Conn_WinTms=0, Conn_RvrtTms=0)
    chain.put(123, WMaxLimPct=100, WMaxLimPct_WinTms=0, WMaxLimPct_RvrtTms=0, WMaxLim_Ena=0)
    chain.put(123, OutPFSet=1, OutPFSet_Ena=0, VArPct_Ena=0, WMaxLimPct_RmpTms=0)
    chain.put(122, PVConn=0, StorConn=0, ECPConn=1, StActCtl=0)


CONTROLS_123 = {
    (123, "Conn_WinTms"): (0, 0),  # a random delay would make runs differ
    (123, "Conn_RvrtTms"): (0, 28_800),
    (123, "Conn"): (0, 1),
    (123, "WMaxLimPct"): (0, 10_000),
    (123, "WMaxLimPct_WinTms"): (0, 0),
    (123, "WMaxLimPct_RvrtTms"): (0, 28_800),
    (123, "WMaxLimPct_RmpTms"): (0, 0),
    (123, "WMaxLim_Ena"): (0, 1),
}


class Controls123:
    """Model 123 of one device: run or stop, and the output limit, each with its timer."""

    def __init__(self, device):
        self.device = device

    def apply(self, fields):
        device, limit = self.device, self.device.output_limit
        if "Conn_RvrtTms" in fields:
            device.run_timer.span_s = fields["Conn_RvrtTms"]
        if "Conn" in fields:
            device.run_asked = bool(fields["Conn"])
        if "Conn" in fields or "Conn_RvrtTms" in fields:
            device.run_timer.restart()
        if "WMaxLimPct_RvrtTms" in fields:
            limit.timer.span_s = fields["WMaxLimPct_RvrtTms"]
        if "WMaxLimPct" in fields:
            limit.percent = fields["WMaxLimPct"] / 100.0
        if "WMaxLim_Ena" in fields:
            limit.enabled = bool(fields["WMaxLim_Ena"])
        if any(name.startswith("WMaxLim") for name in fields):
            limit.timer.restart()

    def show(self, chain):
        chain.put(123, Conn=int(self.device.run_asked))
        chain.put(123, WMaxLim_Ena=int(self.device.output_limit.enabled))
        chain.put(122, StActCtl=int(self.device.output_limit.enabled))


class PcsPeer(SunSpecPeer):
    """The battery inverter: models 1, 103, 120-124."""

    WRITABLE = CONTROLS_123 | {
        (124, "WChaGra"): (1, 1000),
        (124, "WDisChaGra"): (1, 1000),
        (124, "StorCtl_Mod"): (0, 3),
        (124, "OutWRte"): (-_RATE_MAX, _RATE_MAX),
        (124, "InWRte"): (-_RATE_MAX, _RATE_MAX),
        (124, "InOutWRte_WinTms"): (0, 0),
        (124, "InOutWRte_RvrtTms"): (0, 28_800),
        (124, "InOutWRte_RmpTms"): (0, 3_600),
        (124, "ChaGriSet"): (0, 1),
    }
    _RENEWS = ("StorCtl_Mod", "OutWRte", "InWRte", "InOutWRte_RvrtTms")

    def __init__(self, plant):
        super().__init__(Chain(1, 103, 120, 121, 122, 123, 124), "PCS 20", "SIM-PCS-1")
        self.plant = plant
        self._controls = Controls123(plant.pcs)
        chain, rated_w = self.chain, plant.pcs.rated_w
        set_limit_scales(chain)
        chain.put(120, WRtg_SF=0, VARtg_SF=0, ARtg_SF=-1, MaxChaRte_SF=0, MaxDisChaRte_SF=0)
        chain.put(120, VArRtg_SF=0, PFRtg_SF=-2, WHRtg_SF=1, AhrRtg_SF=0)
        chain.put(120, DERTyp=82, WRtg=rated_w, VARtg=rated_w, ARtg=rated_w / 230)
        chain.put(120, MaxChaRte=rated_w, MaxDisChaRte=rated_w, WHRtg=self._rated_wh())
        chain.put(121, WMax_SF=0, VRef_SF=0, VRefOfs_SF=0, WGra_SF=0, ECPNomHz_SF=-1)
        chain.put(121, WMax=rated_w, VRef=230, VRefOfs=0, ECPNomHz=50)
        chain.put(124, WChaMax_SF=0, WChaDisChaGra_SF=0, MinRsvPct_SF=-1, ChaState_SF=-1)
        chain.put(124, InBatV_SF=-1, InOutWRte_SF=-2, WChaMax=rated_w)
        chain.put(124, WChaGra=plant.pcs.charge_gradient * 100)
        chain.put(124, WDisChaGra=plant.pcs.discharge_gradient * 100)
        chain.put(124, OutWRte=100, InWRte=100, StorCtl_Mod=0, MinRsvPct=0, ChaGriSet=1)
        chain.put(124, InOutWRte_WinTms=0, InOutWRte_RvrtTms=0, InOutWRte_RmpTms=0)

    def _rated_wh(self):
        return sum(m.rated_ah * 3.2 * len(m.soc) for m in self.plant.bank.modules)

    def refresh(self):
        pcs, chain, link_v = self.plant.pcs, self.chain, self.plant.switchgear.link_v
        book = self.plant.energy_wh
        put_ac(chain, pcs.ac_w, grid_hz(self.plant.time_s), 1000 + book["pcs_discharge"])
        dc_a = abs(pcs.dc_w) / link_v if link_v > 1 else 0.0
        chain.put(103, DCA=dc_a, DCV=link_v, DCW=pcs.dc_w, TmpCab=pcs.temp_c, TmpSnk=pcs.temp_c)
        chain.put(103, St=pcs.state, Evt1=pcs.events)
        chain.put(122, StorConn=7 if pcs.state == RUNNING else 1, ActWh=book["pcs_discharge"])
        chain.put(124, StorCtl_Mod=pcs.mode, InBatV=link_v, ChaSt=self._charge_status())
        self._controls.show(chain)

    def _charge_status(self):
        pcs, systems = self.plant.pcs, self.plant.bank.systems
        if pcs.state != RUNNING:
            return _OFF
        if pcs.ac_w > 0:
            return _DISCHARGING
        if pcs.ac_w < 0:
            return _CHARGING
        if any(s.is_full for s in systems):
            return _FULL
        return _EMPTY if any(s.is_empty for s in systems) else _HOLDING

    def apply(self, fields):
        pcs = self.plant.pcs
        self._controls.apply(fields)
        if "InOutWRte_RvrtTms" in fields:
            pcs.storage_timer.span_s = fields["InOutWRte_RvrtTms"]
        pcs.ramp_s = fields.get("InOutWRte_RmpTms", pcs.ramp_s)
        pcs.charge_gradient = fields.get("WChaGra", pcs.charge_gradient * 100) / 100.0
        pcs.discharge_gradient = fields.get("WDisChaGra", pcs.discharge_gradient * 100) / 100.0
        pcs.charge_rate = fields.get("InWRte", pcs.charge_rate * _RATE_MAX) / _RATE_MAX
        pcs.discharge_rate = fields.get("OutWRte", pcs.discharge_rate * _RATE_MAX) / _RATE_MAX
        pcs.mode = fields.get("StorCtl_Mod", pcs.mode)
        if any(name in fields for name in self._RENEWS):
            pcs.storage_timer.restart()


class PvPeer(SunSpecPeer):
    """The PV inverter: models 1, 103, 120, 122, 123."""

    WRITABLE = CONTROLS_123

    def __init__(self, plant):
        super().__init__(Chain(1, 103, 120, 122, 123), "PV 10", "SIM-PV-1")
        self.plant = plant
        self._controls = Controls123(plant.pv)
        set_limit_scales(self.chain)
        rated_w = plant.pv.rated_w
        self.chain.put(120, WRtg_SF=0, VARtg_SF=0, ARtg_SF=-1, VArRtg_SF=0, PFRtg_SF=-2)
        self.chain.put(120, DERTyp=4, WRtg=rated_w, VARtg=rated_w, ARtg=rated_w / 230)

    def refresh(self):
        plant, chain = self.plant, self.chain
        pv, energy_wh = plant.pv, plant.energy_wh["pv"]
        put_ac(chain, pv.ac_w, grid_hz(plant.time_s), 4_200_000 + energy_wh)
        dc_v = 620.0 if pv.offered_w > 20 else 0.0
        dc_w = pv.ac_w * 1.02
        chain.put(103, DCV=dc_v, DCW=dc_w, DCA=dc_w / dc_v if dc_v else 0.0, TmpCab=31)
        chain.put(103, St=self._state())
        chain.put(122, PVConn=7 if pv.ac_w > 1 else 1, ActWh=4_200_000 + energy_wh)
        self._controls.show(chain)

    def _state(self):
        pv = self.plant.pv
        if not pv.run_asked:
            return 8
        if pv.offered_w < 20:
            return 2
        return 5 if pv.limited else 4

    def apply(self, fields):
        self._controls.apply(fields)
