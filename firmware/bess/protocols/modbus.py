"""Modbus PDUs: what a function code means, apart from how it travels.

Server side: `Server.answer` turns one request PDU into one response PDU inside buffers of the
caller. Each request is judged in the order of the specification: function known (else 01),
quantity and structure right (03), address range inside the map (02), then execution. A request
that is refused has changed nothing. Client side: `encode_request` and `check_answer` compare an
answer with the bytes that were sent, so that a later change of the request cannot confuse them.

PDU = function code and data: no unit, no CRC, no MBAP header. All numbers are big-endian.
"""

from micropython import const

# exception codes on the wire
ILLEGAL_FUNCTION = const(1)
ILLEGAL_ADDRESS = const(2)
ILLEGAL_VALUE = const(3)
DEVICE_FAILURE = const(4)
BUSY = const(6)
NO_GATEWAY_PATH = const(10)
NO_GATEWAY_ANSWER = const(11)

# outcomes of a request that are not on the wire
TIMEOUT = const(0x100)
ABANDONED = const(0x101)

# what a client's framing says about received bytes, besides 0 and exception codes
MISMATCH = const(-1)     # a whole answer, but to something else
WAITING = const(-2)      # not whole yet
BROKEN = const(-3)       # the stream is out of step: only a new connection helps

_READ_COILS = const(1)
_READ_INPUTS = const(4)
_WRITE_COIL = const(5)
_WRITE_REGISTER = const(6)
_WRITE_COILS = const(15)
_WRITE_REGISTERS = const(16)
_MASK_REGISTER = const(22)
_READ_WRITE = const(23)
_DEVICE_ID = const(43)
_MEI_DEVICE_ID = const(14)

_READ_BITS_MAX = const(2000)
_READ_MAX = const(125)
_WRITE_BITS_MAX = const(1968)
_WRITE_MAX = const(123)
_READ_WRITE_MAX = const(121)
_PDU_MAX = const(253)
_ADDRESSES = const(0x10000)


def is_write(fc):
    """True for the function codes that may be broadcast: they change something, answer nothing."""
    return fc == _WRITE_REGISTERS or fc in (_WRITE_REGISTER, _WRITE_COIL, _WRITE_COILS,
                                            _MASK_REGISTER)


def encode_request(request, out, at):
    """Write the PDU of `request` (unit apart) to out[at:]; return its length.

    request.data holds the value as it travels: 2 bytes for FC 5 (FF 00 or 00 00) and 6, the AND
    and OR masks for FC 22, packed bits for FC 15, 2 * count bytes for FC 16.
    """
    fc, address = request.fc, request.address
    count, data = request.count, request.data
    out[at] = fc
    out[at + 1] = address >> 8 & 0xFF
    out[at + 2] = address & 0xFF
    head = 3
    n = 4 if fc == _MASK_REGISTER else 2
    if fc <= _READ_INPUTS or fc == _WRITE_COILS or fc == _WRITE_REGISTERS:
        out[at + 3] = count >> 8 & 0xFF
        out[at + 4] = count & 0xFF
        if fc <= _READ_INPUTS:
            return 5
        head = 6
        n = 2 * count if fc == _WRITE_REGISTERS else (count + 7) >> 3
        out[at + 5] = n
    for i in range(n):
        out[at + head + i] = data[i]
    return head + n


def answer_length(sent, at):
    """Length of the normal answer PDU to the request PDU at sent[at:]."""
    fc = sent[at]
    if fc <= 2:
        return 2 + ((sent[at + 3] << 8 | sent[at + 4]) + 7 >> 3)
    if fc <= _READ_INPUTS:
        return 2 + 2 * (sent[at + 3] << 8 | sent[at + 4])
    return 7 if fc == _MASK_REGISTER else 5


