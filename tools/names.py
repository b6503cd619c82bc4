"""Which module-level name each word of a module means, for tools that move code between modules.

`Module` knows what a module binds; `uses()` finds every place that reads or writes a module-level
name, with the names that functions and classes around that place bind themselves.
"""

import ast

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*_FUNCTIONS, ast.Lambda, ast.ClassDef, *_COMPREHENSIONS)
_NOT_MOVABLE = {"__name__": "its own name", "__file__": "its own file", "globals": "its namespace",
                "locals": "its namespace", "vars": "its namespace", "eval": "text as code",
                "exec": "text as code"}


class NameFault(ValueError):
    """What a module does that cannot be followed: file, line, words."""

    def __init__(self, path, node, words):
        super().__init__(f"{path}:{node.lineno}: {words}")


class Module:
    """One source file: its tree, and {name: where it comes from} of what it binds at top level."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.name = path[:-3].replace("/", ".")
        self.tree = ast.parse(text)
        self.bound = bindings(self.tree)
        # (node, alias) of each `from module import name` that the import of this one runs
        self.imports = [(node, alias) for node in outside(self.tree)
                        if isinstance(node, ast.ImportFrom) for alias in node.names]
        self.texts = {node.value for node in ast.walk(self.tree)
                      if isinstance(node, ast.Constant) and isinstance(node.value, str)}

    def fault(self, node, words):
        return NameFault(self.path, node, words)


def outside(tree):
    """Nodes that run when the tree does: of functions and the like only the node itself."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, _SCOPES):
            yield from outside(node)


def bindings(scope):
    """{name: (module, name or None) of an import, None of anything else} that a scope binds."""
    found = {}
    if isinstance(scope, (*_FUNCTIONS, ast.Lambda)):
        found = {node.arg: None for node in ast.walk(scope.args) if isinstance(node, ast.arg)}
        body = scope.body if isinstance(scope.body, list) else [scope.body]
    elif isinstance(scope, _COMPREHENSIONS):
        body = [generator.target for generator in scope.generators]
    else:
        body = scope.body
    declared = set()
    for node in outside(ast.Module(body, [])):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            declared.update(node.names)
        for name, origin in _bound_by(node):
            found[name] = origin if found.get(name, origin) == origin else None
    return {name: origin for name, origin in found.items() if name not in declared}


def _bound_by(node):
    """(name, origin) of what one node binds in its scope."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id, None
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name, None
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name, None
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, (node.module, alias.name)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or whole, (whole, None)


def is_near(one, other):
    """Whether two modules stand in the same package at the top."""
    return one.partition(".")[0] == other.partition(".")[0]


class _Uses(ast.NodeVisitor):
    """Collects (node, name, origin, names bound around it) of what is not local."""

    def __init__(self, module, movable):
        self.module = module
        self.movable = movable
        self.scopes = []    # (is a class, {name: origin}) from outside to inside
        self.found = []

    def note(self, node, name):
        origin = None
        for depth, (is_class, bound) in enumerate(reversed(self.scopes)):
            if name in bound and not (is_class and depth):
                origin = bound[name]
                if origin is None:
                    return
                break
        around = set().union(*(bound for _, bound in self.scopes))
        self.found.append((node, name, origin, around))

    def inside(self, scope, parts):
        self.scopes.append((isinstance(scope, ast.ClassDef), bindings(scope)))
        for part in parts:
            self.visit(part)
        self.scopes.pop()

    def visit_Name(self, node):
        if self.movable and node.id in _NOT_MOVABLE:
            raise self.module.fault(node, f"{node.id}: a module that is bundled may not use "
                                          f"{_NOT_MOVABLE[node.id]}")
        self.note(node, node.id)

    def visit_FunctionDef(self, node):
        self.note(node, node.name)
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        self.inside(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        for part in (*node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        self.inside(node, [node.body])

    def visit_ClassDef(self, node):
        self.note(node, node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self.inside(node, node.body)

    def visit_ListComp(self, node):
        first, *others = node.generators
        self.visit(first.iter)
        result = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.inside(node, [first.target, *first.ifs, *others, *result])

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_Import(self, node):
        for alias in node.names:
            self.note(alias, alias.asname or alias.name.partition(".")[0])

    def visit_ImportFrom(self, node):
        if self.movable and self.scopes and self.scopes[-1][0]:
            raise self.module.fault(node, "an import in the body of a class")
        if node.level or node.names[0].name == "*":
            raise self.module.fault(node, "write `from bess.x import name`")
        bound = self.scopes[-1][1] if self.scopes else self.module.bound
        for alias in node.names:
            name = alias.asname or alias.name
            if (self.movable and bound[name] is None
                    and is_near(self.module.name, node.module)):
                raise self.module.fault(node, f"{name} is bound twice")
            self.note(alias, name)

    def visit_ExceptHandler(self, node):
        if node.name:
            self.note(node, node.name)
        self.generic_visit(node)

    def visit_Global(self, node):
        if self.movable:
            raise self.module.fault(node, "global: a module that is bundled keeps state in "
                                          "objects")

    def visit_NamedExpr(self, node):
        if self.movable:
            raise self.module.fault(node, ":= in a module that is bundled: write an assignment")
        self.generic_visit(node)

    def visit_JoinedStr(self, node):
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                raise self.module.fault(node, "an f-string with a name in it: use %")

    def visit_Delete(self, node):
        if self.movable and not self.scopes:
            raise self.module.fault(node, "del at the top of a module that is bundled")
        self.generic_visit(node)

    def visit_Attribute(self, node):
        """An attribute of a plain name counts as one use, with the name's own after it."""
        if isinstance(node.value, ast.Name):
            before = len(self.found)
            self.visit(node.value)
            if len(self.found) > before:
                _, name, origin, around = self.found.pop()
                self.found.append((node, name, origin, around))
        else:
            self.visit(node.value)


def uses(module, movable=True):
    """[(node, name, origin, around)] of every use of a name that is not local to a function.

    movable: raise NameFault where the code could not stand in another module.
    node: where it stands; an Attribute when one is taken of it. origin: (module, name) when a
    function imports it itself, None when it is a module-level or built-in one. around: the names
    that functions and classes around it bind.
    """
    visitor = _Uses(module, movable)
    visitor.visit(module.tree)
    return visitor.found
