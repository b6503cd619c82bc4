"""The devices at the other ends of the wires: request frames in, answer frames out.

Answers stand ready as bytes and only what changed is patched, since this is where a simulated
second is spent. Each peer can be made to lie: what it tells then is not what is.
"""

import struct

from tools.simsite.peers.sunspec import BASE, Chain
from tools.simulate.battery import CAPACITY_MAH, CELLS, RATED_MA
from tools.simulate.plant import RATE_FULL, RUNNING

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
_REGISTERS = 48
_BALANCE = 100
_AC_BYTES = 104
_FULL = int(CAPACITY_MAH) // 100
_HEAD = struct.Struct(">HHHHHiHHHHhh")
_LIMITS = struct.Struct(">HH")
_LIMITS_AT = 3 + 2 * 16
_CELLS_AT = 3 + 2 * 32
_FOUR_CELLS = struct.Struct(">4H")
_REQUEST = struct.Struct(">HHHBBHH")
_READ_HEAD = struct.Struct(">HHHBBB")


def _byte_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
        table.append(byte)
    return table


_BYTE = _byte_table()
def crc16(data):
    """CRC of the bytes, as on the wire read with the low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _BYTE[(crc ^ byte) & 0xFF]
    return crc


def _share_tables():
    """By register of a sample: what its high and its low byte add to the CRC of the frame.

    A CRC is linear: that of the whole is that of the frame with zeros, XOR one share a byte.
    """
    table, tables = _BYTE, []
    for _ in range(_REGISTERS):
        before = [share >> 8 ^ _BYTE[share & 0xFF] for share in table]
        tables.append((before, table))
        table = [share >> 8 ^ _BYTE[share & 0xFF] for share in before]
    tables.reverse()
    return tables


_SHARES = _share_tables()


class _Shares(dict):
    """What a word that stands in these registers adds to the CRC, reckoned once."""

    def __init__(self, *registers):
        super().__init__()
        self._registers = registers

    def __missing__(self, word):
        share = 0
        for register in self._registers:
            high, low = _SHARES[register]
            share ^= high[word >> 8 & 0xFF] ^ low[word & 0xFF]
        self[word] = share
        return share


# registers of what changes from sample to sample; of the cells each stands there four times
_COUNTED, _VOLTS, _SOC, _HOT, _COLD = (_Shares(register) for register in (3, 6, 10, 14, 15))
_AMPS_HIGH = _Shares(8)
_AMPS_2, _AMPS_1 = _SHARES[9]           # seldom the same twice
_HIGH, _LOW = _Shares(12, 35, 39, 43, 47), _Shares(13, 32, 36, 40, 44)
_SECOND, _THIRD = _Shares(33, 37, 41, 45), _Shares(34, 38, 42, 46)
_CHANGING = (3, 6, 8, 9, 10, 12, 13, 14, 15, *range(32, 48))


class ModulePeer:
    """BESS module map, version 1, over Modbus RTU.

    silent: it does not answer. frozen: the sample counter stands still. lie: None or a function
    of the told values. charge_ma, discharge_ma: limits that it tells; protections, faults: bits.
    seen, heard_s: answers and time at which the oracle saw a new sample.
    told: (soc_pm, lowest cell, highest cell, coldest, hottest) of the last answer.
    """

    def __init__(self, module, unit):
        self.module = module
        self.silent = self.frozen = False
        self.lie = None
        self.charge_ma = self.discharge_ma = RATED_MA
        self.protections = self.faults = 0
        self.told = None
        self.answers = self.seen = 0
        self.heard_s = 0.0
        self._unit = unit
        self._counter = 0
        self._frame = frame = bytearray(3 + 2 * _REGISTERS + 2)
        frame[0], frame[1], frame[2] = unit, 3, 2 * _REGISTERS
        self._still = None          # what seldom changes, and the CRC of a frame with only that
        self._still_crc = 0
        for register, value in ((0, 0x4253), (1, 1), (2, CELLS), (18, CELLS * 365), (19, 3)):
            struct.pack_into(">H", frame, 3 + 2 * register, value)

    def answer(self, request):
        """Bytes of the answer; None while it is silent."""
        if self.silent:
            return None
        if request[1] == 3 and request[2:6] == b"\0\0\0\x30":
            return self._sample()
        if request[1] == 6 and request[2] << 8 | request[3] == _BALANCE:
            return bytes(request)
        refusal = bytes((self._unit, request[1] | 0x80, ILLEGAL_ADDRESS))
        return refusal + struct.pack("<H", crc16(refusal))

    def _sample(self):
        frame, module = self._frame, self.module
        if not self.frozen:
            self._counter = (self._counter + 1) & 0xFFFF
        low_mv, a, b, high_mv = [int(mv + 0.5) for mv in module.cells_mv()]
        temp_dc = int(module.temp_c * 10)
        told = (module.soc_pm(), low_mv, high_mv, temp_dc - 3, temp_dc + 4)
        if self.lie is not None:
            told = self.lie(told)
        self.told = told
        self.answers += 1
        soc_pm, low_mv, high_mv, cold_dc, hot_dc = told
        pack_cv = 4 * (low_mv + a + b + high_mv) // 10
        counter, ma = self._counter, int(-module.current_ma)
        still = (self.charge_ma, self.discharge_ma, self.protections, self.faults)
        if still != self._still:
            self._keep_still(*still)
        _HEAD.pack_into(frame, 9, counter, _FULL, _FULL, pack_cv, 0, ma, soc_pm, 1000,
                        high_mv, low_mv, hot_dc, cold_dc)
        frame[_CELLS_AT:-2] = _FOUR_CELLS.pack(low_mv, a, b, high_mv) * 4
        crc = (self._still_crc ^ _COUNTED[counter] ^ _VOLTS[pack_cv] ^ _AMPS_HIGH[ma >> 16]
               ^ _AMPS_2[ma >> 8 & 0xFF] ^ _AMPS_1[ma & 0xFF] ^ _SOC[soc_pm] ^ _HIGH[high_mv]
               ^ _LOW[low_mv] ^ _HOT[hot_dc] ^ _COLD[cold_dc] ^ _SECOND[a] ^ _THIRD[b])
        frame[99], frame[100] = crc & 0xFF, crc >> 8
        return frame

    def _keep_still(self, charge_ma, discharge_ma, protections, faults):
        """Limits and bits of the frame, and the CRC that it has without its measurements."""
        frame = self._frame
        self._still = (charge_ma, discharge_ma, protections, faults)
        _LIMITS.pack_into(frame, _LIMITS_AT, charge_ma // 100, discharge_ma // 100)
        frame[3 + 43], frame[3 + 45] = protections, faults
        bare = bytearray(frame[:-2])
        struct.pack_into(">HH", bare, 3 + 2 * 4, _FULL, _FULL)
        struct.pack_into(">H", bare, 3 + 2 * 11, 1000)
        for register in _CHANGING:
            bare[3 + 2 * register] = bare[4 + 2 * register] = 0
        self._still_crc = crc16(bare)


class Bus:
    """A serial line with several modules."""

    tells_power = False

    def __init__(self, peers):
        self.peers = peers

    def answer(self, request):
        peer = self.peers.get(request[0])
        return None if peer is None else peer.answer(request)


class SunspecPeer:
    """A chain of models behind Modbus TCP; subclasses refresh and obey.

    tells_power: the last answer had the block of the AC power in it.
    """

    silent = False
    tells_power = False
    told_w = 0.0

    def __init__(self, *models):
        self.chain = Chain(*models)
        self.data = b""
        self.reads = 0

    def seal(self):
        """The chain has its fixed values: from here on its bytes are patched."""
        words = self.chain.words
        self.data = bytearray(struct.pack(">%dH" % len(words), *words))

    def at(self, model, name):
        """Where the bytes of a point stand."""
        return 2 * (self.chain.address(model, name) - BASE)

    def answer(self, request):
        """Bytes of the answer to a Modbus TCP frame."""
        if self.silent:
            return None
        self.tells_power = False
        number, _, _, unit, fc, register, count = _REQUEST.unpack_from(request)
        first = 2 * (register - BASE)
        if fc == 3:
            size = 2 * count
            if first < 0 or first + size > len(self.data):
                return self._refuse(request, ILLEGAL_ADDRESS)
            self.reads += 1
            self.tells_power = size == _AC_BYTES
            self.refresh(size)
            return (_READ_HEAD.pack(number, 0, size + 3, unit, 3, size)
                    + self.data[first:first + size])
        if fc != 16:
            return self._refuse(request, ILLEGAL_FUNCTION)
        code = self.write(first, request[13:])
        answer = bytes((request[0], request[1], 0, 0, 0, 6)) + bytes(request[6:12])
        return self._refuse(request, code) if code else answer

    def _refuse(self, request, code):
        return bytes((request[0], request[1], 0, 0, 0, 3, request[6], request[7] | 0x80, code))

    def refresh(self, size):
        """Patch what has changed before a read of `size` bytes."""

    def write(self, first, data):
        """Registers from byte `first` of the chain on; 0 or an exception code."""
        return ILLEGAL_ADDRESS


def _put_ac_constants(chain, scale):
    chain.put(103, A_SF=None, V_SF=None, W_SF=None)
    for name, value in (("A_SF", -1), ("V_SF", -1), ("W_SF", scale), ("Hz_SF", -2),
                        ("DCV_SF", -1)):
        chain.put(103, **{name: value})
    chain.put(103, A=0, AphA=0, PhVphA=230, PhVphB=230.1, PhVphC=229.9, Hz=50, St=1, Evt1=0,
              Evt2=0)


class PcsPeer(SunspecPeer):
    """Battery inverter: models 1, 103, 120 to 124. A setpoint is a window, ended by a timer.

    lie_pm: reading of the AC power, per mille of the truth. refusing: every write is refused.
    told_w: power that it told last; written: times the setpoint was written.
    strange: bytes of the chain at which somebody else wrote other values than the controller.
    """

    # model, point, lowest, highest value
    _WRITABLE = (
        (123, "Conn_WinTms", 0, 0), (123, "Conn_RvrtTms", 0, 28_800), (123, "Conn", 0, 1),
        (123, "WMaxLimPct", 0, RATE_FULL), (123, "WMaxLim_Ena", 0, 1),
        (124, "StorCtl_Mod", 0, 3), (124, "OutWRte", -RATE_FULL, RATE_FULL),
        (124, "InWRte", -RATE_FULL, RATE_FULL), (124, "InOutWRte_WinTms", 0, 0),
        (124, "InOutWRte_RvrtTms", 0, 28_800), (124, "InOutWRte_RmpTms", 0, 3600),
        (124, "ChaGriSet", 0, 1),
    )

    def __init__(self, site):
        super().__init__(1, 103, 120, 121, 122, 123, 124)
        self.lie_pm = 1000
        self.refusing = False
        self.written = 0
        self.strange = set()
        self._shown = None          # what the chain tells of the inverter
        self._told = {}             # words that the controller wrote, by their bytes
        self._site = site
        self._pcs = site.pcs
        rated_w = site.pcs.rated_w
        self._scale = 1 if rated_w > 30_000 else 0
        self._put_constants(self.chain, rated_w)
        self.seal()
        self._power, self._state = self.at(103, "W"), self.at(103, "St")
        self._volts = self.at(103, "DCV")
        self._mode, self._conn = self.at(124, "StorCtl_Mod"), self.at(123, "Conn")
        self._rules = {self.at(row[0], row[1]): row for row in self._WRITABLE}

    def _put_constants(self, chain, rated_w):
        _put_ac_constants(chain, self._scale)
        for name in ("WRtg_SF", "MaxChaRte_SF", "MaxDisChaRte_SF"):
            chain.put(120, **{name: self._scale})
        chain.put(120, DERTyp=82, WRtg=rated_w, MaxChaRte=rated_w, MaxDisChaRte=rated_w)
        chain.put(121, WMax_SF=self._scale, VRef_SF=0)
        chain.put(121, WMax=rated_w, VRef=230)
        chain.put(122, StorConn=7)
        chain.put(123, Conn_WinTms=0, Conn_RvrtTms=0, Conn=0, WMaxLimPct_SF=-2)
        chain.put(123, WMaxLimPct=100, WMaxLim_Ena=0)
        chain.put(124, WChaMax_SF=self._scale, InOutWRte_SF=-2)
        chain.put(124, WChaMax=rated_w, StorCtl_Mod=0, OutWRte=100, InWRte=100,
                  InOutWRte_WinTms=0, InOutWRte_RvrtTms=0, InOutWRte_RmpTms=0, ChaGriSet=1)

    def refresh(self, size):
        pcs = self._pcs
        link_mv = self._site.gear.link_mv
        shown = (pcs.ac_w, self.lie_pm, pcs.state, link_mv, pcs.mode, pcs.run_asked)
        if shown != self._shown:
            self._shown = shown
            self._show(pcs, self.data)

    def _show(self, pcs, data):
        self.told_w = pcs.ac_w * self.lie_pm / 1000
        raw = int(self.told_w / (10 if self._scale else 1) + 100_000.5) - 100_000
        struct.pack_into(">h", data, self._power, max(-32767, min(raw, 32767)))
        data[self._state + 1] = pcs.state
        struct.pack_into(">H", data, self._volts, int(self._site.gear.link_mv / 100))
        data[self._mode + 1] = pcs.mode
        data[self._conn + 1] = pcs.run_asked

    def write(self, first, data):
        if self.refusing:
            return ILLEGAL_VALUE
        values = []
        for i in range(0, len(data), 2):
            rule = self._rules.get(first + i)
            if rule is None:
                return ILLEGAL_ADDRESS
            value = data[i] << 8 | data[i + 1]
            if rule[2] < 0 and value & 0x8000:
                value -= 0x10000
            if not rule[2] <= value <= rule[3]:
                return ILLEGAL_VALUE
            values.append((rule[1], value))
        self.data[first:first + len(data)] = data
        for i in range(0, len(data), 2):
            self._told[first + i] = data[i:i + 2]
        if self.strange:
            self.strange.difference_update(range(first, first + len(data), 2))
        for name, value in values:
            self._apply(name, value)
        return 0

    def write_strange(self, model, name, values):
        """Another client writes from this point on."""
        first, told = self.at(model, name), dict(self._told)
        self.write(first, struct.pack(">%dh" % len(values), *values))
        for at in range(first, first + 2 * len(values), 2):
            if told.get(at, b"") not in (b"", self.data[at:at + 2]):
                self.strange.add(at)
        self._told = told

    def _word(self, model, name):
        return struct.unpack_from(">h", self.data, self.at(model, name))[0]

    def _apply(self, name, value):
        pcs = self._pcs
        if name == "OutWRte":
            pcs.out_rate = value
        elif name == "InWRte":
            pcs.in_rate = value
            self.written += 1
        elif name == "StorCtl_Mod":
            pcs.mode = value
        elif name == "Conn":
            pcs.run_asked = value
            pcs.run_left_s = float(self._word(123, "Conn_RvrtTms"))
        if name in ("OutWRte", "InWRte", "StorCtl_Mod", "InOutWRte_RvrtTms"):
            pcs.storage_left_s = float(self._word(124, "InOutWRte_RvrtTms"))


class PvPeer(SunspecPeer):
    """PV inverter: read only here."""

    def __init__(self, site):
        super().__init__(1, 103, 120)
        self._site = site
        _put_ac_constants(self.chain, 0)
        self.chain.put(103, St=RUNNING)
        self.seal()
        self._power = self.at(103, "W")

    def refresh(self, size):
        struct.pack_into(">h", self.data, self._power, int(self._site.house.pv_w))


class MeterPeer(SunspecPeer):
    """Grid meter, model 203, + imports. sign: -1 lies about the direction; frozen: hangs."""

    def __init__(self, site, scale):
        super().__init__(1, 203)
        self.sign = 1
        self.frozen = False
        self._site = site
        self._unit_w = 10 if scale else 1
        self._turn = 0
        self.chain.put(203, V_SF=-1, Hz_SF=-2, W_SF=scale, TotWh_SF=0)
        self.chain.put(203, PhV=230, PhVphA=230, Hz=50, W=0)
        self.seal()
        self._power, self._volts = self.at(203, "W"), self.at(203, "PhV")

    def refresh(self, size):
        if self.frozen or size < 20:
            return
        raw = int(self.sign * self._site.grid_w / self._unit_w)
        struct.pack_into(">h", self.data, self._power, max(-32767, min(raw, 32767)))
        self._turn ^= 1             # a meter that measures never tells the same for long
        volts_dv = (2300 if self._site.pcs.grid else 1) + self._turn    # 0 is not measured
        struct.pack_into(">h", self.data, self._volts, volts_dv)
