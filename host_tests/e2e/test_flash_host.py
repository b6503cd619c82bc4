"""Flashing the virtual board with the real mpremote: new, unchanged, changed, damaged."""

import contextlib
import io
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import build, flash, mpy_run

DEADLINE_S = 20


@contextlib.contextmanager
def board():
    """A running virtual board with an empty flash; gives its serial port."""
    with tempfile.TemporaryDirectory() as folder:
        link = str(Path(folder) / "serial")
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.board", "--dir", folder, "--link", link],
            cwd=mpy_run.ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert "ready" in process.stdout.readline()
            yield link
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_S)


@contextlib.contextmanager
def small_firmware():
    """A firmware of four files in place of ours, which would start to control something."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (
            ("boot.py", "import machine\n"), ("main.py", "import bess.core.hello\n"),
            ("bess/core/hello.py", "print('hello')\n"), ("bess/points.tsv", "a\tb\n"),
        ):
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        ours, build.image = build.image, lambda name: ours(name, Path(folder))
        try:
            yield Path(folder)
        finally:
            build.image = ours


def copied(port, *options):
    """What make flash says it copied."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        said = flash.main(["virtual", port, *options])
    assert said == 0, said
    return [line[7:] for line in printed.getvalue().splitlines() if line.startswith("copied ")]


def test_flash_round_trip():
    with small_firmware() as folder, board() as port:
        everything = ["bess/core/hello.mpy", "bess/points.tsv", "board.json", "boot.py",
                      "config.json", "main.py"]
        assert copied(port) == everything, "new board"
        assert "hello" in flash.mpremote(port, "exec", "import main")
        assert copied(port) == [], "nothing changed"

        (folder / "bess/core/hello.py").write_text("print('again')\n")
        assert copied(port) == ["bess/core/hello.mpy", "main.py"]
        assert "again" in flash.mpremote(port, "exec", "import main")

        damage = (
            "import os\n"
            "for name, text in (('/config.json', '{ }'), ('/bess/old.py', ''),\n"
            "                   ('/bess/points.tsv', 'spoilt'), ('/own_data', 'kept')):\n"
            "    with open(name, 'w') as file:\n        file.write(text)\n"
            "os.remove('/boot.py')\n")
        flash.mpremote(port, "exec", damage)
        assert copied(port) == ["bess/points.tsv", "boot.py", "main.py"]
        there = flash.mpremote(
            port, "exec", "import os; print(os.listdir('/bess'), os.listdir('/'))")
        assert "old.py" not in there and "own_data" in there
        assert flash.mpremote(port, "exec", "print(open('/config.json').read())").strip() == "{ }"
        assert copied(port, "--force-config") == ["config.json", "main.py"]


def test_a_copy_that_went_wrong_is_told():
    with small_firmware(), board() as port:
        honest = flash.copy_words
        flash.copy_words = lambda folder, paths: honest(folder, paths[1:])
        try:
            said = flash.main(["virtual", port])
        finally:
            flash.copy_words = honest
        assert said.startswith(f"error: {port}: differs after copying: bess/core/hello.mpy")
