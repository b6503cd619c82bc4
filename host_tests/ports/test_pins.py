"""Inputs and outputs as bits, with the polarity of the board's table."""

import sys

levels = {}
opened = []


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN, IRQ_RISING, IRQ_FALLING = 1, 3, 2, 1, 1, 2

    def __init__(self, number, mode, pull=None, value=None):
        self.number = number
        self.handler = None
        opened.append((number, mode, pull, value))
        if value is not None:
            levels[number] = value

    def value(self, level=None):
        if level is None:
            return levels.get(self.number, 0)
        levels[self.number] = level

    def irq(self, handler, trigger):
        if self.number == 9:
            raise NotImplementedError("no interrupts")
        self.handler, self.trigger = handler, trigger


class Machine:
    """Stands in for the `machine` module while the port is imported."""


MODULES = ("bess.ports.pins", "bess.ports.board")


def import_pins():
    real = sys.modules.get("machine")
    Machine.Pin = Pin
    sys.modules["machine"] = Machine
    for name in MODULES:
        sys.modules.pop(name, None)
    try:
        from bess.ports import board, pins
        return pins, board
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.pop("machine")
        if real is not None:
            sys.modules["machine"] = real


PINS, BOARD = import_pins()
Pins = PINS.Pins

INPUTS = ((0, 4, 0, 1), (1, 5, 1, -1), (2, 6, 1, 0))     # bit, gpio, active level, pull
OUTPUTS = ((0, 20, 1), (1, 21, 0), (2, 22, 1))           # bit, gpio, active level


def board():
    levels.clear()
    opened.clear()
    return Pins(INPUTS, OUTPUTS)


def test_outputs_are_inactive_before_anything_else():
    board()
    assert opened[:3] == [(20, 3, None, 0), (21, 3, None, 1), (22, 3, None, 0)]


def test_inputs_get_their_pull():
    board()
    assert opened[3:] == [(4, 1, 2, None), (5, 1, 1, None), (6, 1, None, None)]


READINGS = (
    # levels of 4, 5, 6; bits; why
    ((1, 0, 0), 0b000, "all inactive: the first is active low"),
    ((0, 0, 0), 0b001, "the first is pulled down"),
    ((1, 1, 0), 0b010, "second"),
    ((0, 1, 1), 0b111, "all"),
)


def test_inputs():
    pins = board()
    for (first, second, third), bits, why in READINGS:
        levels[4], levels[5], levels[6] = first, second, third
        assert pins.read_inputs() == bits, why


def test_outputs_with_polarity():
    pins = board()
    for bits in (0b001, 0b010, 0b111, 0b101, 0b000):
        pins.write_outputs(bits)
        assert levels[20] == bits & 1
        assert levels[21] == 1 - (bits >> 1 & 1)
        assert levels[22] == bits >> 2 & 1


def test_bits_without_an_output_do_nothing():
    pins = board()
    pins.write_outputs(0b11111001)
    assert (levels[20], levels[21], levels[22]) == (1, 1, 0)


def test_release_writes_even_when_nothing_seems_active():
    pins = board()
    levels[20], levels[21] = 1, 0       # somebody else drove them
    pins.release_outputs()
    assert (levels[20], levels[21], levels[22]) == (0, 1, 0)
    pins.write_outputs(0b1)
    assert levels[20] == 1


class Manager:
    pressed = False


class Script:
    """A clock whose every look moves the loop: levels[4] is what the script says for that ms."""

    def __init__(self, *script):
        self.script = script
        self.ms = 0

    def ticks_ms(self):
        self.ms += 1
        levels[4] = self.script[min(self.ms, len(self.script)) - 1]
        return self.ms


LOOPS_IN_TIME = (
    # level of the loop from one ms to the next, pressed, why
    ((0,) * 40, True, "open and stays open"),
    ((0,) * 19 + (1,) * 20, False, "19 ms: shorter than the debounce"),
    ((0,) * 21 + (1,) * 20, True, "closed again before any tick looks"),
    ((0, 0, 1) + (0,) * 40, False, "a bounce: its next edge calls again"),
    ((1,) * 40, False, "the call comes late: it is over already"),
)


