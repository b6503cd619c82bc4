"""The pins of a board out of the pin table of its board.json; needed at the start only.

Inputs are the bits of INPUTS and, from bit 8 on, those of STRING_INPUTS from its bit 3 on; outputs
those of OUTPUTS and, from bit 11 on, those of STRING_COILS from its bit 3 on. What the table does
not name is not there: it reads 0 and drives nothing.
"""

from micropython import const

from bess.ports.pins import Pins

# the bits of the points INPUTS and OUTPUTS, as the boards name their pins; the first are needed
_PINS_IN = ("emergency", "negative_feedback", "precharge_feedback", "positive_feedback", "fire",
           "insulation", "door", "aux")
_INPUTS_NEEDED = const(4)
_PINS_OUT = ("negative_coil", "precharge_coil", "positive_coil", "trip", "lamp", "fan", "heater",
            "shed_1", "shed_2", "alarm_relay", "life")
_OUTPUTS_NEEDED = const(5)
_SETS_MAX = const(5)                # contactor sets: negative_coil, negative_coil_2 .. _5
_PULLS = {"up": 1, "down": -1, "none": 0}


def missing_pins(table):
    """Names that the controller needs and the pin table of board.json lacks."""
    return [name for name in _PINS_IN[:_INPUTS_NEEDED] + _PINS_OUT[:_OUTPUTS_NEEDED]
            if name not in table]


def board_pins(table, manager=None, clock=None):
    """Pins out of the pin table of board.json; manager and clock for the emergency interrupt.

    An input reads 1 at its level `active` (default 1); the emergency loop at its level `healthy`,
    so that an open loop, a broken wire and a pin that is not there all read 0.
    """
    outputs = [(bit, table[name]["gpio"], table[name].get("active", 1))
               for bit, name in _named(_PINS_OUT, _PINS_OUT[:3]) if name in table]
    if missing_pins(table):
        return Pins((), outputs)
    return Pins([_wired(bit, table[name]) for bit, name in _named(_PINS_IN, _PINS_IN[1:4])
                 if name in table], outputs, manager, clock)


def _named(names, of_a_set):
    """(bit, name) of all pins there may be: those of the first set are among `names`."""
    names = list(names)
    for number in range(2, _SETS_MAX + 1):
        names += ["%s_%d" % (name, number) for name in of_a_set]
    return [(bit, names[bit]) for bit in range(len(names))]


def _wired(bit, row):
    level = row["healthy"] if "healthy" in row else row.get("active", 1)
    return bit, row["gpio"], level, _PULLS[row.get("pull", "none")]
