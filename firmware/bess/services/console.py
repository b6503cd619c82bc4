"""Diagnostics on the serial console, beside the control loop and without stopping it.

Reads lines from the REPL's own serial port. Ctrl-C is not ours: it raises KeyboardInterrupt in the
program as always, and the application turns that into a safe stop.
"""

import asyncio
import gc
import sys

from micropython import const

_LINE_MAX = const(120)
_BACKSPACE = ("\b", "\x7f")
_ENDS = ("\r", "\n")


class Console:
    """A line reader and a table of commands.

    Args:
        commands: a dict, name -> (function, help text), or a function that makes one for each
            line. The function of a name gets the words after it as a list and returns an iterable
            of lines; ValueError's text is shown to the person.
        reader: has `await read(1)`, text or bytes, empty at the end; None reads the REPL's input.
        write (function): takes text; None writes to the REPL's output.
    """

    def __init__(self, commands, reader=None, write=None):
        self._commands = commands
        self._reader = reader or asyncio.StreamReader(sys.stdin)
        self._write = write or sys.stdout.write
        self._line = ""

    async def run(self):
        """Task: read and answer until the stream ends."""
        while True:
            char = await self._reader.read(1)
            if not char:
                return      # no console any more, for example standard input is /dev/null
            line = self._take(char if isinstance(char, str) else chr(char[0]))
            if line:
                await self._answer(line)

    def _take(self, char):
        """Edit the line with one character, echo it; the whole line at its end, else None."""
        if char in _ENDS:
            line, self._line = self._line.strip(), ""
            self._write("\r\n")
            return line
        if char in _BACKSPACE:
            if self._line:
                self._line = self._line[:-1]
                self._write("\b \b")
        elif char >= " " and len(self._line) < _LINE_MAX:
            self._line += char
            self._write(char)
        return None

    async def _answer(self, line):
        """Run one command. One line at a time, so that a slow serial port holds nobody up."""
        words = line.split()
        try:
            for text in self._lines(words[0], words[1:]):
                self._write(text)
                self._write("\r\n")
                await asyncio.sleep(0)
        except Exception as fault:  # a broken diagnosis must not end the console
            self._write("%s: %s\r\n" % (words[0], fault))

    def _lines(self, name, words):
        commands = self._commands() if callable(self._commands) else self._commands
        if name not in commands:
            return ("%s: unknown, allowed: %s" % (name, " ".join(sorted(commands))),)
        return commands[name][0](words)


def mem(words):
    """The heap, as a command; it stands here to show it without what one line has loaded."""
    gc.collect()
    yield "free %d, used %d bytes" % (gc.mem_free(), gc.mem_alloc())
