"""Breaks the control and battery rules on purpose, a little each time: does a test notice?

    python -m tools.mutate [--files NAME...] [--sample N] [--seed S] [-j N] [--own] [--fresh]

--files: parts of paths (ramp, battery/) instead of every measured file. --sample: so many mutants,
drawn by the seed. --own: only the test modules that belong to the file, a quick first look that
lets more through. --fresh: forget earlier results; without it, a mutant that a test caught is not
tried again while its file stays as it is.

It works on a copy of the tree, so that it may run while somebody edits. Each mutant lives in a
process of its own that meets the tests which reach the changed line: those of the file's own test
modules, then the plain tests of others, the quick ones first, as many as fit into some seconds.
Those that noticed the mutants before it in the same function go ahead of all.
Such a process starts with everything imported; it takes the changed function over, or imports
anew where more than a function changed.
Results go to build/mutation.json.
Equivalent mutants (no test can tell) stand in tools/mutate_equivalent.tsv, each with its reason;
the score is caught / (all - equivalent). Exit 1 when it is below 90 %.
"""

import argparse
import gc
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tools import core_tests, mutants
from tools.mutant_run import Job, Pool, attempt, in_child

ROOT = core_tests.ROOT
EQUIVALENT = ROOT / "tools/mutate_equivalent.tsv"
RESULTS = ROOT / "build/mutation.json"
SCORE_PC_MIN = 90
OTHERS_S = 20                       # tests of other modules, all together


# --- what the tests reach ---------------------------------------------------------------------


def reach(root, paths, own_only=False):
    """{path: {line: [tests]}} and {test: seconds}, measured in a process of its own."""
    return in_child(lambda: _reach(root, paths, own_only), 1200)


def _reach(root, paths, own_only):
    import coverage

    tests = [test for test in core_tests.discover(root)
             if any(core_tests.own(path, test) for path in paths)
             or not (own_only or "_host:" in test)]
    cover = coverage.Coverage(data_file=None, config_file=False,
                              include=[str(root / path) for path in paths])
    seconds = {}
    cover.start()
    for test in tests:
        function = core_tests.function_of(test)
        cover.switch_context(test)
        start_s = time.process_time()
        if function and _passes(function):
            seconds[test] = time.process_time() - start_s
    cover.stop()
    data = cover.get_data()
    lines = {path: data.contexts_by_lineno(str(root / path)) for path in paths}
    return [{path: {line: [name for name in names if name in seconds]
                    for line, names in found.items()}
             for path, found in lines.items()}, seconds]


def _passes(function):
    try:
        function()
    except Exception:
        return False                    # a test that fails anyway shows nothing
    return True


# --- all of them ------------------------------------------------------------------------------


def jobs_of(root, path, reached, seconds):
    """A job for each mutant of a file, with the tests in the order in which they are tried."""
    source = (root / path).read_text()
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    lines = reached.get(path, {})
    folder = core_tests.module_of(path).replace("bess", "host_tests", 1).rpartition(".")[0] + "."
    anywhere = {test for tests in lines.values() for test in tests}
    anywhere |= {test for test in seconds if test.startswith(folder)}   # for constants and tables

    def order(test):
        return "_host:" in test, not core_tests.own(path, test), seconds[test], test

    for number, mutant in enumerate(mutants.parse(source)[1]):
        reaching = lines.get(str(mutant.line)) if mutant.where else None
        tests = choose(path, sorted(reaching or anywhere, key=order), seconds)
        key = (path, mutant.where, mutant.text, mutant.what, number)
        yield Job(path, key, mutant, tests, digest, bool(reaching))


def choose(path, tests, seconds):
    """The file's own tests, then others while there is time."""
    chosen, left_s = [], OTHERS_S
    for test in tests:
        if not core_tests.own(path, test):
            left_s -= seconds[test]
            if left_s < 0 or "_host:" in test:
                continue
        chosen.append(test)
    return chosen


def equivalents(text):
    """{(path, where, line, change): reason}; ValueError names a row that is not whole."""
    found = {}
    for number, row in enumerate(text.splitlines(), 1):
        cells = row.split("\t")
        if not row or row.startswith("#"):
            continue
        if len(cells) != 5 or not cells[4].strip():
            raise ValueError(f"line {number}: path, where, line, change and reason are wanted")
        found[tuple(cells[:4])] = cells[4]
    return found


def stale(listed, jobs, paths):
    """Rows of the list whose line is no longer in the tree."""
    there = {job.key[:4] for job in jobs}
    return [row for row in listed if row[0] in paths and row not in there]


def snapshot(folder):
    """A copy of what the tests of the core need."""
    for name in ("firmware", "host_tests", "stubs"):
        shutil.copytree(ROOT / name, Path(folder) / name,
                        ignore=shutil.ignore_patterns("__pycache__", "e2e"))
    return Path(folder)


