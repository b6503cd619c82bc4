"""The runners themselves: a failing, crashing or hanging test must be seen as such."""

import tempfile
from pathlib import Path

from tools import mpy_run, wasm32

SAMPLE = '''
import micropython
from micropython import const

_THREE = const(3)

def test_passes():
    assert _THREE == 3

def helper_is_no_test():
    assert False

def test_fails():
    assert _THREE == 4

def test_fails_with_the_heap_locked():
    micropython.heap_lock()
    [_THREE]

def test_passes_afterwards():
    assert [1, 2]
'''
ENDINGS = (
    # source, words of the failure, why
    ("def test_a():\n    import sys\n    sys.exit(3)\n", "ended with 3", "left"),
    ("def test_a():\n    while True:\n        pass\n", "did not end within 2 s", "hangs"),
    ("import dataclasses\ndef test_a():\n    pass\n", "no module named", "cannot be imported"),
    ("def test_a():\n    match 1:\n        case 1: pass\n", "SyntaxError", "not for MicroPython"),
    ("def test_a(): test_a()\n", "RuntimeError", "endless recursion"),
)


def run(source, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test_sample.py"
        path.write_text(source)
        return mpy_run.run_tests(path, **options)


def test_verdicts():
    results = run(SAMPLE)
    assert list(results) == [
        "test_passes", "test_fails", "test_fails_with_the_heap_locked", "test_passes_afterwards"]
    assert results["test_passes"] is None and results["test_passes_afterwards"] is None
    assert "assert _THREE == 4" in results["test_fails"], "the source line is shown"
    assert "MemoryError" in results["test_fails_with_the_heap_locked"]


def test_endings():
    for source, words, why in ENDINGS:
        results = run(source, timeout_s=2)
        assert words in results["test_a"], (why, results)


def test_stubs_do_not_hide_the_real_module():
    source = (
        "import micropython, network\n"
        "def test_real():\n    assert not hasattr(micropython, 'calls')\n"
        "def test_missing_ones_are_stubbed():\n    assert network.made == []\n")
    assert set(run(source).values()) == {None}


def test_memory_that_does_not_fit():
    source = "def test_a():\n    bytearray(3000000)\n"
    assert run(source)["test_a"] is None
    assert "MemoryError" in run(source, heap="1M")["test_a"]


GROW = """
import micropython
def grows(x):
    micropython.heap_lock()
    try:
        x += 1
    except MemoryError:
        return True
    finally:
        micropython.heap_unlock()
    return False
"""


def test_32_bit_build_is_one():
    said = wasm32.run32([
        "import sys, array\nprint(sys.maxsize)",
        "print(len(bytes(array.array('L', [0]))))",
        GROW + "print(grows((1 << 30) - 2), grows((1 << 30) - 1), grows(-(1 << 30) - 1))",
    ])
    assert said.split() == [str(2**31 - 1), "4", "False", "True", "True"]


def test_32_bit_collects_between_calls():
    calls = ["import gc\nx = bytearray(100000)\nx = None\ngc.collect()\nprint(gc.mem_alloc())",
             "gc.collect()\nprint(gc.mem_alloc())"]
    during, after = (int(word) for word in wasm32.run32(calls).split())
    assert during > 100000 > 20000 > after


def test_32_bit_files_and_failures():
    said = wasm32.run32(["import a.b\nprint(a.b.x)"], {"/lib/a/b.py": b"x = 7"})
    assert said == "7\n"
    for call, words in (("print(1)\n1/0", "ZeroDivisionError"), ("print(1)\n(", "SyntaxError")):
        try:
            wasm32.run32([call])
        except wasm32.Failed as failed:
            assert words in str(failed)
        else:
            raise AssertionError(words)
    try:
        wasm32.run32(["while True: pass"], timeout_s=1)
    except wasm32.Failed as failed:
        assert "did not end within 1 s" in str(failed)
    else:
        raise AssertionError("endless call")


def test_large_output_arrives_whole():
    assert len(wasm32.run32(["for i in range(20000):\n    print('%099d' % i)"])) == 2000000
