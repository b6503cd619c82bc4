"""The gate on branches: it names the branch that no test takes."""

import sys

from tools import branches, core_tests
from tools.mutant_run import in_child

SOURCE = """def clip(x):
    if x < 0:
        x = 0
    for i in range(x):
        if i > 3:
            return i
    return x
"""
REPORTS = (
    # tests, sentences, why
    ("assert clip(-1) == 0 and clip(2) == 2 and clip(9) == 4", [], "every way is gone"),
    ("assert clip(2) == 2", [
        "firmware/bess/core/window.py:3: never runs: x = 0",
        "firmware/bess/core/window.py:6: never runs: return i",
        "firmware/bess/core/window.py:2: never goes to line 3: if x < 0:",
        "firmware/bess/core/window.py:5: never goes to line 6: if i > 3:"], "only the straight"),
    ("assert clip(-1) == 0 and clip(9) == 4", [], "the loop went on before it ended"),
    ("assert clip(-1) == 0", [
        "firmware/bess/core/window.py:5: never runs: if i > 3:",
        "firmware/bess/core/window.py:6: never runs: return i",
        "firmware/bess/core/window.py:2: never goes to line 4: if x < 0:",
        "firmware/bess/core/window.py:4: never goes to line 5: for i in range(x):"], "never in"),
)


def measure(folder, body):
    """What the gate finds in a tree with one file and one test, from a process of its own."""
    files = {"firmware/bess/core/window.py": SOURCE,
             "host_tests/core/test_window.py":
                 f"from bess.core.window import clip\n\n\ndef test_it():\n    {body}\n",
             "host_tests/services/test_keeper.py": "", "stubs/micropython.py": ""}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def work():
        for name in [n for n in sys.modules if n.split(".")[0] in ("bess", "host_tests")]:
            del sys.modules[name]
        paths = core_tests.measured(folder)
        return branches.measure(paths, core_tests.discover(folder), folder)

    failed, found = in_child(work, 60)
    return failed, found["firmware/bess/core/window.py"]


def test_what_is_missing_is_named(tmp_path):
    for number, (body, wanted, why) in enumerate(REPORTS):
        failed, (taken, every, missing) = measure(tmp_path / str(number), body)
        lines = list(branches.sentences("firmware/bess/core/window.py", missing, SOURCE))
        assert lines == wanted, (why, lines)
        assert failed == [] and (taken == every) == (not wanted), why


def test_a_failing_test_is_named(tmp_path):
    failed, _ = measure(tmp_path, "assert clip(2) == 3")
    assert failed == ["host_tests.core.test_window:test_it"]


def test_a_file_that_nobody_imports_is_missing_whole():
    assert branches.judge({"summary": {"covered_lines": 3, "covered_branches": 1,
                                       "num_statements": 4, "num_branches": 2},
                           "missing_lines": [7], "missing_branches": [[7, 8], [5, -1]]}
                          ) == (4, 6, [7, (5, -1)])
    assert list(branches.sentences("a.py", [(1, -1)], "if x:")) == [
        "a.py:1: never goes to the end: if x:"]
