"""Digital inputs and outputs of the board, as bits of one integer each.

A row of the board's table says which bit it is; 1 means active whatever the level on the wire. A
bit that no row names reads 0 and drives nothing. Every output is inactive from construction on.
Reading and writing allocate nothing on the chip.
"""

from machine import Pin


class Pins:
    """The board's inputs and outputs.

    Args:
        inputs (rows): (bit, gpio, active_level, pull): pull is 1 up, -1 down, 0 none.
        outputs (rows): (bit, gpio, active_level).
    """

    def __init__(self, inputs, outputs):
        # Outputs first: nothing that can fail stands before the safe level.
        self._outputs = [Pin(gpio, Pin.OUT, value=1 - active) for _, gpio, active in outputs]
        self._output_bits = bytes([row[0] for row in outputs])
        self._output_flips = _flips(outputs)
        self._inputs = [_input(gpio, pull) for _, gpio, _, pull in inputs]
        self._input_bits = bytes([row[0] for row in inputs])
        self._input_flips = _flips(inputs)
        self._written = 0       # bits as last written

    def read_inputs(self):
        """Bits of the inputs, 1 = active."""
        bits = 0
        for n in range(len(self._inputs)):
            bits |= self._inputs[n].value() << self._input_bits[n]
        return bits ^ self._input_flips

    def write_outputs(self, bits):
        """Drive the outputs, 1 = active. Only what changes is written."""
        changed = bits ^ self._written
        if changed:
            levels = bits ^ self._output_flips
            for n in range(len(self._outputs)):
                bit = self._output_bits[n]
                if changed >> bit & 1:
                    self._outputs[n].value(levels >> bit & 1)
            self._written = bits

    def release_outputs(self):
        """Everything inactive, written whatever was there before: the way out after a fault."""
        for n in range(len(self._outputs)):
            self._outputs[n].value(self._output_flips >> self._output_bits[n] & 1)
        self._written = 0

    def on_input(self, index, callback):
        """Call `callback(pin)` at each edge of input `index`; False where the board cannot.

        It runs as a soft interrupt: it may set an attribute or kick a task, no more.
        """
        try:
            self._inputs[index].irq(callback, Pin.IRQ_RISING | Pin.IRQ_FALLING)
        except (AttributeError, NotImplementedError, OSError):
            return False    # such a board is read ten times a second, no more
        return True


def _flips(rows):
    """Bits whose active level is low."""
    return sum([1 << row[0] for row in rows if not row[2]])


def _input(gpio, pull):
    if pull == 0:
        return Pin(gpio, Pin.IN)
    return Pin(gpio, Pin.IN, Pin.PULL_UP if pull > 0 else Pin.PULL_DOWN)
