"""Thin line tables: a traceback shows a function's number, the list says where that begins."""

import re
import subprocess
import tempfile
from pathlib import Path

from tools import build, mpy_run
from tools.lines import thin

TEXT = '''
def f(x, y=2, *, k=3):
    a = [i for i in range(3)]
    def inner():
        return x + a[0]
    return inner() // y


class A:
    """Doc."""

    def g(self):
        # why
        return f(1, 0)

    one = (1, 2.5, "a text that is longer than ten", b"bytes", 10 ** 12, None)


print(A.__name__, A.one, hasattr(A, "__qualname__"))
A().g()
'''


def said(data):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.mpy").write_bytes(data)
        done = subprocess.run(
            [mpy_run.interpreter(), "-c", f"import sys; sys.path[:] = [{folder!r}]; import m"],
            capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def test_a_traceback_leads_to_the_beginning_of_each_function():
    data = build.compile_module(TEXT, "bess/m.py")
    thinned, begins = thin(data)
    before, after = said(data), said(thinned)
    assert "ZeroDivisionError" in before and len(thinned) < len(data)
    lines = [int(line) for line in re.findall(r'File "bess.m", line (\d+)', before)]
    assert lines == [20, 14, 6]
    numbers = [int(line) for line in re.findall(r'File "bess.m", line (\d+)', after)]
    assert [begins[number - 1] for number in numbers] == [2, 14, 3]


def test_all_else_is_the_same_but_what_a_class_knows_of_its_birth():
    data = build.compile_module(TEXT, "bess/m.py")
    before, after = said(data).split("\n")[0], said(thin(data)[0]).split("\n")[0]
    assert before.endswith("True") and after == before.replace("True", "False")


def test_many_functions():
    text = "".join(f"def f{i}():\n    return {i}\n" for i in range(2100)) + "f2099(1)\n"
    thinned, begins = thin(build.compile_module(text, "bess/m.py"))
    assert begins[2100] == 4200 and begins[1] == 2
    text = text.replace("return 2099", "return 1 // 0").replace("f2099(1)", "f2099()")
    thinned, begins = thin(build.compile_module(text, "bess/m.py"))
    assert 'line 2101, in f2099' in said(thinned)


def test_machine_code_stays_as_it_is():
    native = "import micropython\n@micropython.native\ndef f(x):\n    return x\n"
    data = build.compile_module(native, "bess/m.py", "xtensawin")
    assert thin(data) == (data, [])


def test_another_format_is_refused():
    try:
        thin(b"M\x05\0\0")
    except ValueError as fault:
        assert "format 6" in str(fault)
    else:
        raise AssertionError("accepted")
