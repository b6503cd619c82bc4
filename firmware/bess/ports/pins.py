"""Digital inputs and outputs of the board, as bits of one integer each.

Bit n is the n-th row of the board's table, 1 means active whatever the level on the wire. Every
output is inactive from construction on. Reading and writing allocate nothing on the chip.
"""

from machine import Pin


class Pins:
    """The board's inputs and outputs.

    Args:
        inputs (rows): (gpio, active_level, pull): pull is 1 up, -1 down, 0 none.
        outputs (rows): (gpio, active_level).
    """

    def __init__(self, inputs, outputs):
        # Outputs first: nothing that can fail stands before the safe level.
        self._outputs = [Pin(gpio, Pin.OUT, value=1 - active) for gpio, active in outputs]
        self._output_flips = [1 - active for _, active in outputs]
        self._inputs = [_input(gpio, pull) for gpio, _, pull in inputs]
        self._input_flips = [1 - active for _, active, _ in inputs]
        self._written = 0       # bits as last written

    def read_inputs(self):
        """Bits of the inputs, 1 = active."""
        bits = 0
        for n in range(len(self._inputs)):
            bits |= (self._inputs[n].value() ^ self._input_flips[n]) << n
        return bits

    def write_outputs(self, bits):
        """Drive the outputs, 1 = active. Only what changes is written."""
        changed = bits ^ self._written
        if changed:
            for n in range(len(self._outputs)):
                if (changed >> n) & 1:
                    self._outputs[n].value(((bits >> n) & 1) ^ self._output_flips[n])
            self._written = bits

    def release_outputs(self):
        """Everything inactive, written whatever was there before: the way out after a fault."""
        for n in range(len(self._outputs)):
            self._outputs[n].value(self._output_flips[n])
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


def _input(gpio, pull):
    if pull == 0:
        return Pin(gpio, Pin.IN)
    return Pin(gpio, Pin.IN, Pin.PULL_UP if pull > 0 else Pin.PULL_DOWN)
