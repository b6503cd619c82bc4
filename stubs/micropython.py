"""MicroPython's `micropython` module for CPython; `calls` records what was asked.

`native` and `viper` are missing on purpose: the pure rings may not use them.
"""

calls = []
_depth = 0


def const(value):
    """The value itself; the MicroPython compiler folds it in place."""
    return value


def heap_lock():
    """Counts nested locks; CPython cannot lock its heap, so nothing is proven here."""
    global _depth
    _depth += 1
    calls.append(("heap_lock",))
    return _depth


def heap_unlock():
    """Undoes one lock and returns how many are left."""
    global _depth
    _depth -= 1
    calls.append(("heap_unlock",))
    return _depth


def kbd_intr(character):
    """Records which character would interrupt (-1: none)."""
    calls.append(("kbd_intr", character))


def opt_level(level=None):
    """Records the wish; always answers 0, since asserts are kept here."""
    calls.append(("opt_level", level))
    return 0


def mem_info(verbose=None):
    """Records the wish; there is no such heap to describe."""
    calls.append(("mem_info", verbose))


def alloc_emergency_exception_buf(size):
    """Records the size in bytes."""
    calls.append(("alloc_emergency_exception_buf", size))


def schedule(function, argument):
    """Records the call and runs it at once; a chip runs it soon after."""
    calls.append(("schedule", function, argument))
    function(argument)
