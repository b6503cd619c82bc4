"""The bundle: what goes in, what keeps its name, that it does the same, and what is refused."""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tools import build, mpy_run, wasm32
from tools.bundle import ALWAYS, ENTRY, NAME, PATH, bundle, place
from tools.fold import fold
from tools.names import Module

ROOT = build.ROOT
GO = "import sys\nsys.path[:] = [{!r}, '.frozen']\nfrom bess import app\nprint(app.go())\n"


def app(imports, result):
    return f"{imports}\ndef go():\n    return {result}\n"


# Every tree has an app.py, whose go() says the same before and after.
ROWS = (
    # files below bess/, why
    ({"a.py": "def f():\n    return 1\n",
      "b.py": "from bess.a import f\ndef g():\n    return f()\n",
      "app.py": app("from bess.b import g", "g()")}, "plain"),
    ({"a.py": "def e():\n    return 1\ndef first():\n    return e()\n",
      "b.py": "def e():\n    return 2\ndef second():\n    return e()\n",
      "app.py": app("from bess.a import first\nfrom bess.b import second", "first(), second()")},
     "two short names collide"),
    ({"a.py": "class Views:\n    n = 1\n", "b.py": "class Views:\n    n = 2\n",
      "app.py": app("from bess.a import Views\nfrom bess.b import Views as V", "Views.n, V().n")},
     "two public names collide"),
    ({"a.py": "_N = const(3)\ndef first():\n    return _N\n",
      "b.py": "_N = const(4)\ndef second(x):\n    return x + _N\n",
      "app.py": app("from bess.a import first\nfrom bess.b import second", "first(), second(1)")},
     "constants, which the compiler puts in everywhere"),
    ({"a.py": "_N = const(3)\ndef first():\n    return _N\n",
      "b.py": "def second(_N):\n    return _N + 1\n",
      "app.py": app("from bess.a import first\nfrom bess.b import second", "first(), second(1)")},
     "an argument called as another module's constant"),
    ({"a.py": "def at(x):\n    return x + 1\nTWO = 2\n",
      "b.py": "from bess import a\ndef second(at):\n    return a.at(at) + a.TWO\n",
      "app.py": app("from bess.b import second", "second(5)")},
     "a module as a namespace, and a local name like what is taken of it"),
    ({"a.py": "def at(x):\n    return x + 1\n",
      "b.py": "from bess.a import at as up\ndef second(at):\n"
              "    return [up(x) for x in at] + [(lambda at: up(at))(7)]\n",
      "app.py": app("from bess.b import second", "second([1, 2])")},
     "an alias, a comprehension and a lambda"),
    ({"a.py": "def max(x):\n    return 7\ndef first():\n    return max(1)\n",
      "b.py": "def second():\n    return max(1, 2)\n",
      "app.py": app("from bess.a import first\nfrom bess.b import second", "first(), second()")},
     "a name that is built in elsewhere"),
    ({"a.py": "from array import array\nimport sys\nx = array('H', [1])\n",
      "b.py": "from array import array\nimport sys as s\ny = array('H', [2]), s.byteorder\n",
      "c.py": "array = 3\nz = array\n",
      "app.py": app("from bess.a import x\nfrom bess.b import y\nfrom bess.c import z",
                    "x, y, z")},
     "libraries, and a name of ours like that of one"),
    ({"a.py": "def f():\n    return 1\n",
      "b.py": "def g():\n    from bess.a import f as other\n    return other()\n"
              "def f():\n    return 2\n",
      "app.py": app("from bess.b import f, g\nfrom bess.a import f as h", "f(), g(), h()")},
     "an import inside a function"),
    ({"a.py": "class A:\n    def f(self):\n        return 1\n"
              "    def e(self):\n        return f()\ndef f():\n    return 2\n",
      "b.py": "from bess.a import A\nclass B(A):\n    x = A\n"
              "    def f(self):\n        return f()\ndef f():\n    return B().e(), 3\n",
      "app.py": app("from bess.b import B, f", "B().f(), B.x().f(), B.x().e(), f()")},
     "methods and a base class"),
    ({"a.py": "from bess.core.b import (\n    f,\n    g,\n)\nx = f(), g()\n",
      "core/b.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
      "app.py": app("from bess.a import x", "x")}, "an import of many lines, folders"),
    ({"a.py": "def f():\n    return 1\n", "b.py": "from bess.a import f\n",
      "late.py": "from bess.b import f\nfrom bess.a import f as g\nfrom bess import app\n"
                 "x = f(), g(), app.y\n",
      "app.py": app("from bess.b import f\ny = 5\ndef later():\n    from bess.late import x\n"
                    "    return x", "f(), later()")},
     "a module that is imported later takes a name handed on, and its own ones"),
    ({"a.py": "TEXTS = ('x',)\n",
      "b.py": "from bess.a import TEXTS\nimport sys\ndef drop():\n    del sys.modules['bess.a']\n"
              "    return TEXTS, 'bess.a' in sys.modules\n", "c.py": "one = 1\n",
      "app.py": app("from bess.b import drop\nfrom bess.c import one", "drop()")},
     "a module that is dropped by its name"),
    ({"a.py": "try:\n    from asyncio import core\nexcept ImportError:\n    core = None\n"
              "def first():\n    return core is None\n",
      "b.py": "core = 4\n",
      "app.py": app("from bess.a import first\nfrom bess.b import core", "core, first()")},
     "a library that may be missing"),
)


