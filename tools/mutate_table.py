"""Writes the table of docs/mutation.md from what tools/mutate.py has kept.

    python -m tools.mutate_table

Counted is what was tried on the files as they are. Of a file of which fewer than 20 changes were,
or fewer than its row says, the row stays; it says so when the file has other changes to try now.
"""

import hashlib
import json
import sys

from tools import core_tests, mutants, mutate

DOCS = core_tests.ROOT / "docs/mutation.md"
TRIED_MIN = 20
EARLIER = ", before its last change"
_HEAD = "| file | mutants | equivalent | tried | caught | score |"
_LINE = "|---|---|---|---|---|---|"


def counts(source, path, rows, listed):
    """(mutants, equivalent, tried, caught) of a file as it is."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    keys = {(path, each.where, each.text, each.what, number)
            for number, each in enumerate(mutants.parse(source)[1])}
    equal = {key for key in keys if key[:4] in listed}
    tried = {tuple(row["key"]): row["killer"] for row in rows if row["digest"] == digest}
    tried = {key: killer for key, killer in tried.items() if key in keys - equal}
    return len(keys), len(equal), len(tried), sum(1 for killer in tried.values() if killer)


def row_of(name, every, equal, tried, caught):
    """A row of the table."""
    whole = tried == every - equal
    score = f"{100 * caught // tried} %" + ("" if whole else " of a sample")
    return f"| `{name}` | {every} | {equal} | {'all' if whole else tried} | {caught} | {score} |"


def kept(row, every):
    """The row of an earlier run, which says so when the file has other mutants now."""
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    if int(cells[1]) != every and not cells[3].endswith(EARLIER):
        cells[3] += EARLIER
    return "| " + " | ".join(cells) + " |"


def covers(row, every):
    """How many mutants a row of these says were tried; 0 for none and for another file."""
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    if int(cells[1]) != every or cells[3].endswith(EARLIER):
        return 0
    return every - int(cells[2]) if cells[3] == "all" else int(cells[3])


def table(old, files):
    """Rows in the order of `files`: name, mutants, equivalent, tried, caught; old: {name: row}."""
    for name, every, equal, tried, caught in files:
        least = max(min(TRIED_MIN, every - equal), covers(old[name], every) if name in old else 0)
        if tried and tried >= least:
            yield row_of(name, every, equal, tried, caught)
        elif name in old:
            yield kept(old[name], every)
        else:
            yield f"| `{name}` | {every} | {equal} | 0 | - | not measured |"


def renew(text, files):
    """The document with its table written anew."""
    before, _, rest = text.partition(_HEAD)
    rows = rest.strip("\n").split("\n")
    old = {row.split("`")[1]: row for row in rows if "`" in row}
    return "\n".join([before + _HEAD, _LINE, *table(old, files), ""])


def main():
    rows = json.loads(mutate.RESULTS.read_text())["rows"]
    listed = mutate.equivalents(mutate.EQUIVALENT.read_text())
    files = []
    for path in core_tests.measured():
        of_file = [row for row in rows if row["key"][0] == path]
        name = path.partition("core/")[2]
        files.append((name, *counts((core_tests.ROOT / path).read_text(), path, of_file, listed)))
    DOCS.write_text(renew(DOCS.read_text(), files))
    tried, caught = (sum(entry[k] for entry in files) for k in (3, 4))
    print(f"{caught} of {tried} caught, {100 * caught / max(tried, 1):.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
