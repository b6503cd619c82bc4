"""`python -m tools.run`: see --help. UI=plain prints one line a second instead of the view."""

import argparse
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty

from rich.console import Console
from rich.live import Live

from .processes import PORT_NAMES, ROOT, RunError, Stack, ports
from .readings import Controller, Silent, snapshot
from .view import plain, screen

_READY_S = 30
_KEYS = ("keys: e press emergency, r release, x reset, c charge 8 kW, d discharge 8 kW, a auto, "
         "s stop, g start, q quit")


class Ended(Exception):
    """SIGTERM came."""


def keys():
    """The key that was pressed, or None; only where there is a terminal."""
    if sys.stdin.isatty() and select.select([sys.stdin], [], [], 0)[0]:
        return sys.stdin.read(1)
    return None


def obey(key, stack, controller):
    """Do what a key means."""
    writes = {"c": ("REMOTE_W", -8000), "d": ("REMOTE_W", 8000), "a": ("REMOTE_RELEASE", 1),
              "s": ("START", 0), "g": ("START", 1)}
    if key == "q":
        raise KeyboardInterrupt
    if key in ("e", "r"):
        stack.control("press" if key == "e" else "release")
    elif key == "x":
        with open(stack.tty, "wb", buffering=0) as serial:
            serial.write(b"reset\r")
    elif key in writes:
        try:
            controller.write(*writes[key])
        except ValueError:
            pass                        # refused while latched: the view shows why


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
    port = stack.ports.modbus
    return (
        f"Modbus TCP 127.0.0.1:{port} unit 1; charge with 5 kW for 60 s: "
        f"mbpoll -m tcp -p {port} -0 -r 200 -t 4:int -B 127.0.0.1 -- -5000\n"
        f"serial console {stack.tty}: mpremote connect {stack.tty} repl, then: help\n"
        f"site: echo press | nc 127.0.0.1 {stack.ports.control} (press, release, kill pcs, help)")


def show_plain(stack, controller):
    print(endpoints(stack))
    print("ready", flush=True)
    while True:
        stack.check()
        try:
            print(plain(snapshot(controller)), flush=True)
        except Silent as error:
            print(f"silent: {error}", flush=True)
        time.sleep(1)


def show_live(stack, controller):
    text = endpoints(stack) + ("\n" + _KEYS if sys.stdin.isatty() else "")
    before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        if before:
            tty.setcbreak(sys.stdin)
        with Live(console=Console(), screen=True, auto_refresh=False) as live:
            while True:
                stack.check()
                obey(keys(), stack, controller)
                try:
                    live.update(screen(snapshot(controller), text), refresh=True)
                except Silent as error:
                    live.update(f"the controller is silent: {error}", refresh=True)
                time.sleep(0.5)
    finally:
        if before:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def options(arguments):
    parser = argparse.ArgumentParser("make run", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same day")
    parser.add_argument("--day", help="CSV file time,load_w,pv_w instead of the drawn day")
    parser.add_argument("--start", default="12:00", help="time of the day at which it begins")
    parser.add_argument("--speed", default="1", help="physics faster than real time")
    parser.add_argument("--soc", default="50", help="state of charge at the start, percent")
    parser.add_argument("--keep", action="store_true", help="keep the board's stored state")
    parser.epilog = f"Ports come from {', '.join(PORT_NAMES)}."
    return parser.parse_args(arguments)


def end(*_):
    raise Ended


def main(arguments=None):
    chosen = options(arguments)
    signal.signal(signal.SIGTERM, end)
    words = ["--start", chosen.start, "--speed", chosen.speed, "--soc", chosen.soc]
    if chosen.day:
        words += ["--day", chosen.day]
    folder = ROOT / "build" / "run"
    if not chosen.keep:
        shutil.rmtree(folder / "board", ignore_errors=True)
    try:
        print("starting site and board, flashing the firmware ...", flush=True)
        with Stack(ports(os.environ), folder, chosen.seed, words) as stack:
            controller = Controller(stack.ports.modbus)
            wait_ready(stack, controller)
            is_plain = os.environ.get("UI") == "plain" or not sys.stdout.isatty()
            (show_plain if is_plain else show_live)(stack, controller)
    except RunError as error:
        return f"error: {error}"
    except (KeyboardInterrupt, Ended):
        print("ended", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
