"""The mutator: which faults it makes, that a test notices them, and what the lists say."""

import ast

import coverage  # noqa: F401  (imported here once, not in each process)
import hypothesis  # noqa: F401
import pytest

from tools import core_tests, mutant_run, mutants, mutate, mutate_table

CHANGES = (
    # source, changes in order
    ("x = a < 5", ["< -> <=", "< -> >=", "5 -> 6", "5 -> 4"]),
    ("x = a <= b", ["<= -> <", "<= -> >"]),
    ("x = a > b", ["> -> >=", "> -> <="]),
    ("x = a >= b", [">= -> >", ">= -> <"]),
    ("x = a == b != c", ["== -> !=", "!= -> =="]),
    ("x = a is None", ["is -> is not"]),
    ("x = a in b", ["in -> not in"]),
    ("x = a + b - c", ["- -> +", "+ -> -"]),
    ("x = a * b // c % d", ["% -> //", "// -> *", "* -> //"]),
    ("x = a << b | c & d ^ e", ["| -> &", "<< -> >>", "^ -> &", "& -> |"]),
    ("x = a >> b", [">> -> <<"]),
    ("x = a and b or c", ["or -> and", "and -> or"]),
    ("x = not a", ["not -> nothing"]),
    ("x = -a", ["- -> nothing"]),
    ("x = ~a", ["~ -> nothing"]),
    ("x = True", ["True -> False"]),
    ("x = None", []),
    ("x = 'on'", ["'on' -> another"]),
    ("x = min(a, b)", ["min -> max"]),
    ("x = max(a, abs(b))", ["max -> min", "abs -> nothing"]),
    ("x = a if b else c", ["condition -> not"]),
    ("x += a", ["+= -> nothing", "+= -> -="]),
    ("x = y = a", []),
    ("x.y = a", ["assignment -> nothing"]),
    ("x[a] = b", ["assignment -> nothing"]),
    ("f(a)", ["call -> nothing"]),
    ("if a:\n    f(b)", ["condition -> not", "call -> nothing"]),
    ("while a < b:\n    break", ["< -> <=", "< -> >=", "break -> nothing"]),
    ("def f():\n    return", ["return -> nothing"]),
    ("def f():\n    return None", []),
    ("def f():\n    return False", ["False -> True"]),
    ("def f(a=1):\n    return a", ["1 -> 2", "1 -> 0", "return -> None"]),
    ("def f():\n    'says nothing'\n    raise E('no %d' % 1)", ["raise -> nothing"]),
    ("'a module'\nfrom a import b\nimport c", []),
    ("@a(1)\ndef f():\n    pass", []),
    ("x = 'w %d' % a", ["'w %d' -> another"]),
    ("x = 1 + 1", ["+ -> -", "1 -> 2", "1 -> 0", "1 -> 2 #2", "1 -> 0 #2"]),
)


@pytest.mark.parametrize("source, changes", CHANGES)
def test_changes(source, changes):
    assert [mutant.what for mutant in mutants.parse(source)[1]] == changes


def test_each_change_is_another_program_and_compiles():
    for source, changes in CHANGES:
        for number in range(len(changes)):
            tree, found = mutants.parse(source)
            before = ast.dump(tree)
            found[number].apply()
            assert ast.dump(tree) != before, (source, changes[number])
            compile(ast.fix_missing_locations(tree), "a.py", "exec")


def test_where_a_mutant_stands():
    source = "A = 1\n\n\nclass B:\n    def c(self):\n        return  self.d  # why\n"
    found = mutants.parse(source)[1]
    assert [(m.where, m.line, m.text) for m in found] == [
        ("", 1, "A = 1"), ("", 1, "A = 1"), ("B.c", 6, "return  self.d  # why")]


# --- against a small tree ---------------------------------------------------------------------

GATE = """LIMIT = 10


def is_high(x):
    return x > LIMIT


def twice(x):
    while x < 0:
        x = x + 1
    return x * 2
"""
TESTS = """from bess.core.window import LIMIT, is_high, twice


def test_high():
    assert is_high(11) and not is_high(%d)
    assert LIMIT %s


def test_twice():
    assert twice(3) == 6 and twice(-1) == twice(0) == 0


def test_that_fails_anyway():
    assert False
"""