def test_the_interrupt_of_the_loop_counts_20_ms():
    for healthy in (1, 0):
        for script, pressed, why in LOOPS_IN_TIME:
            levels.clear()
            manager, clock = Manager(), Script(*[level ^ 1 ^ healthy for level in script])
            pin = Pins(((0, 4, healthy, 0),), (), manager, clock)._inputs[0]
            assert pin.trigger == (Pin.IRQ_FALLING if healthy else Pin.IRQ_RISING)
            pin.handler(pin)
            assert manager.pressed == pressed, (healthy, why)


def test_a_board_without_interrupts():
    levels.clear()
    assert Pins(((0, 9, 1, 0),), (), Manager(), None).read_inputs() == 0, "it is read all the same"


TABLE = {name: {"gpio": 30 + n, "mode": "in", "pull": "down"} for n, name in enumerate(
    ("negative_feedback", "precharge_feedback", "positive_feedback"), 1)}
TABLE.update({name: {"gpio": 40 + n, "mode": "out"} for n, name in enumerate(
    ("negative_coil", "precharge_coil", "positive_coil", "trip", "lamp"))})


def with_loop(healthy):
    table = dict(TABLE)
    table["emergency"] = {"gpio": 30, "mode": "in", "healthy": healthy}
    return table


LOOPS = (
    # level when healthy, level now, bit, why
    (1, 1, 1, "closed loop"),
    (1, 0, 0, "pressed, or a broken wire"),
    (0, 0, 1, "closed loop that pulls to ground"),
    (0, 1, 0, "pressed, the pull-up wins"),
)


def test_emergency_loop_reads_1_only_when_healthy():
    for healthy, level, bit, why in LOOPS:
        levels.clear()
        pins = BOARD.board_pins(with_loop(healthy))
        levels[30] = level
        assert pins.read_inputs() & 1 == bit, why


def test_a_board_that_lacks_a_pin_reads_as_pressed():
    assert BOARD.missing_pins(TABLE) == ["emergency"]
    assert BOARD.board_pins(TABLE).read_inputs() == 0
    assert BOARD.missing_pins(with_loop(1)) == []


MORE = {"fire": {"gpio": 50}, "aux": {"gpio": 51, "active": 0}, "alarm_relay": {"gpio": 52},
        "life": {"gpio": 53}, "positive_feedback_2": {"gpio": 54}, "negative_coil_2": {"gpio": 55},
        "precharge_feedback_5": {"gpio": 56}, "positive_coil_5": {"gpio": 57}}


def test_what_a_board_may_have_besides():
    table = with_loop(1)
    table.update(MORE)
    levels.clear()
    pins = BOARD.board_pins(table)
    for gpio, bit, why in ((50, 4, "fire"), (54, 8 + 2, "K+ of the second set"),
                           (56, 8 + 3 * 3 + 1, "precharge of the fifth")):
        assert not pins.read_inputs() >> bit & 1, why
        levels[gpio] = 1
        assert pins.read_inputs() >> bit & 1, why
    assert pins.read_inputs() >> 7 & 1, "closed is low, as the table says"
    levels[51] = 1
    assert not pins.read_inputs() >> 7 & 1
    for gpio, bit, why in ((52, 9, "alarm relay"), (53, 10, "life"), (55, 11, "K- of the second"),
                           (57, 11 + 3 * 3 + 2, "K+ of the fifth")):
        assert levels[gpio] == 0, why
        pins.write_outputs(1 << bit)
        assert [levels[n] for n in (52, 53, 55, 57)].count(1) == 1 and levels[gpio] == 1, why
    pins.release_outputs()
    assert levels[57] == 0


def test_what_a_board_lacks_reads_0_and_drives_nothing():
    levels.clear()
    pins = BOARD.board_pins(with_loop(1))
    pins.write_outputs(0x7FFFFF & ~0x1F)
    assert pins.read_inputs() >> 4 == 0 and 1 not in levels.values()
