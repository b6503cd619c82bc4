"""The planner's command line, its scenario files, and the same plan on every interpreter."""

import json
import random
import sys

import pytest

from tools import build, plan, scenario_file, wasm32
from tools.scenarios import scenario

RANGE = "must be a number from"


def jobs_of(scenarios):
    return [{"id": one["id"], "problem": fields, "scale": scale}
            for one in scenarios for fields, scale in [scenario_file.fields(one)]]


def on_chip(jobs, files):
    """The jobs on the 32-bit build with these modules."""
    files["/lib/plan_side.py"] = plan.SIDE
    calls = ["import json, plan_side"]
    for job in jobs:
        calls.append(f"job = json.loads({json.dumps(json.dumps(job))})\n"
                     "print(json.dumps(plan_side.result(job, plan_side.plan(job), 0, 0)))")
    return [plan.in_order(json.loads(line)) for line in wasm32.run32(calls, files).splitlines()]


def shipped():
    """{path in /lib: .mpy} of the planner as the image has it: folded, shortened, compiled."""
    texts = {path: text for path, text in build.processed(build.sources("virtual")).items()
             if path.startswith("bess/core/market/")}
    assert "SHIFT" not in texts["bess/core/market/sweep.py"], "not folded"
    return {f"/lib/{path[:-3]}.mpy": build.compile_module(text, path)
            for path, text in texts.items()}


def test_the_same_plan_everywhere():
    scenarios = [scenario(seed, 24, harsh=seed % 3 == 0) for seed in range(1, 13)]
    scenarios += [scenario(20), scenario(6)]
    jobs = jobs_of(scenarios)
    builds = (plan.micropython(jobs), plan.cpython(jobs),
              on_chip(jobs, wasm32.tree(build.FIRMWARE)), on_chip(jobs, shipped()))
    for results in zip(*builds):
        for result in results:
            del result["ms"], result["peak_heap_bytes"]
            assert result == results[0], result["id"]
            assert result["fault"] is None


def test_scenarios_are_their_seed_s():
    assert scenario(5) == scenario(5) != scenario(6)
    assert scenario(5, harsh=True) == scenario(5, harsh=True) != scenario(5)
    for seed in range(40):
        assert scenario_file.check(scenario(seed)) == [], seed
        assert scenario_file.check(scenario(seed, harsh=True)) == [], seed


def write(folder, made, name="a.json"):
    path = folder / name
    path.write_text(json.dumps(made))
    return path


def said(*words):
    """What the tool says when it gives up."""
    with pytest.raises(SystemExit) as stop:
        plan.main([str(word) for word in words])
    return str(stop.value)


def without(part, key):
    def change(made):
        del (made[part] if part else made)[key]
    return change


def entry(name, *values):
    def change(made):
        made[name][:len(values)] = values
    return change


def value(part, key, new):
    def change(made):
        (made[part] if part else made)[key] = new
    return change


