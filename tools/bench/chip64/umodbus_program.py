"""umodbus's own TCP server with 100 holding registers. Arguments: port. Prints `ready`."""

import sys

from umodbus.tcp import ModbusTCP

server = ModbusTCP()
server.bind(local_ip="127.0.0.1", local_port=int(sys.argv[1]))
server.setup_registers(registers={"HREGS": {"ALL": {"register": 0, "len": 100,
                                                    "val": list(range(100))}}})
print("ready")
while True:
    server.process()
