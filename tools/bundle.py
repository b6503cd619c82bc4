"""Joins the modules that are always loaded into one, before they are compiled for the device.

A module costs about 400 bytes of the chip's RAM before it does anything, and each name that it
imports from another one costs a place in its dictionary. `bundle(sources)` writes the modules
that every start imports, in the order in which they would be loaded, one after the other into
bess/bundle.py. Imports between them vanish, names that two of them use are renamed, and the other
modules import from the bundle.

What is always loaded follows from the imports: all that bess.app imports at the top of a module,
directly or not, and ALWAYS with what that imports. A file of its own stays what is imported inside
functions only, and a module that some text in the sources names, because it is dropped by that
name after the start. Lines of a module stay together: `place()` tells what is behind a line.
"""

import ast
import collections
import itertools

from tools.fold import apply, constants
from tools.names import Module, uses
from tools.shorten import identifiers, unused

ENTRY = "bess.app"
NAME = "bess.bundle"
PATH = NAME.replace(".", "/") + ".py"
# Imported inside functions, because a configuration could do without them; none of ours does.
ALWAYS = ("bess.protocols.modbus_rtu", "bess.protocols.modbus_tcp", "bess.devices.bess_module",
          "bess.devices.sunspec_pcs", "bess.devices.sunspec_meter", "bess.devices.register_bank",
          "bess.ports.listener", "bess.services.modbus_server")
# (module, name) that a text spells, but means another one of that name: this one may be renamed.
NOT_MEANT = (("bess.core.control.views", "Views"),)
_SHORT = 2      # characters; longer names are public ones
_HOT = 120      # the compiler needs one byte for the first 127 words that it meets, two for others
# A look-up that ends at a built-in name passes through much of a dictionary that is well filled:
# those that the control tick calls are put into the bundle's own one.
_BUILT_IN = ("abs", "len", "max", "min", "range", "sum")


def bundle(sources):
    """({path: text} with the bundle in the place of its modules, {path: its first line there})."""
    modules = {module.name: module for module in (Module(*item) for item in sources.items())}
    texts = set().union(*(module.texts for module in modules.values()))
    order = loaded(modules, texts)
    if len(order) < 2:
        return dict(sources), {}
    joint = _Bundle(modules, order, texts)
    result = {module.path: joint.outside(module) for module in modules.values()
              if module not in order}
    text, first = "\n", {}
    for module in order:
        first[module.path] = text.count("\n") + 1
        text += joint.inside(module).rstrip("\n") + "\n"
    near = [f"{name} = {name}" for name in _BUILT_IN if name in joint.free]
    result[PATH] = "; ".join(near) + text
    return result, first


def with_hot_words(text):
    """The bundle's text behind a statement that makes the most frequent words cheap."""
    return hot_words(text) + "; " + text if text[0] != "\n" else hot_words(text) + text


def place(first, line):
    """'path:line' of the source behind a line of the bundle."""
    at, path = max((at, path) for path, at in first.items() if at <= line)
    return f"{path}:{line - at + 1}"


def loaded(modules, texts):
    """The modules that belong into the bundle, each behind those that it imports."""
    apart = texts & set(modules) | {ENTRY}
    done, under_way = [], []

    def visit(name, importer=None, node=None):
        module = modules.get(name)
        if module is None or module in done:
            return
        if module in under_way:
            raise importer.fault(node, f"{name} imports this module, too")
        under_way.append(module)
        for statement, home in imports(modules, module):
            visit(home, module, statement)
        done.append(module)

    for name in (ENTRY, *ALWAYS):
        visit(name)
    joined = [module for module in done if module.name not in apart]
    for module in joined:
        for statement, home in imports(modules, module):
            if home in apart and needs(modules, modules[home], joined):
                raise module.fault(statement, f"{home} is no part of the bundle and imports it")
    return joined


def imports(modules, module):
    """(node, name of a module of ours) of each import at the top of a module."""
    for statement, alias in module.imports:
        home, _ = meant(modules, statement.module or "", alias.name)
        if home in modules:
            yield statement, home


def needs(modules, module, others):
    """Whether the import of a module imports one of the others."""
    return any(modules[home] in others or needs(modules, modules[home], others)
               for _, home in imports(modules, module))


def meant(modules, home, name):
    """(module, name) of `from home import name`; name None when that is a module."""
    whole = f"{home}.{name}"
    return (whole, None) if whole in modules else (home, name)


def hot_words(text):
    """A statement that does nothing but have the compiler meet the most frequent words first."""
    module = Module(PATH, text)
    dropped = {"const", *(name for name in constants(module.tree) if name.startswith("_"))}
    count = collections.Counter(
        name for name, node in identifiers(module.tree) if not isinstance(node, ast.Name))
    count.update(name for node, name, _, _ in uses(module) if name not in dropped)
    words = sorted(count, key=lambda name: (-count[name], name))[:_HOT]
    return f"__name__ or ({', '.join('a.' + word for word in words)})"


class _Bundle:
    """The joined modules. A symbol is (module that binds it, name there)."""

    def __init__(self, modules, order, texts):
        self.modules, self.order, self.texts = modules, order, texts
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
        barred = self.barred()
        # `const` needs no import: the compiler knows the word
        result, taken = {}, self.free - {"const"}
        for choose in (_own_if_meant, _own, self.others):
            for symbol in [symbol for symbol in barred if symbol not in result]:
                free = (name for name in choose(*symbol)
                        if name not in taken and name not in barred[symbol])
                name = next(free, None)
                if name is not None:
                    result[symbol] = name
                    taken.add(name)
        return result

    def barred(self):
        """{symbol: names that would mean something else where it is used}."""
        barred = {}
        for module in self.order:
            for _, symbol, names in self.uses[module.name]:
                barred.setdefault(symbol, set()).update(names)
        words = {module.name: {word for word, _ in identifiers(module.tree)}
                 for module in self.order}
        for module in self.order:
            others = set().union(*(words[name] for name in words if name != module.name))
            for name in constants(module.tree):     # the compiler replaces the word everywhere
                barred.setdefault((module.name, name), set()).update(others)
        return barred

    def others(self, home, name):
        """Further names for a symbol: short for a short one, else with its module before it."""
        if name in self.texts and (home, name) not in NOT_MEANT:
            module = self.joined[home]
            raise module.fault(module.tree.body[0], f"{name} is in two modules, and a text spells "
                                                    "it: rename one, or say so in NOT_MEANT")
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
                    for alias in node.names]
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
        """Edits of an import outside the bundle that takes something out of it."""
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
        """`import a.b` binds a: what it means depends on what else is imported."""
        for alias in node.names:
            if alias.name in self.joined or "." in alias.name and module.name in self.joined:
                raise module.fault(node, f"import {alias.name}: write `from .. import name`")


def _own_if_meant(home, name):
    return () if (home, name) in NOT_MEANT else (name,)


def _own(home, name):
    return (name,)


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
    start = node.col_offset + len(words)
    return ast.Name(name, ast.Load(), lineno=node.lineno, col_offset=start,
                    end_lineno=node.lineno, end_col_offset=start + len(name))