FAULTS = (
    # change, words
    (value("", "n", 0), "n must be a whole number from 1 to 500, got 0"),
    (value("", "n", -4), "n must be a whole number from 1 to 500, got -4"),
    (value("", "n", 10 ** 9), "n must be a whole number from 1 to 500, got 1000000000"),
    (value("", "n", 1.5), "n must be a whole number from 1 to 500, got 1.5"),
    (value("", "n", True), "n must be a whole number from 1 to 500, got True"),
    (without("", "n"), "n must be a whole number from 1 to 500, got nothing"),
    (value("", "n", 3), "load_kw must be a list of n numbers, got 48 of them"),
    (value("", "slot_minutes", 61), "slot_minutes must be a whole number from 1 to 60, got 61"),
    (value("", "first_slot_minutes", 31),
     "first_slot_minutes must be a whole number from 1 to 30, got 31"),
    (value("", "id", 7), "id must be text, got 7"),
    (value("", "currency", []), "currency must be text, got []"),
    (without("", "pv_kw"), "pv_kw must be a list of n numbers, got nothing"),
    (value("", "load_kw", "x" * 99), f"load_kw must be a list of n numbers, got '{'x' * 36}..."),
    (entry("load_kw", -1), f"load_kw[0] {RANGE} 0 to 5000, got -1"),
    (entry("load_kw", 1, "x", None, -1),
     f"load_kw[1] {RANGE} 0 to 5000, got 'x' (and 2 more of this list)"),
    (entry("import_price", 1e300), f"import_price[0] {RANGE} -100 to 100, got 1e+300"),
    (entry("export_price", float("nan")), f"export_price[0] {RANGE} -100 to 100, got nan"),
    (value("", "battery", 3), "battery must be an object, got 3"),
    (without("", "rules"), "rules must be an object, got nothing"),
    (without("battery", "wear_cost"), f"battery.wear_cost {RANGE} 0 to 100, got nothing"),
    (value("battery", "eta_charge", 1.2), f"battery.eta_charge {RANGE} 0.5 to 1, got 1.2"),
    (value("battery", "soc_max_kwh", 10 ** 400), f"battery.soc_max_kwh {RANGE} 0.001 to 10000"),
    (value("battery", "soc_min_kwh", 13.5), "battery.soc_min_kwh must be below battery.soc_max"),
    (value("battery", "soc_init_kwh", 99),
     "battery.soc_init_kwh must not be above battery.soc_max_kwh"),
    (value("grid", "export_max_kw", None), f"grid.export_max_kw {RANGE} 0 to 5000, got nothing"),
    (value("grid", "export_max_kw", [1] * 47), "grid.export_max_kw must be a list of n numbers"),
    (value("grid", "import_excess_cost", 0), "grid.import_excess_cost must exceed the lowest"),
    (value("rules", "grid_charge", "yes"), "rules.grid_charge must be true or false, got 'yes'"),
    (without("rules", "battery_export"), "rules.battery_export must be true or false"),
    (value("terminal", "min_kwh", -1), f"terminal.min_kwh {RANGE} 0 to 10000, got -1"),
)


def healthy():
    made = next(one for one in (scenario(seed, 24) for seed in range(1, 99))
                if one["n"] == 48 and one["battery"]["soc_max_kwh"] == 13.5)
    made["import_price"][5] = -0.1
    assert scenario_file.check(made) == []
    return made


def test_each_fault_is_named():
    for change, words in FAULTS:
        made = healthy()
        change(made)
        faults = scenario_file.check(made)
        assert any(fault.startswith(words) for fault in faults), (words, faults)
        assert len(faults) == 1 or words.startswith(("n ", "load_kw must")), (words, faults)


def test_every_fault_of_a_file_is_named_at_once(tmp_path):
    made = healthy()
    changes = [FAULTS[i] for i in (8, 9, 11, 13, 16, 20, 22, 26, 28)]
    for change, _ in changes:
        change(made)
    text = said(write(tmp_path, made))
    for _, words in changes:
        assert words in text, words
    assert len(text.splitlines()) == len(changes)
    assert all(line.startswith(f"error: {tmp_path}/a.json: ") for line in text.splitlines())


@pytest.mark.parametrize("data, words", [
    (b"", "is not JSON"), (b"[]", "must be an object, got []"), (b"{", "is not JSON"),
    (b"\0", "is not JSON"), (bytes(range(256)), "is not JSON"), (b"null", "must be an object"),
    (b"[" * 100_000, "is not JSON"), (b'{"n": ' + b"9" * 5000 + b"}", "is not JSON"),
])
def test_nonsense_is_one_clear_line(tmp_path, data, words):
    path = tmp_path / "a.json"
    path.write_bytes(data)
    text = said(path)
    assert text.startswith(f"error: {path}: {words}") and "\n" not in text


def test_a_byte_order_mark_is_read_over(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(healthy()).encode())
    assert scenario_file.read(path)["n"] == 48


