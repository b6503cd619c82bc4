"""The console's line editing and command table, without a serial port."""

import asyncio

from bess.services.console import Console


class Typist:
    """Gives a text one character at a time, then ends the stream."""

    def __init__(self, text):
        self.left = text

    async def read(self, count):
        await asyncio.sleep(0)
        char, self.left = self.left[:count], self.left[count:]
        return char


def dialog(typed, **commands):
    """What the console wrote while `typed` was typed."""
    written = []
    table = {name: (commands[name], name + " help") for name in commands}
    console = Console(table, Typist(typed), written.append)
    asyncio.run(console.run())
    return "".join(written)


def say(words):
    yield "said"
    for word in words:
        yield word


def refuse(words):
    raise ValueError("got nothing, wants a number")


def broken(words):
    yield "first line"
    raise KeyError("bug")


CASES = (
    # typed, expected in the output, why
    ("say\r", "say\r\nsaid\r\n", "a command and its echo"),
    ("say a b\n", "said\r\na\r\nb\r\n", "words are handed over"),
    ("  say   a  \r\n", "said\r\na\r\n", "blanks are only separators"),
    ("sax\by\r", "said\r\n", "backspace"),
    ("sax\x7fy\r", "said\r\n", "delete"),
    ("\b\bsay\r", "\r\nsaid\r\n", "backspace at the start does nothing"),
    ("s\x01\x04\x1bay\r", "said\r\n", "control characters are ignored"),
    ("nix\r", "nix: unknown, allowed: ", "an unknown command says what is allowed"),
    ("refuse\r", "refuse: got nothing, wants a number\r\n", "the person sees what is wrong"),
    ("broken\rsay\r", "said\r\n", "a broken command does not end the console"),
    ("\r\r\n", "", "empty lines do nothing"),
)


def test_dialogs():
    for typed, expected, why in CASES:
        written = dialog(typed, say=say, refuse=refuse, broken=broken)
        assert expected in written, (why, written)


def test_bytes_are_text_too():
    assert "said\r\n" in dialog(b"say\r", say=say)


def test_unknown_lists_all_commands_in_order():
    assert "nix: unknown, allowed: broken say\r\n" in dialog("nix\r", say=say, broken=broken)


def test_a_line_is_bounded():
    kept = []

    def keep(words):
        kept.append(words)
        return ()

    dialog("keep " + "x" * 500 + "\r", keep=keep)
    assert len(kept[0][0]) == 115


def test_output_leaves_room_for_other_tasks():
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    def long(words):
        for n in range(20):
            turns.clear()
            yield str(n)
            assert turns, "nobody else ran between two lines"

    async def main():
        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        written = []
        await Console({"long": (long, "")}, Typist("long\r"), written.append).run()
        task.cancel()
        return "".join(written)

    assert "19\r\n" in asyncio.run(main())
