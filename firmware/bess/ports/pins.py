"""Digital inputs and outputs of the board, as bits of one integer each.

A row of the board's table says which bit it is; 1 means active whatever the level on the wire. A
bit that no row names reads 0 and drives nothing. Every output is inactive from construction on.
Reading and writing allocate nothing on the chip.
"""

from machine import Pin

from bess.core.tick import elapsed_ms
from micropython import const

_DEBOUNCE_MS = const(20)


class Pins:
    """The board's inputs and outputs.

    Args:
        inputs (rows): (bit, gpio, active_level, pull): pull is 1 up, -1 down, 0 none.
        outputs (rows): (bit, gpio, active_level).
        manager: its `pressed` is set when input 0, the emergency loop, has been open for 20 ms.
            Where the board has no interrupts the ten readings a second must do.
        clock: has ticks_ms().
    """

    def __init__(self, inputs, outputs, manager=None, clock=None):
        # Outputs first: nothing that can fail stands before the safe level.
        self._outputs = [Pin(gpio, Pin.OUT, value=1 - active) for _, gpio, active in outputs]
        self._output_bits = bytes([row[0] for row in outputs])
        self._output_flips = sum([1 << row[0] for row in outputs if not row[2]])
        self._inputs = [_input(gpio, pull) for _, gpio, _, pull in inputs]
        self._input_bits = bytes([row[0] for row in inputs])
        self._input_flips = sum([1 << row[0] for row in inputs if not row[2]])
        self._written = 0       # bits as last written
        self._manager, self._clock = manager, clock
        if manager is not None:
            try:
                edge = Pin.IRQ_RISING if self._input_flips & 1 else Pin.IRQ_FALLING
                self._inputs[0].irq(self._opened, edge)
            except (AttributeError, NotImplementedError, OSError):
                pass

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

    def _opened(self, pin):
        """Soft interrupt: the emergency loop opens. Looks for 20 ms itself, so that a bounce, a
        pulse or a late call count for nothing. Allocates nothing.
        """
        clock, flip = self._clock, self._input_flips & 1
        begun_ms = clock.ticks_ms()
        while elapsed_ms(clock.ticks_ms(), begun_ms) < _DEBOUNCE_MS:
            if pin.value() ^ flip:
                return
        self._manager.pressed = True


def _input(gpio, pull):
    if pull == 0:
        return Pin(gpio, Pin.IN)
    return Pin(gpio, Pin.IN, Pin.PULL_UP if pull > 0 else Pin.PULL_DOWN)
