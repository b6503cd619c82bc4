"""One battery module on the RS-485 bus: the BESS module map, version 1.

Registers 0..47 are one coherent sample; the current counts + for charging on this wire.
"""

from ..physics.bms import CHARGE_CELL_V_MAX

MAP_ID, MAP_VERSION = 0x4253, 1
SAMPLE_WORDS = 48
REQUEST_AT, TEXT_AT, TEXT_WORDS = 100, 110, 16
ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3


def _long(value):
    return [value >> 16 & 0xFFFF, value & 0xFFFF]


def _short(value):
    return value & 0xFFFF


class ModulePeer:
    """Answers for module number `unit` (1..)."""

    def __init__(self, plant, unit):
        self.unit = unit
        self.system = plant.bank.systems[unit - 1]
        self.address = 0
        text = f"Simulated LFP16 SN{unit:04d}".encode("ascii").ljust(2 * TEXT_WORDS, b"\0")
        self._text = [int.from_bytes(text[i : i + 2], "big") for i in range(0, len(text), 2)]
        self._sample = None
        self.words = [0] * (TEXT_AT + TEXT_WORDS)
        self.words[TEXT_AT:] = self._text
        self.blocks = ((0, SAMPLE_WORDS), (REQUEST_AT, 1), (TEXT_AT, TEXT_WORDS))
        self.refresh()

    def refresh(self):
        self.words[REQUEST_AT] = int(self.system.balance_asked)
        if self._sample != self.system.samples:
            self._sample = self.system.samples
            self.words[:SAMPLE_WORDS] = self._read_sample()

    def write(self, address, values):
        if address != REQUEST_AT or len(values) != 1:
            return ILLEGAL_ADDRESS
        if values[0] not in (0, 1):
            return ILLEGAL_VALUE
        self.system.ask_balance(bool(values[0]))
        return 0

    def _read_sample(self):
        s, module = self.system, self.system.module
        cells = len(s.cells_mv)
        words = [MAP_ID, MAP_VERSION, cells, s.samples]
        words += [round(module.rated_ah * 10), round(module.rated_ah * 10), s.pack_mv // 10, 0]
        words += _long(-s.current_ma)
        words += [round(s.soc * 1000), 1000, s.cell_mv_max, s.cell_mv_min]
        words += [_short(s.temp_dc_max), _short(s.temp_dc_min)]
        words += [int(s.charge_a_max * 10), int(s.discharge_a_max * 10)]
        words += [round(cells * CHARGE_CELL_V_MAX * 100), self._state()]
        words += [s.warnings, s.protections, s.faults, int(s.cycled_ah / (2 * module.rated_ah))]
        words += _long(int(module.charged_wh)) + _long(int(module.discharged_wh))
        words += [_short(t) for t in s.temps_dc]
        words += s.cells_mv + [0] * (16 - cells)
        return words

    def _state(self):
        s = self.system
        bleeding = s.module.bleeding() or ()
        flags = (s.charge_on, s.discharge_on, any(bleeding), False, s.asks_charge, s.is_full,
                 s.is_empty)  # fmt: skip
        return sum(1 << bit for bit, flag in enumerate(flags) if flag)
