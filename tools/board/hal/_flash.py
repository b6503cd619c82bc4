"""The flash chip: a file of 4096-byte blocks with the interface of a MicroPython block device."""
import _host

BLOCK = 4096
_BLANK = b"\xff" * 512
_COUNT, _SIZE, _ERASE = 4, 5, 6     # ioctl


class Flash:
    def __init__(self, path):
        self._file = _host.open_host(path, "r+b")
        self._blocks = self._file.seek(0, 2) // BLOCK

    def is_blank(self):
        """True when the first two blocks were never written: a chip from the factory."""
        head = bytearray(64)
        for block in (0, 1):
            self.readblocks(block, head)
            if any(byte != 0xFF for byte in head):
                return False
        return True

    def readblocks(self, block, buf, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.write(buf)

    def ioctl(self, op, arg):
        if op == _COUNT:
            return self._blocks
        if op == _SIZE:
            return BLOCK
        if op == _ERASE:
            self._erase(arg)
        return 0

    def _erase(self, block):
        """Blank the head, where LittleFS has its marks; nobody may rely on the rest."""
        self._file.seek(block * BLOCK)
        self._file.write(_BLANK)


class FailingFlash(Flash):
    """Its power ends after so many operations, programming and erasing counted together."""

    def __init__(self, path, operations):
        super().__init__(path)
        self._left = operations

    def writeblocks(self, block, buf, offset=0):
        super().writeblocks(block, buf, offset)
        self._count()

    def _erase(self, block):
        super()._erase(block)
        self._count()

    def _count(self):
        self._left -= 1
        if self._left == 0:
            _host.end("cut")
        _host.tell("flash")
