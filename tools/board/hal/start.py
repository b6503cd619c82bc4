# First file of the board's interpreter; it leaves nothing of its own in the names of the REPL.
import os
import sys

sys.path[:] = (os.getenv("BOARD_HAL"),)
import _boot  # noqa: E402

_boot.prepare()
del os, sys
_boot.run(globals())
del _boot