def texts_of(files):
    return {f"bess/{name}": text for name, text in files.items()}


def written(folder, texts):
    for name, text in texts.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    return folder


def run(texts):
    """What go() of a tree says, on the desktop's MicroPython from the compiled modules."""
    compiled = {path[:-3] + ".mpy": build.compile_module(text, path)
                for path, text in texts.items()}
    with tempfile.TemporaryDirectory() as folder:
        written(folder, compiled)
        done = subprocess.run([mpy_run.interpreter(), "-c", GO.format(folder)],
                              capture_output=True, text=True, timeout=20)
    return (done.stdout + done.stderr).replace(folder, "")


def test_every_rule_changes_nothing_but_the_files():
    for files, why in ROWS:
        texts = texts_of(files)
        whole, first = bundle(texts)
        assert PATH in whole and len(first) > 1 and not set(first) & set(whole), why
        assert whole[PATH].count("\n") == 1 + sum(texts[path].count("\n") for path in first), why
        said = run(texts)
        assert "Error" not in said and run(whole) == said, (why, whole[PATH])


def test_what_stays_a_file_of_its_own():
    whole, first = bundle(texts_of(ROWS[12][0]))
    assert sorted(whole) == ["bess/app.py", PATH, "bess/late.py"]
    whole, first = bundle(texts_of(ROWS[13][0]))
    assert sorted(whole) == ["bess/a.py", "bess/app.py", PATH]
    assert list(first) == ["bess/b.py", "bess/c.py"]


def test_one_module_is_no_bundle():
    texts = {"bess/app.py": "from bess.a import x\n", "bess/a.py": "x = 1\n"}
    assert bundle(texts) == (texts, {})


def test_public_names_get_their_module_before_them():
    whole, _ = bundle(texts_of(ROWS[2][0]))
    assert "class Views:" in whole[PATH] and "class b_Views:" in whole[PATH]
    assert f"from {NAME} import b_Views as V" in whole["bess/app.py"]


