"""Writes functions that are called in one place only into that place, before they are compiled.

A function costs the chip some 50 bytes of RAM beyond its instructions, a coroutine under way some
80 more, and a call takes time. `inline(sources, path)` does by machine what the sources do not do
by hand, because small functions with a name are easier to read and to test.

Only what cannot change the meaning: one definition, one use, and that a call; in a place where the
call is what is done first; no early return out of a loop, except behind `return`; no closure, no
generator, no name that would mean something else there. Arguments are evaluated once and in order.
Here is which calls those are; `tools/inline_body.py` has what is written in their place.
"""

import ast

from tools.fold import apply
from tools.inline_body import StaysCall, Writer, first_part, without_docstring
from tools.shorten import API, LIBRARY, api

_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CLOSED = (*_DEFS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
           ast.ClassDef)
_STRANGE = (*_CLOSED, ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.Import,
            ast.ImportFrom, ast.Delete, ast.NamedExpr, ast.JoinedStr, ast.Starred)


def inline(sources, path, kept=(), private=False):
    """(text of one module with its calls written out, {its lines: lines before}, names dropped).

    sources: {path: text} of the whole program: what another module uses stays. kept: further names
    that stay. private: only names that begin with _, for tests, which call the others.
    """
    trees = {other: ast.parse(text) for other, text in sources.items()}
    tree = trees[path]
    barred = set(LIBRARY) | set(kept)
    for other in trees.values():
        barred |= set(api(other)) | set(API)
        barred |= {node.value for node in ast.walk(other)
                   if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    others = [other for name, other in trees.items() if name != path]
    dropped = []
    while _pass(tree, others, barred, private, dropped):
        pass
    ast.fix_missing_locations(tree)
    text = _bare_tuples(ast.unparse(tree) + "\n")
    lines = {}
    for new, old in zip(ast.walk(ast.parse(text)), ast.walk(tree)):
        if hasattr(new, "lineno"):
            lines[new.lineno] = min(old.lineno, lines.get(new.lineno, old.lineno)) \
                if isinstance(old, ast.stmt) else lines.get(new.lineno, old.lineno)
    return text, lines, dropped


def _bare_tuples(text):
    """`a, b = (c, d)` without the brackets: MicroPython makes a tuple of that, on the heap."""
    edits, lines = [], text.encode().split(b"\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and node.value.elts:
            place = node.value
            value = lines[place.lineno - 1][place.col_offset:place.end_col_offset].decode()
            if place.lineno == place.end_lineno and value[0] + value[-1] == "()":
                edits.append((place, value[1:-1]))
    return apply(text, edits)


class _Function:
    """A definition: its node, the list it stands in, its class."""

    def __init__(self, node, home, cls):
        self.node, self.home, self.cls = node, home, cls
        self.locals = _locals(node)
        self.gone = False

    def remove(self):
        self.gone = True
        self.home.remove(self.node)
        if not self.home:
            self.home.append(ast.Pass())


def _locals(function):
    names = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (*_DEFS, ast.ClassDef)) and node is not function:
            names.add(node.name)
    return names


def _read(function):
    """Names and attributes that a function reads."""
    return {getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(function)
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)}


def _functions(tree):
    for node in tree.body:
        if isinstance(node, _DEFS):
            yield _Function(node, tree.body, None)
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, _DEFS):
                    yield _Function(part, node.body, node.name)


def _pass(tree, others, barred, private, dropped):
    """Write out every call that can be; True when there was one."""
    functions = list(_functions(tree))
    names = _Names([tree, *others])
    users = {}
    for function in functions:
        for word in _read(function.node):
            users.setdefault(word, []).append(function)
    changed = False
    for callee in functions:
        name = callee.node.name
        if name in barred or name.startswith("__") or private and not name.startswith("_"):
            continue
        if name not in names.used:
            dropped.append(name)
            callee.remove()
            changed = True
        if callee.gone or not names.once(callee):
            continue
        for caller in users.get(name, ()):
            if caller.node is not callee.node and not caller.gone:
                try:
                    done = _Call(caller, callee).written()
                except StaysCall:
                    break
                if done:
                    callee.remove()
                    changed = True
                    break
    return changed


