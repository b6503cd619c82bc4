"""The other end of a wire: the bytes of one request frame in, those of the answer out.

Exceptions and their order come from the firmware's own server codec; that it is right is proven
elsewhere against other people's.
"""

from bess.protocols.modbus import Server
from bess.protocols.rtu_frames import crc16


class BusPeer:
    """A serial bus with several modules: the one that is meant answers, None while it is silent.

    peers: {unit: ModulePeer}.
    """

    def __init__(self, peers):
        self._peers = peers
        self._servers = {unit: Server(peers[unit], (unit,)) for unit in peers}
        self._out = bytearray(256)

    def answer(self, frame):
        n = len(frame)
        unit = frame[0]
        if crc16(frame, 0, n):
            raise ValueError("the firmware sent a frame with a wrong CRC")
        if unit not in self._peers or self._peers[unit].silent:
            return None
        out = self._out
        out[0] = unit
        n = 1 + self._servers[unit].answer(frame, 1, n - 3, out, 1)
        crc = crc16(out, 0, n)
        out[n] = crc & 0xFF
        out[n + 1] = crc >> 8
        return bytes(out[:n + 2])


class TcpPeer:
    """One device behind its own connection."""

    def __init__(self, peer):
        self._server = Server(peer, (1,))
        self._out = bytearray(260)

    def answer(self, frame):
        out = self._out
        if frame[4] << 8 | frame[5] != len(frame) - 6 or frame[2] or frame[3]:
            raise ValueError("the firmware sent a broken header")
        n = self._server.answer(frame, 7, len(frame) - 7, out, 7)
        out[:7] = frame[:7]
        out[4] = n + 1 >> 8
        out[5] = n + 1 & 0xFF
        return bytes(out[:7 + n])
