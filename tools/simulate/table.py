"""The truths and the faults as a page: what must hold, and what of it in spite of a fault."""

import textwrap

from tools.simulate.faults import KINDS
from tools.simulate.oracle import TRUTHS
from tools.simulate.packs_faults import PACK_KINDS, SITE_TRUTHS, WHOLE

_HEAD = """\
# What the simulation demands

Written by `python -m tools.simulate --table`. The oracle sees the true cells, currents and
contactors, and the bytes on the wires; nothing of the firmware.

One core simulates some 1 800 seconds a second with 4 modules and 1 100 with 16, at ticks of 1 s
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
_PACKS = """
## Several packs

`--packs 2` or 3: so many packs with contactors, inverter, oracle and a person each, behind one
meter and one controller; buses of their own or one for all, caps of the site, other batteries in
each. A fault hits one pack, drawn by the seed, and of a link whatever hangs on it; for the packs
that it does not hit every truth holds. These kinds concern the whole site:

%s.

Kinds that only such a site has, or that mean something else there:

| kind | lasts, s | truths that hold |
|---|---|---|
"""
_SITE = """
Truths of the site that do not hold meanwhile, besides those above:

| kind | truths |
|---|---|
"""


def page():
    """The page as Markdown."""
    rows = ["| %s | %s | %s |\n" % (name, "at once" if span_s < 0 else "%g" % span_s, says)
            for name, (span_s, says) in TRUTHS.items()]
    site = ["| %s | %s |\n" % (name, SITE_TRUTHS[name].replace(" ", ", "))
            for name in sorted(SITE_TRUTHS)]
    return (_HEAD + "".join(rows) + _FAULTS + _rows(KINDS) + _PACKS % _wrapped(sorted(WHOLE))
            + _rows(PACK_KINDS) + _SITE + "".join(site))


def _rows(table):
    kinds = []
    for name, kind in sorted(table.items()):
        others = [truth for truth in TRUTHS if truth in kind.suspends]
        holds = "all but " + ", ".join(others) if others else "all"
        span = "%g to %g" % kind.span_s if kind.span_s else "as long as its script"
        kinds.append("| %s | %s | %s |\n" % (name, span, holds))
    return "".join(kinds)


def _wrapped(names):
    return textwrap.fill(", ".join(names), 99)
