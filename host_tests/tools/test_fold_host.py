"""Constants are folded across modules, and nothing else is."""

from tools.fold import fold

POINTS = "from micropython import const\nONE = const(1)\nTWO = const(ONE + 1)\nFREE = [ONE]\n"

ROWS = (
    # text of bess/b.py beside bess/a.py = POINTS, the same folded, why
    ("from bess.a import ONE\nx = [ONE]\n", "pass\nx = [1]\n", "an imported constant"),
    ("from bess.a import ONE, FREE\nx = [ONE, FREE]\n",
     "from bess.a import FREE\nx = [1, FREE]\n", "what is no constant stays imported"),
    ("from bess.a import (\n    ONE,\n    TWO,\n)\nx = [TWO]\n", "pass\n\n\n\nx = [2]\n",
     "lines keep their numbers"),
    ("from bess.a import TWO as N\nx = [N]\n", "pass\nx = [2]\n", "under another name"),
    ("_ALL = const(3)\nx = [_ALL]\n", "_ALL = const(3)\nx = [_ALL]\n", "the compiler's own work"),
    ("ALL = const(-3)\nx = [ALL]\n", "_ALL = const(-3)\nx = [_ALL]\n", "a public one"),
    ("from bess.a import ONE\nSET = 1 << ONE | 4\nx = [SET]\n",
     "pass\n_SET = const(6)\nx = [_SET]\n", "const() cannot stand in front of an imported name"),
    ("from bess.a import ONE\nSET = (ONE\n       | 4)\n", "pass\n_SET = (const(5\n))\n",
     "over several lines"),
    ("count = 0\ndef f():\n    global count\n    count = 1\n",
     "count = 0\ndef f():\n    global count\n    count = 1\n", "written again: a variable"),
    ("port = 502\ndef f(port):\n    return port\n", "port = 502\ndef f(port):\n    return port\n",
     "an argument of the same name hides it"),
    ("ON = True\nx = [ON]\n", "ON = True\nx = [ON]\n", "True is more than the number 1"),
    ("T = (1, 2)\nS = 'x'\n", "T = (1, 2)\nS = 'x'\n", "tables and texts stay"),
    ("from bess import a\nx = a.ONE\n", "from bess import a\nx = a.ONE\n",
     "asked for as an attribute of the module"),
)


def test_rows():
    for text, expected, why in ROWS:
        assert fold({"bess/a.py": POINTS, "bess/b.py": text})["bess/b.py"] == expected, why


def test_where_constants_are_made():
    folded = fold({"bess/a.py": POINTS})["bess/a.py"]
    assert folded.split("\n")[1:4] == ["_ONE = const(1)", "_TWO = const(2)", "FREE = [_ONE]"]


def test_an_attribute_keeps_its_constant_public():
    folded = fold({"bess/a.py": POINTS, "bess/b.py": "from bess import a\nx = a.ONE\n"})
    assert "\nONE = const(1)\n" in folded["bess/a.py"]


def test_chains_of_imports():
    folded = fold({"bess/a.py": POINTS, "bess/b.py": "from bess.a import TWO\nFOUR = 2 * TWO\n",
                   "bess/c.py": "from bess.b import FOUR\nx = [FOUR]\n"})
    assert folded["bess/c.py"] == "pass\nx = [4]\n"


def test_start_files_stay_as_they_are():
    text = "from bess.a import ONE\nprint(ONE)\n"
    assert fold({"bess/a.py": POINTS, "main.py": text})["main.py"] == text


def test_an_f_string_is_refused():
    try:
        fold({"bess/a.py": POINTS, "bess/b.py": "from bess.a import ONE\nx = f'{ONE}'\n"})
    except ValueError as fault:
        assert "f-string" in str(fault)
    else:
        raise AssertionError("accepted")
