"""Starts the programs that make up a run, and ends every one of them."""

import collections
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tools import build, flash

from .ending import held

ROOT = Path(__file__).resolve().parents[2]
_READY_S = 20
_LINES_KEPT = 40


class RunError(Exception):
    """One line for the person who started it."""


Ports = collections.namedtuple("Ports", ("modbus", "pcs", "pv", "meter", "control"))
PORT_NAMES = Ports("MODBUS_PORT", "PCS_PORT", "PV_PORT", "METER_PORT", "CONTROL_PORT")
PORT_DEFAULTS = Ports(5020, 5021, 5022, 5023, 5024)


def ports(environment):
    """Ports from the environment; raises RunError that names the variable and what is allowed."""
    chosen = []
    for name, default in zip(PORT_NAMES, PORT_DEFAULTS):
        text = environment.get(name, str(default))
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise RunError(f"{name} is {text}, wanted: a port 1..65535")
        chosen.append(int(text))
    if len(set(chosen)) < len(chosen):
        raise RunError(f"ports {chosen}: each may be used once ({', '.join(PORT_NAMES)})")
    return Ports(*chosen)


def check_free(name, port):
    """RunError when a port cannot be had. The board listens everywhere, the site on loopback."""
    host = "" if name == PORT_NAMES.modbus else "127.0.0.1"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else os.strerror(error.errno)
            raise RunError(f"port {port} {why}; choose another with {name}=") from None


def lock(folder):
    """The open lock file of a run's folder; RunError when another run lives there."""
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / "lock", "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise RunError(f"another run is going in {folder}; for one more choose other ports: "
                       + ", ".join(f"{name}=" for name in PORT_NAMES)) from None
    return file


class Program:
    """A child process whose output is read to its end and whose last lines are kept."""

    def __init__(self, name, words):
        self.name = name
        self.lines = collections.deque(maxlen=_LINES_KEPT)
        self._seen = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self._seen:
                self.lines.append(line.rstrip())
                self._seen.notify_all()
        with self._seen:
            self._seen.notify_all()

    def wait_for(self, text):
        """The first line that begins with `text`; RunError with its last words when it ends."""
        deadline = time.monotonic() + _READY_S
        with self._seen:
            while True:
                for line in self.lines:
                    if line.startswith(text):
                        return line
                if self.process.poll() is not None or time.monotonic() > deadline:
                    last = self.lines[-1] if self.lines else "no output"
                    raise RunError(f"{self.name} did not start: {last}")
                self._seen.wait(0.2)

    def end(self):
        """SIGTERM, then SIGKILL to what is left of its process group."""
        for number, patience_s in ((signal.SIGTERM, 5), (signal.SIGKILL, 2)):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(patience_s)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


class Stack:
    """Site, board and the firmware on it. Use as a context manager: leaving ends everything.

    control(line) sends one line to the site's control channel and returns its answer.
    """

    def __init__(self, chosen, folder, seed=1, site_words=(), config=None):
        self.ports = chosen
        self.folder = Path(folder)
        self.tty = self.folder / "tty"
        self.uart = self.folder / "rs485"
        self._seed = seed
        self._site_words = site_words
        self.config = self._whole_config(config or {})
        self._programs = []

    def __enter__(self):
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """End every program, the board first."""
        for program in reversed(self._programs):
            program.end()

    def check(self):
        """RunError when one of the programs has ended."""
        for program in self._programs:
            if program.process.poll() is not None:
                last = program.lines[-1] if program.lines else "no output"
                raise RunError(f"{program.name} ended: {last}")

    def _start(self):
        for name, port in zip(PORT_NAMES, self.ports):
            check_free(name, port)
        pins = self.folder / "pins.bin"
        site = self._launch("site", [
            "tools.simsite", "--uart", str(self.uart), "--pins", str(pins),
            "--seed", str(self._seed), "--pcs-port", str(self.ports.pcs),
            "--pv-port", str(self.ports.pv), "--meter-port", str(self.ports.meter),
            "--control", str(self.ports.control), *self._site_words])
        site.wait_for("site ready")
        board = self._launch("board", [
            "tools.board", "--dir", str(self.folder / "board"), "--link", str(self.tty),
            "--pins", str(pins), "--uart", f"1={self.uart}", "--board", "boards/virtual"])
        board.wait_for("board ready")
        self.board = board
        self.site = site
        try:
            flash.flash("virtual", str(self.tty), True, {"config.json": self._config_text()},
                        self.folder / "image")
        except (flash.FlashError, build.BuildError) as error:
            raise RunError(str(error)) from None

    def _launch(self, name, words):
        with held():
            program = Program(name, words)
            self._programs.append(program)
        return program

    def _whole_config(self, changes):
        """The board's config.json as an object, with the ports of this run and the changes."""
        config = json.loads((ROOT / "boards/virtual/config.json").read_text())
        config["modbus_port"] = self.ports.modbus
        for link in config["links"]:
            if link["kind"] == "tcp":
                name = {"inverter": "pcs", "solar": "pv", "meter": "meter"}[link["name"]]
                link["port"] = getattr(self.ports, name)
        return {**config, **changes}

    def _config_text(self):
        return (json.dumps(self.config, indent=1) + "\n").encode()

    def link_names(self):
        """Names of the links in the order in which the controller numbers them."""
        return [link.get("name", "link") for link in self.config["links"]]

    def control(self, line):
        with socket.create_connection(("127.0.0.1", self.ports.control), timeout=5) as channel:
            channel.sendall(line.encode() + b"\n")
            return channel.makefile().readline().strip()
