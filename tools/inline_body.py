"""Writes the body of a function in the place of the statement that calls it.

The second half of `tools/inline.py`, which says what is called where: arguments become names or
values, local names become fresh ones, every return becomes what the caller does with the value.
"""

import ast
import copy

LOCALS_MAX = 16         # the compiler needs one byte for the first 16 local variables
# Of unknown values < and >= may both be false, of these two cannot.
_OPPOSITE = {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


class StaysCall(Exception):
    """This call cannot be written out."""


class Writer:
    """Writes the body of `callee` where `statement` of `caller` has its `call`.

    caller and callee have a node and locals, the names of their local variables; those of the
    caller grow. callee has cls too, the class of a method or None.
    """

    def __init__(self, caller, callee, statement, call):
        self.caller, self.callee = caller, callee
        self.statement, self.call = statement, call
        self.busy = getattr(statement, "busy", frozenset())
        self.words = self.fresh()

    def written(self, how):
        """The statements that take the place of the one that calls; raises StaysCall.

        how: what becomes of the value: "nothing", "return" or "assign" when the statement does
        just that, "inside" when it does more with it, but the call first; "expression" for a
        function that only returns one, which can stand anywhere.
        """
        body = copy.deepcopy(without_docstring(self.callee.node.body))
        if how == "expression":
            return [self.with_expression(body[0].value)]
        before, chosen = self.arguments(body)
        self.room(chosen)
        body = [_Renamer(chosen).visit(piece) for piece in body]
        result = before + self.with_value(body, how, chosen)
        self.mark(result, chosen)
        return result or [ast.Pass(lineno=self.statement.lineno, col_offset=0)]

    def arguments(self, body):
        """(assignments before the body, {name in the body: expression in its place})."""
        stored = _stored(body)
        before, chosen = [], {}
        for name, value in self.values():
            if (name not in stored and self.is_simple(value)
                    or not _uses(body, name) and not _acts(value)):
                chosen[name] = value
            else:
                word = next(self.words)
                chosen[name] = ast.Name(word, ast.Load())
                before.append(ast.Assign([ast.Name(word, ast.Store())], value,
                                         lineno=self.statement.lineno))
        for name in sorted(stored - set(chosen)):
            chosen[name] = ast.Name(next(self.words), ast.Load())
        return before, chosen

    def is_simple(self, value):
        """Whether an argument has the same value wherever it stands in the body."""
        return isinstance(value, ast.Constant) or (
            isinstance(value, ast.Name) and value.id in self.caller.locals)

    def with_value(self, body, how, chosen):
        """The body, and what the statement does with the value."""
        if how == "return":
            return body if _ends(body) else [*body, ast.Return(None)]
        if how == "nothing":
            return _tail(body, _dropped)
        if how == "assign":
            target = self.statement.targets[0].id
            if _uses(chosen.values(), target) and not _last_only(body):
                raise StaysCall
            return _tail(body, _assigned(target))
        word = next(self.words)
        result = _tail(body, _assigned(word))
        self.caller.locals.add(word)
        last = result[-1]
        if isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Name) \
                and last.targets[0].id == word:
            value = result.pop().value      # one path only: it needs no variable
        else:
            value = ast.Name(word, ast.Load())
        return [*result, _Swap(self.call, value).visit(self.statement)]

    def mark(self, result, chosen):
        """Note what is busy in the new statements, and the line that all of them come from."""
        busy = self.busy | _words(chosen)
        for piece in result:
            for part in ast.walk(piece):
                if isinstance(part, ast.stmt) and piece is not self.statement:
                    part.busy = busy
                if isinstance(part, (ast.stmt, ast.expr)) and not hasattr(part, "lineno"):
                    part.lineno, part.col_offset = self.statement.lineno, 0
                    part.end_lineno, part.end_col_offset = self.statement.lineno, 0

    def with_expression(self, value):
        """The statement with the callee's only expression in the place of the call."""
        chosen = {}
        seen = False
        for name, given in self.values():
            simple = self.is_simple(given)
            if not simple and (_uses([value], name) != 1 or seen or _first_name(value) != name):
                raise StaysCall
            seen = seen or not simple
            chosen[name] = given
        self.room({})
        return _Swap(self.call, _Renamer(chosen).visit(value)).visit(self.statement)

    def values(self):
        """[(parameter, the expression it gets)] in the order of evaluation."""
        call = self.call.value if isinstance(self.call, ast.Await) else self.call
        if call.keywords or any(isinstance(value, ast.Starred) for value in call.args):
            raise StaysCall
        given = list(call.args)
        names = [part.arg for part in self.callee.node.args.args]
        if self.callee.cls is not None:
            given.insert(0, call.func.value)
        defaults = self.callee.node.args.defaults
        while len(given) < len(names):
            at = len(given) - len(names) + len(defaults)
            if at < 0 or not isinstance(defaults[at], ast.Constant):
                raise StaysCall
            given.append(defaults[at])
        if len(given) > len(names):
            raise StaysCall
        return list(zip(names, given))

    def fresh(self):
        """Names for local variables; places apart may share them, one inside another may not."""
        busy = self.callee.locals | self.busy
        number = 0
        while True:
            word = f"_t{number}_"
            if word not in busy:
                yield word
            number += 1

    def room(self, chosen):
        """Add the new local variables to the caller's; raises StaysCall if they are too many."""
        after = self.caller.locals | _words(chosen)
        if len(after) > max(LOCALS_MAX, len(self.caller.locals)):
            raise StaysCall
        self.caller.locals = after


def _words(chosen):
    return {value.id for value in chosen.values() if isinstance(value, ast.Name)}


def _uses(pieces, name):
    """How often a name stands in some statements or expressions."""
    return sum(isinstance(part, ast.Name) and part.id == name
               for piece in pieces for part in ast.walk(piece))


def _stored(body):
    """Names that a block gives a value."""
    names = set()
    for part in (part for piece in body for part in ast.walk(piece)):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            names.add(part.id)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            names.add(part.name)
    return names


def without_docstring(body):
    """A function's statements without its docstring."""
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return body[1:]
    return body


def first_part(value):
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
        value = first_part(value)
    return value.id if value is not None else None


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
    """A block with every return replaced by what `make` writes for its value; raises StaysCall."""
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
            raise StaysCall
        rest = body[at + 1:]
        if _ends(piece.body):
            yes, no = _tail(piece.body, make), _tail(piece.orelse + rest, make)
        elif piece.orelse and _ends(piece.orelse):
            yes, no = _tail(piece.body + rest, make), _tail(piece.orelse, make)
        elif not rest:
            yes, no = _tail(piece.body, make), _tail(piece.orelse, make)
        else:
            raise StaysCall
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


def _assigned(name):
    """What makes an assignment to `name` of a value."""
    return lambda value: [
        ast.Assign([ast.Name(name, ast.Store())], value or ast.Constant(None))]


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
