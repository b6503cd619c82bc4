"""The tree is a test: rings, banned words, sizes; each rule is shown a snippet it must catch."""

import ast
from pathlib import Path

from tools import tree_rules as rules

CORE = "firmware/bess/core/a.py"
PROTOCOL = "firmware/bess/protocols/a.py"
DEVICE = "firmware/bess/devices/a.py"
PORT = "firmware/bess/ports/a.py"
SERVICE = "firmware/bess/services/a.py"
APP = "firmware/bess/app.py"
BOOT = "firmware/boot.py"

BAD = (
    # file, source, words of the fault
    (CORE, "from bess.protocols import modbus", "core may not import bess.protocols.modbus"),
    (CORE, "import bess.devices.meter", "core may not import bess.devices.meter"),
    (CORE, "from . import tick", "relative import"),
    (CORE, "import time", "core may not import time"),
    (CORE, "import micropython", "const from micropython and nothing else"),
    (CORE, "from micropython import const, native", "const from micropython and nothing else"),
    (PROTOCOL, "from bess.core import image", "protocols may not import bess.core.image"),
    (PROTOCOL, "from bess.core import tick, image", "protocols may not import bess.core.image"),
    (PROTOCOL, "from bess.core.tickle import x", "protocols may not import bess.core.tickle"),
    (DEVICE, "from bess.services import pump", "devices may not import bess.services.pump"),
    (DEVICE, "import socket", "devices may not import socket"),
    (PORT, "from bess.core.image import Image", "ports may not import bess.core.image"),
    (PORT, "from bess.services import pump", "ports may not import"),
    (SERVICE, "from bess.ports import tcp", "services may not import bess.ports.tcp"),
    (SERVICE, "from bess import app", "services may not import bess.app"),
    (SERVICE, "import machine", "machine is imported in ports only"),
    (SERVICE, "def f():\n    import socket", "socket is imported in ports only"),
    (APP, "import machine", "machine is imported in ports only"),
    (APP, "import logging", "use the events"),
    (BOOT, "from bess.core import tick", "start may not import bess.core.tick"),
    (SERVICE, "from dataclasses import dataclass", "a plain class"),
    (CORE, "async def f():\n    pass", "async and await do not belong into core"),
    (DEVICE, "async def f(x):\n    await x", "async and await do not belong into devices"),
    (CORE, "x = 0.5", "integers only"),
    (CORE, "x = 1 / 2", "use //"),
    (PROTOCOL, "x = 4\nx /= 2", "use //"),
    (CORE, "x = float(1)", "float(): use integers"),
    (CORE, "x = round(1)", "round(): use integers"),
    (CORE, "print(1)", "print(): use an event"),
    (DEVICE, "f = open('x')", "open(): use a port"),
    (SERVICE, "eval('1')", "eval(): use a table"),
    (SERVICE, "exec('1')", "exec(): use a table"),
    (SERVICE, "import time\ntime.time()", "time is an argument"),
    (SERVICE, "import time\ntime.monotonic()", "monotonic(): use the clock port"),
    (SERVICE, "'a'.removeprefix('b')", "use slicing"),
    (SERVICE, "try:\n    pass\nexcept:\n    pass", "bare except"),
    (PORT, "import micropython\n@micropython.native\ndef f():\n    pass", "native: use bytecode"),
    (PORT, "import micropython\n@micropython.viper\ndef f():\n    pass", "viper: use bytecode"),
    (CORE, "class A:\n    __slots__ = ('a',)", "it has no effect"),
    (CORE, "class A:\n    def f(self):\n        self.__x = 1", "one underscore"),
    (CORE, "int.from_bytes(b'', 'big', signed=True)", "use struct"),
    (CORE, "def f(x):\n    assert x", "dropped by mpy-cross"),
    (CORE, "def f(x):\n    match x:\n        case 1:\n            pass", "no Match"),
    (CORE, "def f(x, /):\n    pass", "positional-only"),
    (CORE, "x = {**{}}", "update()"),
    (CORE, "class A(metaclass=type):\n    pass", "metaclass"),
    (CORE, "x = f'{(lambda: 1)()}'", "lambda inside"),
    (SERVICE, "import sys\nx = sys.implementation.name", "which Python"),
    ("firmware/extra.py", "", "belongs to no ring"),
    ("firmware/bess/helpers/a.py", "", "belongs to no ring"),
)
GOOD = (
    (CORE, "from micropython import const\nimport struct\nfrom bess.core.tick import elapsed_ms"),
    (PROTOCOL, "from bess.core import tick\nfrom bess.protocols import modbus"),
    (DEVICE, "from bess.core.image import Image\nfrom bess.protocols import registers"),
    (PORT, "import socket\nimport machine\nasync def f(x):\n    return await x"),
    (SERVICE, "import asyncio\nasync def f(x):\n    print(await x, 0.5, open('a'))"),
    (APP, "from bess.ports import tcp\nfrom bess.services.pump import Pump"),
    ("firmware/main.py", "import machine\nfrom bess import app\nfrom bess.app import run"),
    ("firmware/bess/ports/clock.py", "import sys, time\nx = sys.implementation, time.time()"),
    (CORE, "class A:\n    def __init__(self):\n        self._x = 7 // 2"),
    (CORE, "import struct\ndef f(port):\n    port.open()"),
    ("tools/a.py", "import dataclasses\nassert 1 / 2"),
)


