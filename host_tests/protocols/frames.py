"""Worked RTU frames and the bank that they are about; shared by the tests of this folder."""


def octets(text):
    """Bytes of a line of hexadecimal pairs."""
    return bytes([int(pair, 16) for pair in text.split()])


def words(*values):
    """Big-endian bytes of 16-bit registers."""
    return bytes([byte for value in values for byte in (value >> 8 & 0xFF, value & 0xFF)])


# why, request, answer: whole frames with unit and CRC
FRAMES = (
    ("10 coils, unused bits 0",
     "01 01 00 13 00 0A 4D C8", "01 01 02 CD 01 2C AC"),
    ("one coil",
     "01 01 00 00 00 01 FD CA", "01 01 01 01 90 48"),
    ("22 discrete inputs",
     "01 02 00 C4 00 16 B8 39", "01 02 03 AC DB 35 22 88"),
    ("one input that is off",
     "01 02 00 07 00 01 08 0B", "01 02 01 00 A1 88"),
    ("3 holding registers: 555, 0, 100",
     "01 03 00 6B 00 03 74 17", "01 03 06 02 2B 00 00 00 64 05 7A"),
    ("SunSpec marker",
     "01 03 9C 40 00 02 EB 8F", "01 03 04 53 75 6E 53 96 F0"),
    ("runs past the last address",
     "01 03 FF FF 00 02 C4 2F", "01 83 02 C0 F1"),
    ("one input register",
     "01 04 00 08 00 01 B0 08", "01 04 02 00 0A 39 37"),
    ("17 input registers of a battery pack",
     "01 04 10 00 00 11 34 C6",
     "01 04 22 14 CD FF 77 6B 40 80 E8 01 22 03 40 03 E7 00 0A 0C FF 0B 7F 0D 00 0C FF 0B 81 "
     "0B 7E 00 00 00 B4 00 B4 D3 2E"),
    ("coil on",
     "01 05 00 AC FF 00 4C 1B", "01 05 00 AC FF 00 4C 1B"),
    ("coil off",
     "01 05 00 AC 00 00 0D EB", "01 05 00 AC 00 00 0D EB"),
    ("only 0000 and FF00 are coil values",
     "01 05 00 AC 01 00 0C 7B", "01 85 03 02 91"),
    ("negative setpoint, another unit",
     "F7 06 AB E2 F4 48 5B B8", "F7 06 AB E2 F4 48 5B B8"),
    ("register 1 = 3",
     "01 06 00 01 00 03 98 0B", "01 06 00 01 00 03 98 0B"),
    ("write 10 coils",
     "01 0F 00 13 00 0A 02 CD 01 72 CB", "01 0F 00 13 00 0A 24 09"),
    ("write one coil",
     "01 0F 00 00 00 01 01 01 EF 57", "01 0F 00 00 00 01 94 0B"),
    ("write 2 registers",
     "01 10 00 01 00 02 04 00 0A 01 02 92 30", "01 10 00 01 00 02 10 08"),
    ("SunSpec limit block",
     "01 10 9D 28 00 05 0A 1B 58 00 00 00 78 00 00 00 01 FE C0", "01 10 9D 28 00 05 AF AE"),
    ("byte count does not fit the quantity",
     "01 10 00 01 00 02 06 00 0A 01 02 EB F0", "01 90 03 0C 01"),
    ("read 6, write 3",
     "01 17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF 46 91",
     "01 17 0C 00 FE 00 12 00 01 00 03 00 0D 00 FF E1 6C"),
    ("mask write: 0012 becomes 0017",
     "01 16 00 04 00 F2 00 25 67 EE", "01 16 00 04 00 F2 00 25 67 EE"),
    ("mask write clears bit 0",
     "01 16 E0 00 FF FE 00 00 B1 82", "01 16 E0 00 FF FE 00 00 B1 82"),
    ("heartbeat: read 1, write 1",
     "01 17 01 90 00 01 01 91 00 01 02 00 FF 1A 2E", "01 17 02 00 00 BD B4"),
    ("identity, all mandatory objects",
     "01 2B 0E 01 00 70 77",
     "01 2B 0E 01 81 00 00 03 00 04 41 43 4D 45 01 04 45 4D 53 31 02 03 31 2E 30 26 DF"),
    ("identity, the revision alone",
     "01 2B 0E 04 02 F2 E6", "01 2B 0E 04 81 00 00 01 02 03 31 2E 30 48 4B"),
    ("identity, an object that is not there",
     "01 2B 0E 04 7F 32 C7", "01 AB 02 DE F1"),
)

