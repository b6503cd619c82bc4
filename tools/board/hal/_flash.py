"""The flash chip: a file of 4096-byte blocks with the interface of a MicroPython block device.

On a chip the flash driver is not Python, so no KeyboardInterrupt ever comes out of it. Here one
would jump right through LittleFS and leave pointers to dead objects in it. The interpreter raises
pending exceptions only where the bytecode jumps: hence NO `if`, NO loop and NO `try` in what
LittleFS calls.
"""
import _host

BLOCK = 4096
_BLANK = b"\xff" * 512


class Flash:
    def __init__(self, path):
        self._file = _host.open_host(path, "r+b")
        blocks = self._file.seek(0, 2) // BLOCK
        self._answers = {
            4: lambda _: blocks,
            5: lambda _: BLOCK,
            6: self._erase,
        }

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
        return self._answers.get(op, int)(arg)

    def _erase(self, block):
        """Blank the head, where LittleFS has its marks; nobody may rely on the rest."""
        self._file.seek(block * BLOCK)
        self._file.write(_BLANK)
        return 0


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
        return 0

    def _count(self):
        self._left -= 1
        if self._left == 0:
            _host.end("cut")
        _host.tell("flash")
