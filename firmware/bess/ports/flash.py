"""Small files that a power cut cannot spoil.

Each name has two slots, `name.0` and `name.1`. A save writes a temporary file, closes it and
renames it over the *older* slot, so the newer one is untouched until the new one is whole. A slot
carries a sequence number and a CRC; `load` takes the newest that is whole. Contents equal to what
is stored are not written again: flash wears.
"""

import binascii
import os
import struct

from micropython import const

_MAGIC = const(0x42455353)          # "BESS"
_HEADER = ">IIII"                   # magic, sequence, bytes, CRC-32 of sequence and contents
_HEADER_BYTES = const(16)
_SEQUENCE_MASK = const(0x3FFFFFFF)
_SEQUENCE_HALF = const(0x20000000)


class FlashStore:
    """Files in one folder.

    Args:
        folder (str): made when missing; "" is the root of the flash.
        bytes_max (int): largest content; more is a ValueError at save and damage at load.
    """

    def __init__(self, folder="", bytes_max=16384):
        self._prefix = folder + "/" if folder else ""
        self._bytes_max = bytes_max
        if folder:
            _make_folder(folder)

    def load(self, name):
        """The newest whole content as bytes, or None when there is none."""
        newest = self._newest(name)
        return None if newest is None else newest[2]

    def damaged(self, name):
        """True when a slot of this name is there and cannot be read: no power cut does that."""
        stored = [self._path(name, slot) for slot in (0, 1)]
        return any([_exists(path) and self._read(path) is None for path in stored])

    def save(self, name, content):
        """Store `content` (bytes); False when it is already there.

        Raises ValueError when it is too large, OSError when the flash is full or broken; the old
        content stays in both cases.
        """
        if len(content) > self._bytes_max:
            sizes = (name, len(content), self._bytes_max)
            raise ValueError("%s: got %d bytes, at most %d" % sizes)
        newest = self._newest(name)
        slot, sequence = 0, 1
        if newest is not None:
            if newest[2] == content:
                return False
            slot, sequence = 1 - newest[0], (newest[1] + 1) & _SEQUENCE_MASK
        temporary = self._prefix + name + ".new"
        with open(temporary, "wb") as file:
            file.write(_header(sequence, content))
            file.write(content)
        os.rename(temporary, self._path(name, slot))
        return True

    def remove(self, name):
        """Forget a name; nothing happens when it is unknown."""
        for path in (self._path(name, 0), self._path(name, 1), self._prefix + name + ".new"):
            try:
                os.remove(path)
            except OSError:
                pass    # was not there

    def _path(self, name, slot):
        return "%s%s.%d" % (self._prefix, name, slot)

    def _newest(self, name):
        """(slot, sequence, content) of the newest whole slot, or None."""
        found = None
        for slot in (0, 1):
            read = self._read(self._path(name, slot))
            if read is not None and (found is None or _is_newer(read[0], found[1])):
                found = (slot, read[0], read[1])
        return found

    def _read(self, path):
        """(sequence, content) of one slot, or None when it is missing or damaged."""
        try:
            with open(path, "rb") as file:
                header = file.read(_HEADER_BYTES)
                if len(header) != _HEADER_BYTES:
                    return None
                magic, sequence, size, _ = struct.unpack(_HEADER, header)
                if magic != _MAGIC or size > self._bytes_max:
                    return None
                content = file.read(size)
        except OSError:
            return None
        return (sequence, content) if _header(sequence, content) == header else None


def _header(sequence, content):
    crc = binascii.crc32(content, sequence)
    return struct.pack(_HEADER, _MAGIC, sequence, len(content), crc)


def _is_newer(sequence, other):
    return 0 < ((sequence - other) & _SEQUENCE_MASK) < _SEQUENCE_HALF


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _make_folder(folder):
    try:
        os.mkdir(folder)
    except OSError:
        os.stat(folder)     # exists already, or the flash cannot be written: then this raises