class _Names:
    """How often each name is defined and used, by classes that inheritance joins."""

    def __init__(self, trees):
        self.defined, self.used, self.own = {}, {}, {}
        self.family = _families(trees)
        for tree in trees:
            self.read(tree, None, None)

    def read(self, node, cls, first):
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.ClassDef):
                self.count(self.defined, part.name)
                self.read(part, part.name, None)
            elif isinstance(part, _DEFS):
                self.count(self.defined, part.name)
                if isinstance(node, ast.ClassDef):
                    self.count(self.own, (self.family(cls), part.name, "defined"))
                    args = part.args.args
                    self.read(part, cls, args[0].arg if args else None)
                else:
                    self.read(part, cls, first)
            else:
                self.note(part, cls, first)
                self.read(part, cls, first)

    def note(self, part, cls, first):
        if isinstance(part, ast.Attribute):
            mine = isinstance(part.value, ast.Name) and part.value.id == first and cls
            if isinstance(part.ctx, ast.Load):
                self.count(self.used, part.attr)
                if mine:
                    self.count(self.own, (self.family(cls), part.attr, "used"))
                    self.count(self.own, (None, part.attr, "used"))
            else:
                self.count(self.defined, part.attr)
        elif isinstance(part, ast.Name):
            self.count(self.used if isinstance(part.ctx, ast.Load) else self.defined, part.id)
        elif isinstance(part, (ast.arg, ast.keyword)) and part.arg:
            self.count(self.defined, part.arg)
        elif isinstance(part, ast.alias):
            self.count(self.used, part.name)
            self.count(self.used, part.name)

    @staticmethod
    def count(counter, key):
        counter[key] = counter.get(key, 0) + 1

    def once(self, function):
        """True when a function is defined once and used once, as far as anybody can tell."""
        name = function.node.name
        if self.defined.get(name) == 1 and self.used.get(name) == 1:
            return True
        family = self.family(function.cls)
        return (function.cls is not None and name.startswith("_")
                and self.own.get((family, name, "defined")) == 1
                and self.own.get((family, name, "used")) == 1
                and self.own.get((None, name, "used")) == self.used.get(name))


def _families(trees):
    head = {}

    def find(name):
        while head.get(name, name) != name:
            name = head[name]
        return name

    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    head[find(getattr(base, "id", getattr(base, "attr", "")))] = find(node.name)
    return find


class _Call:
    """The call of one function in another one, if there is one."""

    def __init__(self, caller, callee):
        self.caller, self.callee = caller, callee
        self.is_async = isinstance(callee.node, ast.AsyncFunctionDef)

    def written(self):
        """True when done, False when this caller does not call it; raises StaysCall."""
        found = self.find()
        if found is None:
            if any(self.is_call(node) for node in ast.walk(self.caller.node)):
                raise StaysCall
            return False
        self.check()
        block, statement, call, how = found
        at = block.index(statement)
        block[at:at + 1] = Writer(self.caller, self.callee, statement, call).written(how)
        return True

    def find(self):
        """(block, statement, call, how it is used) or None."""
        for block, statement in _statements(self.caller.node):
            found = self.in_statement(statement)
            if found:
                return (block, statement, *found)
        return None

    def is_call(self, node):
        if self.is_async:
            return isinstance(node, ast.Await) and self.is_plain_call(node.value)
        return self.is_plain_call(node)

    def is_plain_call(self, node):
        if not isinstance(node, ast.Call):
            return False
        name = self.callee.node.name
        if self.callee.cls is None:
            return isinstance(node.func, ast.Name) and node.func.id == name
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == name):
            return False
        return not self.is_private() or self.caller.cls == self.callee.cls \
            or not isinstance(node.func.value, ast.Name)

    def is_private(self):
        return self.callee.node.name.startswith("_")

    def in_statement(self, statement):
        """(call, how) of a statement that calls it first of all."""
        if isinstance(statement, ast.Expr) and self.is_call(statement.value):
            return statement.value, "nothing"
        if isinstance(statement, ast.Return) and statement.value and self.is_call(statement.value):
            return statement.value, "return"
        if (isinstance(statement, ast.Assign) and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name) and self.is_call(statement.value)):
            return statement.value, "assign"
        value = None
        if isinstance(statement, (ast.If, ast.Assign, ast.Expr, ast.Return)):
            value = statement.test if isinstance(statement, ast.If) else statement.value
        while value is not None and not self.is_call(value):
            value = first_part(value)
        if value is not None:
            return value, "inside"
        if self.expression() is not None and isinstance(
                statement, (ast.If, ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.While,
                            ast.For, ast.Raise)):
            for node in _outer(statement):
                if self.is_call(node):
                    return node, "expression"
        return None

    def expression(self):
        """What a function returns that does nothing else."""
        body = without_docstring(self.callee.node.body)
        if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None \
                and not self.is_async:
            return body[0].value
        return None

    def check(self):
        """Raise StaysCall for what cannot stand in another function."""
        node = self.callee.node
        args = node.args
        if (node.decorator_list or args.vararg or args.kwarg or args.kwonlyargs
                or args.posonlyargs):
            raise StaysCall
        inside = [part for statement in node.body for part in ast.walk(statement)]
        if any(isinstance(part, _STRANGE) for part in inside):
            raise StaysCall
        words = {part.id for part in inside if isinstance(part, ast.Name)}
        if "super" in words or (words - self.callee.locals) & self.caller.locals:
            raise StaysCall
        if any(isinstance(part, _CLOSED) for part in ast.walk(self.caller.node)
               if part is not self.caller.node):
            raise StaysCall
        if any(isinstance(part, (ast.Yield, ast.YieldFrom))
               for part in ast.walk(self.caller.node)):
            raise StaysCall


def _statements(function):
    """(block, statement) for every statement of a function."""
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                yield from ((block, statement) for statement in block)


def _outer(statement):
    """Expressions of a statement, not of those inside it, nor of closures."""
    todo = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.expr)]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _CLOSED):
            todo += [part for part in ast.iter_child_nodes(node)
                     if isinstance(part, (ast.expr, ast.keyword))]