def check_answer(sent, s, got, g, n):
    """Does the PDU got[g:g+n] answer the request PDU at sent[s:]?

    0 = it does, 1..255 = it refuses with this exception code, MISMATCH = it belongs elsewhere.
    """
    fc = sent[s]
    if n == 2 and got[g] == fc | 0x80 and got[g + 1]:
        return got[g + 1]
    if n != answer_length(sent, s) or got[g] != fc:
        return MISMATCH
    if fc <= _READ_INPUTS:
        return 0 if got[g + 1] == n - 2 else MISMATCH
    for i in range(1, n):
        if got[g + i] != sent[s + i]:
            return MISMATCH
    return 0


class Server:
    """Answers requests out of a bank; shared by any number of connections.

    bank: read_registers(fc, address, count, out, offset), write_registers(address, count, data,
    offset), read_bits and write_bits likewise, each 0 or an exception code, writes all or
    nothing; identity, a tuple of bytes (vendor, product, revision, ...). What the bank lacks is
    an illegal function. units: the unit ids that are meant. writable False refuses every write
    as an illegal function: a second server over the same bank for peers that may only read.
    """

    def __init__(self, bank, units=(1,), writable=True):
        self.units = units
        self._bank = bank
        self._scratch = bytearray(2)
        self._handlers = {3: self._read_registers, 4: self._read_registers}
        if hasattr(bank, "identity"):
            self._handlers[_DEVICE_ID] = self._identify
        if hasattr(bank, "read_bits"):
            self._handlers[1] = self._handlers[2] = self._read_bits
        if writable and hasattr(bank, "write_bits"):
            self._handlers[_WRITE_COIL] = self._write_coil
            self._handlers[_WRITE_COILS] = self._write_coils
        if writable and hasattr(bank, "write_registers"):
            self._handlers[_WRITE_REGISTER] = self._write_register
            self._handlers[_WRITE_REGISTERS] = self._write_registers
            self._handlers[_MASK_REGISTER] = self._mask_register
            self._handlers[_READ_WRITE] = self._read_write

    def answer(self, data, at, n, out, to):
        """Answer the request PDU data[at:at+n] into out[to:]; return the length, 0 for silence.

        `out` needs room for 253 bytes and must not be `data`.
        """
        if n < 1:
            return 0
        fc = data[at]
        handler = self._handlers.get(fc)
        length = -ILLEGAL_FUNCTION if handler is None else handler(data, at, n, out, to)
        if length < 0:
            return refuse(fc, -length, out, to)
        out[to] = fc
        return length

    # Each handler returns the length of its answer, or an exception code as a negative number.

    def _read_registers(self, data, at, n, out, to):
        count = data[at + 3] << 8 | data[at + 4] if n == 5 else 0
        if count < 1 or count > _READ_MAX:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        if address + count > _ADDRESSES:
            return -ILLEGAL_ADDRESS
        code = self._bank.read_registers(data[at], address, count, out, to + 2)
        if code:
            return -code
        out[to + 1] = 2 * count
        return 2 + 2 * count

    def _read_bits(self, data, at, n, out, to):
        count = data[at + 3] << 8 | data[at + 4] if n == 5 else 0
        if count < 1 or count > _READ_BITS_MAX:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        if address + count > _ADDRESSES:
            return -ILLEGAL_ADDRESS
        code = self._bank.read_bits(data[at], address, count, out, to + 2)
        if code:
            return -code
        n = (count + 7) >> 3
        out[to + 1] = n
        if count & 7:
            out[to + 1 + n] &= (1 << (count & 7)) - 1
        return 2 + n

    def _write_register(self, data, at, n, out, to):
        if n != 5:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        code = self._bank.write_registers(address, 1, data, at + 3)
        return -code if code else _echo(data, at, 5, out, to)

    def _write_registers(self, data, at, n, out, to):
        count = data[at + 3] << 8 | data[at + 4] if n > 5 else 0
        if count < 1 or count > _WRITE_MAX or data[at + 5] != 2 * count or n != 6 + 2 * count:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        if address + count > _ADDRESSES:
            return -ILLEGAL_ADDRESS
        code = self._bank.write_registers(address, count, data, at + 6)
        return -code if code else _echo(data, at, 5, out, to)

    def _write_coil(self, data, at, n, out, to):
        if n != 5 or data[at + 4] or data[at + 3] not in (0, 0xFF):
            return -ILLEGAL_VALUE
        self._scratch[0] = data[at + 3] & 1
        code = self._bank.write_bits(data[at + 1] << 8 | data[at + 2], 1, self._scratch, 0)
        return -code if code else _echo(data, at, 5, out, to)

    def _write_coils(self, data, at, n, out, to):
        count = data[at + 3] << 8 | data[at + 4] if n > 5 else 0
        size = (count + 7) >> 3
        if count < 1 or count > _WRITE_BITS_MAX or data[at + 5] != size or n != 6 + size:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        if address + count > _ADDRESSES:
            return -ILLEGAL_ADDRESS
        code = self._bank.write_bits(address, count, data, at + 6)
        return -code if code else _echo(data, at, 5, out, to)

    def _mask_register(self, data, at, n, out, to):
        if n != 7:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        word = self._scratch
        code = self._bank.read_registers(3, address, 1, word, 0)
        if code:
            return -code
        for i in range(2):
            keep = data[at + 3 + i]
            word[i] = word[i] & keep | data[at + 5 + i] & ~keep & 0xFF
        code = self._bank.write_registers(address, 1, word, 0)
        return -code if code else _echo(data, at, 7, out, to)

    def _read_write(self, data, at, n, out, to):
        if n < 10:
            return -ILLEGAL_VALUE
        count = data[at + 3] << 8 | data[at + 4]
        writes = data[at + 7] << 8 | data[at + 8]
        if count < 1 or count > _READ_MAX or writes < 1 or writes > _READ_WRITE_MAX:
            return -ILLEGAL_VALUE
        if data[at + 9] != 2 * writes or n != 10 + 2 * writes:
            return -ILLEGAL_VALUE
        address = data[at + 1] << 8 | data[at + 2]
        target = data[at + 5] << 8 | data[at + 6]
        if address + count > _ADDRESSES or target + writes > _ADDRESSES:
            return -ILLEGAL_ADDRESS
        # Read once before the write: a read that is refused must not leave the write behind.
        bank = self._bank
        code = (bank.read_registers(3, address, count, out, to + 2)
                or bank.write_registers(target, writes, data, at + 10)
                or bank.read_registers(3, address, count, out, to + 2))
        out[to + 1] = 2 * count
        return -code if code else 2 + 2 * count

    def _identify(self, data, at, n, out, to):
        if n > 1 and data[at + 1] != _MEI_DEVICE_ID:
            return -ILLEGAL_FUNCTION
        if n != 4 or not 1 <= data[at + 2] <= 4:
            return -ILLEGAL_VALUE
        level, item, objects = data[at + 2], data[at + 3], self._bank.identity
        end = min(3, len(objects)) if level == 1 else len(objects)
        if level == 4:
            if item >= end:
                return -ILLEGAL_ADDRESS
            end = item + 1
        elif item >= end:
            item = 0
        first, length = item, 7
        while item < end and (item == first or length + 2 + len(objects[item]) <= _PDU_MAX):
            length = _put_object(item, objects[item], out, to, length)
            item += 1
        more = item < end
        out[to + 1] = _MEI_DEVICE_ID
        out[to + 2] = level
        out[to + 3] = 0x81 if len(objects) <= 3 else 0x82
        out[to + 4] = 0xFF if more else 0
        out[to + 5] = item if more else 0
        out[to + 6] = item - first
        return length


def refuse(fc, code, out, to):
    """Write an exception answer to out[to:]; return its length."""
    out[to] = fc | 0x80
    out[to + 1] = code
    return 2


def _echo(data, at, n, out, to):
    for i in range(1, n):
        out[to + i] = data[at + i]
    return n


def _put_object(item, text, out, to, length):
    """Append one identity object to a PDU of `length` bytes; return the new length."""
    n = min(len(text), _PDU_MAX - length - 2)
    out[to + length] = item
    out[to + length + 1] = n
    for i in range(n):
        out[to + length + 2 + i] = text[i]
    return length + 2 + n