BAD_CRC = octets("01 03 00 6B 00 03 74 16")
BROADCAST = octets("00 06 00 01 00 03 99 DA")


class Bank:
    """Registers and bits by address; what is not listed does not exist."""

    identity = (b"ACME", b"EMS1", b"1.0")

    def __init__(self):
        self.holding = {0: 0, 1: 0, 2: 0, 107: 555, 108: 0, 109: 100, 400: 0, 401: 0}
        self.input = {8: 10}
        self.coils = {0: 1, 172: 0}
        self.inputs = {7: 0}
        self.writes = 0
        self._put(self.holding, 3, (0x00FE, 0x0012, 1, 3, 0x000D, 0x00FF))
        self._put(self.holding, 14, (0, 0, 0))
        self._put(self.holding, 0x9C40, (0x5375, 0x6E53))
        self._put(self.holding, 0x9D28, (0, 0, 0, 0, 0))
        self._put(self.holding, 0xABE2, (0,))
        self._put(self.holding, 0xE000, (0xABCD,))
        self._put(self.holding, 0xFFFF, (7,))
        pack = octets(FRAMES[8][2])[3:-2]
        self._put(self.input, 0x1000, [pack[i] << 8 | pack[i + 1] for i in range(0, 34, 2)])
        self._put_bits(self.coils, 19, octets("CD 01"), 10)
        self._put_bits(self.inputs, 196, octets("AC DB 35"), 22)

    def read_registers(self, fc, address, count, out, offset):
        table = self.holding if fc == 3 else self.input
        for i in range(count):
            if address + i not in table:
                return 2
            out[offset + 2 * i] = table[address + i] >> 8
            out[offset + 2 * i + 1] = table[address + i] & 0xFF
        return 0

    def write_registers(self, address, count, data, offset):
        for i in range(count):
            if address + i not in self.holding:
                return 2
        for i in range(count):
            at = offset + 2 * i
            self.holding[address + i] = data[at] << 8 | data[at + 1]
        self.writes += 1
        return 0

    def read_bits(self, fc, address, count, out, offset):
        table = self.coils if fc == 1 else self.inputs
        for i in range(count):
            if address + i not in table:
                return 2
            if not i & 7:
                out[offset + (i >> 3)] = 0xAA     # the server has to clear what is unused
            bit = 1 << (i & 7)
            keep = out[offset + (i >> 3)] & ~bit & 0xFF
            out[offset + (i >> 3)] = keep | (bit if table[address + i] else 0)
        return 0

    def write_bits(self, address, count, data, offset):
        for i in range(count):
            if address + i not in self.coils:
                return 2
        for i in range(count):
            self.coils[address + i] = data[offset + (i >> 3)] >> (i & 7) & 1
        self.writes += 1
        return 0

    def _put(self, table, address, values):
        for value in values:
            table[address] = value
            address += 1

    def _put_bits(self, table, address, packed, count):
        for i in range(count):
            table[address + i] = packed[i >> 3] >> (i & 7) & 1


def answer_of(server, pdu):
    """The answer PDU of a server to a request PDU, both as bytes."""
    out = bytearray(300)
    n = server.answer(b"\x99" + pdu, 1, len(pdu), out, 20)
    return bytes(out[20:20 + n])


def portions(data, size):
    """The same bytes in pieces."""
    return [data[i:i + size] for i in range(0, len(data), size)]
