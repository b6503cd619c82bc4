"""Gives names and arguments short, shared names before they are compiled for the device.

Every identifier that a program brings along is stored once in the chip's RAM, 25 bytes on
average, for as long as it runs, and every use of one that is not among the first 127 takes a byte
more. `shorten(sources)` replaces the program's own names by few short ones. Two names share one
when nothing has both: a namespace is a module, or the classes that inheritance joins, with what
their methods store in `self`. A name that is stored in an object from outside shares with no other
attribute, because nobody can say in whose. Arguments that are never passed by keyword get short
names function by function: the compiler stores the names of arguments, but not those of other
local variables, which stay.

What stays: the calls of the power manager (API: people type them at the REPL), exceptions (people
read them), names that some text in the sources spells (a `getattr` may mean them), names of
libraries (libraries.txt), arguments that are passed by keyword, and
private `const`s, which the compiler drops by itself. Lines keep their numbers.
"""

import ast
import builtins
import itertools
import keyword
import string
from pathlib import Path

from tools.fold import KEEP, apply, constants, module_name
from tools.names import Module, bindings, outside, uses

API = ("PowerManager", "Operate", "People")
# Of its public calls those that only other parts of the program make.
NOT_TYPED = ("forget_run", "no_room", "note_overruled", "refuse", "refuse_if", "restore_latch",
             "restore_maintenance", "restore_run")
# What objects of MicroPython's libraries are asked for: `x.close` may be theirs.
LIBRARY = tuple((Path(__file__).parent / "libraries.txt").read_text().split())
CALLED_BY_LIBRARIES = ("close", "flush", "ioctl", "read", "readinto", "readline", "send", "throw",
                       "write")
# Words that the .mpy format itself knows: every MicroPython has them in flash, they cost nothing.
IN_FLASH = (
    "add all any append args bool bytecode callable chr classmethod clear copy count dict "
    "dir divmod end endswith extend find format from_bytes get getattr hasattr "
    "hash heap_lock heap_unlock id index insert int isalpha isdigit isinstance islower isspace "
    "issubclass isupper items iter join key keys len list little lower lstrip main map "
    "native next object open ord pop popitem pow print range remove replace repr reverse rfind "
    "rindex round rsplit rstrip sep set setattr setdefault sort sorted split start startswith "
    "staticmethod step stop str strip sum to_bytes tuple type update upper value values "
    "viper zip").split()
# Words of modules that every firmware for our boards brings along: builtins, errno, math, os,
# time, struct, uctypes and the like. As short names they cost nothing either.
IN_FIRMWARE = (
    "ARRAY ArithmeticError AssertionError AttributeError BFINT8 BIG_ENDIAN BaseException "
    "BytesIO EACCES EADDRINUSE EBADF ECONNABORTED ECONNRESET EEXIST EINVAL EIO EISDIR ENOBUFS "
    "ENODEV ENOENT ENOMEM EOFError EOPNOTSUPP EPERM FLOAT32 FLOAT64 GeneratorExit INT16 INT32 "
    "INT8 ImportError IndentationError IndexError KeyError LITTLE_ENDIAN LookupError NATIVE "
    "NameError NotImplementedError OrderedDict OverflowError RuntimeError StopAsyncIteration "
    "StopIteration StringIO SyntaxError SystemExit TypeError UINT16 UINT32 UINT8 UnicodeError "
    "ZeroDivisionError a2b_base64 acos addressof appendleft argv asin atan atan2 b2a_base64 "
    "bytearray_at byteorder bytes_at calcsize ceil center chdir choice cos crc32 decode "
    "degrees deque difference difference_update digest disable discard dumps enable errorcode "
    "exit exp fabs floor fmod frexp fromkeys getcwd getrandbits getvalue heapify heappop "
    "heappush hexlify ilistdir implementation intersection intersection_update isdisjoint "
    "isenabled isfinite isinf isnan issubset issuperset kbd_intr ldexp listdir loads "
    "localtime log match maxsize mem_alloc mem_free mem_info mkdir mktime modf modify modules "
    "mount namedtuple opt_level pack pack_into partition pi platform popleft print_exception "
    "qstr_info radians randint randrange readlines rename rmdir rpartition search seed sha256 "
    "sin sizeof sleep sleep_us splitlines sqrt stack_use statvfs stderr symmetric_difference "
    "tan threshold ticks_add ticks_cpu ticks_diff time_ns trunc umount unhexlify uniform "
    "unlink unpack unpack_from unregister version version_info").split()

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_ARGUMENTS_MAX = 8
_SCOPES = (*_FUNCTIONS, ast.ClassDef)
_ANY = "an object that nobody knows"
_COMPILER = ("const", "self", "super")     # words that the compiler looks at
_BUILT_IN = "the names that every module knows"


