"""The simulated site as a process: its wires, its control channel, its manners."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from tools.simsite.peers.sunspec import Chain
from tools.simsite.pins import COIL_K_MINUS, COIL_K_PLUS, COIL_PRECHARGE, EMERGENCY

ROOT = Path(__file__).resolve().parents[2]
LENGTHS = {1: 66, 103: 50, 120: 26, 121: 30, 122: 44, 123: 24, 124: 24, 203: 105}
CHAINS = {"pcs": (1, 103, 120, 121, 122, 123, 124), "pv": (1, 103, 120, 122, 123),
          "meter": (1, 203)}  # fmt: skip
PCS = Chain(*CHAINS["pcs"])


class RunningSite:
    """The process with its endpoints and clients to each of them."""

    def __init__(self, folder, *options):
        self.uart, self.control = folder / "uart", folder / "control"
        self.process = launch("--uart", self.uart, "--control", self.control, *options)
        self.ready = read_line(self.process)
        self.ports = {n: int(p) for n, p in re.findall(r"(\w+)=127\.0\.0\.1:(\d+)", self.ready)}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(5)
        self._socket.connect(str(self.control))
        self._file = self._socket.makefile("rw")
        self.serial = ModbusSerialClient(str(self.uart), baudrate=115_200, timeout=0.3, retries=0)
        assert self.serial.connect()

    def tell(self, line):
        self._file.write(line + "\n")
        self._file.flush()
        return self._file.readline().rstrip("\n")

    def state(self):
        return json.loads(self.tell("state"))

    def tcp(self, name):
        client = ModbusTcpClient("127.0.0.1", port=self.ports[name], timeout=1, retries=0)
        assert client.connect()
        return client

    def close(self):
        self.serial.close()
        self._file.close()
        self._socket.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(5)


def launch(*options):
    ports = ("--pcs-port", "0", "--pv-port", "0", "--meter-port", "0")
    command = [sys.executable, "-m", "tools.simsite", *ports, *map(str, options)]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def read_line(process, seconds=15):
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "the site says nothing"
    return process.stdout.readline()


def until(check, seconds=6.0):
    """Wait until `check()` is true; its last value."""
    end = time.monotonic() + seconds
    while not (value := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    running = RunningSite(tmp_path_factory.mktemp("site"), "--start", "10:00", "--speed", "2")
    yield running
    assert running.close() == 0


def test_ready_line_names_the_endpoints(site):
    assert site.ready.startswith("site ready ")
    assert set(site.ports) == {"pcs", "pv", "meter"}
    assert f"uart={site.uart}" in site.ready and site.uart.is_symlink()


def test_chain_can_be_walked(site):
    for name, models in CHAINS.items():
        client, found, address = site.tcp(name), [], 40_002
        assert client.read_holding_registers(40_000, count=2).registers == [0x5375, 0x6E53]
        while (header := client.read_holding_registers(address, count=2).registers)[0] != 0xFFFF:
            assert header[1] == LENGTHS[header[0]], name
            found.append(header[0])
            address += 2 + header[1]
        assert tuple(found) == models
        assert client.read_holding_registers(address + 2, count=1).exception_code == 2, "past it"
        assert client.read_input_registers(40_000, count=2).registers == [0x5375, 0x6E53]
        client.close()


def test_measurements_and_missing_values(site):
    client = site.tcp("pcs")
    start = PCS.starts[103]
    words = client.read_holding_registers(start, count=52).registers
    named = {n: words[PCS.address(103, n) - start] for n in ("PhVphA", "Hz", "V_SF", "PPVphAB")}
    assert named["PhVphA"] == 2300 and 4990 <= named["Hz"] <= 5010
    assert named["V_SF"] == 0xFFFF, "-1"
    assert named["PPVphAB"] == 0xFFFF, "not implemented"
    text = client.read_holding_registers(40_004, count=16).registers
    assert b"".join(w.to_bytes(2, "big") for w in text).rstrip(b"\0") == b"Simulated"
    client.close()


def test_writes_are_checked_before_anything_changes(site):
    client = site.tcp("pcs")
    out = PCS.address(124, "OutWRte")
    for address, values, code, why in (
        (PCS.address(123, "Conn"), [2], 3, "Conn is 0 or 1"),
        (PCS.address(124, "StorCtl_Mod"), [4], 3, "two bits"),
        (out, [5000, 10_001], 3, "second one too large"),
        (out, [0x8000], 3, "the not-implemented value is no rate"),
        (PCS.address(103, "W"), [1], 2, "read-only"),
        (PCS.address(124, "ChaGriSet"), [1, 1], 2, "runs into read-only"),
    ):
        assert client.write_registers(address, values).exception_code == code, why
    assert client.read_holding_registers(out, count=2).registers == [10_000, 10_000]
    assert not client.write_registers(out, [0xEC78, 5000, 0, 600]).isError()
    assert client.read_holding_registers(out, count=2).registers == [0xEC78, 5000]
    assert site.state()["pcs"]["target_w"] == 0, "the mode is still automatic"
    client.close()


def test_two_requests_in_one_segment_are_both_answered(site):
    with socket.create_connection(("127.0.0.1", site.ports["pcs"]), 2) as raw:
        requests = [bytes.fromhex(f"{i:04x}0000000601039c400002") for i in (7, 8, 9)]
        raw.sendall(b"".join(requests) + requests[0][:5])
        got = b""
        while len(got) < 3 * 13:
            got += raw.recv(100)
        assert [got[i : i + 2] for i in (0, 13, 26)] == [b"\0\x07", b"\0\x08", b"\0\x09"]
        raw.sendall(requests[0][5:])
        assert raw.recv(100)[:2] == b"\0\x07"


def test_command_moves_power_and_reverts(site):
    client = site.tcp("pcs")
    address = PCS.address
    client.write_register(address(123, "Conn"), 1)
    assert until(lambda: site.state()["pcs"]["state"] == "RUNNING")
    client.write_registers(address(124, "OutWRte"), [-2500 & 0xFFFF, 2500, 0, 4])
    client.write_register(address(124, "StorCtl_Mod"), 3)
    written_s = site.state()["time_s"]
    assert until(lambda: site.state()["battery_w"] == -5000, 2)
    assert client.read_holding_registers(address(103, "W"), count=1).registers == [-5000 & 0xFFFF]
    assert client.read_holding_registers(address(103, "St"), count=1).registers == [4]

    def charge_ma():
        read = [site.serial.read_holding_registers(8, count=2, device_id=u) for u in (1, 2, 3, 4)]
        return sum(high << 16 | low for high, low in (r.registers for r in read))

    assert until(lambda: 88_000 < charge_ma() < 96_000, 1), "5 kW at 53 V, + charges on this wire"
    assert until(lambda: site.state()["battery_w"] == 0)
    assert 3.9 < site.state()["time_s"] - written_s < 5.5
    assert site.state()["pcs"]["reverts"] == 1
    assert client.read_holding_registers(address(124, "StorCtl_Mod"), count=1).registers == [0]
    client.close()


def test_meter_counts_up_and_agrees_with_the_balance(site):
    assert site.tell("set load 3000") == site.tell("set pv 1000") == "ok"
    client, meter = site.tcp("meter"), Chain(1, 203)

    def shown_w():
        return client.read_holding_registers(meter.address(203, "W"), count=1).registers[0]

    assert until(lambda: 1950 < shown_w() < 2050), "+ = import, second by second"
    high, low = client.read_holding_registers(meter.address(203, "TotWhImp"), count=2).registers
    assert abs((high << 16 | low) - site.state()["meter"]["import_wh"]) < 3
    state = site.state()
    assert abs(state["pv_w"] + state["battery_w"] + state["grid_w"] - state["load_w"]) < 0.5
    site.tell("set load off")
    site.tell("set pv off")
    client.close()


def test_four_modules_answer_on_one_bus(site):
    for unit in (1, 2, 3, 4):
        held = site.serial.read_holding_registers(0, count=48, device_id=unit).registers
        assert held[:3] == [0x4253, 1, 16]
        assert held[12] >= held[13] > 3000 and held[12] == max(held[32:]), "highest cell"
        read = site.serial.read_input_registers(110, count=16, device_id=unit).registers
        text = b"".join(w.to_bytes(2, "big") for w in read)
        assert text.rstrip(b"\0").endswith(f"SN{unit:04d}".encode())
    assert site.serial.read_holding_registers(48, count=1, device_id=1).exception_code == 2
    assert site.serial.write_register(12, 1, device_id=1).exception_code == 2
    assert site.serial.write_register(100, 2, device_id=1).exception_code == 3
    assert not site.serial.write_registers(100, [1], device_id=3).isError()
    assert site.serial.read_holding_registers(100, count=1, device_id=3).registers == [1]
    assert site.serial.read_holding_registers(100, count=1, device_id=1).registers == [0]


def test_absent_and_killed_modules_are_silent(site):
    site.tell("kill module 2")
    for unit in (2, 5):
        with pytest.raises(ModbusException, match="No response"):
            site.serial.read_holding_registers(0, count=4, device_id=unit)
    assert not site.serial.read_holding_registers(0, count=4, device_id=3).isError()
    assert site.state()["dead"] == [2]
    site.tell("kill modules")
    with pytest.raises(ModbusException, match="No response"):
        site.serial.read_holding_registers(0, count=4, device_id=3)
    site.tell("revive modules")
    assert not site.serial.read_holding_registers(0, count=4, device_id=2).isError()


def test_bus_faults(site):
    site.tell("garble 1")
    with pytest.raises(ModbusException):
        site.serial.read_holding_registers(0, count=4, device_id=1)
    assert not site.serial.read_holding_registers(0, count=4, device_id=1).isError()
    site.tell("cut on")
    with pytest.raises(ModbusException):
        site.serial.read_holding_registers(0, count=4, device_id=1)
    site.tell("cut off")
    assert not site.serial.read_holding_registers(0, count=4, device_id=1).isError()


def test_killed_and_hung_ports(site):
    client = site.tcp("pv")
    assert not client.read_holding_registers(40_000, count=2).isError()
    site.tell("hang pv")
    with pytest.raises(ModbusException):
        client.read_holding_registers(40_000, count=2)
    client.close()
    site.tell("kill pv")
    assert site.state()["dead"] == ["pv"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.ports["pv"]), 1)
    assert site.tell("revive pv") == "ok"
    client = site.tcp("pv")
    assert not client.read_holding_registers(40_000, count=2).isError()
    client.close()


def test_bad_commands_say_what_is_allowed(site):
    for line, word in (
        ("dance", "unknown command dance"),
        ("kill", "wrong number of words"),
        ("kill toaster", "pcs, pv, meter, modules or module N"),
        ("kill module 9", "from 1 to 4"),
        ("weld K9", "K-, PRE, K+"),
        ("cut maybe", "on or off"),
        ("set soc 101", "from 0 to 100"),
        ("set soc", "wrong number of words"),
        ("set moon 1", "cannot set moon"),
        ("set cell_mv 1 17 3000", "from 1 to 16"),
    ):
        answer = site.tell(line)
        assert answer.startswith("error: ") and word in answer, line


def test_settings_reach_the_physics(site):
    for line in ("set soc 33", "set soc 90 2", "set cell_mv 1 4 3600", "set temp 3 47"):
        assert site.tell(line) == "ok"
    assert until(
        lambda: site.serial.read_holding_registers(12, count=1, device_id=1).registers == [3600]
    )
    modules = site.state()["modules"]
    assert abs(modules[0]["soc"] - 0.33) < 0.01 and abs(modules[1]["soc"] - 0.90) < 0.01
    assert modules[0]["charge_a_max"] == 0 and modules[2]["charge_a_max"] < 80
    for line in ("set cell_mv 1 4 off", "set soc 50", "set temp 3 22"):
        assert site.tell(line) == "ok"


def test_pins_drive_contactors_and_tell_the_truth(tmp_path):
    pins = tmp_path / "pins"
    running = RunningSite(tmp_path, "--pins", pins)
    try:
        with open(pins, "r+b", buffering=0) as board:

            def put(*levels):
                for at, level in zip((COIL_K_MINUS, COIL_PRECHARGE, COIL_K_PLUS), levels):
                    board.seek(at)
                    board.write(bytes([level]))

            def level(at):
                board.seek(at)
                return board.read(1)[0]

            assert pins.stat().st_size == 64
            assert [level(at) for at in (EMERGENCY, 15, 16, 17)] == [1, 1, 1, 1]
            running.tell("press")
            assert until(lambda: level(EMERGENCY) == 0, 1)
            running.tell("release")
            assert until(lambda: level(EMERGENCY) == 1, 1)
            put(1, 1, 0)
            assert until(lambda: [level(at) for at in (15, 16, 17)] == [0, 0, 1], 1)
            assert until(lambda: running.state()["dc"]["link_v"] > 51, 4)
            put(1, 0, 1)
            assert until(lambda: [level(at) for at in (15, 16, 17)] == [0, 1, 0], 1)
            running.tell("weld K+")
            put(0, 0, 0)
            assert until(lambda: [level(at) for at in (15, 16, 17)] == [1, 1, 0], 1)
            running.tell("mend K+")
            assert until(lambda: level(17) == 1, 1)
            state = running.state()
            assert state["closed_without_precharge"] == state["opened_under_load"] == 0
            put(1, 0, 1)
            time.sleep(0.2)
            assert running.state()["dc"]["link_v"] > 50
    finally:
        assert running.close() == 0
    assert not os.path.lexists(running.uart) and not running.control.exists()


def test_options_that_cannot_be_are_one_clear_line(tmp_path):
    bad_day = tmp_path / "day.csv"
    bad_day.write_text("time,load_w,pv_w\n10:00,1\n")
    kept = tmp_path / "kept"
    kept.write_text("mine")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cases = (
            (("--pv-port", port), f"pv: port {port} is in use, choose another"),
            (("--uart", kept), f"{kept} exists and is not a link, choose another --uart path"),
            (
                ("--pins", tmp_path / "no" / "pins"),
                f"cannot open the pins file {tmp_path}/no/pins: No such file or directory",
            ),
            (("--start", "9x"), "argument --start: needs HH:MM, got 9x"),
            (("--day", bad_day), f"{bad_day}:2: needs 3 columns, got 2"),
            (("--control", port), f"control: cannot listen on {port}: Address already in use"),
        )
        processes = [launch("--uart", tmp_path / f"u{i}", *c[0]) for i, c in enumerate(cases)]
        for process, (_, expected) in zip(processes, cases):
            out, err = process.communicate(timeout=15)
            assert (process.returncode, out, err.strip()) == (2, "", expected)
    assert kept.read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.is_symlink()], "no link left behind"
