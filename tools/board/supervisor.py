"""What stands around a chip: reset logic, watchdog, and the wires of the serial port."""
import select
import signal
import sys
import time

from .chip import Chip
from .repl import Repl

POWER_ON, HARD, WATCHDOG, SOFT = 1, 2, 3, 5
_CAUSES = {POWER_ON: "power-on", HARD: "hard reset", WATCHDOG: "watchdog", SOFT: "soft reset"}

_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_TYPED_MAX = 4096           # bytes from outside that wait for the chip
_REST_S = 0.2               # how long a Ctrl-C waits for code that never rests
_LOST_S = 0.3               # a Ctrl-C this short before a hard reset was not noticed
_QUICK_S, _QUICK_ENDS = 2.0, 5
_PAUSE_S_MAX = 8.0
_TICK_S, _WAIT_S = 0.005, 0.1


class Supervisor:
    """Runs chip after chip until stop() is called. board: heap, flash_bytes, outputs."""

    def __init__(self, program, board, uarts, files, console, cut=0):
        self._program = program
        self._board = board
        self._uarts = uarts
        self._files = files
        self._console = console
        self._cut = cut                 # flash operations left until the power fails
        self._stopping = False
        self._announced = False
        self._quick_ends = 0
        self._skips_main = False
        self._repl = Repl()
        self._typed = bytearray()
        self._interrupted_s = 0.0

    def stop(self):
        self._stopping = True

    def run(self):
        cause = POWER_ON
        while not self._stopping:
            self._start(cause)
            while not self._stopping and self._pass():
                pass
            cause = self._end()
            self._pause()
        self._files.outputs_low(self._outputs)
        self._files.log("power off")

    def _start(self, cause):
        if cause == POWER_ON:
            self._outputs = set(self._board["outputs"])
            self._files.power_on(self._board["flash_bytes"], self._outputs)
        if cause != SOFT:
            self._files.outputs_low(self._outputs)
            self._repl.is_raw = False
            self._wdt_s = self._wdt_end_s = None
            if time.monotonic() - self._interrupted_s < _LOST_S:
                self._typed[:0] = _CTRL_C
        self._end_cause = None
        self._repl.restart()
        self._wants_raw = self._repl.is_raw
        self._hears_ctrl_c = True
        self._asked_s = 0.0                 # since when a Ctrl-C waits
        self._interrupted_s = 0.0           # when one went in and the REPL has not come yet
        self._started_s = time.monotonic()
        self._files.log(f"start, cause {cause} ({_CAUSES[cause]})")
        self._chip = Chip(self._program, self._board["heap"], self._settings(cause))

    def _settings(self, cause):
        files = self._files
        # A Ctrl-C that came during the pause of a crash loop stops even a main.py that is
        # quicker than the wire.
        skips_main = self._skips_main or self._repl.is_raw or _CTRL_C in self._typed
        settings = {"CAUSE": cause, "SKIP_MAIN": "1" if skips_main else "", "CUT": self._cut,
                    "FLASH": files.flash, "PINS": files.pins, "RTC": files.rtc,
                    "NVS": files.nvs, "UID": files.unique_id()}
        settings.update({f"UART_{number}": path for number, path in self._uarts.items()})
        return settings

    def _pass(self):
        """Wait for something and deal with it. False when the chip has ended."""
        chip, console = self._chip, self._console
        reads = [chip.control, console.fd]
        if not console.is_full:
            reads.append(chip.tty)
        busy = self._typed or self._wants_raw or console.has_pending
        ready, _, _ = select.select(reads, [], [], _TICK_S if busy else _WAIT_S)
        if chip.control in ready:
            self._listen()
        if console.fd in ready:
            self._hear(console.read())
        if chip.tty in ready:
            self._pass_output()
        console.write()
        self._type()
        self._watch()
        if not self._announced and chip.at_prompt():
            self._announce()            # boot.py was interrupted
        return not chip.is_over

    def _listen(self):
        """Messages of the chip."""
        for word, *values in self._chip.messages():
            if word == ".":
                self._feed()
            elif word == "wdt":
                self._wdt_s = int(values[0]) / 1000
                self._feed()
            elif word == "out":
                self._outputs.add(int(values[0]))
            elif word == "kbd_intr":
                self._hears_ctrl_c = int(values[0]) == _CTRL_C[0]
            elif word == "flash":
                self._cut -= 1
            elif word == "up":
                self._chip.is_up = True
                self._files.log(f"heap {self._board['heap']}: {values[0]} bytes free, "
                          f"{values[1]} after the board's own modules")
            elif word == "ready":
                self._announce()
            elif word == "reset":
                self._kill(HARD)
            elif word == "cut":
                self._cut = 0
                self._files.log("power cut")
                self._kill(POWER_ON)

    def _announce(self):
        if not self._announced:
            print(f"board ready on {self._console.link}", flush=True)
            self._announced = True

    def _hear(self, data):
        """Bytes from outside."""
        self._quick_ends = 0
        self._typed += data[:_TYPED_MAX - len(self._typed)]

    def _type(self):
        """Hand waiting bytes to the chip; Ctrl-C overtakes them when code runs."""
        chip = self._chip
        if not chip.is_up or self._end_cause:
            return
        is_running = self._is_running()
        if not is_running:
            self._asked_s = self._interrupted_s = 0.0
            if self._wants_raw:
                chip.write(_CTRL_A)
                self._wants_raw = False
        if is_running and self._hears_ctrl_c and _CTRL_C in self._typed:
            self._interrupt()
        elif self._typed and not self._wants_raw:
            self._repl.saw_input(self._typed)
            del self._typed[:chip.write(self._typed)]

    def _is_running(self):
        return self._repl.is_raw_running or not self._chip.at_prompt()

    def _interrupt(self):
        """Raise KeyboardInterrupt while the chip rests, or after a while anyway.

        MicroPython leaves the signal's handler with a jump, from wherever it is: in the middle
        of LittleFS or the garbage collector that can spoil its memory.
        """
        now_s = time.monotonic()
        if not self._asked_s:
            self._asked_s = now_s
        if not self._chip.comes_to_rest() and now_s - self._asked_s < _REST_S:
            return
        self._pass_output()
        if not self._is_running():      # it rests because it is through
            return
        self._chip.interrupt()
        self._typed = self._typed.replace(_CTRL_C, b"")
        self._asked_s = 0.0
        self._interrupted_s = now_s

    def _pass_output(self):
        data = self._chip.read()
        is_text = self._hears_ctrl_c and not self._repl.is_raw    # else mpremote speaks binary
        self._console.write(self._repl.cooked(data) if is_text else data)
        self._files.record(data)
        self._repl.saw_output(data)
        return data

    def _feed(self):
        if self._wdt_s:
            self._wdt_end_s = time.monotonic() + self._wdt_s

    def _watch(self):
        if self._wdt_end_s and time.monotonic() > self._wdt_end_s:
            self._wdt_end_s = None
            self._kill(WATCHDOG)

    def _kill(self, cause):
        self._end_cause = cause
        self._chip.kill()

    def _end(self):
        """Clear away the chip and return the cause with which the next one starts."""
        while self._pass_output():
            pass
        self._listen()
        code = self._chip.reap()
        # MicroPython drops its handler just before the prompt: a Ctrl-C then ends the process.
        self._skips_main = code == -signal.SIGINT
        is_soft = code >= 0 or self._skips_main
        cause = self._end_cause or (SOFT if is_soft else HARD)
        if cause == SOFT:
            self._console.write(b"MPY: soft reboot\r\n")
        else:
            self._console.write(f"\r\nboard: {_CAUSES[cause]}\r\n".encode())
        if not is_soft and not self._end_cause and not self._stopping:
            self._files.log(f"the interpreter died of signal {-code}")
        return cause

    def _pause(self):
        """Slow down a chip that ends again and again with nobody at its console."""
        is_quick = time.monotonic() - self._started_s < _QUICK_S
        self._quick_ends = self._quick_ends + 1 if is_quick else 0
        if self._stopping or self._quick_ends < _QUICK_ENDS:
            return
        pause_s = min(2.0 ** (self._quick_ends - _QUICK_ENDS), _PAUSE_S_MAX)
        text = (f"{self._quick_ends} starts in a row ended within {_QUICK_S:.0f} s; "
                f"next in {pause_s:.0f} s, or at once on input to the console")
        self._files.log(text)
        print("board: " + text, file=sys.stderr, flush=True)
        self._console.write(f"board: {text}\r\n".encode())
        until_s = time.monotonic() + pause_s
        while self._quick_ends and not self._stopping and time.monotonic() < until_s:
            if select.select([self._console.fd], [], [], _WAIT_S)[0]:
                self._hear(self._console.read())
            self._console.write()
