"""Writes functions that are called in one place only into that place, before they are compiled.

A function costs the chip some 50 bytes of RAM beyond its instructions, a coroutine under way some
80 more, and a call takes time. `inline(sources, path)` does by machine what the sources do not do
by hand, because small functions with a name are easier to read and to test.

Only what cannot change the meaning: one definition, one use, and that a call; in a place where the
call is what is done first; no early return out of a loop, except behind `return`; no closure, no
generator, no name that would mean something else there. Arguments are evaluated once and in order.
"""

import ast
import copy

from tools.fold import apply
from tools.shorten import API, LIBRARY, api

LOCALS_MAX = 16         # the compiler needs one byte for the first 16 local variables
_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CLOSED = (*_DEFS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
           ast.ClassDef)
_STRANGE = (*_CLOSED, ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.Import,
            ast.ImportFrom, ast.Delete, ast.NamedExpr, ast.JoinedStr, ast.Starred)
# Of unknown values < and >= may both be false, of these two cannot.
_OPPOSITE = {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


class _Not(Exception):
    """This call stays a call."""


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
                    done = _Writer(caller, callee).written()
                except _Not:
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


class _Writer:
    """Writes the body of one function into another one, if that calls it."""

    def __init__(self, caller, callee):
        self.caller, self.callee = caller, callee
        self.is_async = isinstance(callee.node, ast.AsyncFunctionDef)

    def written(self):
        """True when done, False when this caller does not call it; raises _Not."""
        found = self.find(self.caller.node)
        if found is None:
            return False
        self.check()
        if found == "inside":
            raise _Not
        block, statement, call, how = found
        at = block.index(statement)
        block[at:at + 1] = self.replacement(statement, call, how)
        return True

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

    def find(self, function):
        """(block, statement, call, how it is used), "inside" another expression, or None."""
        for node in ast.walk(function):
            for block in (getattr(node, "body", None), getattr(node, "orelse", None),
                          getattr(node, "finalbody", None)):
                if isinstance(block, list):
                    for statement in block:
                        found = self.in_statement(statement)
                        if found:
                            return (block, statement, *found)
        if any(self.is_call(node) for node in ast.walk(function)):
            return "inside"
        return None

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
            value = _first(value)
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
        body = _without_docstring(self.callee.node.body)
        if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None \
                and not self.is_async:
            return body[0].value
        return None

    def check(self):
        """Raise _Not for what cannot stand in another function."""
        node = self.callee.node
        args = node.args
        if (node.decorator_list or args.vararg or args.kwarg or args.kwonlyargs
                or args.posonlyargs):
            raise _Not
        inside = [part for statement in node.body for part in ast.walk(statement)]
        if any(isinstance(part, _STRANGE) for part in inside):
            raise _Not
        words = {part.id for part in inside if isinstance(part, ast.Name)}
        if "super" in words or (words - self.callee.locals) & self.caller.locals:
            raise _Not
        if any(isinstance(part, _CLOSED) for part in ast.walk(self.caller.node)
               if part is not self.caller.node):
            raise _Not
        if any(isinstance(part, (ast.Yield, ast.YieldFrom))
               for part in ast.walk(self.caller.node)):
            raise _Not

    def values(self, call):
        """[(parameter, the expression it gets)] in the order of evaluation."""
        call = call.value if self.is_async else call
        if call.keywords or any(isinstance(value, ast.Starred) for value in call.args):
            raise _Not
        given = list(call.args)
        names = [part.arg for part in self.callee.node.args.args]
        if self.callee.cls is not None:
            given.insert(0, call.func.value)
        defaults = self.callee.node.args.defaults
        while len(given) < len(names):
            at = len(given) - len(names) + len(defaults)
            if at < 0 or not isinstance(defaults[at], ast.Constant):
                raise _Not
            given.append(defaults[at])
        if len(given) > len(names):
            raise _Not
        return list(zip(names, given))

    def replacement(self, statement, call, how):
        body = copy.deepcopy(_without_docstring(self.callee.node.body))
        stored = {part.id for piece in body for part in ast.walk(piece)
                  if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)}
        stored |= {part.name for piece in body for part in ast.walk(piece)
                   if isinstance(part, ast.ExceptHandler) and part.name}
        if how == "expression":
            return [self.with_expression(statement, call, body[0].value)]
        before, chosen = [], {}
        around = getattr(statement, "busy", frozenset())
        fresh = self.fresh(around)
        values = self.values(call)
        target = None
        if how == "assign":
            target = statement.targets[0].id
        for name, value in values:
            direct = name not in stored and (
                isinstance(value, ast.Constant) or isinstance(value, ast.Name)
                and value.id in self.caller.locals)
            uses = sum(isinstance(part, ast.Name) and part.id == name
                       for piece in body for part in ast.walk(piece))
            if direct:
                chosen[name] = value
            elif not uses and not _acts(value):
                chosen[name] = value
            else:
                word = next(fresh)
                chosen[name] = ast.Name(word, ast.Load())
                before.append(ast.Assign([ast.Name(word, ast.Store())], value,
                                         lineno=statement.lineno))
        for name in sorted(stored - set(chosen)):
            chosen[name] = ast.Name(next(fresh), ast.Load())
        self.room(chosen)
        body = [_Renamer(chosen).visit(piece) for piece in body]
        if how == "return":
            after = [] if _ends(body) else [ast.Return(None)]
            result = before + body + after
        elif how == "nothing":
            result = before + _tail(body, _dropped)
        elif how == "assign":
            if target in {node.id for value in chosen.values() for node in ast.walk(value)
                          if isinstance(node, ast.Name)} and not _last_only(body):
                raise _Not
            result = before + _tail(body, lambda value: [
                ast.Assign([ast.Name(target, ast.Store())], value or ast.Constant(None))])
        else:
            word = next(fresh)
            result = before + _tail(body, lambda value: [
                ast.Assign([ast.Name(word, ast.Store())], value or ast.Constant(None))])
            self.caller.locals.add(word)
            if isinstance(result[-1], ast.Assign) and isinstance(result[-1].targets[0], ast.Name) \
                    and result[-1].targets[0].id == word:
                value = result.pop().value      # one path only: it needs no variable
            else:
                value = ast.Name(word, ast.Load())
            result.append(_Swap(call, value).visit(statement))
        busy = around | {value.id for value in chosen.values() if isinstance(value, ast.Name)}
        for piece in result:
            for part in ast.walk(piece):
                if isinstance(part, ast.stmt) and piece is not statement:
                    part.busy = busy
                if isinstance(part, (ast.stmt, ast.expr)) and not hasattr(part, "lineno"):
                    part.lineno, part.col_offset = statement.lineno, 0
                    part.end_lineno, part.end_col_offset = statement.lineno, 0
        return result or [ast.Pass(lineno=statement.lineno, col_offset=0)]

    def with_expression(self, statement, call, value):
        """The statement with the callee's only expression in the place of the call."""
        chosen = {}
        seen = False
        for name, given in self.values(call):
            uses = sum(isinstance(part, ast.Name) and part.id == name for part in ast.walk(value))
            simple = isinstance(given, ast.Constant) or (
                isinstance(given, ast.Name) and given.id in self.caller.locals)
            if not simple and (uses != 1 or seen or _first_name(value) != name):
                raise _Not
            seen = seen or not simple
            chosen[name] = given
        self.room({})
        return _Swap(call, _Renamer(chosen).visit(value)).visit(statement)

    def fresh(self, around):
        """Names for local variables; places apart may share them, one inside another may not."""
        busy = self.callee.locals | around
        number = 0
        while True:
            word = f"_t{number}_"
            if word not in busy:
                yield word
            number += 1

    def room(self, chosen):
        words = {value.id for value in chosen.values() if isinstance(value, ast.Name)}
        after = self.caller.locals | words
        if len(after) > max(LOCALS_MAX, len(self.caller.locals)):
            raise _Not
        self.caller.locals = after


