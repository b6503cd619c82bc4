"""What the chip's own start-up code does: file system, module path, boot.py, main.py."""
import gc
import os
import sys
import vfs

heap_bytes_free = gc.mem_free()     # before the board's modules, for the log

# All are loaded now: later the host's folder is out of reach.
import _flash  # noqa: E402
import _host  # noqa: E402
import _poller  # noqa: E402
import esp32  # noqa: E402, F401
import machine  # noqa: E402, F401
import micropython as _vm  # noqa: E402
import network  # noqa: E402, F401


class _MicroPython:
    """Module micropython with a kbd_intr that reaches the supervisor, who handles Ctrl-C."""

    def __getattr__(self, name):
        return getattr(_vm, name)

    def kbd_intr(self, char):
        _host.tell("kbd_intr %d" % char)


def _mount():
    path, cut = _host.setting("FLASH"), int(_host.setting("CUT", "0"))
    flash = _flash.FailingFlash(path, cut) if cut else _flash.Flash(path)
    if flash.is_blank():
        vfs.VfsLfs2.mkfs(flash, readsize=32, progsize=32, lookahead=32)
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsLfs2(flash, readsize=32, progsize=32, lookahead=32), "/")
    except OSError:
        print("board: the flash holds no file system; delete", path)
    else:
        os.chdir("/")


def prepare():
    """Bring the machine to the point where a chip looks for boot.py."""
    _mount()
    sys.modules["micropython"] = _MicroPython()
    sys.path[:] = ("", ".frozen", "/lib")
    sys.argv[:] = ()
    _poller.install()
    gc.collect()
    _host.tell("up %d %d" % (heap_bytes_free, gc.mem_free()))


def _run(name, names):
    """False when the file raised; SystemExit goes through and ends the process: a soft reset."""
    if name not in os.listdir():
        return True
    try:
        execfile(name, names)  # noqa: F821
    except (Exception, KeyboardInterrupt) as error:
        sys.print_exception(error)
        return False
    return True


def run(names):
    """Run boot.py, then main.py unless boot.py failed or the supervisor says no."""
    booted = _run("boot.py", names)
    _host.tell("ready")
    if booted and not _host.setting("SKIP_MAIN"):
        _run("main.py", names)
