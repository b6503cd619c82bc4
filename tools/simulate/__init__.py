"""Deterministic simulation: the shipped pure rings against byte-level peers on virtual time.

`python -m tools.simulate --seed N --hours H` runs the controller for hours in seconds, injects
faults by seed, and lets an oracle judge the site itself: cells, currents, contactors, and the
bytes on the wires. The same seed is the same course, so that a line of a report replays it.
"""
