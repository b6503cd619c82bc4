"""The flash store: on a real LittleFS with power cuts under MicroPython, on a folder elsewhere."""

import os

from bess.ports.flash import FlashStore

_BLOCK = 512
_BLOCKS = 64


class Disk:
    """A flash chip in memory whose power fails after `budget` more writes."""

    def __init__(self, data=None):
        self.data = data or bytearray(_BLOCK * _BLOCKS)
        self.budget = None
        self.writes = 0

    def readblocks(self, block, buf, offset=0):
        at = block * _BLOCK + offset
        buf[:] = self.data[at:at + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        self._spend()
        at = block * _BLOCK + (offset or 0)
        self.data[at:at + len(buf)] = buf

    def ioctl(self, request, argument):
        if request == 4:
            return _BLOCKS
        if request == 5:
            return _BLOCK
        if request == 6:
            self._spend()
            at = argument * _BLOCK
            self.data[at:at + _BLOCK] = b"\xff" * _BLOCK
            return 0
        return 0

    def _spend(self):
        if self.budget is not None:
            if self.budget == 0:
                raise OSError(5)
            self.budget -= 1
        self.writes += 1


def is_littlefs():
    return hasattr(os, "VfsLfs2")


def mounted(disk):
    os.mount(os.VfsLfs2(disk), "/cut")
    return FlashStore("/cut/store")


def folder():
    """An empty folder: LittleFS in memory or a temporary one."""
    if not is_littlefs():
        import tempfile
        return tempfile.mkdtemp() + "/store"
    try:
        os.umount("/scratch")
    except OSError:
        pass
    disk = Disk()
    os.VfsLfs2.mkfs(disk)
    os.mount(os.VfsLfs2(disk), "/scratch")
    return "/scratch/store"


def damage(path, at, value):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[at] = value
    with open(path, "wb") as file:
        file.write(data)


def test_unknown_name_is_none():
    assert FlashStore(folder()).load("config") is None


def test_newest_content_wins_over_many_saves():
    place = folder()
    store = FlashStore(place)
    for n in range(7):
        assert store.save("config", b"content %d" % n)
        assert FlashStore(place).load("config") == b"content %d" % n


def test_names_do_not_mix_and_empty_is_a_content():
    store = FlashStore(folder())
    store.save("a", b"")
    store.save("b", b"other")
    assert (store.load("a"), store.load("b")) == (b"", b"other")


def test_equal_content_is_not_written_again():
    place = folder()
    store = FlashStore(place)
    assert store.save("a", b"same") is True
    assert store.save("a", b"same") is False
    assert sorted(os.listdir(place)) == ["a.0"]


def test_damaged_newest_slot_gives_the_one_before():
    for at, why in ((0, "magic"), (5, "sequence"), (11, "size"), (13, "check"), (17, "content")):
        place = folder()
        store = FlashStore(place)
        store.save("a", b"old content")
        store.save("a", b"new content")
        damage(place + "/a.1", at, 0x5A)
        assert store.load("a") == b"old content" and store.damaged("a"), why
        assert store.save("a", b"newest")
        assert store.load("a") == b"newest" and not store.damaged("a"), why


def test_both_slots_damaged_is_none():
    place = folder()
    store = FlashStore(place)
    store.save("a", b"one")
    damage(place + "/a.0", 17, 0)
    assert store.load("a") is None


def test_too_large_is_refused_and_harms_nothing():
    store = FlashStore(folder(), bytes_max=10)
    store.save("a", b"ten bytes.")
    try:
        store.save("a", b"eleven byte")
    except ValueError as fault:
        assert "11" in str(fault) and "10" in str(fault)
    else:
        assert False
    assert store.load("a") == b"ten bytes."


def test_remove():
    store = FlashStore(folder())
    store.save("a", b"1")
    store.save("a", b"2")
    store.remove("a")
    store.remove("never saved")
    assert store.load("a") is None


def test_sequence_number_wraps():
    from bess.ports import flash
    assert flash._is_newer(1, 0) and not flash._is_newer(0, 1)
    assert flash._is_newer(0, 0x3FFFFFFF) and not flash._is_newer(0x3FFFFFFF, 0)
    assert not flash._is_newer(5, 5)


def test_power_cut_at_every_write_leaves_old_or_new():
    """Runs under MicroPython only: CPython has no LittleFS to cut."""
    if not is_littlefs():
        return
    fresh = Disk()
    os.VfsLfs2.mkfs(fresh)
    store = mounted(fresh)
    old, new = b"old" * 300, b"new" * 300
    store.save("config", b"first")
    store.save("config", old)
    before = bytes(fresh.data)
    writes = fresh.writes
    store.save("config", new)
    writes = fresh.writes - writes
    os.umount("/cut")
    assert writes > 3
    seen = []
    for budget in range(writes + 1):
        assert cut(before, budget, new) in (old, new), budget
        seen.append(cut(before, budget, new) == new)
    assert seen[0] is False and seen[-1] is True


def cut(data, budget, content):
    """What is there after a save whose power failed, and that another save still works."""
    disk = Disk(bytearray(data))
    store = mounted(disk)
    disk.budget = budget
    try:
        store.save("config", content)
    except OSError:
        pass
    disk.budget = None
    after = bytearray(disk.data)    # what the chip holds at the cut
    os.umount("/cut")
    store = mounted(Disk(after))
    found = store.load("config")
    store.save("config", b"later")
    assert store.load("config") == b"later"
    os.umount("/cut")
    return found