A = "def f():\n    return 1\n"
REFUSED = (
    # text of b.py beside a.py and an app.py that imports both, words of the fault
    ("x = 1\nfrom bess.a import *\n", "bess/b.py:2: write `from bess.x import name`"),
    ("from .a import f\n", "bess/b.py:1: write `from bess.x import name`"),
    ("\nimport bess.a\n", "bess/b.py:2: import bess.a: write"),
    ("import os.path\n", "bess/b.py:1: import os.path: write"),
    ("class B:\n    from bess.a import f\n", "bess/b.py:2: an import in the body of a class"),
    ("from bess.a import g\nx = g()\n", "bess/b.py:2: bess.a has no g"),
    ("from bess import a\nx = a\n", "bess/b.py:2: bess.a is bundled: only its names can be read"),
    ("from bess import a\na.f = 2\n", "bess/b.py:2: bess.a is bundled: only its names"),
    ("n = 1\ndef g():\n    global n\n    n = 2\n", "bess/b.py:3: global"),
    ("x = __name__\n", "bess/b.py:1: __name__"),
    ("def g():\n    return globals()\n", "bess/b.py:2: globals"),
    ("x = 1\ndel x\n", "bess/b.py:2: del at the top"),
    ("def g(x):\n    return f'{x}'\n", "bess/b.py:2: an f-string"),
    ("def g(x):\n    return [y := x, y]\n", "bess/b.py:2: :="),
    ("from bess import app\n", "bess/b.py:1: bess.app imports this module, too"),
    ("from bess.c import x\n", "bess/b.py:1: bess.c is no part of the bundle and imports it"),
    ("try:\n    pass\nexcept OSError as f:\n    pass\n", "bess/b.py:3: except .. as name"),
    ("def f():\n    return 'f'\n", "bess/a.py:1: f is in two modules, and a text spells it"),
    ("from bess.a import f\nfrom bess.d import f\n", "bess/b.py:1: f is bound twice"),
)


def test_what_is_not_understood_is_refused():
    for text, words in REFUSED:
        fault = refusal({
            "bess/a.py": A, "bess/b.py": text + "last = 1\n", "bess/d.py": A,
            "bess/c.py": "from bess.a import f\nx = 'bess.c'\n",
            "bess/app.py": "from bess.d import f\nfrom bess.a import f as g\n"
                           "from bess.b import last\n"})
        assert fault.startswith(words), (text, fault)


def refusal(texts):
    try:
        bundle(texts)
    except ValueError as fault:
        return str(fault)
    return "bundled"


def test_an_outside_module_may_not_take_a_bundled_one_whole():
    texts = texts_of({"a.py": A, "b.py": "x = 1\n"})
    for text in ("from bess import a", "import bess.a", "from bess.a import *"):
        begin = "from bess.a import f\nfrom bess.b import x\n"
        fault = refusal({**texts, "bess/app.py": begin + text})
        assert fault.startswith("bess/app.py:3: "), fault


@functools.cache
def shipped():
    """(texts of the firmware as they are compiled, {module: first line}, texts before)."""
    files = build.sources("virtual")
    before = build.processed(files)
    return (*bundle(before), before)


def test_lines_of_the_firmware_are_found_again():
    whole, first, before = shipped()
    lines = whole[PATH].split("\n")
    definition = re.compile(r"\s*(?:async )?(def|class) ")
    for path in first:
        for number, line in enumerate(before[path].splitlines()):
            there = lines[first[path] + number - 1]
            assert bool(definition.match(line)) == bool(definition.match(there)), (path, number)
            assert place(first, first[path] + number) == f"{path}:{number + 1}"


def test_a_traceback_leads_to_the_source():
    texts = texts_of({"a.py": '"""Doc."""\n\ndef f(x):\n    return 1 // x\n',
                      "b.py": "from bess.a import f\n\n\ndef g():\n    f(0)\n",
                      "app.py": app("from bess.b import g", "g()")})
    whole, first = bundle(texts)
    found = re.findall(rf'File "{NAME}", line (\d+)', run(whole))
    assert [place(first, int(line)) for line in found] == ["bess/b.py:5", "bess/a.py:4"]


