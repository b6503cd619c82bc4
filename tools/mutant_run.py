"""One mutant in a process of its own: bring it in, run the tests, say which one notices."""

import ast
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
from collections import namedtuple

from tools import core_tests, mutants

SLOW_S = 3                          # a test gets this and ten times its usual time
MEMORY = 4 << 30

# direct: tests reach the function after the imports, so it is enough to change it there
Job = namedtuple("Job", "path key mutant tests digest direct")


def in_child(work, limit_s):
    """What `work()` returns (json), or None when its process failed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _quiet()
        signal.alarm(limit_s)
        with os.fdopen(writer, "w") as pipe:
            json.dump(work(), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def _quiet():
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed syntax tree instead of its file."""

    def __init__(self, name, tree, path):
        self._name = name
        self._code = compile(ast.fix_missing_locations(tree), path, "exec")

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module):
        exec(self._code, module.__dict__)

    def code_of(self, where):
        """Code of the function "Class.name" or "name", None when there is none."""
        code = self._code
        for name in where.split("."):
            inner = [part for part in code.co_consts
                     if hasattr(part, "co_name") and part.co_name == name]
            if len(inner) != 1:
                return None
            code = inner[0]
        return code


def attempt(root, job, seconds, pipe):
    """In a child: the tests one by one; writes the name of the first that notices."""
    _quiet()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    killer = "the import"
    signal.signal(signal.SIGPROF, lambda *_: _end(pipe, killer + " (time)"))
    signal.setitimer(signal.ITIMER_PROF, 10 * SLOW_S)
    try:
        change(job, *mutants.parse((root / job.path).read_text()))
        for killer in job.tests:
            function = core_tests.function_of(killer)
            signal.setitimer(signal.ITIMER_PROF, SLOW_S + 10 * seconds[killer])
            function()
    except BaseException:               # whatever it is, it was noticed
        _end(pipe, killer)
    _end(pipe, "")


def change(job, tree, found):
    """Bring the mutant into this process."""
    name = core_tests.module_of(job.path)
    function = function_at(sys.modules[name], job.mutant.where) if job.direct else None
    found[job.key[-1]].apply()
    changed = Changed(name, tree, job.path)
    code = changed.code_of(job.mutant.where)
    if function is not None and code is not None and code != function.__code__:
        function.__code__ = code
        return
    for other in list(sys.modules):     # a constant, a default value: others hold copies of it
        if other.split(".")[0] in ("bess", "host_tests"):
            del sys.modules[other]
    sys.meta_path.insert(0, changed)


def function_at(module, where):
    """The function "Class.name" or "name" of a module; None when it is something else."""
    found = module
    for name in where.split("."):
        found = vars(found).get(name) if found else None
    return found if hasattr(found, "__code__") else None


def _end(pipe, text):
    try:
        os.write(pipe, text.encode())
    finally:                            # it ends although nobody may listen any more
        os._exit(0)


class Pool:
    """At most `width` children at a time."""

    def __init__(self, width):
        self._width = width
        self._running = {}

    def run(self, jobs, start, done):
        """start(job, pipe) in a child, done(job, text or None) here, for each job."""
        for job in jobs:
            while len(self._running) >= self._width:
                self._collect(done)
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reader)
                start(job, writer)
                os._exit(1)
            os.close(writer)
            self._running[child] = (job, reader)
        while self._running:
            self._collect(done)

    def _collect(self, done):
        child, status = os.wait()
        job, reader = self._running.pop(child)
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        done(job, text if status == 0 else "a crash")
