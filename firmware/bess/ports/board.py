"""The pins of a board out of the pin table of its board.json; needed at the start only."""

from bess.ports.pins import Pins

# the bits of the points INPUTS and OUTPUTS, as the boards name their pins
_INPUTS = ("emergency", "negative_feedback", "precharge_feedback", "positive_feedback")
_OUTPUTS = ("negative_coil", "precharge_coil", "positive_coil", "trip", "lamp")
_PULLS = {"up": 1, "down": -1, "none": 0}


def missing_pins(table):
    """Names that the controller needs and the pin table of board.json lacks."""
    return [name for name in _INPUTS + _OUTPUTS if name not in table]


def board_pins(table):
    """Pins out of the pin table of board.json.

    An input reads 1 at its level `active` (default 1); the emergency loop at its level `healthy`,
    so that an open loop, a broken wire and a pin that is not there all read 0.
    """
    if missing_pins(table):
        return Pins((), [_output(table[name]) for name in _OUTPUTS if name in table])
    return Pins([_wired(table[name]) for name in _INPUTS],
                [_output(table[name]) for name in _OUTPUTS])


def _wired(row):
    level = row["healthy"] if "healthy" in row else row.get("active", 1)
    return row["gpio"], level, _PULLS[row.get("pull", "none")]


def _output(row):
    return row["gpio"], row.get("active", 1)
