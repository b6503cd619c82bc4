"""The truths and the faults as a page: what must hold, and what of it in spite of a fault."""

from tools.simulate.faults import KINDS
from tools.simulate.oracle import TRUTHS

_HEAD = """\
# What the simulation demands

Written by `python -m tools.simulate --table`. The oracle sees the true cells, currents and
contactors, and the bytes on the wires; nothing of the firmware.

One core simulates some 1 800 seconds a second with 4 modules and 1 200 with 16, at ticks of 1 s
with faults (CPython 3.11, on a machine with much else to do). `make bench` measures both anew.

## Truths

| truth | at most broken for, s | what it says |
|---|---|---|
"""
_FAULTS = """
Three ticks more are granted to each; at once means that a single time is a violation.

## Faults and errands

While one is in force these truths hold; the others hold again 20 s after its end. ALIVE, OBEY and
EXACT are judged when the site has settled.

| kind | lasts, s | truths that hold |
|---|---|---|
"""


def page():
    """The page as Markdown."""
    rows = ["| %s | %s | %s |\n" % (name, "at once" if span_s < 0 else "%g" % span_s, says)
            for name, (span_s, says) in TRUTHS.items()]
    kinds = []
    for name, kind in sorted(KINDS.items()):
        others = [truth for truth in TRUTHS if truth in kind.suspends]
        holds = "all but " + ", ".join(others) if others else "all"
        span = "%g to %g" % kind.span_s if kind.span_s else "as long as its script"
        kinds.append("| %s | %s | %s |\n" % (name, span, holds))
    return _HEAD + "".join(rows) + _FAULTS + "".join(kinds)
