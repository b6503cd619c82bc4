"""Test collection: every file of plain tests runs under CPython and under MicroPython.

`test_x.py` is collected twice, and in the pure rings a third time for the 32-bit build, which is
marked long and runs after `make test`. `test_x_host.py` is collected only here, since it needs
CPython's libraries.
Tests in e2e/ start real processes; those that read the wall clock run alone (Makefile). They come
last, since all that they build is made by then.
"""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each takes ten seconds to a minute. The virtual board and flashing mostly wait: they come beside
# the parity, whose hours run two at a time.
LONGEST = ("test_parity_host.py", "test_board_host.py", "test_flash_host.py",
           "test_simulate_host.py", "test_simulate_packs_host.py", "test_bundle_host.py",
           "test_busy_host.py", "test_plan_gap_host.py", "test_chip_host.py",
           "test_api_machine_host.py")
PURE = ("core", "protocols", "devices")
for entry in (ROOT, ROOT / "stubs", ROOT / "firmware"):
    if str(entry) not in sys.path:
        sys.path.insert(0, str(entry))

from tools import mpy_run  # noqa: E402  (found through the line above)


def pytest_configure(config):
    """Property tests try the same examples each time: 50 in make test, 100 in .ci/run (more);
    HYPOTHESIS_PROFILE=long looks further."""
    from hypothesis import settings

    settings.register_profile("usual", deadline=None, derandomize=True, max_examples=50)
    settings.register_profile("more", deadline=None, derandomize=True, max_examples=100)
    settings.register_profile("long", deadline=None, max_examples=300, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


def pytest_collect_file(file_path, parent):
    name = file_path.name
    if name.startswith("test_") and name.endswith(".py") and not name.endswith("_host.py"):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(items):
    """The longest files first, so that no worker is left alone with one of them at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name)
               if item.path.name in LONGEST else len(LONGEST))


class MicroPythonFile(pytest.File):
    """One test file, executed once by one process of each build of MicroPython."""

    def collect(self):
        try:
            names = mpy_run.test_names(self.path)
        except SyntaxError:
            return  # the ordinary collection of the same file reports it
        builds = [Build("micropython", mpy_run.run_tests, self.path)]
        if set(PURE) & set(self.path.relative_to(ROOT).parts):
            builds.append(Build("micropython32", mpy_run.run_tests_32, self.path))
        for build in builds:
            for name, line in names:
                test = MicroPythonTest.from_parent(self, name=name, build=build, line=line)
                if build.name == "micropython32":
                    test.add_marker("long")
                yield test


class Build:
    """The results of one file under one build; the first question runs it."""

    def __init__(self, name, run, path):
        self.name = name
        self._run = run
        self._path = path
        self._results = None

    def failure(self, test):
        """None when the test passed, else what to show."""
        if self._results is None:
            self._results = self._run(self._path)
        return self._results[test]


class MicroPythonTest(pytest.Item):
    """One function of such a file."""

    def __init__(self, *, name, build, line, **others):
        super().__init__(name=f"{name}[{build.name}]", **others)
        self._test = name
        self._build = build
        self._line = line

    def runtest(self):
        text = self._build.failure(self._test)
        if text is not None:
            raise MicroPythonFailure(text)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, MicroPythonFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self._line - 1, self.name


class MicroPythonFailure(Exception):
    """The traceback that MicroPython printed."""
