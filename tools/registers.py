"""Writes what follows from firmware/bess/points.tsv and events.tsv.

core/points.py, core/call_points.py (what only the registers with calls behind them need) and
docs/registers.md.

    python -m tools.registers           write them
    python -m tools.registers --check   exit 1 when one of them is out of date
"""

import sys
from collections import namedtuple
from pathlib import Path

from tools.registers_page import EVENTS_HEAD, HEAD, NOTES, TITLES

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "firmware/bess/points.tsv"
EVENTS = ROOT / "firmware/bess/events.tsv"
CODE = ROOT / "firmware/bess/core/points.py"
CALLS = ROOT / "firmware/bess/core/call_points.py"
DOC = ROOT / "docs/registers.md"

RESIDENT = ("site", "control", "module", "link", "event")
ON_CALL = ("operate", "reset", "charge", "discharge", "schedule", "maintenance", "calibration",
           "alarms", "entry", "alarm")
BLOCKS = RESIDENT + ON_CALL
KINDS = {"u16": 0, "i16": 1, "b16": 0, "e16": 0, "u32": 2, "i32": 3}
STRIDES = {"module": 32, "link": 16, "event": 8, "entry": 16, "alarm": 16}
REPEATS = {"module": 16, "link": 8, "event": 32, "entry": 16, "alarm": 32}
LEVELS = ("INFO", "WARNING", "TRIP", "EMERGENCY")

Point = namedtuple("Point", "block name kind unit low high access register age names text")
Event = namedtuple("Event", "number name level unit data")


def read_table(text, others=()):
    """(points, name lists) of the table; raises ValueError that names the line and the fault.

    others: names of lists that stand elsewhere.
    """
    points, lists = [], {name: [] for name in others}
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("\t")
        if line.startswith("#") or cells[0] == "block":
            continue
        if line.startswith("@"):
            lists[cells[0][1:]] = enum_pairs(cells[1])
            continue
        if len(cells) != len(Point._fields):
            raise ValueError(f"line {number}: {len(cells)} columns, {len(Point._fields)} wanted")
        points.append(Point(*cells))
    faults = check(points, lists)
    if faults:
        raise ValueError("; ".join(faults))
    return points, lists


def read_events(text):
    """Rows of the table of events; raises ValueError that names the line and the fault."""
    events, faults = [], []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("\t")
        if line.startswith("#") or cells[0] == "number":
            continue
        if len(cells) != len(Event._fields) or not cells[0].isdigit():
            raise ValueError(f"line {number}: wanted a number and {len(Event._fields) - 1} cells")
        event = Event(int(cells[0]), *cells[1:])
        if events and event.number <= events[-1].number:
            faults.append(f"{event.name}: its number does not rise")
        if set(event.level.split(",")) - set(LEVELS):
            faults.append(f"{event.name}: level {event.level}, allowed: {', '.join(LEVELS)}")
        if not event.data:
            faults.append(f"{event.name}: what does its data mean?")
        events.append(event)
    if faults:
        raise ValueError("; ".join(faults))
    return events


def read_all():
    """(points, name lists with those of the events, events) of the tables in the tree."""
    points, lists = read_table(TABLE.read_text(), ("events",))
    events = read_events(EVENTS.read_text())
    lists["events"] = [(event.number, event.name) for event in events]
    return points, lists, events


def enum_pairs(names):
    """[(value, name)] of 'A,B' (counted from 0) or '10:A,20:B'."""
    pairs = []
    for index, word in enumerate(names.split(",")):
        value, _, name = word.rpartition(":")
        pairs.append((int(value) if value else index, name))
    return pairs


def check(points, lists):
    """All faults of the table as sentences."""
    names = [p.name for p in points]
    faults = [f"{name}: stands there twice" for name in sorted({*names}) if names.count(name) > 1]
    faults += [f"{p.name}: register {p.register}, wanted: a number" for p in points
               if not p.register.isdigit()]
    taken = {}
    for p in points:
        if not p.register.isdigit():
            continue
        if p.block not in BLOCKS:
            faults.append(f"{p.name}: block {p.block}, allowed: {', '.join(BLOCKS)}")
        if p.kind not in KINDS:
            faults.append(f"{p.name}: kind {p.kind}, allowed: {', '.join(KINDS)}")
            continue
        if p.names.startswith("@") and p.names[1:] not in lists:
            faults.append(f"{p.name}: no list {p.names}")
        if words(p) == 2 and int(p.register) % 2:
            faults.append(f"{p.name}: a 32-bit value starts at an even register")
        for register in range(int(p.register), int(p.register) + words(p)):
            if register in taken:
                faults.append(f"{p.name}: register {register} is taken by {taken[register]}")
            taken[register] = p.name
        span = STRIDES.get(p.block)
        if span and int(p.register) % 1000 + words(p) > span:
            faults.append(f"{p.name}: does not fit the {span} registers of a {p.block}")
    return faults


def span(rows):
    """Registers from the first of a block to its last."""
    return int(rows[-1].register) + words(rows[-1]) - int(rows[0].register)


def words(point):
    return 2 if point.kind.endswith("32") else 1


def pairs_of(point, lists):
    if point.names == "-":
        return []
    if point.names.startswith("@"):
        return lists[point.names[1:]]
    return enum_pairs(point.names)