def _without_docstring(body):
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:]
    return body


def _first(value):
    """The part of an expression that is evaluated first."""
    if isinstance(value, ast.BinOp):
        return value.left
    if isinstance(value, ast.Compare):
        return value.left
    if isinstance(value, ast.BoolOp):
        return value.values[0]
    if isinstance(value, ast.UnaryOp):
        return value.operand
    if isinstance(value, ast.IfExp):
        return value.test
    if isinstance(value, (ast.Subscript, ast.Attribute, ast.Await)):
        return value.value
    if isinstance(value, ast.Call):
        if isinstance(value.func, ast.Name):
            return value.args[0] if value.args else None
        return value.func
    if isinstance(value, (ast.Tuple, ast.List)) and value.elts:
        return value.elts[0]
    return None


def _first_name(value):
    while value is not None and not isinstance(value, ast.Name):
        value = _first(value)
    return value.id if value is not None else None


def _outer(statement):
    """Expressions of a statement, not of those inside it, nor of closures."""
    todo = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.expr)]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _CLOSED):
            todo += [part for part in ast.iter_child_nodes(node)
                     if isinstance(part, (ast.expr, ast.keyword))]


def _acts(value):
    """Whether leaving out an expression would leave out more than its value."""
    return not isinstance(value, (ast.Constant, ast.Name))


