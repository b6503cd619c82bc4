"""What the runner forgets is not needed any more: read from the sources."""

import ast
import sys
import types

import pytest

from tools import build

from bess import app
from bess.services import runner

AT_START = ("__init__", "_reset", "add")    # Transactions.add() is called while links are made
LAZY = ("bess/services/commands.py",)       # loaded anew for each line of the console
# Loaded once, when something needs them: their own makers are there then, those they use must be.
LOADED = ("bess/core/calendar.py", "bess/core/battery/charge.py", "bess/core/battery/discharge.py",
          "bess/core/battery/stages.py", "bess/core/control/callbacks.py",
          "bess/core/control/island.py", "bess/core/control/operate.py",
          "bess/core/control/operations.py", "bess/core/control/people.py",
          "bess/core/control/schedule.py", "bess/core/control/sign_test.py",
          "bess/devices/register_calls.py")
AGAIN = {"bess.core.calendar"}      # for the check of the zone at the start, and for the schedule


def sources():
    for path in sorted(build.FIRMWARE.rglob("*.py")):
        inside = path.relative_to(build.FIRMWARE).as_posix()
        if inside.startswith("bess/") and "/market/" not in inside:
            yield inside, ast.parse(path.read_text())


def start_only():
    return [name.replace(".", "/") + ".py" for name in app._START_ONLY]


def made_later(trees):
    """{class: where} of our classes that a running controller makes objects of."""
    classes = {node.name for inside, tree in trees for node in ast.walk(tree)
               if isinstance(node, ast.ClassDef) and inside not in LOADED}
    return {call.func.id: f"{inside}:{call.lineno}"
            for inside, tree in trees if inside in LOADED or inside not in (*start_only(), *LAZY)
            for function in functions(tree, () if inside in LOADED else AT_START)
            for call in calls(function) if call.func.id in classes}


def calls(function):
    return [node for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]


def functions(tree, at_start=AT_START):
    """All but those that run at the start or not at all."""
    return [node for node in ast.walk(tree) if node.__class__ in
            (ast.FunctionDef, ast.AsyncFunctionDef) and node.name not in at_start]


# CPython's Bell has another name
KEPT = ["Bell" if cls is app.Bell else cls.__name__ for cls in app._MADE_LATER]


def test_constructors_that_are_needed_later_stay():
    missing = {name: where for name, where in made_later(list(sources())).items()
               if name not in KEPT}
    assert not missing, "make them in a constructor, or name them in app._MADE_LATER"


def test_the_search_finds_one():
    tree = ast.parse("class A:\n    pass\ndef f():\n    return A()\n")
    assert made_later([("bess/x.py", tree)]) == {"A": "bess/x.py:4"}


def test_start_only_modules_exist_and_stay_out_of_later_imports():
    paths = dict(sources())
    for inside in start_only():
        assert inside in paths, inside
    for inside, tree in paths.items():
        if inside not in start_only():
            late = {node.module for function in functions(tree) for node in ast.walk(function)
                    if isinstance(node, ast.ImportFrom)}
            assert not late.difference(AGAIN).intersection(app._START_ONLY), inside


@pytest.mark.long
def test_what_is_loaded_later_is_no_part_of_the_bundle():
    first = build.joined(build.processed(build.sources("virtual")), build.starters())[1]
    assert first and not set(LOADED).intersection(first)


def module(name, text):
    made = types.ModuleType(name)
    exec(text, made.__dict__)
    return made


def test_forget_and_forget_constructors():
    here, kept = dict(sys.modules), app._MADE_LATER
    package = module("bess.things", "")
    part = module("bess.things.part", "class A:\n    def __init__(self, x):\n        self.x = x\n"
                  "class TcpServer(A):\n    def __init__(self):\n        self.x = 2\n")
    package.part = part
    try:
        sys.modules.clear()
        sys.modules.update({"bess.things": package, "bess.things.part": part})
        thing = part.A(1)
        app._MADE_LATER = (part.TcpServer,)
        app.forget_constructors()
        assert thing.x == 1 and part.TcpServer().x == 2
        assert "__init__" not in part.A.__dict__
        runner.forget("bess.things.part")
        runner.forget("bess.things.part")       # twice does no harm
        assert list(sys.modules) == ["bess.things"] and not hasattr(package, "part")
    finally:
        app._MADE_LATER = kept
        sys.modules.clear()
        sys.modules.update(here)