def small_tree(folder, edge, limit):
    files = {"firmware/bess/core/window.py": GATE,
             "host_tests/core/test_window.py": TESTS % (edge, limit),
             "host_tests/services/test_keeper.py": "", "stubs/micropython.py": ""}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run_small(folder, arguments, equivalent=""):
    """(exit code, printed lines) of the tool on a tree, in a process that may import it."""
    listed = folder / "equivalent.tsv"
    listed.write_text(equivalent)

    def work():
        mutate.ROOT = core_tests.ROOT = folder
        mutant_run.SLOW_S = 0.2
        mutate.EQUIVALENT, mutate.RESULTS = listed, folder / "mutation.json"
        for name in [n for n in mutate.sys.modules if n.split(".")[0] in ("bess", "host_tests")]:
            del mutate.sys.modules[name]
        lines = []
        mutate.print = lambda *words, **_: lines.append(" ".join(words))
        core_tests.measured.__defaults__ = (folder,)
        return [mutate.main(arguments), lines]

    answer = mutant_run.in_child(work, 60)
    assert answer is not None, "the process failed"
    return answer


def test_strong_tests_catch_all(tmp_path):
    code, lines = run_small(small_tree(tmp_path, 10, "== 10"), [])
    assert lines == ["firmware/bess/core/window.py: 16 of 16 caught, 100 %",
                     "score 100 %: 16 of 16 mutants caught, 0 equivalent"], lines
    assert code == 0


def test_weak_tests_let_some_through_and_the_gate_says_so(tmp_path):
    code, lines = run_small(small_tree(tmp_path, 9, "> 0"), [])
    assert code == 1
    assert "firmware/bess/core/window.py:5: > -> >=: return x > LIMIT" in lines
    assert "firmware/bess/core/window.py:1: 10 -> 9: LIMIT = 10" in lines
    assert not any("* -> //" in line for line in lines), "that one is caught"


def test_what_is_listed_does_not_count(tmp_path):
    row = "firmware/bess/core/window.py\tis_high\treturn x > LIMIT\t> -> >=\tonly for show\n"
    lines = run_small(small_tree(tmp_path, 9, "== 10"), [], row)[1]
    assert not any("> -> >=: return x > LIMIT" in line for line in lines)
    assert lines[-1].endswith("1 equivalent")


def test_a_listed_line_that_is_gone_is_said(tmp_path):
    row = "firmware/bess/core/window.py\tis_high\treturn x > OLD\t> -> >=\tonly for show\n"
    code, lines = run_small(small_tree(tmp_path, 10, "== 10"), [], row)
    assert code == 1 and lines[0].startswith("not in the tree any more:")


def test_what_was_caught_is_not_tried_again(tmp_path):
    tree = small_tree(tmp_path, 10, "== 10")
    first = run_small(tree, [])[1]
    written = (tmp_path / "mutation.json").stat().st_mtime_ns
    (tree / "host_tests/core/test_window.py").write_text("def test_nothing():\n    pass\n")
    assert run_small(tree, [])[1][-1] == first[-1]
    assert (tmp_path / "mutation.json").stat().st_mtime_ns != written
    assert run_small(tree, ["--fresh"])[0] == 1, "but this tries all of it"


def test_an_endless_loop_is_caught(tmp_path):
    tree = small_tree(tmp_path, 10, "== 10")
    lines = run_small(tree, [])[1]
    rows = mutate.json.loads((tmp_path / "mutation.json").read_text())["rows"]
    endless = [row for row in rows if row["key"][3] == "+ -> -"]
    assert endless and endless[0]["killer"].endswith("test_twice (time)"), (endless, lines)


def test_a_sample_is_the_same_for_the_same_seed():
    jobs = [mutate.Job("a.py", ("a.py", "", str(i), "", i), None, (), "", False)
            for i in range(50)]
    assert mutate.draw(jobs, 0, 1) == jobs == mutate.draw(jobs, 99, 1)
    assert mutate.draw(jobs, 9, 1) == mutate.draw(jobs, 9, 1) != mutate.draw(jobs, 9, 2)
    assert len(mutate.draw(jobs, 9, 1)) == 9


def test_the_list_of_equivalents_is_whole_and_has_reasons():
    listed = mutate.equivalents(mutate.EQUIVALENT.read_text())
    measured = core_tests.measured()
    assert all(row[0] in measured for row in listed)
    for wrong in ("a\tb\tc\td", "a\tb\tc\td\t", "a\tb\tc\td\te\tf"):
        with pytest.raises(ValueError, match="line 1"):
            mutate.equivalents(wrong)
    assert mutate.equivalents("# a comment\n\na\tb\tc\td\twhy\n") == {("a", "b", "c", "d"): "why"}


OWN = (
    ("firmware/bess/core/control/ramp.py", "host_tests.core.control.test_ramp:test_a", True),
    ("firmware/bess/core/control/ramp.py", "host_tests.core.control.test_ramp_more:test_a", True),
    ("firmware/bess/core/control/ramp.py", "host_tests.core.control.test_ramps:test_a", False),
    ("firmware/bess/core/battery/soc.py", "host_tests.core.battery.test_soc_jump:test_a", True),
    ("firmware/bess/core/control/checks.py", "host_tests.core.control.test_trips:test_a", True),
    ("firmware/bess/core/control/trips.py", "host_tests.core.control.test_checks:test_a", False),
)


