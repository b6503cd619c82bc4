"""The table of points: its faults have names, and what is written from it is up to date."""

import ast
import re

from bess.core import call_points as call_numbers
from bess.core import points as numbers
from tools import registers

HEAD = "block\tname\tkind\tunit\tlow\thigh\taccess\tregister\tage\tnames\ttext"
LISTS = "\n@reasons\tNONE,MODE"


def row(name="A_W", **changes):
    cells = {"block": "site", "name": name, "kind": "u16", "unit": "-", "low": "0", "high": "9",
             "access": "r", "register": "0", "age": "-", "names": "-", "text": "a text"}
    cells.update(changes)
    return "\t".join(cells.values())


FAULTS = (
    # rows, words of the fault, why
    ([row().rsplit("\t", 1)[0]], ("line 2", "10 columns, 11 wanted"), "a column is missing"),
    ([row() + "\tmore"], ("line 2", "12 columns"), "a column too many"),
    ([row(block="sight")], ("A_W: block sight", "allowed: site, control"), "unknown block"),
    ([row(kind="u8")], ("A_W: kind u8", "allowed: u16"), "unknown kind"),
    ([row(names="@nobody")], ("A_W: no list @nobody",), "list of names is missing"),
    ([row(kind="i32", register="3")], ("A_W: a 32-bit value starts at an even register",), "odd"),
    ([row("A_W", register="4"), row("B_W", register="4")],
     ("B_W: register 4 is taken by A_W",), "the same register twice"),
    ([row("A_W", kind="u32", register="4"), row("B_W", register="5")],
     ("B_W: register 5 is taken by A_W",), "the second word of another value"),
    ([row(block="module", register="1032")], ("A_W: does not fit the 32 registers of a module",),
     "beyond the stride"),
    ([row(block="event", kind="u32", register="3008")],
     ("A_W: does not fit the 8 registers of a event",), "beyond the stride"),
)


def fault_of(rows):
    try:
        registers.read_table("\n".join([HEAD, *rows]) + LISTS)
    except ValueError as fault:
        return str(fault)
    return ""


def test_faults():
    for rows, words, why in FAULTS:
        for word in words:
            assert word in fault_of(rows), (why, fault_of(rows))


def test_all_faults_at_once():
    text = fault_of([row("A_W", kind="u8"), row("B_W", block="x"), row("C_W", names="@n")])
    assert all(name in text for name in ("A_W", "B_W", "C_W")), text


def test_names_stand_once_and_registers_are_numbers():
    assert "A_W: stands there twice" in fault_of([row("A_W"), row("A_W", register="2")])
    assert "A_W: register x, wanted: a number" in fault_of([row("A_W", register="x")])


def test_a_good_table():
    assert fault_of([row("A_W"), row("B_W", register="2", kind="u32", names="@reasons")]) == ""


def test_lists_count_from_zero_or_say_their_numbers():
    assert registers.enum_pairs("NONE,MODE") == [(0, "NONE"), (1, "MODE")]
    assert registers.enum_pairs("0:NONE,10:SELF_USE") == [(0, "NONE"), (10, "SELF_USE")]


def real():
    return registers.read_all()[:2]


def test_what_is_written_from_the_table_is_up_to_date():
    points, lists, events = registers.read_all()
    assert registers.CODE.read_text() == registers.code(points, lists)
    assert registers.CALLS.read_text() == registers.call_code(points)
    assert registers.DOC.read_text() == registers.document(points, lists, events)
    assert registers.main(["--check"]) == 0


def test_a_stale_file_is_seen(tmp_path, monkeypatch, capsys):
    for name in ("CODE", "CALLS", "DOC"):
        copy = tmp_path / name
        copy.write_text(getattr(registers, name).read_text() + "\n")
        with monkeypatch.context() as patch:
            patch.setattr(registers, name, copy)
            patch.setattr(registers, "ROOT", tmp_path)
            for other in {"CODE", "CALLS", "DOC"} - {name}:
                fresh = tmp_path / f"fresh_{other}"
                fresh.write_text(getattr(registers, other).read_text())
                patch.setattr(registers, other, fresh)
            assert registers.main(["--check"]) == 1
        assert f"{name} is out of date" in capsys.readouterr().out


def test_names_are_unique_and_say_their_unit_last():
    points, _ = real()
    names = [p.name for p in points]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in names)
    units = {"W": "_W", "mV": "_MV", "mA": "_MA", "Wh": "_WH", "0.1degC": "_DC", "0.01Hz": "_CHZ"}
    for p in points:
        if p.unit in units:
            assert f"{units[p.unit]}_" in f"{p.name}_", (p.name, p.unit)


