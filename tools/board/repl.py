"""What the REPL of a chip is doing, told from the bytes that pass by.

A raw REPL leaves its terminal as it is while code runs, so nothing but the protocol shows it:
the host ends the code with Ctrl-D, the chip's answer ends in Ctrl-D and a prompt.
"""
import re

_CTRL_D = b"\x04"
_RAW_BANNER = b"raw REPL; CTRL-B to exit"
_RAW_PROMPTS = (_CTRL_D + b">", _RAW_BANNER + b"\r\n>")
_FRIENDLY_PROMPT = b"\n>>> "
_BARE_NEWLINE = re.compile(rb"(?<!\r)\n")
_TAIL = len(_RAW_BANNER) + 3


class Repl:
    def __init__(self):
        self.is_raw = False         # the mode; a chip keeps it over a soft reset
        self.is_raw_running = False     # code that came through the raw REPL is being executed
        self._tail = b""

    def restart(self):
        """The chip starts anew."""
        self.is_raw_running = False
        self._tail = b""

    def saw_input(self, data):
        if self.is_raw and _CTRL_D in data:
            self.is_raw_running = True

    def cooked(self, data):
        """Output with the line ends of a chip's terminal; to be asked before saw_output."""
        text = _BARE_NEWLINE.sub(b"\r\n", data)
        is_split = self._tail[-1:] == b"\r" and data[:1] == b"\n"
        return text[1:] if is_split else text

    def saw_output(self, data):
        text = self._tail + data
        raw, friendly = text.rfind(_RAW_BANNER), text.rfind(_FRIENDLY_PROMPT)
        if raw != friendly:                 # both -1: no news
            self.is_raw = raw > friendly
        if not self.is_raw or text.endswith(_RAW_PROMPTS):
            self.is_raw_running = False
        self._tail = text[-_TAIL:]
