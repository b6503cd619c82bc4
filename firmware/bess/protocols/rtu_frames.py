"""What both ends of an RTU line share: the CRC and the received bytes."""

from array import array


def _crc_table():
    """Each entry is the XOR of the entries of its single bits, so eight are enough to begin."""
    table = array("H", bytes(512))
    crc, bit = 1, 128
    while bit:
        crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        for i in range(0, 256, 2 * bit):
            table[i + bit] = crc ^ table[i]
        bit >>= 1
    return table


_CRC = _crc_table()


def crc16(data, start, end):
    """CRC of data[start:end], low byte first on the wire; 0 over a good frame with its CRC."""
    table = _CRC
    crc = 0xFFFF
    for i in range(start, end):
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xFF]
    return crc


def seal(frame, n):
    """Append the CRC to frame[:n]; return the new length."""
    crc = crc16(frame, 0, n)
    frame[n] = crc & 0xFF
    frame[n + 1] = crc >> 8
    return n + 2


class Inbox:
    """Received bytes; a frame is always judged from the first one.

    With an adapter that returns what is transmitted, `expect_echo` takes those bytes out again:
    exactly as many as were sent and only while they equal them.
    """

    def __init__(self, size, sent):
        self.bytes = bytearray(size)
        self.n = 0
        self.overflows = 0
        self._sent = sent
        self._echo_n = 0
        self._echo_at = 0

    def expect_echo(self, n):
        self._echo_n = n
        self._echo_at = 0

    def add(self, data, n):
        first = self._strip(data, n) if self._echo_at < self._echo_n else 0
        own, at = self.bytes, self.n
        if at + n - first > len(own):
            self.overflows += 1
            at = 0
            first = max(first, n - len(own))
        for i in range(first, n):
            own[at] = data[i]
            at += 1
        self.n = at

    def drop(self, n):
        """Forget the first n bytes."""
        rest = self.n - n
        data = self.bytes
        for i in range(rest):
            data[i] = data[n + i]
        self.n = rest

    def _strip(self, data, n):
        """How many bytes of `data` are echo; those taken so far return if the next one is not."""
        for i in range(n):
            at = self._echo_at
            if at == self._echo_n:
                return i
            if data[i] != self._sent[at]:
                self.expect_echo(0)
                self.add(self._sent, at)
                return i
            self._echo_at = at + 1
        return n
