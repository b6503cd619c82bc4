"""Joins the modules that are always loaded into one, before they are compiled for the device.

A module costs about 500 bytes of the chip's RAM before it does anything, and each name that it
imports from another one costs a place in its dictionary. `bundle(sources)` writes every module
that the start imports, in the order in which they would be loaded, one after the other into
bess/bundle.py. Imports between them vanish, names that two of them use are renamed, and the other
modules import from the bundle.

What stays a file of its own follows from the imports: what the start-up files import (main.py
stays text), what is imported only inside functions, and modules that some text in the sources
names, because they are dropped by name after the start. Lines of a module stay together, so
`place()` translates the line of a traceback.
"""

import ast
import itertools

from tools.fold import apply, constants
from tools.names import Module, uses
from tools.shorten import _Place as Place, identifiers, unused

NAME = "bess.bundle"
PATH = NAME.replace(".", "/") + ".py"
# Imported inside functions, but every board's configuration asks for them.
ALWAYS = ()
_SHORT = 2      # longer names are public ones


def bundle(sources, entry="bess.app"):
    """({path: text} with the bundle instead of its modules, {path: first line there})."""
    modules = {module.name: module for module in (Module(*item) for item in sources.items())}
    order = loaded(modules, entry)
    if len(order) < 2:
        return dict(sources), {}
    joint = _Bundle(modules, order)
    result = {module.path: joint.outside(module) for module in modules.values()
              if module not in order}
    result[PATH], first = "", {}
    for module in order:
        first[module.path] = result[PATH].count("\n") + 1
        result[PATH] += joint.inside(module).rstrip("\n") + "\n"
    return result, first


def place(first, line):
    """'path:line' of the source behind a line of the bundle."""
    path = max((at, path) for path, at in first.items() if at <= line)[1]
    return f"{path}:{line - first[path] + 1}"


def loaded(modules, entry):
    """The modules that belong into the bundle, each behind those that it imports."""
    apart = {node.value for module in modules.values() for node in ast.walk(module.tree)
             if isinstance(node, ast.Constant) and node.value in modules} | {entry}
    done, under_way = [], []

    def visit(name, importer=None, node=None):
        module = modules.get(name)
        if module is None or module in done:
            return
        if importer and name in apart and importer.name not in apart:
            raise importer.fault(node, f"{name} is no part of the bundle: import it in a function")
        if module in under_way:
            raise importer.fault(node, f"{name} imports this module, too")
        under_way.append(module)
        for statement, alias in module.imports(whole=False):
            visit(meant(modules, statement.module or "", alias.name)[0], module, statement)
        done.append(module)

    for name in (entry, *ALWAYS):
        visit(name)
    return [module for module in done if module.name not in apart]


def meant(modules, home, name):
    """(module, name) of `from home import name`; name None when that is a module."""
    whole = f"{home}.{name}"
    return (whole, None) if whole in modules else (home, name)


