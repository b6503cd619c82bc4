"""The board's way out to the desktop: host files, and the control pipe to the supervisor.

Everything the supervisor hands over comes in environment variables that start with BOARD_.
"""
import os
import time
import vfs

_FEED = b".\n"

_posix = vfs.VfsPosix()     # stays usable after LittleFS has taken over "/"
open_host = _posix.open
remove_host = _posix.remove
rename_host = _posix.rename


def setting(name, default=None):
    """A value of the supervisor, as text; default when it gave none."""
    return os.getenv("BOARD_" + name) or default


_control = open_host(int(setting("CONTROL")), "wb")


def tell(line):
    """Send one line of the control protocol (tools/board/chip.py lists the words)."""
    _control.write(line + "\n")


def feed():
    """Watchdog fed. Allocates nothing, because the control tick calls it."""
    _control.write(_FEED)


def end(word):
    """Tell the supervisor to end this process with SIGKILL; never returns."""
    while True:
        try:
            tell(word)
            time.sleep(1)
        except KeyboardInterrupt:
            pass            # a chip in reset does not listen either
