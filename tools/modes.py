"""Writes core/control/transitions.py and docs/modes.md from firmware/bess/modes.tsv.

    python -m tools.modes           write both
    python -m tools.modes --check   exit 1 when one of them is out of date
"""

import sys
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "firmware/bess/modes.tsv"
CODE = ROOT / "firmware/bess/core/control/transitions.py"
DOC = ROOT / "docs/modes.md"

MODES = ("STANDBY", "CHARGE", "DISCHARGE", "IDLE", "EMERGENCY", "MAINTENANCE")
MEANINGS = (
    "powered, not ready: contactors open, inverter stopped",
    "follows the command of whatever request wins; the command is 0 or below",
    "follows the command of whatever request wins; the command is 0 or above",
    "contactors closed, inverter running at 0 W: a request moves power in the next tick",
    "zero power, inverter stop asked, contactors open; latched until a person resets",
    "a person is at the cabinet: power only for a running test; survives a restart",
)

Row = namedtuple("Row", "number sources target when")


def read_table(text):
    """Rows of the table; raises ValueError that names the line and the fault."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("\t")
        if line.startswith("#") or cells[0] == "number":
            continue
        if len(cells) != 4:
            raise ValueError(f"line {number}: {len(cells)} columns, 4 wanted")
        row = Row(cells[0], cells[1].split(","), cells[2], cells[3])
        for mode in [*row.sources, row.target]:
            if mode not in MODES:
                raise ValueError(f"line {number}: mode {mode}, allowed: {', '.join(MODES)}")
        rows.append(row)
    return rows


def code(rows):
    """Text of core/control/transitions.py."""
    masks = [0] * len(MODES)
    for row in rows:
        for source in row.sources:
            masks[MODES.index(source)] |= 1 << MODES.index(row.target)
    lines = ['"""The permitted transitions. Written by tools/modes.py from modes.tsv."""', "",
             "# bit n of byte m: mode n may follow mode m",
             f"NEXT = bytes(({', '.join(str(mask) for mask in masks)}))", ""]
    return "\n".join(lines)


def document(rows):
    """Text of docs/modes.md."""
    lines = ["# Modes", "", "Written by `python -m tools.modes` from `firmware/bess/modes.tsv`;"
             " do not edit.", "", "| code | mode | meaning |", "|---|---|---|"]
    lines += [f"| {i} | {mode} | {meaning} |"
              for i, (mode, meaning) in enumerate(zip(MODES, MEANINGS))]
    lines += ["", "```mermaid", "stateDiagram-v2", "    [*] --> STANDBY"]
    lines += [f"    {source} --> {row.target}: {row.number}"
              for row in rows for source in row.sources]
    lines += ["```", "", "| # | from | to | when |", "|---|---|---|---|"]
    lines += [f"| {row.number} | {', '.join(row.sources)} | {row.target} | {row.when} |"
              for row in rows]
    lines += ["", "Any other transition is refused with its reason and changes nothing.", ""]
    return "\n".join(lines)


def main(arguments):
    rows = read_table(TABLE.read_text())
    stale = 0
    for path, text in ((CODE, code(rows)), (DOC, document(rows))):
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path.relative_to(ROOT)} is out of date: run python -m tools.modes")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
