"""Gives private names and arguments short, shared names before they are compiled for the device.

Every identifier that a program brings along is stored once in the chip's RAM, 25 bytes on
average, for as long as it runs. Nobody outside a module asks for its private names, so
`shorten(sources)` replaces them by a few short ones. Two private names share one short name when
no module knows both; modules whose classes inherit from each other count as one. Arguments that
are never passed by keyword get short names too, function by function: the compiler stores the
names of arguments, but not those of other local variables.

What stays: public names (the REPL finds them), names that some text in the sources spells (a
`getattr` may mean them), names that only libraries define, and private `const`s, which the
compiler drops by itself. Lines keep their numbers, so a traceback still tells where.
"""

import ast
import builtins
import itertools
import keyword
import string

from tools.fold import KEEP, apply, constants, module_name

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_ARGUMENTS_MAX = 8
_SCOPES = (*_FUNCTIONS, ast.ClassDef)


def shorten(sources):
    """{path: text} of a firmware tree -> the same with short private names."""
    trees = {path: ast.parse(text) for path, text in sources.items() if path not in KEEP}
    for path, tree in trees.items():
        refuse_f_strings(path, tree)
    result = dict(sources)
    fixed = set().union(*(spelled(tree) for tree in trees.values()))
    names = colours(trees, fixed)
    free = sorted(set(names.values()), key=lambda name: (len(name), name))
    free += itertools.islice(unused(fixed | set(free)), _ARGUMENTS_MAX)
    called = {node.arg for tree in trees.values() for node in ast.walk(tree)
              if isinstance(node, ast.keyword)}
    for path, tree in trees.items():
        edits = list(renamed(sources[path], tree, names))
        edits += arguments(tree, names, free, called)
        result[path] = apply(sources[path], edits)
    return result


def is_private(name):
    return name.startswith("_") and not name.startswith("__") and name != "_"


def identifiers(tree):
    """(name, node) of every identifier in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, node
        elif isinstance(node, ast.Attribute):
            yield node.attr, node
        elif isinstance(node, (ast.arg, ast.keyword)) and node.arg:
            yield node.arg, node
        elif isinstance(node, _SCOPES) and not isinstance(node, ast.Lambda):
            yield node.name, node
        elif isinstance(node, ast.alias):
            for part in f"{node.name} {node.asname or ''}".replace(".", " ").split():
                yield part, node
        elif isinstance(node, ast.Global):
            for name in node.names:
                yield name, node
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name, node


def refuse_f_strings(path, tree):
    """Where a name stands inside an f-string is not known in every version of Python."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and any(
                isinstance(part, (ast.Name, ast.Attribute)) for part in ast.walk(node)):
            raise ValueError(f"{path}:{node.lineno}: an f-string with a name in it; use %")


def spelled(tree):
    """Names that must not change, or be taken: public ones, texts, names of folded constants."""
    fixed = {name for name, _ in identifiers(tree) if not is_private(name)}
    fixed |= {node.value for node in ast.walk(tree)
              if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return fixed | set(constants(tree))


def defined(tree):
    """Private names that a module gives a meaning: the others belong to a library."""
    for name, node in identifiers(tree):
        if is_private(name) and (isinstance(node, (*_SCOPES, ast.arg))
                                 or isinstance(getattr(node, "ctx", None), ast.Store)):
            yield name


def families(trees):
    """{path: set of paths} of modules that inheritance joins."""
    family = {path: {path} for path in trees}
    for path, tree in trees.items():
        for other in parents(tree, {module_name(path): path for path in trees}):
            joined = family[path] | family[other]
            for member in joined:
                family[member] = joined
    return family


def parents(tree, known):
    """Paths of the modules from which a module's classes inherit."""
    home = {alias.asname or alias.name: known.get(node.module) for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) for alias in node.names}
    bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
             for base in node.bases]
    return {home[base.id] for base in bases if home.get(getattr(base, "id", None))}


def colours(trees, fixed):
    """{private name: short name}: greedy, the names of most modules first."""
    family = families(trees)
    places, ours = {}, set()
    for path, tree in trees.items():
        ours.update(defined(tree))
        for name, _ in identifiers(tree):
            if is_private(name) and name not in fixed:
                places.setdefault(name, set()).update(family[path])
    taken, result = [], {}
    short = unused(fixed | set(places))
    for name in sorted(ours & set(places), key=lambda name: (-len(places[name]), name)):
        for at, (_, homes) in enumerate(taken):
            if not homes & places[name]:
                break
        else:
            at = len(taken)
            taken.append((next(short), set()))
        taken[at][1].update(places[name])
        result[name] = taken[at][0]
    return result


def unused(taken):
    """Short names in a fixed order: a, b, .. Z, aa, ab .."""
    letters = string.ascii_lowercase + string.ascii_uppercase
    for length in itertools.count(1):
        for word in itertools.product(letters, repeat=length):
            name = "".join(word)
            if name not in taken and not keyword.iskeyword(name) and not hasattr(builtins, name):
                yield name


def renamed(text, tree, names):
    """Edits that give a module's private names their short ones."""
    for name, node in identifiers(tree):
        if isinstance(node, ast.alias):
            if name in names and name == node.name:
                after = f" as {node.asname}" if node.asname else ""
                yield node, names[name] + after
        elif isinstance(node, ast.Global) and name in names:
            yield node, "global " + ", ".join(names.get(one, one) for one in node.names)
        elif name in names:
            yield _span(text, node, name), names[name]


class _Place:
    """Where one word stands; what `apply` wants to know of a node."""

    def __init__(self, line, start, length):
        self.lineno = self.end_lineno = line
        self.col_offset, self.end_col_offset = start, start + length


def _span(text, node, name):
    """The place of the identifier itself inside its node."""
    if isinstance(node, ast.Attribute):
        return _Place(node.end_lineno, node.end_col_offset - len(name), len(name))
    if isinstance(node, _SCOPES):
        words = {ast.ClassDef: "class ", ast.FunctionDef: "def "}.get(type(node), "async def ")
        return _Place(node.lineno, node.col_offset + len(words), len(name))
    return _Place(node.lineno, node.col_offset, len(name))


def arguments(tree, names, free, called):
    """Edits that give the arguments of each function short names."""
    for function in outermost(tree):
        inside = {names.get(name, name) for name, node in identifiers(function)
                  if isinstance(node, (ast.Name, ast.arg, ast.Global, *_FUNCTIONS))}
        owned = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        owned -= {"self"} | called | set(names)
        short = (name for name in free if name not in inside)
        chosen = dict(zip(sorted(owned), short))
        for name, node in identifiers(function):
            if name in chosen and isinstance(node, (ast.Name, ast.arg)):
                yield _span("", node, name), chosen[name]


def outermost(tree):
    """Functions and methods that stand in no other function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _FUNCTIONS):
            yield node
        else:
            yield from outermost(node)