def _ends(body):
    """Whether a block never comes to its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return _ends(last.body) and _ends(last.orelse)
    if isinstance(last, ast.While) and isinstance(last.test, ast.Constant) and last.test.value:
        return not any(isinstance(part, ast.Break) for part in ast.walk(last))
    return isinstance(last, (ast.Return, ast.Raise))


def _returns(node):
    return any(isinstance(part, ast.Return) for part in ast.walk(node))


def _last_only(body):
    """Whether a block returns only in its last statement, so that nothing is read after it."""
    return not any(_returns(piece) for piece in body[:-1])


def _tail(body, make):
    """A block with every return replaced by what `make` writes for its value; raises _Not."""
    out = []
    for at, piece in enumerate(body):
        if isinstance(piece, ast.Return):
            return out + make(piece.value)
        if not _returns(piece):
            out.append(piece)
            if isinstance(piece, ast.Raise):
                return out
            continue
        if not isinstance(piece, ast.If):
            raise _Not
        rest = body[at + 1:]
        if _ends(piece.body):
            yes, no = _tail(piece.body, make), _tail(piece.orelse + rest, make)
        elif piece.orelse and _ends(piece.orelse):
            yes, no = _tail(piece.body + rest, make), _tail(piece.orelse, make)
        elif not rest:
            yes, no = _tail(piece.body, make), _tail(piece.orelse, make)
        else:
            raise _Not
        return out + _choice(piece, yes, no)
    return out + make(None)


def _choice(piece, yes, no):
    if yes:
        return [ast.If(piece.test, yes, no, lineno=piece.lineno)]
    if no:
        return [ast.If(_negated(piece.test), no, [], lineno=piece.lineno)]
    return [ast.Expr(piece.test, lineno=piece.lineno)]


def _negated(test):
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPPOSITE:
        return ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _dropped(value):
    """A value that nobody wants."""
    return [ast.Expr(value)] if value is not None and _acts(value) else []


class _Renamer(ast.NodeTransformer):
    """Puts expressions in the place of local names."""

    def __init__(self, chosen):
        self.chosen = chosen

    def visit_Name(self, node):
        value = self.chosen.get(node.id)
        if value is None:
            return node
        if isinstance(value, ast.Name):
            return ast.copy_location(ast.Name(value.id, node.ctx), node)
        return copy.deepcopy(value)

    def visit_ExceptHandler(self, node):
        if node.name in self.chosen:
            node.name = self.chosen[node.name].id
        return self.generic_visit(node)


class _Swap(ast.NodeTransformer):
    """Puts one expression in the place of another one."""

    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit(self, node):
        return self.new if node is self.old else super().visit(node)
