"""A file system whose power fails at a chosen byte; takes the place of open and os in a port.

What was written before the cut is there or not, as the seed says: nobody promises more.
"""

import importlib.util

from bess.ports import flash as _port


def _own_copy(module):
    """The module once more: whoever else imports it keeps its files."""
    spec = importlib.util.spec_from_file_location("simulated_flash", module.__file__)
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


flash = _own_copy(_port)            # the shipped port, onto whose disk a Controller writes


class PowerCut(BaseException):
    """The supply failed: whatever ran does not run on."""


class _File:
    def __init__(self, disk, name, data, writes):
        self._disk, self._name, self._writes = disk, name, writes
        self._data = data
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, fault, trace):
        if kind is None and self._writes:
            self._disk.spend(1)
            self._disk.files[self._name] = bytes(self._data)

    def read(self, size=-1):
        end = len(self._data) if size < 0 else self._at + size
        part = bytes(self._data[self._at:end])
        self._at = end
        return part

    def write(self, data):
        for byte in data:
            self._disk.spend(1, self)
            self._data.append(byte)

    def spill(self):
        """The power failed: what stands in the file."""
        if self._disk.keeps_parts:
            self._disk.files[self._name] = bytes(self._data)


class Disk:
    """files: {name: bytes}. cut_in: operations until the power fails, None = never."""

    def __init__(self):
        self.files = {}
        self.cut_in = None
        self.keeps_parts = True
        self.writes = 0

    def spend(self, operations, file=None):
        """A byte or a step; PowerCut when it was the last one."""
        self.writes += operations
        if self.cut_in is None:
            return
        self.cut_in -= operations
        if self.cut_in < 0:
            self.cut_in = None
            if file is not None:
                file.spill()
            raise PowerCut

    def open(self, name, mode="r"):
        if "w" in mode:
            self.spend(1)
            return _File(self, name, bytearray(), True)
        if name not in self.files:
            raise OSError(2)
        return _File(self, name, self.files[name], False)

    def rename(self, old, new):
        self.spend(1)
        self.files[new] = self.files.pop(old)

    def remove(self, name):
        if name not in self.files:
            raise OSError(2)
        self.spend(1)
        del self.files[name]

    def stat(self, name):
        if name not in self.files and name != "state":
            raise OSError(2)

    def mkdir(self, name):
        """Folders are part of the names."""