def test_what_the_configurations_ask_for_is_in_the_firmware():
    """ALWAYS would cost RAM for nothing on a board that needs less."""
    for path in build.BOARDS.glob("*/config.json"):
        data = json.loads(path.read_text())
        kinds = {device["kind"] for link in data["links"] for device in link["devices"]}
        assert data.get("modbus_port", 502), path
        assert {"bess_module", "sunspec_pcs", "sunspec_meter"} <= kinds, path
        assert {"rtu", "tcp"} <= {link["kind"] for link in data["links"]}, path
    names = {Module(path, text).name for path, text in build.processed(
        build.sources("virtual")).items()}
    assert names.issuperset(ALWAYS) and ENTRY in names


SIMULATION = ROOT / "host_tests" / "sim"
MINUTE = ("--minutes", "1", "--seed", "3", "--json")


def simulated(root):
    program = root / "host_tests" / "sim" / "run.py"
    done = subprocess.run([mpy_run.interpreter(), "-X", "heapsize=2M", program, *MINUTE],
                          capture_output=True, text=True, cwd=root, timeout=120)
    result = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"faults": done.stderr}
    assert not result["faults"], result
    return result["hashes"]


def test_the_bundled_firmware_decides_the_same():
    """The simulated site beside the firmware: its imports are led to the bundle, too."""
    texts = {path.relative_to(build.FIRMWARE).as_posix(): path.read_text()
             for path in sorted(build.FIRMWARE.rglob("*.py"))}
    site = {path.relative_to(ROOT).as_posix(): path.read_text()
            for path in sorted(SIMULATION.glob("*.py"))
            if not path.name.startswith(("test_", "busy", "cabinet"))}
    whole, first, _ = build.joined(fold({**texts, **site}), build.starters())
    assert "bess/core/control/manager.py" in first
    with tempfile.TemporaryDirectory() as folder:
        written(folder, {path if path in site else f"firmware/{path}": text
                         for path, text in whole.items()})
        written(folder, {"firmware/machine.py": "Pin = UART = None\n"})
        assert simulated(Path(folder)) == simulated(ROOT)


@pytest.mark.long
def test_the_image_runs_on_the_32_bit_build_from_the_bundle():
    files = wasm32.tree(ROOT / "tools" / "bench" / "chip32")
    files |= {"/lib/" + path: data for path, data in build.image("virtual").items()}
    said = wasm32.run32(["import sys\nfrom bess import app\nprint(app.make and app.PowerManager)\n"
                         "print(sorted(m for m in sys.modules if m.startswith('bess')))"], files)
    assert "PowerManager" in said and "bess.bundle" in said, said
    assert "bess.core.control" not in said and "bess.services" not in said, said


BUILD = """from host_tests.tools.test_bundle_host import ROWS, texts_of
from tools.bundle import bundle
print([bundle(texts_of(files)) for files, _ in ROWS])
"""


def test_the_bundle_does_not_depend_on_the_order_of_files_or_sets():
    whole, first, texts = shipped()
    assert (whole, first) == bundle(dict(reversed(texts.items())))
    said = set()
    for seed in ("1", "2", "3"):
        done = subprocess.run([sys.executable, "-c", BUILD], cwd=ROOT, capture_output=True,
                              check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        said.add(done.stdout)
    assert len(said) == 1 and said.pop()


def test_where_reads_the_manifest_of_the_last_build():
    with tempfile.TemporaryDirectory() as folder:
        content = build.image("virtual")
        manifest = build.write("virtual", content, Path(folder)) / "manifest.json"
        found = json.loads(manifest.read_text())
        source = (build.FIRMWARE / "bess/core/image.py").read_text().split("\n")
        line = 1 + next(i for i, text in enumerate(source) if text.startswith("    def latch("))
        said = {build.where(["virtual", str(number + 1)], Path(folder))
                for number, at in enumerate(found["lines"]) if at >= min(found["bundle"].values())}
        assert any(f"bess/core/image.py:{line + more}" in said for more in range(6)), said
    for words in ([], ["virtual"], ["esp8266", "7"], ["virtual", "x"], ["virtual", "7", "8"]):
        said = build.main(["--where", *words])
        assert said.startswith("error: --where wants a board") and "\n" not in said, said