def test_rules_catch():
    for path, source, words in BAD:
        faults = rules.firmware_faults(path, source)
        assert any(words in fault for fault in faults), (path, source, faults)


def test_rules_let_pass():
    for path, source in GOOD:
        assert rules.firmware_faults(path, source) == [], source


def function(source):
    return ast.parse(source).body[0]


NESTED = """
def f(x):
    for y in x:
        if y:
            pass
        elif x:
            while x:
                pass
    def g():
        if x:
            pass
"""
TRIED = """
def f(x):
    try:
        pass
    except OSError:
        if x:
            pass
"""


def test_sizes_are_measured():
    assert rules.nesting(function(NESTED)) == 3, "elif stands beside its if, g by itself"
    assert rules.nesting(function(TRIED)) == 2
    documented = 'def f():\n    """One.\n\n    Two."""\n    return 1\n'
    assert rules.function_lines(function(documented)) == 2
    assert rules.argument_count(function("def f(self, a, b=1, *c, d, **e): pass").args) == 3
    found = rules.sizes("a.py", "x = 1\n" * 401)
    assert found[0][2] == 401 > found[0][3].hard


def test_text_is_searched():
    for text, words in (
        ("x" * 100, "100 characters"),
        ("see /wo" "rk/main", "one machine"),
        ("cd /ro" "ot/x", "one machine"),
        ("as asked in iss" "ue 12", "one machine"),
        ("https://" "registry.internal/simple", "host registry.internal"),
    ):
        assert any(words in fault for fault in rules.text_faults("a.py", text)), text
    assert list(rules.text_faults("a.py", "x" * 99 + "\nhttps://micropython.org/download")) == []
    assert list(rules.text_faults("a.md", "x" * 200)) == []


def test_top_level_is_fixed():
    assert rules.top_level_faults(["firmware", "Makefile", ".gitignore"]) == []
    assert rules.top_level_faults(["src"]) == ["src does not belong at the top"]


def test_files_are_found_without_git():
    with_git = rules.files()
    assert Path("tools/tree_rules.py") in with_git and len(with_git) > 30
    assert set(with_git) <= {Path(name) for name in rules._walked()}


def python_files():
    paths = [path for path in rules.files() if path.suffix == ".py"]
    return [(path, (rules.ROOT / path).read_text()) for path in paths]


def test_rings():
    faults = [f for path, source in python_files() for f in rules.firmware_faults(path, source)]
    assert not faults, "\n" + "\n".join(faults)


def test_hard_limits():
    faults = [
        f"{where}: {size} {what}, at most {limit.hard}"
        for path, source in python_files()
        for where, what, size, limit in rules.sizes(path, source)
        if size > limit.hard
    ]
    assert not faults, "\n" + "\n".join(faults)


def test_texts():
    faults = []
    for path in rules.files():
        try:
            text = (rules.ROOT / path).read_text()
        except UnicodeDecodeError:
            continue  # a picture
        faults += rules.text_faults(path, text)
    assert not faults, "\n" + "\n".join(faults)


def test_top_level():
    faults = rules.top_level_faults(path.parts[0] for path in rules.files())
    assert not faults, "\n".join(faults)


def test_report_is_written():
    lines = rules.report()
    folder = rules.ROOT / "build"
    folder.mkdir(exist_ok=True)
    (folder / "sizes.txt").write_text("\n".join(lines) + "\n")
    assert lines[-1].startswith("pure rings: ")
