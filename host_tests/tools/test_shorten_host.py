"""Short names: what changes, what must not, and that the shortened firmware does the same."""

import ast
import builtins
import subprocess
import tempfile
from pathlib import Path

import pytest

from tools import build, mpy_run
from tools.fold import fold
from tools.shorten import IN_FIRMWARE, IN_FLASH, LIBRARY, shorten

ROOT = build.ROOT
RINGS = ("core", "protocols", "devices")

ROWS = (
    # text of bess/a.py, words that stay, words that go, why
    ("class Pump:\n    def __init__(self):\n        self._long = 1\n", ("__init__",),
     ("_long", "Pump"), "a class and an attribute"),
    ("def _helper():\n    return _TABLE\n_TABLE = (1, 2)\n", (), ("_helper", "_TABLE"),
     "functions and tables of a module"),
    ("class PowerManager:\n    def halt(self):\n        self.halted = 1\n    def _on(self):\n"
     "        pass\n", ("PowerManager", "halt"), ("halted", "_on"), "calls are for the REPL"),
    ("class WireError(OSError):\n    pass\nraise WireError\n", ("WireError",), (),
     "people read the names of exceptions"),
    ("_N = const(3)\ntotal = _N\n", ("_N", "total"), (),
     "the compiler drops a private const by itself"),
    ("x.core._ours.push(1)\n", ("core", "_ours", "push"), (), "nobody here defines them"),
    ("class A:\n    def connect(self):\n        pass\n", ("connect",), (),
     "sockets have it, too"),
    ("class A:\n    _seen = 1\ngetattr(A, '_seen')\n", ("_seen",), (), "a text spells it"),
    ("def f(value_w, limit_w):\n    return value_w - limit_w\n", (), ("value_w", "limit_w"),
     "arguments, which the compiler stores"),
    ("def f(value_w):\n    return value_w\nf(value_w=1)\n", ("value_w",), (),
     "an argument that is passed by keyword"),
    ("def f(value_w):\n    total_w = value_w\n    return total_w\n", ("total_w",), ("value_w",),
     "other local variables cost nothing"),
    ("def f(rows):\n    return [p for p in rows if (lambda b: rows)(p)]\n", (), ("rows",),
     "inner scopes follow the function's argument"),
    ("async def _later(self, wait_ms):\n    await self._x(wait_ms)\n", ("_x",),
     ("_later", "wait_ms"), "coroutines; _x is nobody's here"),
    ("class _A:\n    pass\nclass B(_A):\n    pass\n", (), ("_A",), "a base class"),
    ("_n = 0\ndef f():\n    global _n\n    _n = 1\n", ("_n",), (), "a global that is written"),
    ("def f(x):\n    window = x.window\n    return window\nclass A:\n    def __init__(self):\n"
     "        self.window = 1\n", ("window",), (), "a local variable beside an attribute"),
)


def words_of(text):
    return set(ast.unparse(ast.parse(text)).replace(".", " ").replace("(", " ").replace(")", " ")
               .replace(",", " ").replace(":", " ").replace("'", " ").split())


def test_rows():
    for text, stay, go, why in ROWS:
        short = shorten({"bess/a.py": text})["bess/a.py"]
        words = words_of(short)
        assert words.issuperset(stay), (why, short)
        assert not words.intersection(go), (why, short)
        assert short.count("\n") == text.count("\n"), why


ATTRIBUTE = "class {0}:\n    def __init__(self):\n        self.{1} = 1\n"


def attribute_names(*texts):
    short = shorten({f"bess/m{i}.py": text for i, text in enumerate(texts)})
    return [short[f"bess/m{i}.py"].strip().split("\n")[-1].split(" = ")[0].split(".")[-1]
            for i in range(len(texts))]


def test_modules_apart_share_a_short_name():
    one, two = attribute_names(ATTRIBUTE.format("A", "_one"), ATTRIBUTE.format("B", "_two"))
    assert one == two


def test_one_module_never_has_the_same_name_twice():
    text = "def _one():\n    pass\ndef _two():\n    pass\n"
    short = shorten({"bess/m0.py": text})["bess/m0.py"]
    one, two = (node.name for node in ast.parse(short).body)
    assert one != two


def test_inheritance_joins_modules():
    child = "from bess.m0 import A\n" + ATTRIBUTE.format("B(A)", "_two")
    one, two = attribute_names(ATTRIBUTE.format("A", "_one"), child)
    assert one != two


def test_a_name_that_two_modules_know_is_the_same_in_both():
    one, two = attribute_names(ATTRIBUTE.format("A", "_one"), "def f(x):\n    x._one = 2\n")
    assert one == two


def test_an_import_follows():
    short = shorten({"bess/m0.py": "def _f():\n    return 7\n",
                     "bess/m1.py": "from bess.m0 import _f\nif _f():\n    pass\n"
                                   "def g():\n    from bess.m0 import _f\n    return _f()\n"})
    name = ast.parse(short["bess/m0.py"]).body[0].name
    assert short["bess/m1.py"].startswith(f"from bess.m0 import {name}\nif {name}():\n")
    assert f"    from bess.m0 import {name} as _f\n    return _f()\n" in short["bess/m1.py"]


