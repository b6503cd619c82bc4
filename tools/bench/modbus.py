"""Requests a second: our server, umodbus and pymodbus, interleaved in one run."""

import socket
import statistics
import sys
from contextlib import ExitStack

from tools import build
from tools.bench import chip, modbus_load

ROUNDS = 5
SECONDS = 1.0
_PYMODBUS = """
from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
import asyncio, sys
from pymodbus.server import ModbusTcpServer
async def main():
    data = SimData(0, values=list(range(100)), datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, simdata=[data]), address=("127.0.0.1", int(sys.argv[1])))
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rows(tree):
    """The figures of the Modbus TCP servers."""
    ours, theirs, python = free_port(), free_port(), free_port()
    umodbus = chip.umodbus(build.BUILD / "umodbus")
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(chip.serving(chip.command("serve_program.py", ours), chip.environment(tree)))
        enter(chip.serving(chip.command("umodbus_program.py", theirs),
                           {"MICROPYPATH": f"{umodbus}:.frozen"}))
        enter(chip.serving([sys.executable, "-c", _PYMODBUS, str(python)]))
        single = {"modbus": [], "umodbus": [], "pymodbus": []}
        four = []
        for _ in range(ROUNDS):
            for name, port in (("modbus", ours), ("umodbus", theirs), ("pymodbus", python)):
                load = modbus_load.measure("127.0.0.1", port, 1, SECONDS)
                single[name].append(load.rps)
            four.append(modbus_load.measure("127.0.0.1", ours, 4, SECONDS))
    best = {name: round(statistics.median(rates)) for name, rates in single.items()}
    ratio = statistics.median(a / b for a, b in zip(single["modbus"], single["umodbus"]))
    note = f"FC3 x 10, 16 modules ticking, median of {ROUNDS}"
    return [
        ("modbus_rps_1", best["modbus"], "1/s", f"{note}; {ratio:.1f} x umodbus round by round"),
        ("modbus_rps_4", round(statistics.median(load.rps for load in four)), "1/s", "4 clients"),
        ("modbus_p99_ms_4", round(statistics.median(load.p99_ms for load in four), 3), "ms",
         "4 clients, 99th percentile of a request"),
        ("umodbus_rps_1", best["umodbus"], "1/s", "the same client, umodbus 2.3.7"),
        ("pymodbus_rps_1", best["pymodbus"], "1/s", "the same client, pymodbus 3.16 on CPython"),
        ("modbus_ratio_1", round(ratio, 2), "x", "modbus_rps_1 over umodbus_rps_1, median"),
    ]
