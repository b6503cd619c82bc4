"""Calls written out: what is, what stays a call, and that both say the same."""

from tools.inline import inline

# text before, functions that are gone, functions that stay, what go() says, why
ROWS = (
    ("def _f(x):\n    return x + 1\ndef go():\n    return 2 * _f(3)\n", ("_f",), (), 8,
     "one expression, anywhere"),
    ("def _f(x):\n    if x < 0:\n        return 0\n    y = x * x\n    return y\n"
     "def go():\n    y = 3\n    return _f(y) + _f.y if y < 0 else y\n", (), ("_f",), 3,
     "a function that is also read as a value"),
    ("def _f(x):\n    if x < 0:\n        return 0\n    y = x * x\n    return y\n"
     "def go():\n    y = 3\n    a = _f(y)\n    return a + y\n", ("_f",), (), 12,
     "an early return, local names that collide"),
    ("def _f(out, x):\n    for i in range(3):\n        if i == x:\n            return\n"
     "        out.append(i)\ndef go():\n    out = []\n    _f(out, 2)\n    return out\n",
     (), ("_f",), [0, 1], "a return out of a loop"),
    ("def _f(x):\n    for i in range(9):\n        if i * i > x:\n            return i\n"
     "def go():\n    return _f(20)\n", ("_f",), (), 5, "the same behind return"),
    ("def _g(x):\n    y = x + 1\n    return y * y\ndef _f(x):\n    a = x + 5\n    b = _g(a) + a\n"
     "    return a + b\ndef go():\n    c = _f(1) - 1\n    return c\n", ("_f", "_g"), (), 60,
     "one inside another: no temporary name is taken twice"),
    ("class A:\n    def __init__(self):\n        self.n = 1\n    def _add(self, m):\n"
     "        self.n += m\n    def run(self):\n        self._add(self.n + 1)\n"
     "        return self.n\n"
     "def go():\n    return A().run()\n", ("_add",), (), 3, "a method, an argument with a value"),
    ("class A:\n    def _f(self):\n        return 1\n    def run(self):\n"
    "        return self._f()\n"
     "class B(A):\n    def _f(self):\n        return 2\ndef go():\n    return B().run()\n", (),
     ("_f",), 2, "a method that a heir replaces"),
    ("class A:\n    def _f(self):\n        return 1\n    def run(self):\n"
    "        return self._f()\n"
     "class B:\n    def _f(self):\n        return 2\n    def walk(self):\n"
     "        return self._f()\n"
     "def go():\n    return A().run(), B().walk()\n", ("_f",), (), (1, 2),
     "two classes that have nothing to do with each other"),
    ("def _f():\n    return len('abc')\ndef go():\n    len = 5\n    return _f() + len\n", (),
     ("_f",), 8, "a name that would mean something else there"),
    ("def _f(x):\n    return [x * i for i in range(2)]\ndef go():\n    return _f(2)\n", (),
     ("_f",), [0, 2], "a closure"),
    ("def _f(x=4):\n    return x\ndef go():\n    return _f()\n", ("_f",), (), 4, "a default"),
    ("def _f(x):\n    return x\ndef go():\n    return _f(x=4)\n", (), ("_f",), 4, "a keyword"),
    ("LOG = []\ndef _f(x):\n    LOG.append(x)\n    return x\ndef go():\n"
     "    a = LOG.append(1) or _f(2)\n    return LOG\n", (), ("_f",), [1, 2],
     "a call that is not the first thing that happens"),
    ("def _f(x):\n    x += 1\n    return x\ndef go():\n    y = 1\n    z = _f(y)\n"
    "    return y, z\n",
     ("_f",), (), (1, 2), "an argument that is changed"),
    ("def _f(x):\n    if x:\n        return 1\n    elif x is None:\n        return 2\n"
    "    return 3\n"
     "def go():\n    if _f(0) == 3:\n        return 'yes'\n    return 'no'\n", ("_f",), (), "yes",
     "a condition"),
    ("def _f():\n    a, b = 1, 2\n    return b, a\ndef go():\n    x, y = _f()\n    return x - y\n",
     ("_f",), (), 1, "pairs"),
)


def said(text):
    space = {}
    exec(text, space)
    return space["go"]()


def test_rows():
    for text, gone, stay, result, why in ROWS:
        whole = inline({"bess/a.py": text, "main.py": "from bess.a import go\ngo()\n"},
                       "bess/a.py")[0]
        for name in gone:
            assert f"def {name}(" not in whole, (why, whole)
        for name in stay:
            assert f"def {name}(" in whole, (why, whole)
        assert said(text) == said(whole) == result, (why, whole)


def test_awaits():
    text = ("class A:\n    async def _f(self, n):\n        while n:\n            await tick()\n"
            "            n -= 1\n    async def run(self):\n        await self._f(2)\n"
            "        return 7\n")
    whole = inline({"a.py": text, "b.py": "from a import A\nA().run\n"}, "a.py")[0]
    assert "_f" not in whole and whole.count("await tick()") == 1, whole


def test_pairs_have_no_brackets():
    """MicroPython would make a tuple of them, on the heap, in every tick."""
    text = "def go():\n    a, b = 1, 2\n    return a + b\n"
    assert "a, b = 1, 2\n" in inline({"a.py": text, "b.py": "from a import go\n"}, "a.py")[0]


def test_what_nobody_calls_goes():
    text = ("def spare():\n    pass\ndef go():\n    pass\nclass PowerManager:\n"
            "    def halt(self):\n        pass\n")
    whole, _, dropped = inline({"a.py": text, "b.py": "from a import go\n"}, "a.py")
    assert dropped == ["spare"] and "spare" not in whole and "halt" in whole


def test_lines_lead_back():
    text = ("\n\ndef _f(x):\n    y = x\n    return y + 1\n\n\ndef go(x):\n    z = _f(x)\n"
            "    return z\n")
    whole, lines, _ = inline({"a.py": text, "b.py": "from a import go\n"}, "a.py")
    found = {line.strip(): lines[i] for i, line in enumerate(whole.split("\n"), 1) if i in lines}
    assert found["def go(x):"] == 8 and found["return z"] == 10, found
