"""`python -m tools.run`: see --help. UI=plain prints one line a second instead of the view."""

import argparse
import contextlib
import json
import os
import select
import shutil
import sys
import termios
import time
import tty

from rich.console import Console
from rich.live import Live

from . import ending
from .processes import PORT_DEFAULTS, PORT_NAMES, ROOT, RunError, Stack, lock, ports
from .readings import Controller, Silent, snapshot
from .view import plain, screen

_READY_S = 30
_LIVE_S, _PLAIN_S = 0.5, 1.0
_KEYS = ("keys: c charge, d discharge (8 kW), a auto, s stop, g start, e emergency, r release, "
         "x reset, q quit")
_WRITES = {"c": ("REMOTE_W", -8000), "d": ("REMOTE_W", 8000), "a": ("REMOTE_RELEASE", 1),
           "s": ("START", 0), "g": ("START", 1)}


def keys():
    """The key that was pressed, or None; only where there is a terminal."""
    if sys.stdin.isatty() and select.select([sys.stdin], [], [], 0)[0]:
        return sys.stdin.read(1)
    return None


def obey(key, stack, controller):
    """Do what a key means; a sentence when it was refused, else ''."""
    if key == "q":
        raise ending.Ended
    if key in ("e", "r"):
        stack.control("press" if key == "e" else "release")
    elif key == "x":
        with open(stack.tty, "wb", buffering=0) as serial:
            serial.write(b"reset\r")
    elif key in _WRITES:
        try:
            controller.write(*_WRITES[key])
        except (ValueError, Silent) as fault:
            return str(fault)
    return ""


def wait_ready(stack, controller):
    """Until the control loop is live: the uptime rises."""
    deadline = time.monotonic() + _READY_S
    first = None
    while time.monotonic() < deadline:
        stack.check()
        try:
            uptime_s = controller.block("site")["UPTIME_S"]
            if first is not None and uptime_s > first:
                return
            first = uptime_s if first is None else first
        except Silent:
            pass
        time.sleep(0.2)
    last = stack.board.lines[-1] if stack.board.lines else "the board says nothing"
    raise RunError(f"the firmware did not start within {_READY_S} s: {last}")


def endpoints(stack):
    """Where to reach what runs, one line each."""
    port, control = stack.ports.modbus, stack.ports.control
    path = os.path.relpath(stack.tty)
    return "\n".join((
        f"Modbus TCP  127.0.0.1:{port}, unit 1, docs/registers.md",
        f"charge 5 kW mbpoll -m tcp -p {port} -0 -r 200 -t 4:int -B 127.0.0.1 -- -5000",
        f"console     mpremote connect {path} repl, then: help",
        f"site        echo press | nc 127.0.0.1 {control}   (or release, kill pcs, state, help)"))


def show_plain(stack, controller):
    print(endpoints(stack))
    print("ready", flush=True)
    due_s = time.monotonic()
    while True:
        stack.check()
        try:
            print(plain(snapshot(controller)), flush=True)
        except Silent as error:
            print(f"silent: {error}", flush=True)
        due_s += _PLAIN_S
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        else:
            due_s -= wait_s             # somebody held us up: no burst of lines afterwards


@contextlib.contextmanager
def single_keys():
    """Each key comes at once and is not shown; as before when the block is over."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def show_live(stack, controller):
    help_text = _KEYS if sys.stdin.isatty() else ""
    said, names = "", stack.link_names()
    with single_keys(), Live(console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            stack.check()
            key = keys()
            said = obey(key, stack, controller) if key else said
            try:
                foot = "\n".join(filter(None, (endpoints(stack), help_text, said)))
                live.update(screen(snapshot(controller, names), foot), refresh=True)
            except Silent as error:
                live.update(f"the controller is silent: {error}", refresh=True)
            if sys.stdin.isatty():
                select.select([sys.stdin], [], [], _LIVE_S)
            else:
                time.sleep(_LIVE_S)


def setting(text):
    """('key', value) of 'key=value'; a value that is no JSON is a text."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"needs KEY=VALUE, got {text}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"error: {message}; see --help\n")


def options(arguments):
    parser = _Parser("make run", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--seed", type=int, default=1, help="the same seed is the same day")
    add("--day", help="CSV file time,load_w,pv_w instead of the drawn day")
    add("--start", default="12:00", help="time of the day at which it begins")
    add("--speed", default="1", help="physics faster than real time")
    add("--soc", default="50", help="state of charge at the start, percent")
    add("--set", type=setting, action="append", default=[], metavar="KEY=VALUE",
        help="another value in the board's config.json, for example --set self_use=0")
    add("--keep", action="store_true", help="keep the board's flash: what it stored last time")
    parser.epilog = (f"From make: ARGS='--soc 30'. Ports come from {', '.join(PORT_NAMES)}; "
                     "UI=plain is for logs.")
    return parser.parse_args(arguments)


def folder_of(modbus_port):
    """Runs with different ports live side by side."""
    extra = "" if modbus_port == PORT_DEFAULTS.modbus else f"-{modbus_port}"
    return ROOT / "build" / f"run{extra}"


def run(chosen):
    words = ["--start", chosen.start, "--speed", chosen.speed, "--soc", chosen.soc]
    if chosen.day:
        words += ["--day", os.path.abspath(chosen.day)]
    wanted = ports(os.environ)
    folder = folder_of(wanted.modbus)
    with lock(folder):
        if not chosen.keep:
            shutil.rmtree(folder / "board", ignore_errors=True)
        print("starting site and board, flashing the firmware ...", flush=True)
        with Stack(wanted, folder, chosen.seed, words, dict(chosen.set)) as stack:
            controller = Controller(stack.ports.modbus)
            wait_ready(stack, controller)
            is_plain = os.environ.get("UI") == "plain" or not sys.stdout.isatty()
            (show_plain if is_plain else show_live)(stack, controller)


def main(arguments=None):
    chosen = options(arguments)
    ending.watch()
    try:
        run(chosen)
    except RunError as error:
        return f"error: {error}"
    except ending.Ended:
        print("ended", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
