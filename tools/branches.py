"""Every branch of the control and battery rules is taken by a test, or named by this gate.

    python -m tools.branches            exit 1 and one line per branch that no test takes
    python -m tools.branches FILE...    only these files (firmware/bess/core/...)

Only the plain tests count, those that run under MicroPython too: what a property test happens to
reach is luck. Coverage.py measures; this file only says what is missing, in words.
"""

import contextlib
import io
import json
import sys
import tempfile
import traceback
from pathlib import Path

import coverage

from tools import core_tests

ROOT = core_tests.ROOT


def run(tests):
    """Run the tests in this process; the names of those that failed."""
    failed = []
    for test in tests:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                core_tests.function_of(test)()
        except Exception:
            traceback.print_exc()
            failed.append(test)
    return failed


def measure(paths, tests, root=ROOT):
    """(failed tests, {path: (taken, all, [line or (from, to)])}) with branches."""
    cover = coverage.Coverage(data_file=None, branch=True, config_file=False,
                              include=[str(root / path) for path in paths])
    core_tests.enter(root)
    cover.start()
    failed = run(tests)
    cover.stop()
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "report.json")
        cover.json_report(outfile=name)
        files = json.loads(Path(name).read_text())["files"]
    found = {}
    for name, report in files.items():
        path = Path(name).resolve().relative_to(root.resolve()).as_posix()
        found[path] = judge(report)
    for path in set(paths) - set(found):
        found[path] = (0, 1, [1])
    return failed, found


def judge(report):
    """(taken, all, missing) out of what coverage.py writes about one file."""
    total = report["summary"]
    lines = report["missing_lines"]
    jumps = [(a, b) for a, b in report["missing_branches"] if a not in lines]
    return (total["covered_lines"] + total["covered_branches"],
            total["num_statements"] + total["num_branches"], lines + jumps)


def sentences(path, missing, source):
    """One line for each place that no test reaches."""
    text = source.splitlines()
    for place in missing:
        if isinstance(place, int):
            yield f"{path}:{place}: never runs: {text[place - 1].strip()}"
        else:
            line, target = place
            where = f"line {target}" if target > 0 else "the end"
            yield f"{path}:{line}: never goes to {where}: {text[line - 1].strip()}"


def main(arguments):
    paths = [Path(path).as_posix() for path in arguments] or core_tests.measured()
    failed, found = measure(paths, core_tests.discover(host=False))
    for path in sorted(found):
        for line in sentences(path, found[path][2], (ROOT / path).read_text()):
            print(line)
    taken, every = (sum(entry[k] for entry in found.values()) for k in (0, 1))
    print(f"{taken} of {every} lines and branches of {len(found)} files are taken by "
          f"plain tests, {len(failed)} tests failed")
    return 1 if failed or taken < every else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