def shorten(sources, stay=(), free=()):
    """{path: text} of a firmware tree -> the same with short names.

    stay: names to keep. free: names that may change although a text spells them.
    """
    modules = [Module(path, text) for path, text in sorted(sources.items()) if path not in KEEP]
    words = {module.path: _Words(module) for module in modules}
    fixed = kept(sources, modules, words, free).union(stay)
    taken = fixed.union(*(part.local for part in words.values()))
    names = colours(words, fixed, taken)
    free = sorted(set(names.values()), key=lambda name: (len(name), name))
    free += itertools.islice(unused(taken | set(free)), _ARGUMENTS_MAX)
    called = {node.arg for module in modules for node in ast.walk(module.tree)
              if isinstance(node, ast.keyword)}
    for module in modules:
        called |= module.texts | set(api_arguments(module.tree))    # texts: keys of a **dict
    result = dict(sources)
    for module in modules:
        edits = list(words[module.path].edits(names))
        edits += arguments(words[module.path], names, free, called)
        result[module.path] = apply(module.text, edits)
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


class _Words:
    """The words of one module that are not local to a function.

    nodes: [(node, word)]. owners: {word: namespaces that have it}. local: words of functions.
    """

    def __init__(self, module):
        self.module = module
        self.nodes, self.owners, self.local = [], {}, set()
        far = uses(module, movable=False)
        self.far = {id(_plain(node)): name for node, name, origin, _ in far if origin is None}
        for node, name, origin, _ in far:
            node = _plain(node)
            if isinstance(node, ast.alias):
                self.nodes.append((node, name))
            elif origin is None and name in module.bound:
                self.nodes.append((node, name))
        for name in module.bound:
            self.own(name, module.path)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                self.nodes.append((node, node.attr))
                if not isinstance(node.ctx, ast.Load):
                    self.own(node.attr, _ANY)
            elif isinstance(node, ast.ClassDef):
                self.body(node)
        self.own_attributes()
        self.local = {name for name, node in identifiers(module.tree)
                      if isinstance(node, (ast.Name, ast.arg, *_FUNCTIONS, ast.ExceptHandler))
                      and id(node) not in self.far}

    def own(self, word, owner):
        self.owners.setdefault(word, set()).add(owner)

    def body(self, cls):
        """What the body of a class binds: methods and the like."""
        bound = bindings(cls)
        for name in bound:
            self.own(name, ("class", cls.name))
        for node in outside(cls):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.nodes.append((node, node.name))
            elif isinstance(node, ast.Name) and node.id in bound and id(node) not in self.far:
                self.nodes.append((node, node.id))

    def own_attributes(self):
        """`self.x = ..` is no store from outside."""
        known = {}
        for cls in ast.walk(self.module.tree):
            if isinstance(cls, ast.ClassDef):
                for node in own_stores(cls):
                    known[id(node)] = cls.name
        for node in ast.walk(self.module.tree):
            if isinstance(node, ast.Attribute) and id(node) in known:
                self.own(node.attr, ("class", known[id(node)]))
        others = {node.attr for node in ast.walk(self.module.tree)
                  if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
                  and id(node) not in known}
        for word, owners in self.owners.items():
            if word not in others:
                owners.discard(_ANY)

    def edits(self, names):
        for node, word in self.nodes:
            if isinstance(node, ast.alias):
                yield from self.alias(node, names)
            elif word in names:
                yield _span(node, word), names[word]

    def alias(self, node, names):
        """`from m import old as new`: old is the other module's, new may be a local name."""
        local = node.asname or node.name
        new = names.get(local, local) if id(node) in self.far else local
        old = names.get(node.name, node.name)
        if (old, new) != (node.name, local):
            yield node, old if old == new else f"{old} as {new}"


def _plain(node):
    """What a use names: of an attribute the object."""
    return node.value if isinstance(node, ast.Attribute) else node


def own_stores(cls):
    """Attribute nodes of a class's methods that store in their first argument."""
    for method in cls.body:
        if isinstance(method, _FUNCTIONS) and method.args.args:
            first = method.args.args[0].arg
            for node in ast.walk(method):
                if (isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
                        and isinstance(node.value, ast.Name) and node.value.id == first):
                    yield node


def kept(sources, modules, words, free=()):
    """Names that must not change, although texts in the sources may spell those of `free`."""
    fixed = {*LIBRARY, *dir(builtins), "const", "self"}
    for path, text in sources.items():
        fixed.update(module_name(path).split("."))
        if path in KEEP:
            fixed.update(name for name, _ in identifiers(ast.parse(text)))
    program = {module_name(path) for path in sources}
    for module in modules:
        fixed |= module.texts.difference(free) | set(constants(module.tree))
        fixed.update(node.arg for node in ast.walk(module.tree) if isinstance(node, ast.keyword))
        fixed.update(api(module.tree))
        fixed.update(name for node in ast.walk(module.tree)
                     if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom)
                                                and node.module not in program):
                fixed.update(alias.asname or alias.name for alias in node.names)
                fixed.update(alias.name for alias in node.names)
    owned = set().union(*(words[module.path].owners for module in modules))
    fixed |= {word for module in modules for _, word in words[module.path].nodes} - owned
    return fixed | {name for name in owned if name.startswith("__") or name == "_"}


