"""Runs the `test_*` functions of one file; this part is executed by MicroPython itself.

As a script: `micropython mpy_side.py TEST_FILE PATH...`, where each PATH goes on sys.path.
Prints `ok name` or `FAIL name` with the traceback, and `N passed, N failed` as the last line.
"""

import gc
import micropython
import sys


def _names(source):
    """Test functions in the order of the file (a dict does not keep it here)."""
    names = []
    for line in source.split("\n"):
        if line.startswith("def test_"):
            names.append(line[4 : line.index("(")])
    return names


def _unlock_heap():
    """A test that fails under heap_lock() must not take the report with it."""
    micropython.heap_lock()
    while micropython.heap_unlock():
        pass


def check(name, function):
    """True when `function` returns; says so either way."""
    gc.collect()
    try:
        function()
    except Exception as error:
        _unlock_heap()
        print("FAIL " + name)
        sys.print_exception(error, sys.stdout)
        return False
    print("ok " + name)
    return True


def load(path):
    """The names of a test file, executed; None when that failed."""
    with open(path) as file:
        source = file.read()
    space = {"__name__": path.split("/")[-1][:-3], "__file__": path}
    return space if check("import", lambda: exec(compile(source, path, "exec"), space)) else None


def run(path):
    """Run the tests of the file and return (passed, failed); a broken import is one failure."""
    space = load(path)
    if space is None:
        return 0, 1
    passed = failed = 0
    with open(path) as file:
        names = _names(file.read())
    for name in names:
        if check(name, space[name]):
            passed += 1
        else:
            failed += 1
    return passed, failed


if __name__ == "__main__":
    sys.path[:] = sys.argv[2:]
    done, broken = run(sys.argv[1])
    print("%d passed, %d failed" % (done, broken))
    sys.exit(1 if broken else 0)
