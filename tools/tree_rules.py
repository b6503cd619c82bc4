"""The rules of the tree as functions: source text in, sentences about its faults out.

host_tests/test_tree_host.py applies them to every file and shows each with a bad snippet that it
can fail. `python -m tools.tree_rules` writes the report about sizes.
"""

import ast
import functools
import re
import subprocess
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PURE = ("core", "protocols", "devices")

# Ring: the rings it may import; "core.tick" is that one module only.
OWN_IMPORTS = {
    "core": ("core",),
    "protocols": ("core.tick", "protocols"),
    "devices": ("core", "protocols", "devices"),
    "ports": ("core.tick", "ports"),
    "services": ("core", "protocols", "devices", "services"),
    "app": ("core", "protocols", "devices", "ports", "services", "app"),
    "start": ("app",),
}
PURE_MODULES = ("micropython", "array", "struct")
HARDWARE = ("machine", "network", "esp32", "socket", "ssl", "tls", "select", "termios", "_thread",
            "bluetooth", "espnow", "canio", "busio", "board", "rtc")
HARDWARE_RINGS = ("ports", "start")
WAITING_RINGS = ("ports", "services", "app", "start")

# Not on the chip, and what to do instead.
ABSENT = {
    "typing": "builtin annotations or the docstring",
    "dataclasses": "a plain class or a namedtuple",
    "enum": "const() and a tuple of names",
    "abc": "the contract in a docstring",
    "functools": "a tuple of arguments or a loop",
    "itertools": "a loop",
    "contextlib": "a class with __enter__",
    "copy": "building a new one",
    "logging": "the events",
    "datetime": "integers",
    "pathlib": "text",
    "unittest": "plain asserts in host_tests",
    "random": "a generator of our own: it differs between interpreters",
    "math": "integers: libm differs between interpreters",
}
BANNED_CALLS = {
    "eval": "a table", "exec": "a table", "compile": "a table",
    "removeprefix": "slicing", "removesuffix": "slicing", "isidentifier": "a check of its own",
    "monotonic": "the clock port", "total_seconds": "integers",
}
BANNED_CALLS_PURE = {
    "print": "an event", "float": "integers", "round": "integers", "open": "a port",
    "input": "a service",
}
BANNED_NAMES = {
    "native": "bytecode: a syntax error elsewhere", "viper": "bytecode: a syntax error elsewhere",
    "asm_thumb": "bytecode", "asm_xtensa": "bytecode", "__slots__": "nothing: it has no effect",
}

Limit = namedtuple("Limit", ("soft", "hard"))
FILE_LINES = Limit(250, 400)
FUNCTION_LINES = Limit(30, 60)
NESTING = Limit(3, 4)
ARGUMENTS = Limit(5, 7)
LINE_LENGTH = 99
IMITATIONS = ("stubs/", "tools/board/hal/")     # their signatures are MicroPython's, not ours

TOP_LEVEL = {
    "firmware", "host_tests", "stubs", "boards", "tools", "docs", ".ci", "Makefile", "README.md",
    "LICENSE", "pyproject.toml", "requirements.txt", "constraints.txt",
}
HOSTS = {"127.0.0.1", "localhost", "micropython.org", "github.com", "sunspec.org", "modbus.org",
         "www.home-assistant.io", "docs.micropython.org", "example.com"}
# Written in halves, or this file would break its own rule.
MACHINE_WORDS = re.compile(
    "|".join(("/wo" "rk/", "/ro" "ot/", "/ho" r"me/\w", "/tmp/br" "ief", r"\biss" r"ue #?\d")))
URL_HOST = re.compile(r"\bhttps?://([^/\s:'\"`)>\]{}]+)")

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def ring_of(path):
    """The ring of a firmware file by its path, None outside firmware/ ('x' for no ring at all)."""
    parts = Path(path).parts
    if parts[0] != "firmware":
        return None
    if len(parts) == 2:
        return "start" if parts[1] in ("boot.py", "main.py") else "x"
    if len(parts) == 3:
        return "app" if parts[2] in ("app.py", "__init__.py") else "x"
    return parts[2] if parts[2] in OWN_IMPORTS else "x"


