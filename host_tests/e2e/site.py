"""`make run` as a process of its own, seen from outside: Modbus, serial console, and the truth."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import serial
from pymodbus.client import ModbusTcpClient

from tools.run.processes import PORT_NAMES, Ports
from tools.run.readings import Controller, Silent

ROOT = Path(__file__).resolve().parents[2]
_LOOK_S = 0.02
REMOTE_W, REMOTE_RELEASE, START, SHUTDOWN = 200, 203, 204, 205


def free_ports():
    """Ports that nobody listens on now."""
    probes = [socket.socket() for _ in Ports._fields]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = Ports(*[probe.getsockname()[1] for probe in probes])
    for probe in probes:
        probe.close()
    return found


def environment(ports, **more):
    """That of `make run` with these ports."""
    named = {name: str(port) for name, port in zip(PORT_NAMES, ports)}
    return {**os.environ, **named, "UI": "plain", **more}


class Run:
    """A process with its output as lines, and when each came.

    Without words it is the run tool; otherwise words is the command.
    """

    def __init__(self, ports, *options, words=None):
        self.ports = ports
        self.lines = []
        self.times_s = []
        self._command = words or [sys.executable, "-m", "tools.run", *options]
        self.begun_s = time.monotonic()
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=environment(ports), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.times_s.append(time.monotonic())
            self.lines.append(line.rstrip())

    def wait_line(self, text, within_s):
        """Seconds from the start to the line that begins so."""
        end_s = time.monotonic() + within_s
        while True:
            for at_s, line in zip(list(self.times_s), list(self.lines)):
                if line.startswith(text):
                    return at_s - self.begun_s
            ended = self.process.poll() is not None
            assert not ended and time.monotonic() < end_s, f"no {text!r}: {self.lines[-20:]}"
            time.sleep(_LOOK_S)

    def end(self, number=signal.SIGTERM, twice=False):
        """Send a signal to the whole group, as a terminal does; returns the exit code."""
        for _ in range(1 + twice):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        self._reader.join(5)
        return code


def descendants(pid):
    """Process ids below one process, from ps."""
    said = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [[int(word) for word in line.split()] for line in said.stdout.splitlines()]
    found, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in pairs if parent in fresh} - found
        found |= fresh
    return found


def alive(pid):
    """True while the process is there and no zombie."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(said.stdout.strip()) and not said.stdout.startswith("Z")