def test_every_range_fits_its_kind_with_room_for_unknown():
    ends = {"u16": (0, 65_534), "e16": (0, 65_534), "b16": (0, 65_535), "i16": (-32_767, 32_767),
            "u32": (0, 2**32 - 2), "i32": (-2**31 + 1, 2**31 - 1)}
    wraps = ("EVENT_COUNT", "E_NUMBER")     # counters modulo 65536, never unknown
    for p in real()[0]:
        low, high = ends[p.kind]
        assert low <= int(p.low) < int(p.high) <= high or p.name in wraps \
            or int(p.low) == int(p.high) == 1, p.name


def test_registers_rise_within_a_block():
    points, _ = real()
    for block in registers.BLOCKS:
        mine = [int(p.register) for p in points if p.block == block]
        assert mine == sorted(mine), block


def test_maps_say_what_the_table_says():
    points, _ = real()
    for block in registers.BLOCKS:
        rows = [p for p in points if p.block == block]
        module = numbers if block in registers.RESIDENT else call_numbers
        table = getattr(module, f"{block.upper()}_MAP")
        assert len(table) == 2 * len(rows)
        for i, p in enumerate(rows):
            code = table[2 * i] << 8 | table[2 * i + 1]
            assert getattr(module, p.name) == i
            assert (code >> 3) + int(rows[0].register) == int(p.register), p.name
            assert code & 7 == registers.KINDS[p.kind], p.name


def test_only_control_and_what_has_calls_is_writable():
    for p in real()[0]:
        assert p.access == "r" or p.block == "control" or p.block in registers.ON_CALL, p.name
        assert p.access == "rw" or p.block != "control", p.name


def test_where_registers_with_calls_begin_and_end():
    assert (numbers.CALLS_BASE, numbers.CALLS_END) == (300, 483)
    assert (numbers.CALL_ITEMS_BASE, numbers.CALL_ITEMS_END) == (4000, 5512)


EVENT_FAULTS = (
    # rows, words of the fault, why
    (["1\tA\tINFO\t-"], "line 1: wanted a number and 4 cells", "a cell is missing"),
    (["x\tA\tINFO\t-\t0"], "line 1: wanted a number", "no number"),
    (["1\tA\tLOUD\t-\t0"], "A: level LOUD, allowed: INFO, WARNING, TRIP, EMERGENCY", "level"),
    (["1\tA\tINFO\t-\t"], "A: what does its data mean?", "nobody says what its data is"),
    (["1\tA\tINFO\t-\t0", "1\tB\tINFO\t-\t0"], "B: its number does not rise", "twice"),
)


def test_faults_of_the_events():
    for rows, words, why in EVENT_FAULTS:
        try:
            registers.read_events("\n".join(rows))
        except ValueError as fault:
            assert words in str(fault), (why, fault)
        else:
            raise AssertionError(why)


def notes(tree):
    """(events, levels) that each `.note(EVENT_X, LEVEL, ...)` names, with its `if else`s."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "note":
            events, levels = ([n.id for n in ast.walk(argument) if isinstance(n, ast.Name)]
                              for argument in call.args[:2])
            yield [name[6:] for name in events if name.startswith("EVENT_")], levels


def test_levels_are_those_that_the_firmware_notes():
    """ALARM is how the manager calls the level EMERGENCY, WARN and NEWS are the alarm list's."""
    levels = {e.name: set(e.level.split(",")) for e in registers.read_all()[2]}
    same = {"ALARM": "EMERGENCY", "WARN": "WARNING", "NEWS": "INFO"}
    seen = set()
    for path in (registers.ROOT / "firmware").rglob("*.py"):
        for events, found in notes(ast.parse(path.read_text())):
            for event in events:
                for level in found:
                    level = same.get(level, level)
                    assert level not in registers.LEVELS or level in levels[event], (path, event)
                seen.add(event)
    assert len(seen) > 40 and "EMERGENCY" in seen


def test_reason_cause_and_event_numbers_are_those_of_the_specification():
    lists = real()[1]
    for name, pairs in (("reasons", [(6, "RATING"), (14, "SOC_MAX"), (26, "SOC_UNKNOWN")]),
                        ("causes", [(1, "INPUT"), (8, "MODULES_SILENT"), (13, "INVARIANT")]),
                        ("owners", [(10, "SELF_USE"), (50, "REMOTE"), (90, "PROTECT_CHARGE")]),
                        ("events", [(0, "MODE_CHANGE"), (30, "CLOCK_SET"), (61, "INVARIANT")])):
        for pair in pairs:
            assert pair in lists[name], (name, pair)
