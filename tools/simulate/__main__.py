"""`python -m tools.simulate --seed N --hours H`: prints one JSON object; 1 when a truth broke."""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
for _entry in (ROOT / "firmware", ROOT / "stubs"):
    if str(_entry) not in sys.path:
        sys.path.insert(0, str(_entry))


def parser():
    from tools.simulate.sabotage import RULES
    arguments = argparse.ArgumentParser(prog="python -m tools.simulate", description=__doc__)
    add = arguments.add_argument
    add("--seed", type=int, default=1, help="course of events (1)")
    add("--hours", type=float, help="virtual time (1; of a month 720)")
    add("--tick-ms", type=int, default=1000, help="nominal control tick (1000)")
    add("--modules", type=int, choices=(4, 16), default=4)
    add("--packs", type=int, choices=(1, 2, 3), default=1,
        help="packs with an inverter and four modules each, behind one meter (1)")
    add("--faults", action="store_true", help="inject faults, at least six an hour")
    add("--kinds", default="", help="only these kinds of fault, with commas in between")
    add("--sabotage", choices=sorted(RULES), metavar="RULE",
        help="disable one rule of the firmware: " + ", ".join(sorted(RULES)))
    add("--json", action="store_true", help="the report as one line, nothing else")
    add("--many", type=int, metavar="N", help="seeds 1..N, with a progress bar")
    add("--jobs", type=int, default=0, help="processes for --many (one a core)")
    add("--month", action="store_true", help="30 days with faults, two wraps of the tick, "
        "clocks go forward; with fewer --hours only these moments")
    add("--table", action="store_true", help="print truths and faults as docs/simulation.md")
    return arguments


def main(words):
    options = parser().parse_args(words)
    if options.packs > 1 and (options.month or options.modules != 4):
        parser().error("--packs goes with four modules each, and not with --month")
    from tools.simulate import many
    if options.table:
        from tools.simulate.table import page
        print(page(), end="")
        return 0
    hours = options.hours or 1.0
    if options.many:
        return many.many(options.many, hours, options.modules, options.jobs,
                         options.packs)
    if options.month:
        report = many.month(options.seed, options.hours or many.MONTH_HOURS, options.modules)
    elif options.packs > 1:
        kinds = options.kinds if options.faults else None
        report = many.simulate_packs(options.packs, options.seed, hours, options.tick_ms, kinds,
                                     options.sabotage)
    else:
        kinds = options.kinds if options.faults else None
        report = many.simulate(options.seed, hours, options.tick_ms, options.modules, kinds,
                               options.sabotage)
    print(json.dumps(report, indent=None if options.json else 1))
    return 1 if report["violations"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
