"""Signals that end a run: Ctrl-C, SIGTERM, a closed terminal. Each becomes one exception, once.

A signal often comes twice (from `make` and to the whole group): what comes while things are being
ended is ignored, so that nothing is left behind.
"""

import contextlib
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_held = 0
_came = False


class Ended(BaseException):
    """Somebody asked the run to end."""


def watch():
    """From now on each of SIGNALS raises Ended, also where the shell left it ignored."""
    for number in SIGNALS:
        signal.signal(number, _end)


def _end(*_):
    global _came
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _came = True
    if not _held:
        raise Ended


@contextlib.contextmanager
def held():
    """Ended waits until this block is over: a program that was just started is known by then."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1
    if _came and not _held:
        raise Ended