@pytest.mark.parametrize("path, test, is_own", OWN)
def test_whose_test_it_is(path, test, is_own):
    assert core_tests.own(path, test) == is_own


def test_whose_kin_is_there():
    sources = {core_tests.Path(path).stem for path in core_tests.measured()}
    modules = {test.split(":")[0].split(".")[-1] for test in core_tests.discover()}
    for source, kin in core_tests.KIN.items():
        assert source in sources, source
        assert all("test_" + name in modules for name in kin), source


def test_own_tests_come_first_and_others_while_there_is_time():
    path = "firmware/bess/core/control/ramp.py"
    own, quick, slow = "a.test_ramp:test_a", "a.test_quick:test_b", "a.test_slow:test_c"
    host = "a.test_other_host:test_d"
    seconds = {own: 99, quick: 1, slow: mutate.OTHERS_S, host: 0}
    assert mutate.choose(path, [own, quick, slow, host], seconds) == [own, quick]


def test_the_tests_of_the_core_are_found():
    tests = core_tests.discover()
    plain = core_tests.discover(host=False)
    assert "host_tests.core.control.test_ramp:test_steps" in plain
    assert set(plain) < set(tests) and not any("_host:" in test for test in plain)
    assert not any(".market." in test for test in tests)


def test_what_noticed_the_last_mutant_of_a_function_is_asked_first():
    job = mutate.Job("a.py", ("a.py", "f", "x", "1 -> 2", 0), None, ["a", "b", "c"], "", True)
    killers = {("a.py", "f"): ["c", "gone", "b", ""], ("a.py", "g"): ["a"]}
    assert mutate.eager(job, killers).tests == ["b", "c", "a"]
    assert mutate.eager(job, {}).tests == ["a", "b", "c"]


def test_with_own_only_the_tests_of_the_file_are_asked(tmp_path):
    tree = small_tree(tmp_path, 9, "== 10")
    (tree / "host_tests/core/test_other.py").write_text(
        "from bess.core.window import is_high\n\n\ndef test_edge():\n    assert not is_high(10)\n")
    assert run_small(tree, ["--own"])[1][-1] == \
        "score 93 %: 15 of 16 mutants caught, 0 equivalent"
    assert run_small(tree, [])[1][-1] == "score 100 %: 16 of 16 mutants caught, 0 equivalent"


def test_the_table_counts_what_was_tried_on_the_file_as_it_is():
    source = "def f(a):\n    return a < 1\n"
    digest = mutate.hashlib.sha256(source.encode()).hexdigest()[:16]
    keys = [("a.py", each.where, each.text, each.what, number)
            for number, each in enumerate(mutants.parse(source)[1])]
    rows = [{"key": list(key), "digest": digest, "killer": "a test" if i else ""}
            for i, key in enumerate(keys[:-1])]
    rows.append({"key": list(keys[-1]), "digest": "of another file", "killer": "a test"})
    assert len(keys) == 5
    assert mutate_table.counts(source, "a.py", rows, {}) == (5, 0, 4, 3)
    assert mutate_table.counts(source, "a.py", rows, {keys[0][:4]: "why"}) == (5, 1, 3, 3)


TABLE = """Words.

| file | mutants | equivalent | tried | caught | score |
|---|---|---|---|---|---|
| `a.py` | 50 | 0 | all | 45 | 90 % |
| `b.py` | 60 | 0 | all | 50 | 83 % |
| `gone.py` | 10 | 0 | all | 10 | 100 % |
"""


def test_the_table_keeps_what_was_not_tried_again():
    files = [("a.py", 50, 0, 30, 30), ("b.py", 61, 1, 3, 3), ("c.py", 100, 2, 30, 29),
             ("d.py", 8, 0, 8, 8), ("e.py", 8, 0, 0, 0)]
    written = mutate_table.renew(TABLE, files)
    assert written.splitlines()[:4] == TABLE.splitlines()[:4]
    assert written.splitlines()[4:] == [
        "| `a.py` | 50 | 0 | all | 45 | 90 % |",
        "| `b.py` | 60 | 0 | all, before its last change | 50 | 83 % |",
        "| `c.py` | 100 | 2 | 30 | 29 | 96 % of a sample |",
        "| `d.py` | 8 | 0 | all | 8 | 100 % |",
        "| `e.py` | 8 | 0 | 0 | - | not measured |"]
    assert mutate_table.renew(written, files) == written