def api(tree):
    """Names of the classes in API with their public methods, and of exceptions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            if node.name in API:
                yield node.name
                yield from (part.name for part in node.body
                            if isinstance(part, _FUNCTIONS) and not is_private(part.name)
                            and part.name not in NOT_TYPED)
            if any(getattr(base, "id", "").endswith(("Error", "Exception"))
                   for base in node.bases):
                yield node.name


def api_arguments(tree):
    """Arguments that people may pass by keyword."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in API:
            for part in node.body:
                if isinstance(part, _FUNCTIONS) and not is_private(part.name):
                    yield from (arg.arg for arg in ast.walk(part.args)
                                if isinstance(arg, ast.arg))


def families(modules):
    """{class name: name of its family}: inheritance joins classes."""
    family = {}

    def head(name):
        while family.get(name, name) != name:
            name = family[name]
        return name

    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    family[head(getattr(base, "id", getattr(base, "attr", "")))] = head(node.name)
    return head


def colours(words, fixed, avoided):
    """{name: short name}: greedy, the names with the most owners and uses first."""
    head = families([part.module for part in words.values()])
    places, count = {}, {}
    for part in words.values():
        for word, owners in part.owners.items():
            places.setdefault(word, set()).update(
                ("class", head(owner[1])) if isinstance(owner, tuple) else owner
                for owner in owners)
        for _, word in part.nodes:
            count[word] = count.get(word, 0) + 1
    taken = [(word, homes) for word, homes in paid(words, fixed, places)]
    result = {}
    short = unused(avoided | set(places))
    for name in sorted(set(places) - fixed,
                       key=lambda name: (-len(places[name]), -count.get(name, 0), name)):
        for at, (_, homes) in enumerate(taken):
            if not meet(homes, places[name]):
                break
        else:
            at = len(taken)
            taken.append((next(short), set()))
        taken[at][1].update(places[name])
        result[name] = taken[at][0]
    return result


def paid(words, fixed, places):
    """(word, its owners) of the words that the chip has in any case: they serve as short names."""
    texts = set().union(*(part.module.texts for part in words.values()))
    local = set().union(*(part.local for part in words.values()))
    most = max(words.values(), key=lambda part: len(part.nodes))    # the bundle: always loaded
    used = {word for _, word in most.nodes if word in fixed}
    used -= set().union(*(constants(part.module.tree) for part in words.values()))
    own = used.union(IN_FLASH, IN_FIRMWARE).difference(CALLED_BY_LIBRARIES, _COMPILER)
    for word in sorted(own):
        if not word.startswith("__") and not keyword.iskeyword(word):
            homes = set(places.get(word, ())) if word in fixed else set()
            if word in texts:
                homes.add(_ANY)
            if word in local or hasattr(builtins, word):
                homes.add(_BUILT_IN)
            yield word, homes


def meet(some, others):
    """Whether an object, or a module, may have a name of both kinds."""
    if some & others:
        return True
    if _BUILT_IN in some and any(owner != _ANY and not isinstance(owner, tuple)
                                 for owner in others):
        return True
    return _ANY in some and _has_class(others) or _ANY in others and _has_class(some)


def _has_class(owners):
    return any(owner == _ANY or isinstance(owner, tuple) for owner in owners)


def unused(taken):
    """Short names in a fixed order: a, b, .. Z, aa, ab .."""
    letters = string.ascii_lowercase + string.ascii_uppercase
    for length in itertools.count(1):
        for word in itertools.product(letters, repeat=length):
            name = "".join(word)
            if name not in taken and not keyword.iskeyword(name) and not hasattr(builtins, name):
                yield name


class _Place:
    """Where one word stands; what `apply` wants to know of a node."""

    def __init__(self, line, start, length):
        self.lineno = self.end_lineno = line
        self.col_offset, self.end_col_offset = start, start + length


def _span(node, name):
    """The place of the identifier itself inside its node."""
    if isinstance(node, ast.Attribute):
        return _Place(node.end_lineno, node.end_col_offset - len(name), len(name))
    if isinstance(node, _SCOPES):
        words = {ast.ClassDef: "class ", ast.FunctionDef: "def "}.get(type(node), "async def ")
        return _Place(node.lineno, node.col_offset + len(words), len(name))
    return _Place(node.lineno, node.col_offset, len(name))


def arguments(words, names, free, called):
    """Edits that give the arguments of each function short names."""
    for function in outermost(words.module.tree):
        inside, owned, bound = set(), set(), set()
        for name, node in identifiers(function):
            if id(node) in words.far:
                inside.add(names.get(name, name))
            elif isinstance(node, ast.arg):
                owned.add(name)
            elif isinstance(node, ast.Name):
                inside.add(name)
            elif not isinstance(node, (ast.Attribute, ast.keyword)) and node is not function:
                bound.add(name)
        inside |= bound | owned
        owned -= {"self"} | called | bound
        short = (name for name in free if name not in inside)
        chosen = dict(zip(sorted(owned), short))
        for name, node in identifiers(function):
            if name in chosen and isinstance(node, (ast.Name, ast.arg)) \
                    and id(node) not in words.far:
                yield _span(node, name), chosen[name]


def outermost(tree):
    """Functions and methods that stand in no other function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _FUNCTIONS):
            yield node
        else:
            yield from outermost(node)
