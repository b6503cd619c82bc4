"""Writes what follows from firmware/bess/points.tsv: core/points.py and docs/registers.md.

    python -m tools.registers           write both
    python -m tools.registers --check   exit 1 when one of them is out of date
"""

import sys
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "firmware/bess/points.tsv"
CODE = ROOT / "firmware/bess/core/points.py"
DOC = ROOT / "docs/registers.md"

BLOCKS = ("site", "control", "module", "link", "event")
KINDS = {"u16": 0, "i16": 1, "b16": 0, "e16": 0, "u32": 2, "i32": 3}
STRIDES = {"module": 32, "link": 16, "event": 8}
REPEATS = {"module": 16, "link": 8, "event": 32}

Point = namedtuple("Point", "block name kind unit low high access register age names text")


def read_table(text):
    """(points, name lists) of the table; raises ValueError that names the line and the fault."""
    points, lists = [], {}
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
    for block in BLOCKS:
        rows = [p for p in points if p.block == block]
        lines.append(f"# {block}: index in its row of values")
        lines += [f"{p.name} = const({i})" for i, p in enumerate(rows)]
        lines.append(f"{block.upper()}_POINTS = const({len(rows)})")
        lines.append(f"{block.upper()}_BASE = const({rows[0].register})")
        lines.append(f"{block.upper()}_SPAN = const({span(rows)})")
        if block in STRIDES:
            lines.append(f"{block.upper()}_STRIDE = const({STRIDES[block]})")
        lines.append("")
    seen = set()
    for list_name, prefix in PREFIXES:
        for value, name in lists[list_name]:
            if f"{prefix}_{name}" not in seen:
                seen.add(f"{prefix}_{name}")
                lines.append(f"{prefix}_{name} = const({value})")
        lines.append("")
    lines += ["# a register block in index order: (register - base) * 8 + kind, two bytes each",
              "# kind: 0 u16, 1 i16, 2 u32, 3 i32"]
    for block in BLOCKS:
        rows = [p for p in points if p.block == block]
        base = int(rows[0].register)
        data = b"".join(((int(p.register) - base) * 8 + KINDS[p.kind]).to_bytes(2, "big")
                        for p in rows)
        lines.append(f"{block.upper()}_MAP = (")
        lines += [f"    {data[i:i + 16]!r}" for i in range(0, len(data), 16)]
        lines.append(")")
    site = [p for p in points if p.block == "site"]
    ages = [(p.name, p.age) for p in site if p.age != "-"]
    lines += ["", "# (point, age in ms beyond which its reading is unknown)", "SITE_AGES = ("]
    lines += [f"    ({name}, {age})," for name, age in ages] + [")", ""]
    return "\n".join(lines)


PREFIXES = (("reasons", "WHY"), ("owners", "BY"), ("causes", "CAUSE"), ("trips", "TRIP"),
            ("protections", "PROTECTION"), ("faults", "FAULT"), ("events", "EVENT"))

HEAD = """# Modbus registers

Written by `python -m tools.registers` from `firmware/bess/points.tsv`; do not edit.

Holding (FC 3) and input registers (FC 4) show the same map, as unit 1. Addresses are wire
addresses, counted from 0. 32-bit values take two registers, high word first; one request is one
moment. Unknown reads 65535 (u16, e16), 32768 (i16), 4294967295 (u32) and 2147483648 (i32). Gaps
inside a block read 0; a read beyond a block is exception 2. Power is positive for what feeds the
site's AC bus: discharging and importing; charging and exporting are negative.

Discrete inputs (FC 2) show the bits of INPUTS, OUTPUTS, CAUSES and TRIPS, 16 each from 0; coil 0
(FC 1, 5, 15) is START.

40000 holds 'SunS', the SunSpec common model (1) and the end marker; the native map starts at 0.
The site block is there once more for each pack, from 10000 + 200 x (number of the pack - 1).
Writes (FC 6 and 16; a 32-bit value only as a whole) are permitted as `modbus_write` in the
configuration says: `none` (default on real boards), `loopback` or `any`; else exception 1. A write
is taken whole or not at all: 2 not writable, 3 out of range, 4 the state forbids it (latched).
"""


def document(points, lists):
    """Text of docs/registers.md."""
    lines = [HEAD]
    for block in BLOCKS:
        rows = [p for p in points if p.block == block]
        lines.append(f"## {TITLES[block]}\n")
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
    lines.append("## Names\n")
    for name, pairs in lists.items():
        lines.append(f"**{name}**: " + " · ".join(f"{v} {n}" for v, n in pairs) + "\n")
    return "\n".join(lines).rstrip() + "\n"


TITLES = {"site": "Site (read)", "control": "Control (write)", "module": "Modules",
          "link": "Links", "event": "Events, newest first"}


def meaning(point):
    if point.names == "-":
        return ""
    if point.names.startswith("@"):
        return f" (names: {point.names[1:]})"
    sign = "bit " if point.kind == "b16" else ""
    return " (" + ", ".join(f"{sign}{v} {n}" for v, n in enum_pairs(point.names)) + ")"


def main(arguments):
    points, lists = read_table(TABLE.read_text())
    stale = 0
    for path, text in ((CODE, code(points, lists)), (DOC, document(points, lists))):
        if "--check" in arguments:
            if not path.exists() or path.read_text() != text:
                print(f"{path.relative_to(ROOT)} is out of date: run python -m tools.registers")
                stale = 1
        else:
            path.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