class Results:
    """What became of each mutant; kept in a file from run to run."""

    def __init__(self, path, fresh):
        self._path = path
        self._rows = {}
        if path.exists() and not fresh:
            self._rows = {tuple(row["key"]): row for row in json.loads(path.read_text())["rows"]}

    def known(self, job):
        """True when a test has caught it in this very file."""
        row = self._rows.get(job.key)
        return row is not None and row["digest"] == job.digest and bool(row["killer"])

    def add(self, job, killer):
        self._rows[job.key] = {"key": job.key, "digest": job.digest, "killer": killer,
                               "line": job.mutant.line}

    def survived(self, job):
        return not self._rows[job.key]["killer"]

    def write(self, figures):
        self._path.parent.mkdir(exist_ok=True)
        rows = [self._rows[key] for key in sorted(self._rows)]
        self._path.write_text(json.dumps({"figures": figures, "rows": rows}, indent=1))


def judge(jobs, survived, listed):
    """{path: [all, equivalent, caught]} and the jobs that nobody noticed."""
    figures, open_ = {}, []
    for job in jobs:
        entry = figures.setdefault(job.path, [0, 0, 0])
        entry[0] += 1
        if job.key[:4] in listed:
            entry[1] += 1
        elif not survived(job):
            entry[2] += 1
        else:
            open_.append(job)
    return figures, open_


def score_pc(counts):
    """Caught per cent of those that a test could notice, rounded down."""
    every, equal, caught = counts
    return 100 * caught // (every - equal) if every > equal else 100


def report(figures, open_):
    """Lines for a person."""
    for job in open_:
        yield f"{job.path}:{job.mutant.line}: {job.mutant.what}: {job.mutant.text}"
    for path in sorted(figures):
        every, equal, caught = figures[path]
        yield (f"{path}: {caught} of {every - equal} caught, {score_pc(figures[path])} %"
               + (f", {equal} equivalent" if equal else ""))
    total = [sum(counts[k] for counts in figures.values()) for k in range(3)]
    yield f"score {score_pc(total)} %: {total[2]} of {total[0] - total[1]} mutants caught, " \
          f"{total[1]} equivalent"


def options(arguments):
    parser = argparse.ArgumentParser(prog="python -m tools.mutate")
    parser.add_argument("--files", nargs="+", default=[""])
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-j", type=int, default=1)
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    return parser.parse_args(arguments)


def draw(jobs, sample, seed):
    """So many of the jobs by a seed; all of them for 0."""
    if not sample or sample >= len(jobs):
        return jobs
    return sorted(random.Random(seed).sample(jobs, sample), key=lambda job: job.key)


def eager(job, killers):
    """The job with the tests first that noticed something in the same function, latest first."""
    first = [test for test in reversed(killers.get(job.key[:2], ())) if test in job.tests]
    return job._replace(tests=first + [test for test in job.tests if test not in first])


def run(root, jobs, seconds, width, results):
    """Try the jobs that are not known yet; a count on a terminal."""
    left = [job for job in jobs if not results.known(job)]
    count = [0]
    killers = {}

    def done(job, killer):
        results.add(job, killer)
        noticed = killers.setdefault(job.key[:2], [])
        if killer in noticed:
            noticed.remove(killer)
        noticed.append(killer)
        count[0] += 1
        if count[0] % 50 == 0:
            results.write({})           # whoever stops it here goes on from here
        if sys.stderr.isatty():
            print(f"\r{count[0]} of {len(left)} ", end="", file=sys.stderr, flush=True)

    def start(job, pipe):
        attempt(root, eager(job, killers), seconds, pipe)

    Pool(width).run(left, start, done)


def main(arguments):
    chosen = options(arguments)
    listed = equivalents(EQUIVALENT.read_text())
    paths = [path for path in core_tests.measured() if any(part in path for part in chosen.files)]
    with tempfile.TemporaryDirectory() as folder:
        root = snapshot(folder)
        core_tests.enter(root)
        for test in core_tests.discover(root):
            core_tests.function_of(test)    # imports: the children start with all of it
        gc.freeze()
        reached, seconds = reach(root, paths, chosen.own)
        every = [job for path in paths for job in jobs_of(root, path, reached, seconds)]
        old = stale(listed, every, paths)
        for row in old:
            print("not in the tree any more:", *row, sep="\t")
        jobs = draw(every, chosen.sample, chosen.seed)
        results = Results(RESULTS, chosen.fresh)
        try:
            run(root, [job for job in jobs if job.key[:4] not in listed], seconds, chosen.j,
                results)
            figures, open_ = judge(jobs, results.survived, listed)
        finally:
            results.write({})
    for line in report(figures, open_):
        print(line)
    results.write(figures)
    total = [sum(counts[k] for counts in figures.values()) for k in range(3)]
    return 1 if old or score_pc(total) < SCORE_PC_MIN else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
