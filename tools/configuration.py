"""Writes docs/configuration.md from the field tables of firmware/bess/core/config.py.

    python -m tools.configuration           write it
    python -m tools.configuration --check   exit 1 when it is out of date
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs/configuration.md"

HEAD = """# Configuration

Written by `python -m tools.configuration` from `firmware/bess/core/config.py`; do not edit.

`/config.json` on the board is one object. A key that is left out has its default; a wrong value or
an unknown key is a fault. All faults are reported at once, at start and by the console's `faults`:
each names the key, what it got and what is allowed. With a fault the firmware takes the safe
defaults, stays in STANDBY with its outputs low, and refuses `start`. Settings are read at start.
"""

LINKS = """## Links

`"links"` is a list of buses and connections, each an object:
"""

DEVICES = """### Devices on a link

`"devices"` of a link is a list of objects:
"""


def load():
    """The module bess.core.config, as CPython sees it."""
    for folder in ("stubs", "firmware"):
        sys.path.insert(0, str(ROOT / folder))
    from bess.core import config

    return config


def row(field):
    """One line of a table: key, what is allowed, default, meaning."""
    key, kind, low, high, default, unit, meaning = field
    if high is None:
        allowed = ", ".join(f"`{word}`" for word in low)
    elif kind == "int":
        allowed = f"{low}..{high} {unit}".rstrip()
    elif kind == "str":
        allowed = f"text of {low}..{high} characters"
    else:
        allowed = f"list of {low}..{high} entries"
    shown = "must be given" if default is None else f"`{default}`" if default != "" else "empty"
    return f"| `{key}` | {allowed} | {shown} | {meaning} |"


def table(fields):
    return "\n".join(["| key | allowed | default | meaning |", "|---|---|---|---|",
                      *map(row, fields)]) + "\n"


def document(config):
    parts = [HEAD, table(config.FIELDS), LINKS, table(config.LINK_FIELDS), DEVICES,
             table(config.DEVICE_FIELDS)]
    return "\n".join(parts)


def main(arguments):
    text = document(load())
    if "--check" not in arguments:
        DOC.write_text(text)
    elif not DOC.exists() or DOC.read_text() != text:
        print(f"{DOC.relative_to(ROOT)} is out of date: run python -m tools.configuration")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
