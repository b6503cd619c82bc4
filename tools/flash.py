"""`python -m tools.flash BOARD PORT`: bring a board's files up to date with mpremote.

Only what differs is copied, hashes are compared afterwards, then the board is reset. Files under
/bess that no longer ship are removed; the board's own config.json stays unless --force-config.
main.py is taken away first and comes last: a board whose flashing was cut short stays at its
prompt, with the outputs as boot.py left them.
"""

import argparse
import hashlib
import os
import stat
import subprocess
import sys
from collections import namedtuple

from tools import build

TIMEOUT_S = 180
OWN_FOLDER = "bess"
MARK = "sha256"
# Runs on the board: every file of ours as "sha256 HEX PATH".
LIST_FILES = f"""
import os, hashlib, binascii
def _show(path):
    digest = hashlib.sha256()
    block = bytearray(512)
    with open("/" + path, "rb") as file:
        while True:
            n = file.readinto(block)
            if not n:
                break
            digest.update(memoryview(block)[:n])
    print("{MARK}", binascii.hexlify(digest.digest()).decode(), path)
def _walk(folder):
    for name, kind, *_ in os.ilistdir("/" + folder):
        path = folder + "/" + name if folder else name
        if kind != 0x4000:
            if folder or name in {(*build.STARTERS, *build.BOARD_FILES)!r}:
                _show(path)
        elif folder or name == {OWN_FOLDER!r}:
            _walk(path)
_walk("")
"""
PREPARE = """
import os
for path in {removals!r}:
    os.remove("/" + path)
for path in {folders!r}:
    try:
        os.mkdir("/" + path)
    except OSError:
        os.stat("/" + path)
"""

Plan = namedtuple("Plan", ("removals", "folders", "copies"))


class FlashError(Exception):
    """One line for the person who asked."""


def digests(content):
    """{path: sha256 in hex} of an image."""
    return {path: hashlib.sha256(data).hexdigest() for path, data in content.items()}


def parse_listing(text):
    """{path: sha256 in hex} out of what LIST_FILES printed."""
    rows = [line.split(" ", 2) for line in text.splitlines() if line.startswith(MARK + " ")]
    return {path.strip(): digest for _, digest, path in rows}


def make_plan(wanted, present, force_config=False):
    """What to remove, which folders to make and what to copy, in order; all empty when up to date.

    Args:
        wanted, present: {path: sha256} of the image and of the board.
    """
    kept = {"config.json"} if "config.json" in present and not force_config else set()
    copies = [p for p in sorted(wanted) if p not in kept and present.get(p) != wanted[p]]
    removals = [path for path in sorted(present) if path not in wanted and path not in kept]
    if "main.py" in wanted and (removals or copies):
        copies = [path for path in copies if path != "main.py"] + ["main.py"]
        removals += ["main.py"] if "main.py" in present else []
    return Plan(removals, _folders(copies), copies)


def _folders(paths):
    """Every folder on the way to the paths, parents first."""
    found = set()
    for path in paths:
        parts = path.split("/")[:-1]
        found.update("/".join(parts[: n + 1]) for n in range(len(parts)))
    return sorted(found)


def mpremote(port, *words):
    """Run mpremote on the port and return what it printed; raises FlashError."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise FlashError(f"the board at {port} did not finish within {TIMEOUT_S} s") from None
    if done.returncode:
        raise FlashError(f"{port}: {reason(done.stdout)}")
    return done.stdout


def reason(said):
    """What mpremote's output means, in a few words."""
    if "could not enter raw repl" in said:
        return "no MicroPython prompt answers there"
    if "failed to access" in said:
        return "cannot be opened, or another program uses it"
    return (said.strip().splitlines() or ["mpremote failed without a word"])[-1]


def copy_words(folder, paths):
    """mpremote's words that copy the paths out of an image folder."""
    words = []
    for path in paths:
        words += ["fs", "cp", "-f", str(folder / "image" / path), f":/{path}", "+"]
    return words


def flash(board, port, force_config=False, instead=None, into=build.BUILD):
    """Build, copy what differs, verify and reset; returns the paths that were copied.

    Args:
        instead: {path: bytes} that replace files of the image, as another config.json.
        into: folder for the image.
    """
    content = {**build.image(board), **(instead or {})}
    folder = build.write(board, content, into)
    wanted = digests(content)
    plan = make_plan(wanted, parse_listing(mpremote(port, "exec", LIST_FILES)), force_config)
    if plan.removals or plan.copies:
        prepare = PREPARE.format(removals=plan.removals, folders=plan.folders)
        said = mpremote(
            port, "exec", prepare, "+", *copy_words(folder, plan.copies), "exec", LIST_FILES
        )
        left = make_plan(wanted, parse_listing(said), force_config)
        if left.removals or left.copies:
            wrong = sorted({*left.removals, *left.copies})
            raise FlashError(f"{port}: differs after copying: {', '.join(wrong)}")
    mpremote(port, "reset")
    return plan.copies


def check_port(port):
    """Raise FlashError when the port cannot be meant; names those that are there."""
    from serial.tools import list_ports

    is_path = port is not None and port.startswith("/")
    if port and (not is_path or _is_character_device(port)):
        return
    there = ", ".join(sorted(found.device for found in list_ports.comports())) or "none"
    what = f"{port} is no serial port" if port else "PORT= is missing"
    raise FlashError(f"{what}; serial ports here: {there}")


def _is_character_device(path):
    try:
        return stat.S_ISCHR(os.stat(path).st_mode)
    except OSError:
        return False


def main(words):
    parser = argparse.ArgumentParser(prog="make flash", description=__doc__)
    parser.add_argument("board")
    parser.add_argument("port", nargs="?")
    parser.add_argument("--force-config", action="store_true", help="overwrite config.json too")
    options = parser.parse_args(words)
    try:
        build.load_board(options.board)
        check_port(options.port)
        copied = flash(options.board, options.port, options.force_config)
    except (build.BuildError, FlashError) as error:
        return f"error: {error}"
    for path in copied:
        print("copied", path)
    print(f"{options.port}: {len(copied)} files copied, hashes verified, board reset")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