def imports_of(tree):
    """(line, module, names) of each import; a module below bess keeps its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or ""), [a.name for a in node.names]


def import_faults(tree, ring):
    """core <- protocols <- devices <- services <- app; ports know nobody, and only they move."""
    for line, module, names in imports_of(tree):
        top = module.split(".")[0]
        if module.startswith("."):
            yield line, "relative import: write bess. in full"
        elif top == "bess":
            for target in _targets(module, names):
                if not _may_import(ring, target):
                    yield line, f"{ring} may not import bess.{target}"
        elif ring in PURE and top not in PURE_MODULES:
            yield line, f"{ring} may not import {top}: only {', '.join(PURE_MODULES)}"
        elif ring in PURE and top == "micropython" and list(names) != ["const"]:
            yield line, "pure rings take const from micropython and nothing else"
        elif top in HARDWARE and ring not in HARDWARE_RINGS:
            yield line, f"{top} is imported in ports only"
        elif top in ABSENT:
            yield line, f"{top} is not for the firmware: use {ABSENT[top]}"


def _targets(module, names):
    """'core.tick' of both `from bess.core.tick import x` and `from bess.core import tick`."""
    inside = module.split(".")[1:]
    if len(inside) <= 1 and names and inside != ["app"]:
        return [".".join([*inside, name]) for name in names]
    return [".".join(inside)]


def _may_import(ring, target):
    allowed = OWN_IMPORTS.get(ring, ())
    return any(target == entry or target.startswith(entry + ".") for entry in allowed)


def waiting_faults(tree, ring):
    """await is written in services, ports and app only."""
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    if ring not in WAITING_RINGS:
        for node in ast.walk(tree):
            if isinstance(node, waits):
                yield node.lineno, f"async and await do not belong into {ring}"


def number_faults(tree, ring):
    """Pure rings count in integers."""
    if ring not in PURE:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            yield node.lineno, f"{node.value}: integers only, in a smaller unit"
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield node.lineno, "/ makes a float: use //"


def name_faults(tree, ring):
    """Words that are banned, each with its replacement."""
    calls = {**BANNED_CALLS, **(BANNED_CALLS_PURE if ring in PURE else {})}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            is_method = isinstance(node.func, ast.Attribute)
            if name in calls and not (is_method and name in ("open", "compile", "input")):
                yield node.lineno, f"{name}(): use {calls[name]}"
            if ast.unparse(node.func) == "time.time":
                yield node.lineno, "time.time(): time is an argument"
            if name == "from_bytes" and any(word.arg == "signed" for word in node.keywords):
                yield node.lineno, "from_bytes(signed=): MicroPython refuses it, use struct"
        names = [getattr(node, "id", None), getattr(node, "attr", None)]
        for name in names:
            if name in BANNED_NAMES:
                yield node.lineno, f"{name}: use {BANNED_NAMES[name]}"
            elif name and name.startswith("__") and not name.endswith("__"):
                yield node.lineno, f"{name}: CPython mangles it, the chip does not; one underscore"
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except: name the exception; it would eat a cancellation"


def syntax_faults(tree, ring):
    """What CPython's parser takes and MicroPython's does not, or drops at -O2."""
    for node in ast.walk(tree):
        kind = type(node).__name__
        if isinstance(node, ast.Assert):
            yield node.lineno, "assert is dropped by mpy-cross -O2: use if"
        elif kind in ("Match", "TryStar", "TypeAlias"):
            yield node.lineno, f"MicroPython has no {kind} statement"
        elif isinstance(node, ast.arguments) and node.posonlyargs:
            yield node.posonlyargs[0].lineno, "positional-only arguments: MicroPython has none"
        elif isinstance(node, ast.Dict) and None in node.keys:
            yield node.lineno, "{**x}: use dict(x) and update()"
        elif isinstance(node, ast.ClassDef) and node.keywords:
            yield node.lineno, "class keywords (metaclass): MicroPython has none"
        elif isinstance(node, ast.JoinedStr) and any(
                isinstance(inner, ast.Lambda) for inner in ast.walk(node)):
            yield node.lineno, "lambda inside an f-string"
        elif isinstance(node, ast.Attribute) and node.attr == "implementation":
            yield node.lineno, "asks which Python this is: only ports/clock.py may"


FIRMWARE_RULES = (import_faults, waiting_faults, number_faults, name_faults, syntax_faults)
# The clock port is where time comes from, and where the interpreters' epochs differ.
EXEMPT = {
    ("firmware/bess/ports/clock.py", "asks which Python this is: only ports/clock.py may"),
    ("firmware/bess/ports/clock.py", "time.time(): time is an argument"),
}


def firmware_faults(path, source):
    """Every fault of one firmware file as 'path:line: text'; [] outside firmware/."""
    ring = ring_of(path)
    if ring is None:
        return []
    if ring == "x":
        return [f"{path}:1: belongs to no ring"]
    tree = ast.parse(source)
    return [
        f"{path}:{line}: {text}"
        for rule in FIRMWARE_RULES
        for line, text in rule(tree, ring)
        if (str(path), text) not in EXEMPT
    ]


@functools.cache        # the limits and the report ask for the same files
def sizes(path, source):
    """[(where, what, size, limit)] of a file and its functions."""
    found = [(str(path), "lines", len(source.splitlines()), FILE_LINES)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _FUNCTIONS):
            where = f"{path}:{node.lineno} {node.name}"
            found.append((where, "lines", function_lines(node), FUNCTION_LINES))
            found.append((where, "nested", nesting(node), NESTING))
            if not any(str(path).startswith(folder) for folder in IMITATIONS):
                found.append((where, "arguments", argument_count(node.args), ARGUMENTS))
    return found


def function_lines(node):
    """Lines from def to the last one, without the docstring."""
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


def nesting(node, depth=0):
    """How deep blocks stand inside each other; elif counts as its if, an inner def by itself."""
    deepest = depth
    for field in ("body", "orelse", "finalbody", "handlers"):
        for child in getattr(node, field, ()):
            if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
                continue
            is_elif = isinstance(node, ast.If) and field == "orelse" and isinstance(child, ast.If)
            step = isinstance(child, _BLOCKS) and not is_elif
            deepest = max(deepest, nesting(child, depth + step))
    return deepest


def argument_count(arguments):
    """Arguments without self, * and **."""
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def text_faults(path, text):
    """What no file may hold: too long a line of code, a path of one machine, an unknown host."""
    is_code = Path(path).suffix in (".py", ".mjs") or Path(path).name == "Makefile"
    for number, line in enumerate(text.splitlines(), 1):
        if is_code and len(line) > LINE_LENGTH:
            yield f"{path}:{number}: {len(line)} characters, at most {LINE_LENGTH}"
        word = MACHINE_WORDS.search(line)
        if word:
            yield f"{path}:{number}: {word[0]!r} means something on one machine only"
        for host in URL_HOST.findall(line):
            if host not in HOSTS:
                yield f"{path}:{number}: host {host} is not in tools/tree_rules.py HOSTS"


def top_level_faults(names):
    """Names that may not stand at the top; dot files may."""
    return [f"{name} does not belong at the top" for name in sorted(set(names))
            if name not in TOP_LEVEL and not name.startswith(".")]


def files():
    """Every file of the project that git would keep, as sorted paths relative to the root."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    names = done.stdout.splitlines() if done.returncode == 0 else _walked()
    return [Path(name) for name in sorted(set(names)) if (ROOT / name).is_file()]


def _walked():
    """The same without git, as in an unpacked archive: everything not made on this machine."""
    made = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        if not (made | {".git"}) & set(inside.parts):
            yield inside.as_posix()


def report():
    """Lines about everything above a soft limit, and about tests per source line."""
    lines = []
    pure = {"firmware/bess": 0, "host_tests": 0}
    for path in files():
        if path.suffix != ".py":
            continue
        source = (ROOT / path).read_text()
        for where, what, size, limit in sizes(path, source):
            if size > limit.soft:
                lines.append(f"{where}: {size} {what}, soft limit {limit.soft}")
        for top in pure:
            if any(str(path).startswith(f"{top}/{ring}/") for ring in PURE):
                pure[top] += len(source.splitlines())
    lines.append("pure rings: %d lines, their tests: %d lines (wanted: 1.0 or more per line)" % (
        pure["firmware/bess"], pure["host_tests"]))
    return lines


if __name__ == "__main__":
    (ROOT / "build").mkdir(exist_ok=True)
    text = "\n".join(report()) + "\n"
    (ROOT / "build" / "sizes.txt").write_text(text)
    print(text, end="")
