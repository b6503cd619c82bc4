"""Folds constants across modules before they are compiled for the device.

`NAME = const(3)` in one module costs a global there and a look-up in every module that imports it;
the compiler folds constants only inside one file. `fold(sources)` replaces every imported constant
by its number and makes its definition private, so that the compiler drops it: no RAM, no look-up,
the same behaviour. A name that is given an integer expression once (`_ALL = 1 << ONE | 1 << TWO`,
where `const` cannot stand because ONE is imported) is a constant too. Lines keep their numbers.
"""

import ast

KEEP = ("boot.py", "main.py")


def constants(tree, outside=()):
    """{name: value} of a module's names that are given an integer once and for ever.

    outside: {local name: value} of the constants that it imports.
    """
    stored = [node.id for node in ast.walk(tree)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    stored += [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    found, known = {}, dict(outside)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            value = number(expression(node), known)
            if value is not None and len(node.targets) == 1 and stored.count(name) == 1:
                found[name] = known[name] = value
    return found


def expression(assignment):
    """What is assigned: the argument of const(), or the value itself."""
    value = assignment.value
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "const":
        return value.args[0]
    return value


def number(node, known):
    """Value of a constant integer expression; None when it is anything else."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if part.id not in known:
                return None
        elif not isinstance(part, (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator,
                                   ast.unaryop, ast.expr_context)):
            return None
    value = eval(compile(ast.Expression(node), "const", "eval"), {"__builtins__": {}}, dict(known))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def module_name(path):
    return path[:-3].replace("/", ".")


def fold(sources):
    """{path: text} of a firmware tree -> the same with constants folded."""
    trees = {path: ast.parse(text) for path, text in sources.items()}
    paths = {module_name(path): path for path in trees}
    known = {}

    def look(module):
        if module not in known:
            known[module] = {}          # a circle of imports finds nothing here
            tree = trees[paths[module]]
            given = imports(tree, paths, look)
            known[module] = {**given, **constants(tree, given)}     # also what it hands on
        return known[module]

    held = attributes(trees)
    given = {path: imports(tree, paths, look) for path, tree in trees.items()}
    return {path: text if path in KEEP else
            rewrite(text, trees[path], given[path], constants(trees[path], given[path]), held)
            for path, text in sources.items()}


def attributes(trees):
    """Every name that is read as an attribute somewhere: such a constant stays public."""
    return {node.attr for tree in trees.values() for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)}


def imports(tree, paths, look):
    """{local name: number} of the constants that a module imports."""
    values = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in paths:
            theirs = look(node.module)
            for alias in node.names:
                if alias.name in theirs:
                    values[alias.asname or alias.name] = theirs[alias.name]
    return values


def rewrite(text, tree, numbers, own, held):
    """One module with its imported constants as numbers and its own ones private."""
    private = {name: "_" + name for name in own if not name.startswith("_") and name not in held}
    edits, done = [], set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in own:
            lines = "\n" * (node.value.end_lineno - node.value.lineno)
            edits.append((node.value, f"const({own[node.targets[0].id]}{lines})"))
            done.update(ast.walk(node.value))
    for node in ast.walk(tree):
        if node in done:
            continue
        if isinstance(node, ast.JoinedStr):
            for part in ast.walk(node):
                if isinstance(part, ast.Name) and (part.id in numbers or part.id in private):
                    raise ValueError(f"line {node.lineno}: constant {part.id} inside an f-string")
        elif isinstance(node, ast.Name) and node.id in numbers:
            value = numbers[node.id]
            edits.append((node, str(value) if value >= 0 else f"({value})"))
        elif isinstance(node, ast.Name) and node.id in private:
            edits.append((node, private[node.id]))
        elif isinstance(node, ast.ImportFrom):
            edits += import_edit(node, numbers)
    return apply(text, edits)


def literals(text):
    """The text with each `bytes((1, 2, ..))` of constants as a literal: the tuple would stay."""
    tree = ast.parse(text)
    known, edits = constants(tree), []
    for node in ast.walk(tree):
        if (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bytes"
                and len(node.args) == 1 and isinstance(node.args[0], ast.Tuple)):
            values = [number(part, known) for part in node.args[0].elts]
            if None not in values:
                lines = "\\\n" * (node.end_lineno - node.lineno)
                edits.append((node, f"{lines}{bytes(values)!r}"))
    return apply(text, edits)


def import_edit(node, numbers):
    """The import without the folded names; as many lines as before."""
    left = [a for a in node.names if (a.asname or a.name) not in numbers]
    if len(left) == len(node.names):
        return []
    names = ", ".join(a.name + (f" as {a.asname}" if a.asname else "") for a in left)
    line = f"from {node.module} import {names}" if left else "pass"
    return [(node, line + "\n" * (node.end_lineno - node.lineno))]


def apply(text, edits):
    lines = text.encode().split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    data = bytearray(text.encode())
    spans = [(starts[n.lineno - 1] + n.col_offset,
              starts[n.end_lineno - 1] + n.end_col_offset, new) for n, new in edits]
    for start, end, new in sorted(spans, reverse=True):
        data[start:end] = new.encode()
    return data.decode()
