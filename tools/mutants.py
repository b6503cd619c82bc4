"""Small faults for a source text: each changes one operator, constant or statement.

    < <= > >= == != is in    to the neighbour and to the opposite
    1000                     to 1001 and 999; True to False and back; a text to another
    + - * // % << >> & | ^   to their partners, in a += b too; and to or, or to and
    not x, -x, ~x            to x; if x, while x, a if x else b: the condition turned round
    min, max                 to each other; abs(x) to x
    return x                 to return None
    f(x), a.b = x, a += b    left out, so are raise, continue, break and a bare return

Docstrings, imports, decorators and texts of errors stay as they are.
"""

import ast
from collections import namedtuple

# where: function or class, "" at module level; line: number; text: of that line, stripped;
# what: the change, with #2 when the same one is possible twice in the line
Mutant = namedtuple("Mutant", "where line text what apply")

_COMPARE = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}
_ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}
_SIGNS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Add: "+",
    ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.And: "and",
    ast.Or: "or", ast.Not: "not", ast.USub: "-", ast.Invert: "~",
}
_SKIPPED = (ast.Import, ast.ImportFrom, ast.Raise, ast.arg)


def parse(source):
    """(tree, mutants): `apply` of a mutant changes this tree, once."""
    tree = ast.parse(source)
    lines = source.splitlines()
    seen = {}
    mutants = []
    for where, line, what, apply in _walk(tree, ""):
        text = lines[line - 1].strip()
        key = (where, line, what)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            what = f"{what} #{seen[key]}"
        mutants.append(Mutant(where, line, text, what, apply))
    return tree, mutants


def _walk(node, where):
    """(where, line, what, apply) for each change at or below a node."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        where = f"{where}.{node.name}" if where else node.name
    for field, value in ast.iter_fields(node):
        if field in ("decorator_list", "returns", "annotation"):
            continue
        entries = value if isinstance(value, list) else [value]
        for place, child in enumerate(entries):
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.stmt):
                for what, new in _statement(child):
                    yield where, child.lineno, what, _put(node, field, place, new)
            if isinstance(child, _SKIPPED) or _is_docstring(child):
                continue
            if isinstance(child, ast.expr):
                for what, new in _expression(child, field == "test"):
                    yield where, child.lineno, what, _put(node, field, place, new)
            elif isinstance(node, ast.AugAssign) and type(child) in _ARITHMETIC:
                new = _ARITHMETIC[type(child)]()
                yield (where, node.lineno, f"{_SIGNS[type(child)]}= -> {_SIGNS[type(new)]}=",
                       _put(node, field, place, new))
            yield from _walk(child, where)


def _put(node, field, place, new):
    """A function that puts `new` where a child of the node stands."""
    def apply():
        value = getattr(node, field)
        if isinstance(value, list):
            value[place] = ast.copy_location(new, value[place])
        else:
            setattr(node, field, ast.copy_location(new, value))
    return apply


def _is_docstring(node):
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str))


def _statement(node):
    """Changes of a whole statement."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call -> nothing", ast.Pass()
    elif isinstance(node, (ast.Raise, ast.Continue, ast.Break)):
        yield f"{type(node).__name__.lower()} -> nothing", ast.Pass()
    elif isinstance(node, ast.AugAssign):
        yield f"{_SIGNS[type(node.op)]}= -> nothing", ast.Pass()
    elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], (ast.Name, ast.Tuple)):
        yield "assignment -> nothing", ast.Pass()
    elif isinstance(node, ast.Return) and node.value is None:
        yield "return -> nothing", ast.Pass()
    elif isinstance(node, ast.Return) and not _is_nothing(node.value):
        yield "return -> None", ast.Return(ast.Constant(None))


def _is_nothing(node):
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _expression(node, is_test):
    """Changes of an expression; is_test: it is the condition of if, while or a if b else c."""
    if isinstance(node, ast.Compare):
        yield from _comparison(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield _change(node.op, other), ast.BoolOp(other(), node.values)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC and not _is_text(node.left):
        other = _ARITHMETIC[type(node.op)]
        yield _change(node.op, other), ast.BinOp(node.left, other(), node.right)
    elif isinstance(node, ast.UnaryOp):
        yield f"{_SIGNS[type(node.op)]} -> nothing", node.operand
    elif isinstance(node, ast.Constant):
        yield from _constant(node.value)
    else:
        if is_test:
            yield "condition -> not", ast.UnaryOp(ast.Not(), node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _call(node)


def _change(old, new):
    return f"{_SIGNS[type(old)]} -> {_SIGNS[new]}"


def _comparison(node):
    for i, op in enumerate(node.ops):
        for other in _COMPARE[type(op)]:
            ops = [*node.ops[:i], other(), *node.ops[i + 1:]]
            yield _change(op, other), ast.Compare(node.left, ops, node.comparators)


def _constant(value):
    if value is True or value is False:
        yield f"{value} -> {not value}", ast.Constant(not value)
    elif isinstance(value, int):
        yield f"{value} -> {value + 1}", ast.Constant(value + 1)
        yield f"{value} -> {value - 1}", ast.Constant(value - 1)
    elif isinstance(value, str):
        yield f"{value!r} -> another", ast.Constant(value + "?")


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _call(node):
    name = node.func.id
    if name in ("min", "max"):
        other = "max" if name == "min" else "min"
        yield f"{name} -> {other}", ast.Call(ast.Name(other, ast.Load()), node.args, node.keywords)
    elif name == "abs":
        yield "abs -> nothing", node.args[0]