class _Bundle:
    """The joined modules. A symbol is (module that binds it, name there)."""

    def __init__(self, modules, order):
        self.modules, self.order = modules, order
        self.joined = {module.name: module for module in order}
        self.free = set()       # names that no module binds: built-in ones
        self.uses = {module.name: [*self.resolved(module)] for module in order}
        self.names = self.named()

    def resolved(self, module):
        """(node to replace, symbol, names around) of each use of a symbol in a module."""
        for node, name, origin, around in uses(module):
            plain = node.value if isinstance(node, ast.Attribute) else node
            is_local = origin is not None
            if not is_local and name not in module.bound:
                self.free.add(name)
                continue
            origin = origin or module.bound[name]
            if origin is None:
                yield plain, (module.name, name), around
                continue
            home, part = meant(self.modules, *origin)
            if home not in self.joined:
                if not is_local:
                    yield plain, (f"{home} {part}", name), around
            elif not isinstance(node, ast.alias):
                yield (plain if part else node), self.symbol(module, node, home, part), around

    def symbol(self, module, node, home, part):
        """The symbol of an imported name, or of an attribute of an imported module."""
        if part is None:
            if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
                    and node.lineno == node.end_lineno):
                raise module.fault(node, f"{home} is bundled: only its names can be read")
            return self.symbol(module, node.value, home, node.attr)
        if part not in self.joined[home].bound:
            raise module.fault(node, f"{home} has no {part}")
        origin = self.joined[home].bound[part]
        if origin is None:
            return home, part
        further, name = meant(self.modules, *origin)
        if further not in self.joined:
            return f"{further} {name}", part
        return self.symbol(module, node, further, name)

    def named(self):
        """{symbol: its name in the bundle}: its own one where that is free."""
        around, words, fixed = {}, {}, set()
        for module in self.order:
            for node, symbol, names in self.uses[module.name]:
                around.setdefault(symbol, set()).update(names)
            words[module.name] = {word for word, _ in identifiers(module.tree)}
            fixed |= {(module.name, name) for name in constants(module.tree)}
        for symbol in fixed & set(around):      # the compiler replaces this word everywhere
            around[symbol] |= set().union(*(words[m] for m in words if m != symbol[0]))
        result, taken = {}, self.free - {"const"}     # the compiler knows that word without an import
        for choose in (lambda home, name: [name], self.others):
            for symbol in around:
                if symbol not in result:
                    for name in choose(*symbol):
                        if name not in taken and name not in around[symbol]:
                            result[symbol] = name
                            taken.add(name)
                            break
        return result

    def others(self, home, name):
        """Further names for a symbol: short for a short one, else with its module before it."""
        if len(name) <= _SHORT:
            yield from unused(set())
        before = ""
        for part in reversed(home.replace(" ", ".").split(".")):
            before = f"{part}_{before}"
            yield f"_{before}{name.lstrip('_')}" if name.startswith("_") else before + name
        for number in itertools.count(2):
            yield f"{name}_{number}"

    def inside(self, module):
        """Text of a module as a part of the bundle, with as many lines as before."""
        edits, shown = [], {}
        for node, symbol, _ in self.uses[module.name]:
            if isinstance(node, ast.alias):
                shown[node] = self.names[symbol]
            else:
                edits.append((_word(module, node, symbol[1]), self.names[symbol]))
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                edits += self.statement(module, node, shown)
        return apply(module.text, edits)

    def statement(self, module, node, shown):
        """Edit of an import in the bundle: what the bundle has itself is left out."""
        if isinstance(node, ast.Import):
            self.refuse(module, node)
            return [(alias, _alias(alias.name, shown.get(alias, alias.asname or alias.name)))
                    for alias in node.names if "." not in alias.name]
        kept = [alias for alias in node.names
                if meant(self.modules, node.module, alias.name)[0] not in self.joined]
        names = [_alias(alias.name, shown.get(alias, alias.asname or alias.name))
                 for alias in kept]
        return [_line(node, [f"from {node.module} import {', '.join(names)}"] if names else [])]

    def outside(self, module):
        """Text of a module that is not in the bundle: it imports from there."""
        edits = []
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                self.refuse(module, node)
            elif isinstance(node, ast.ImportFrom):
                edits += self.redirected(module, node)
        return apply(module.text, edits)

    def redirected(self, module, node):
        ours, others = [], []
        for alias in node.names:
            local = alias.asname or alias.name
            home, part = meant(self.modules, node.module or "", alias.name)
            if home in self.joined:
                if alias.name == "*":
                    raise module.fault(node, "import *: name what is wanted")
                ours.append(_alias(self.names[self.symbol(module, node, home, part)], local))
            else:
                others.append(_alias(alias.name, local))
        lines = [f"from {NAME} import {', '.join(ours)}"] if ours else []
        lines += [f"from {node.module} import {', '.join(others)}"] if others else []
        return [_line(node, lines)] if ours else []

    def refuse(self, module, node):
        for alias in node.names:
            if alias.name in self.joined:
                raise module.fault(node, f"{alias.name} is bundled: write `from .. import name`")


def _alias(name, shown):
    return name if name == shown else f"{name} as {shown}"


def _line(node, statements):
    """Edit that puts statements in the place of one, with as many lines."""
    return node, "; ".join(statements or ["pass"]) + "\n" * (node.end_lineno - node.lineno)


def _word(module, node, name):
    """Place of the name in a node that also has other text."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return node
    if isinstance(node, ast.ExceptHandler):
        raise module.fault(node, "except .. as name at the top of a module that is bundled")
    words = {ast.ClassDef: "class ", ast.FunctionDef: "def "}.get(type(node), "async def ")
    return Place(node.lineno, node.col_offset + len(words), len(name))
