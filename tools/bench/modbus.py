"""Requests a second: our server, umodbus and pymodbus, interleaved in one run."""

import signal
import socket
import statistics
import sys
from contextlib import ExitStack, contextmanager

from tools import build
from tools.bench import chip, modbus_load

ROUNDS = 9
SECONDS = 0.5
_PYMODBUS = """
from pymodbus.simulator import DataType, SimData, SimDevice
import asyncio, sys
from pymodbus.server import ModbusTcpServer
async def main():
    data = SimData(0, values=list(range(100)), datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, simdata=[data]), address=("127.0.0.1", int(sys.argv[1])))
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def awake(process):
    """Lets a server run that otherwise stands still: umodbus polls without pause."""
    process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGSTOP)


def servers(tree, stack):
    """{name: (process, port)} of the three servers, all standing still."""
    umodbus = chip.umodbus(build.BUILD / "umodbus")
    ports = {name: free_port() for name in ("ours", "umodbus", "pymodbus")}
    words = {
        "ours": (chip.command("serve_program.py", ports["ours"], tree=tree),
                 chip.environment(tree)),
        "umodbus": (chip.command("umodbus_program.py", ports["umodbus"]),
                    {"MICROPYPATH": f"{umodbus}:.frozen"}),
        "pymodbus": ([sys.executable, "-c", _PYMODBUS, str(ports["pymodbus"])], None),
    }
    found = {}
    for name, (command, env) in words.items():
        process = stack.enter_context(chip.serving(command, env))
        process.send_signal(signal.SIGSTOP)
        found[name] = process, ports[name]
    return found


def measure(tree, rounds=ROUNDS, seconds=SECONDS):
    """({server: Load of each round with one client}, [Load of ours with four])."""
    single, four = {"ours": [], "umodbus": [], "pymodbus": []}, []
    with ExitStack() as stack:
        found = servers(tree, stack)
        for _ in range(rounds):
            for name, (process, port) in found.items():
                with awake(process):
                    single[name].append(modbus_load.measure("127.0.0.1", port, 1, seconds))
            process, port = found["ours"]
            with awake(process):
                four.append(modbus_load.measure("127.0.0.1", port, 4, seconds))
    return single, four


def ratio(single):
    """Ours over umodbus, each in its best round: what else runs here can only slow a round."""
    return max(load.rps for load in single["ours"]) / max(load.rps for load in single["umodbus"])


def rows(tree):
    """The figures of the Modbus TCP servers."""
    single, four = measure(tree)
    rps = {name: round(statistics.median(load.rps for load in loads))
           for name, loads in single.items()}
    note = f"FC3 x 10, 16 modules ticking, one client, median of {ROUNDS} rounds"
    return [
        ("modbus_rps_1", rps["ours"], "1/s", note),
        ("modbus_rps_4", round(statistics.median(load.rps for load in four)), "1/s", "4 clients"),
        ("modbus_p99_ms_4", round(statistics.median(load.p99_ms for load in four), 3), "ms",
         "4 clients, 99th percentile of a request"),
        ("umodbus_rps_1", rps["umodbus"], "1/s", "the same client, umodbus 2.3.7"),
        ("pymodbus_rps_1", rps["pymodbus"], "1/s", "the same client, pymodbus 3.16 on CPython"),
        ("modbus_ratio_1", round(ratio(single), 2), "x", "ours over umodbus, best round of each"),
    ]