def test_random_damage_is_named_or_planned(tmp_path):
    chance = random.Random(1)
    named = 0
    for _ in range(150):
        made = scenario(chance.randrange(50), 24)
        part = chance.choice((made, made["battery"], made["grid"], made["terminal"]))
        part[chance.choice(sorted(part))] = chance.choice((None, -1, "x", [], {}, 1e9, True))
        try:
            scenario_file.read(write(tmp_path, made))
        except scenario_file.Faulty as faulty:
            named += 1
            assert all(isinstance(fault, str) for fault in faulty.args[0])
    assert named > 75


def test_wrong_calls(tmp_path, capsys):
    path = write(tmp_path, scenario(4, 24))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert said(tmp_path / "none.json").endswith("cannot be read: No such file or directory")
    assert said(empty, "--jsonl", tmp_path / "out").endswith("holds no .json file")
    assert said(path, "--plot", tmp_path / "a.doc").startswith("error: Format 'doc'")
    assert "No such file" in said(path, "--plot", tmp_path / "no" / "a.png")
    assert "No such file" in said(tmp_path, "--jsonl", tmp_path / "no" / "out")
    for words in ((tmp_path,), (path, "--jsonl", "x"), (tmp_path, "--jsonl", "x", "--json")):
        assert said(*words) == "2"
    assert "a folder needs --jsonl OUT" in capsys.readouterr().err


def test_one_object(tmp_path, capsys):
    made = scenario(4, 24)
    path = write(tmp_path, made)
    plan.main([str(path), "--json"])
    result = json.loads(capsys.readouterr().out)
    for name in ("battery_kw", "curtail_kw", "soc_kwh", "mode", "marginal_value"):
        assert len(result[name]) == made["n"]
    assert result["id"] == "seed_4" and result["ms"] > 0 and result["operations"] > 0
    assert 1000 < result["peak_heap_bytes"] < 200_000 and isinstance(result["cost"], float)
    plan.main([str(path), "--json", "--runtime", "cpython"])
    assert json.loads(capsys.readouterr().out)["battery_kw"] == result["battery_kw"]


def test_folder_table_and_picture(tmp_path, capsys):
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in (1, 2, 3):
        write(folder, scenario(seed, 24), f"{seed}.json")
    plan.main([str(folder), "--jsonl", str(tmp_path / "out.jsonl")])
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["seed_1", "seed_2", "seed_3"]
    plan.main([str(folder / "1.json"), "--plot", str(tmp_path / "a.png")])
    assert "self_use" in capsys.readouterr().out
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_a_reserve_out_of_reach_is_said(tmp_path, capsys):
    made = healthy()
    made["reserve_kwh"] = [20.0] * 48           # more than fits
    plan.main([str(write(tmp_path, made))])
    assert "the reserve cannot be met, " in capsys.readouterr().out


def test_a_refused_plan_is_said_and_not_shown(tmp_path, capsys, monkeypatch):
    def refuse(jobs):
        return [{"id": "a", "fault": "slot 3: stored energy"}]

    monkeypatch.setattr(plan, "micropython", refuse)
    text = said(write(tmp_path, healthy()))
    assert text == "error: a: re-simulation refused the plan: slot 3: stored energy"
    assert capsys.readouterr().out == ""


def lines_a_slice(one):
    """Most lines of source that a single slice of this scenario's plan runs through."""
    from bess.core.market.planner import Planner

    from tools import plan_side

    count = [0]

    def trace(frame, event, _):
        count[0] += event == "line"
        return trace

    planner = Planner()
    planner.start(plan_side.problem(jobs_of([one])[0]))
    most, more = 0, True
    before = sys.gettrace()
    while more:
        count[0] = 0
        sys.settrace(trace)
        more = planner.step()
        sys.settrace(before)
        most = max(most, count[0])
    return most


def test_a_slice_is_short_in_the_longest_search():
    for seed, harsh, n, lines_max in ((47, True, 96, 1000), (194, False, 96, 1000),
                                      (211, False, 192, 1500), (2, False, 96, 1000)):
        one = scenario(seed, 48, harsh)
        assert one["n"] == n, seed
        assert lines_a_slice(one) <= lines_max, (seed, lines_a_slice(one))