def test_what_is_stored_from_outside_shares_with_no_attribute():
    one, two = attribute_names(ATTRIBUTE.format("A", "_one"), "def f(x):\n    x.other = 2\n")
    assert one != two


def test_names_that_the_chip_has_anyway_come_first():
    text = ("class A:\n    def _f(self):\n        return self._g()\n"
            "    def _g(self):\n        pass\n")
    body = ast.parse(shorten({"bess/m0.py": text})["bess/m0.py"]).body[0].body
    assert {node.name for node in body} <= {*IN_FLASH, *IN_FIRMWARE}
    assert body[0].name != body[1].name


def test_what_is_built_in_is_never_hidden():
    text = "\n".join(f"def _f{i}():\n    return _f{i + 1 if i < 199 else 0}" for i in range(200))
    tree = ast.parse(shorten({"bess/m0.py": text})["bess/m0.py"])
    names = [node.name for node in tree.body]
    assert len(set(names)) == 200 and not set(names) & set(dir(builtins))


LOOK = """
import sys
found = set()
def look(thing, depth):
    for name in dir(thing):
        if name not in found:
            found.add(name)
            if depth:
                look(getattr(thing, name, None), depth - 1)
for name in ("asyncio", "socket", "time", "json", "struct", "array", "select", "io", "os", "gc"):
    look(__import__(name), 2)
for name in ("core", "stream", "event", "lock", "funcs"):
    look(__import__("asyncio." + name, None, None, ("x",)), 2)
for thing in ([], {}, set(), "", b"", bytearray(), memoryview(b""), OSError(), sys.stdin):
    look(thing, 0)
look(__import__("socket").socket(), 0)
look(__import__("select").poll(), 0)
print(" ".join(found))
"""


def test_the_list_of_library_names_is_whole():
    done = subprocess.run([mpy_run.interpreter(), "-c", LOOK], capture_output=True, text=True)
    found = {name for name in done.stdout.split() if not name.startswith("__")}
    assert len(found) > 200, done.stderr
    for path in (ROOT / "stubs").glob("*.py"):
        found |= {node.name for node in ast.walk(ast.parse(path.read_text()))
                  if isinstance(node, (ast.FunctionDef, ast.ClassDef))
                  and not node.name.startswith("_")}
    assert not found - set(LIBRARY)


def test_a_short_name_is_never_one_that_is_used():
    taken = ("def _f(x):\n    a = b = c = d = 1\n    return a, b, c, d, x, _g()\n"
             "def _g():\n    pass\n")
    tree = ast.parse(shorten({"bess/m0.py": taken})["bess/m0.py"])
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    chosen = [node.name for node in functions] + [functions[0].args.args[0].arg]
    assert len(set(chosen) | set("abcd")) == 7


def test_an_f_string_with_a_name_is_refused():
    try:
        shorten({"bess/m0.py": "_x = 1\ny = f'{_x}'\n"})
    except ValueError as fault:
        assert str(fault) == "bess/m0.py:2: an f-string with a name in it: use %"
    else:
        raise AssertionError("accepted")


@pytest.mark.long
def test_the_same_sources_give_the_same_names():
    texts = firmware_texts()
    backwards = dict(reversed(texts.items()))
    assert shorten(fold(texts)) == shorten(fold(backwards))


def firmware_texts():
    return {path.relative_to(build.FIRMWARE).as_posix(): path.read_text()
            for _, path in build.sources("virtual") if path.suffix == ".py"}


def pure_tests():
    """{path: text} of the pure rings' tests and of what they import from host_tests."""
    found = {}
    for path in sorted((ROOT / "host_tests").rglob("*.py")):
        inside = path.relative_to(ROOT).as_posix()
        if not path.name.endswith("_host.py") and path.parent.name not in ("e2e", "host_tests"):
            found[inside] = path.read_text()
    return found


@pytest.mark.long
def test_the_pure_rings_pass_their_tests_when_shortened():
    """Firmware and tests go through the same steps, so that the tests know the short names."""
    tests = pure_tests()
    firmware = firmware_texts()
    found = {node.name for text in tests.values() for node in ast.parse(text).body
             if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    changed = shorten(fold({**firmware, **tests}), stay=found)
    assert "_summarize" in firmware["bess/core/battery/pack.py"]
    assert "_summarize" not in changed["bess/core/battery/pack.py"]
    with tempfile.TemporaryDirectory() as folder:
        for inside, text in changed.items():
            target = Path(folder) / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        kept = mpy_run.SEARCH_PATH
        mpy_run.SEARCH_PATH = (folder, *[entry for entry in kept
                                         if entry not in (ROOT, build.FIRMWARE)])
        try:
            results = {inside: mpy_run.run_tests(Path(folder) / inside)
                       for inside in tests if is_pure_test(inside)}
        finally:
            mpy_run.SEARCH_PATH = kept
    faults = {f"{inside}::{name}": text for inside, found in results.items()
              for name, text in found.items() if text is not None}
    assert not faults, "\n".join(f"{name}\n{text}" for name, text in faults.items())
    assert sum(len(found) for found in results.values()) > 150


def is_pure_test(inside):
    return Path(inside).name.startswith("test_") and inside.split("/")[1] in RINGS