def code(points, lists):
    """Text of core/points.py."""
    lines = ['"""The points as numbers. Written by tools/registers.py from points.tsv."""', "",
             "from micropython import const", ""]
    for block in RESIDENT:
        lines += [*indices(points, block), ""]
    lines += [*ends(points), ""]
    seen = set()
    for list_name, prefix in PREFIXES:
        for value, name in lists[list_name]:
            if f"{prefix}_{name}" not in seen:
                seen.add(f"{prefix}_{name}")
                lines.append(f"{prefix}_{name} = const({value})")
        lines.append("")
    lines += MAP_HEAD
    for block in RESIDENT:
        lines += packed(points, block)
    site = [p for p in points if p.block == "site"]
    ages = [(p.name, p.age) for p in site if p.age != "-"]
    lines += ["", "# (point, age in ms beyond which its reading is unknown)", "SITE_AGES = ("]
    lines += [f"    ({name}, {age})," for name, age in ages] + [")", ""]
    return "\n".join(lines)


def call_code(points):
    """Text of core/call_points.py."""
    lines = ['"""The points with calls behind them. Written by tools/registers.py."""', "",
             "from micropython import const", ""]
    for block in ON_CALL:
        lines += [*indices(points, block), ""]
    lines += MAP_HEAD
    for block in ON_CALL:
        lines += packed(points, block)
    return "\n".join(lines) + "\n"


def ends(points):
    """Constants: where the registers of core/call_points.py are."""
    lines = ["# registers with calls behind them: single blocks, repeated ones"]
    for word, is_mine in (("CALLS", lambda p: p.block not in STRIDES),
                          ("CALL_ITEMS", lambda p: p.block in STRIDES)):
        mine = [p for p in points if p.block in ON_CALL and is_mine(p)]
        last = mine[-1].block
        size = STRIDES[last] * REPEATS[last] if last in STRIDES else \
            span([p for p in mine if p.block == last])
        base = next(int(p.register) for p in mine if p.block == last)
        lines += [f"{word}_BASE = const({mine[0].register})",
                  f"{word}_END = const({base + size})"]
    return lines


def indices(points, block):
    """Constants of a block: its points, their number, its registers."""
    rows = [p for p in points if p.block == block]
    word = block.upper()
    lines = [f"# {block}: index in its row of values"]
    lines += [f"{p.name} = const({i})" for i, p in enumerate(rows)]
    lines += [f"{word}_POINTS = const({len(rows)})", f"{word}_BASE = const({rows[0].register})",
              f"{word}_SPAN = const({span(rows)})"]
    if block in STRIDES:
        lines.append(f"{word}_STRIDE = const({STRIDES[block]})")
    return lines


MAP_HEAD = ["# a register block in index order: (register - base) * 8 + kind, two bytes each",
            "# kind: 0 u16, 1 i16, 2 u32, 3 i32"]


def packed(points, block):
    """The map of a block, for the device."""
    rows = [p for p in points if p.block == block]
    base = int(rows[0].register)
    data = b"".join(((int(p.register) - base) * 8 + KINDS[p.kind]).to_bytes(2, "big")
                    for p in rows)
    return [f"{block.upper()}_MAP = (",
            *(f"    {data[i:i + 16]!r}" for i in range(0, len(data), 16)), ")"]


PREFIXES = (("reasons", "WHY"), ("owners", "BY"), ("causes", "CAUSE"), ("trips", "TRIP"),
            ("protections", "PROTECTION"), ("faults", "FAULT"), ("events", "EVENT"))


def document(points, lists, events):
    """Text of docs/registers.md."""
    lines = [HEAD]
    for block in BLOCKS:
        rows = [p for p in points if p.block == block]
        lines.append(f"## {TITLES[block]}\n")
        if block in NOTES:
            lines.append(NOTES[block])
        if block in STRIDES:
            lines.append(f"Repeated every {STRIDES[block]} registers, up to {REPEATS[block]} times"
                         f" from {rows[0].register}.\n")
        lines.append("| register | name | kind | unit | range | access | meaning |")
        lines.append("|---|---|---|---|---|---|---|")
        for p in rows:
            unit = "" if p.unit == "-" else p.unit
            lines.append(f"| {p.register} | {p.name} | {p.kind} | {unit} | {p.low}..{p.high} |"
                         f" {p.access} | {p.text}{meaning(p)} |")
        lines.append("")
    lines += [EVENTS_HEAD, "| event | name | level | unit | its number of data |",
              "|---|---|---|---|---|"]
    for e in events:
        level, unit = e.level.replace(",", ", "), "" if e.unit == "-" else e.unit
        lines.append(f"| {e.number} | {e.name} | {level} | {unit} | {e.data} |")
    lines.append("\n## Names\n")
    for name, pairs in lists.items():
        if name != "events":
            lines.append(f"**{name}**: " + " · ".join(f"{v} {n}" for v, n in pairs) + "\n")
    return "\n".join(lines).rstrip() + "\n"


def meaning(point):
    if point.names == "-":
        return ""
    if point.names.startswith("@"):
        return f" (names: {point.names[1:]})"
    sign = "bit " if point.kind == "b16" else ""
    return " (" + ", ".join(f"{sign}{v} {n}" for v, n in enum_pairs(point.names)) + ")"


def main(arguments):
    points, lists, events = read_all()
    stale = 0
    for path, text in ((CODE, code(points, lists)), (CALLS, call_code(points)),
                       (DOC, document(points, lists, events))):
        if "--check" in arguments:
            if not path.exists() or path.read_text() != text:
                print(f"{path.relative_to(ROOT)} is out of date: run python -m tools.registers")
                stale = 1
        else:
            path.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
