"""The tests of the core as a list that a tool runs one by one, in its own process.

A test is named "module:function". Used by tools/branches.py and tools/mutate.py.
"""

import importlib
import inspect
import sys
from pathlib import Path

from tools.mpy_run import test_names

ROOT = Path(__file__).resolve().parent.parent
TESTS = "host_tests/core"
BESIDE = ("host_tests/services/test_keeper.py",)    # what is stored comes back: control/memory.py
ELSEWHERE = ("market",)             # folders of it that know nothing of what is measured
# What is measured, relative to the root of the tree: globs below firmware/bess/core.
MEASURED = ("control/*.py", "battery/*.py", "window.py", "request.py")
# Test modules that belong to a file by what they judge, beside those named after it.
KIN = {
    "checks": ("diagnosis", "implausible", "trips"), "diagnosis": ("checks", "implausible"),
    "sequence": ("strings",), "stages": ("charge",), "params": ("charge", "discharge"),
    "transitions": ("modes",), "protect": ("emergencies",), "memory": ("keeper",),
    "manager": ("losses", "emergencies", "rules", "wishes", "people", "parts"),
    "parts": ("manager", "loading"), "rules": ("grid_side",), "views": ("calls", "grid_side"),
    "grid_watch": ("island",), "restoring": ("memory", "keeper", "loading"),
    "wishes": ("loading", "memory", "site_more", "site_calls"),
    "calls": ("loading", "people", "memory", "site_calls"),
    "operations": ("wishes", "loading", "site_calls"), "rounds": ("charge", "protect"),
    "operate": ("calls", "loading", "wishes", "site_calls", "manager"),
    "site_tick": ("site",), "site_views": ("site",),
    "people": ("site_calls", "calls", "sign_test"),
}


def measured(root=ROOT):
    """Paths of the measured source files, relative to the root, sorted."""
    core = root / "firmware/bess/core"
    found = [path for pattern in MEASURED for path in core.glob(pattern)]
    return sorted(path.relative_to(root).as_posix() for path in found)


def module_of(path):
    """Dotted name of a source or a test file given relative to the root."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "firmware" else parts)


def own(path, test):
    """True when a test belongs to a file: test_ramp.py, test_ramp_host.py ... or KIN says so."""
    stem = test.split(":")[0].split(".")[-1][len("test_"):] + "_"
    source = Path(path).stem
    return any(stem.startswith(name + "_") for name in (source, *KIN.get(source, ())))


def discover(root=ROOT, host=True):
    """Every test of the core; host: also those that need CPython's libraries."""
    found = []
    for path in [*sorted((root / TESTS).rglob("test_*.py")), *(root / name for name in BESIDE)]:
        if path.parent.name not in ELSEWHERE and (host or not path.stem.endswith("_host")):
            module = module_of(path.relative_to(root))
            found += [f"{module}:{name}" for name, _ in test_names(path)]
    return found


def enter(root=ROOT):
    """Make this process import the tree at `root`; property tests look for nothing new."""
    from hypothesis import HealthCheck, Phase, settings

    sys.path[:0] = [str(root / "firmware"), str(root), str(root / "stubs")]
    settings.register_profile(
        "tool", deadline=None, derandomize=True, database=None, max_examples=40,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
    settings.load_profile("tool")


def function_of(test):
    """The function of a test, None when only pytest can call it or it takes minutes."""
    module, name = test.split(":")
    function = getattr(importlib.import_module(module), name)
    marks = [mark.name for mark in getattr(function, "pytestmark", ())]
    return None if inspect.signature(function).parameters or "long" in marks else function