class Site:
    """What a test does with the running site.

    ask, state: the control channel of the simulated site, which knows the truth.
    site: the controller's own site block, over Modbus.
    """

    def __init__(self, run, folder):
        self.run = run
        self.ports = run.ports
        self.tty = folder / "tty"
        self.controller = Controller(run.ports.modbus)
        self._channel = socket.create_connection(("127.0.0.1", run.ports.control), timeout=5)
        self._answers = self._channel.makefile()
        self.console = SerialConsole(self.tty)

    def close(self):
        self.controller.close()
        self._answers.close()
        self._channel.close()
        self.console.close()

    # the truth

    def ask(self, line):
        """One line to the control channel; its answer."""
        self._channel.sendall(line.encode() + b"\n")
        answer = self._answers.readline().strip()
        assert answer, f"the site is gone: {self.run.lines[-5:]}"
        return answer

    def tell(self, *lines):
        for line in lines:
            answer = self.ask(line)
            assert answer == "ok", f"{line}: {answer}"

    def state(self):
        return json.loads(self.ask("state"))

    def wait_true(self, holds, what, within_s):
        """Seconds until holds(state)."""
        return wait(self.state, holds, what, within_s)

    # the controller

    def site(self):
        return self.controller.block("site")

    def wait_site(self, holds, what, within_s):
        """Seconds until holds(site block)."""
        return wait(self._site_or_none, lambda seen: seen and holds(seen), what, within_s)

    def _site_or_none(self):
        try:
            return self.site()
        except Silent:
            return None

    def events(self, count=32):
        """[(id, data)] newest first."""
        rows = self.controller.blocks("event", 0, count)
        return [(row["E_ID"], row["E_DATA"]) for row in rows if row["E_ID"] is not None]

    def write(self, address, *words):
        """Write registers over a connection of its own; 0, or the exception code."""
        with ModbusTcpClient("127.0.0.1", port=self.ports.modbus, timeout=2, retries=0) as client:
            answer = client.write_registers(address, [word & 0xFFFF for word in words])
        return answer.exception_code if answer.isError() else 0

    def set_power(self, battery_w, life_s=None):
        """The remote setpoint (and its life, which stays); 0, or the exception code."""
        life = () if life_s is None else (life_s,)
        return self.write(REMOTE_W, battery_w >> 16, battery_w, *life)

    # known states

    def heal(self):
        """Take back whatever a test broke, reset and start; the order of tests is free then."""
        if self._site_or_none() is None:
            self.console.close()
            mpremote(self.tty, "reset")
            self.wait_site(lambda s: True, "firmware", 10)
        self.tell("revive pcs", "revive pv", "revive meter", "revive modules", "release",
                  "disobey off", "set temp 1 22", "close door")
        if self.site()["CAUSES"]:
            self.reset()
        if self.site()["PHASE"] in ("BLOCKED", "STOPPING"):
            self.write(START, 0)        # a new start does not wait 60 s as the automatic one
            self.wait_site(lambda s: s["PHASE"] == "OFF" and s["TRIPS"] == [], "rest", 15)
        if self.site()["PHASE"] != "RUNNING":
            assert self.write(START, 1) == 0
            self.wait_site(lambda s: s["PHASE"] == "RUNNING", "start of the pack", 20)

    def reset(self):
        """Reset the emergency at the console once its causes have been gone for 5 s."""
        end_s = time.monotonic() + 15
        while not re.search("ok", self.console.ask("reset", r"reset\r\n(.*)\r\n")[1]):
            assert time.monotonic() < end_s, "the emergency cannot be reset"
            time.sleep(0.3)

    def at_power(self, battery_w):
        """Running at a remote setpoint, in truth."""
        self.heal()
        self.tell("set load 2000", "set pv 2000")
        assert self.set_power(battery_w, 300) == 0
        self.wait_true(lambda s: abs(s["battery_w"] - battery_w) < 100, f"{battery_w} W", 10)


def wait(look, holds, what, within_s):
    """Seconds until holds(look()), looking often."""
    begun_s = time.monotonic()
    while True:
        seen = look()
        spent_s = time.monotonic() - begun_s
        if holds(seen):
            return spent_s
        assert spent_s < within_s, f"no {what} within {within_s} s: {seen}"
        time.sleep(_LOOK_S)


class SerialConsole:
    """The board's serial port, opened for each talk only: mpremote wants it for itself."""

    def __init__(self, path):
        self._path = str(path)
        self._port = None

    def open(self):
        if self._port is None:
            self._port = serial.Serial(self._path, 115200, timeout=0.05)

    def close(self):
        if self._port is not None:
            self._port.close()
            self._port = None

    def send(self, data):
        self.open()
        self._port.write(data)

    def wait_for(self, pattern, within_s=5):
        """The match of a pattern in what comes."""
        self.open()
        seen, end_s = "", time.monotonic() + within_s
        while True:
            seen += self._port.read(4096).decode(errors="replace")
            match = re.search(pattern, seen)
            if match:
                return match
            assert time.monotonic() < end_s, f"no {pattern!r} within {within_s} s, but {seen!r}"

    def ask(self, line, pattern, within_s=5):
        """Type a line; the match of a pattern in what follows."""
        self.open()
        self._port.reset_input_buffer()
        self._port.write(line.encode() + b"\r")
        return self.wait_for(pattern, within_s)

    def ask_until(self, line, pattern, within_s):
        """Ask again and again: the board may just be starting."""
        end_s = time.monotonic() + within_s
        while True:
            try:
                return self.ask(line, pattern, 0.5)
            except AssertionError:
                assert time.monotonic() < end_s, f"no answer to {line} within {within_s} s"


def mpremote(path, *words, within_s=30):
    """What mpremote prints; fails the test when it fails."""
    done = subprocess.run([sys.executable, "-m", "mpremote", "connect", str(path), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=within_s, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    return done.stdout
