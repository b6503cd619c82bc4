"""Runs files under the desktop's MicroPython: `python -m tools.mpy_run TEST_FILE...`.

`interpreter()` is the one place that knows which MicroPython is meant.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tools import wasm32

ROOT = Path(__file__).resolve().parent.parent
SIDE = ROOT / "tools" / "mpy_side.py"
# Stubs answer only for what the interpreter does not have built in; asyncio is frozen into it.
SEARCH_PATH = (ROOT / "firmware", ROOT, ROOT / "stubs", ".frozen")
TEST_HEAP = "4M"
TIMEOUT_S = 120

_PLACE = re.compile(r'^  File "([^"]+)", line (\d+)')
_VERDICT = re.compile(r"^(ok|FAIL) (test_\w+|import)$")


def interpreter():
    """Path of the MicroPython program: MICROPYTHON= or the one in .venv; exits with one line."""
    named = os.environ.get("MICROPYTHON")
    path = Path(named) if named else Path(sys.prefix) / "bin" / "micropython"
    if not os.access(path, os.X_OK) or path.is_dir():
        sys.exit(
            f"error: no MicroPython at {path}: run `make` on Linux x86_64 or macOS arm64, "
            "or name an interpreter with MICROPYTHON=/path"
        )
    return str(path)


def test_names(path):
    """Names and line numbers of the module-level test functions, in the order of the file."""
    tree = ast.parse(Path(path).read_text())
    return [
        (node.name, node.lineno)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def run_tests(path, heap=TEST_HEAP, timeout_s=TIMEOUT_S):
    """Run one test file; returns {name: None when passed, else the text of the failure}.

    A test without a verdict (the interpreter crashed, hung or could not import) fails with
    everything that was printed.
    """
    command = [interpreter(), "-X", f"heapsize={heap}", str(SIDE), str(path)]
    try:
        done = subprocess.run(
            command + [str(entry) for entry in SEARCH_PATH],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
        )
        text, ending = done.stdout, f"ended with {done.returncode}"
    except subprocess.TimeoutExpired as slow:
        text, ending = slow.stdout or b"", f"did not end within {timeout_s} s"
    return judge(path, text.decode("utf-8", "replace"), ending)


def run_tests_32(path):
    """The same on the 32-bit build, for files that need no more than the pure rings."""
    path = Path(path).resolve()
    on_board = f"/lib/{path.relative_to(ROOT).as_posix()}"
    files = {
        **wasm32.tree(ROOT / "firmware"),
        **wasm32.tree(ROOT / "host_tests", "/lib/host_tests"),
        "/lib/mpy_side.py": SIDE,
    }
    calls = [f"import mpy_side\nspace = mpy_side.load({on_board!r})"]
    calls += [f"mpy_side.check({name!r}, space[{name!r}])" for name, _ in test_names(path)]
    try:
        output, ending = wasm32.run32(calls, files, timeout_s=TIMEOUT_S), "ended early"
    except wasm32.Failed as failed:
        output, ending = str(failed), "failed"
    return judge(path, output.replace('"/lib/host_tests', f'"{ROOT}/host_tests'), ending)


def judge(path, output, ending):
    """{name: None or text} for every test of the file, out of what was printed."""
    verdicts = parse(output)
    lost = f"no verdict: MicroPython {ending}\n{with_source(output)}"
    return {name: verdicts.get(name, lost) for name, _ in test_names(path)}


def parse(output):
    """{name: None or the text after FAIL} out of what tools/mpy_side.py printed."""
    verdicts = {}
    failing = None
    for line in output.splitlines():
        match = _VERDICT.match(line)
        if match:
            failing = match[2] if match[1] == "FAIL" else None
            verdicts[match[2]] = None if failing is None else ""
        elif failing is not None:
            verdicts[failing] += line + "\n"
    return {name: text and with_source(text) for name, text in verdicts.items()}


def with_source(text):
    """A MicroPython traceback with the source lines that it does not print itself."""
    lines = []
    for line in text.splitlines():
        lines.append(line)
        place = _PLACE.match(line)
        if place and Path(place[1]).is_file():
            source = Path(place[1]).read_text().splitlines()
            number = int(place[2])
            if 0 < number <= len(source):
                lines.append("    " + source[number - 1].strip())
    return "\n".join(lines)


def main(paths):
    """Run each file and print one line a test; returns 1 when any failed."""
    failed = 0
    for path in paths:
        for name, text in run_tests(path).items():
            print(f"{'ok' if text is None else 'FAIL'} {path}::{name}")
            if text is not None:
                failed += 1
                print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
