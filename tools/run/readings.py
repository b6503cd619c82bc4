"""Reads the controller as any client would: over Modbus TCP, by the published table of points."""

import logging

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException

from tools.registers import BLOCKS, STRIDES, pairs_of, read_all, words

# A controller that does not answer is said here, once, and not by the library.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_REGISTERS_MAX = 120
_UNKNOWN = {"u16": 0xFFFF, "e16": 0xFFFF, "b16": 0xFFFF, "i16": 0x8000,
            "u32": 0xFFFFFFFF, "i32": 0x80000000}


class Silent(Exception):
    """The controller did not answer."""


class Controller:
    """The Modbus map as dictionaries {point name: value}.

    None is unknown, an enumeration is its name, bits are the list of their names.
    """

    def __init__(self, port, host="127.0.0.1"):
        self._client = ModbusTcpClient(host, port=port, timeout=1, retries=0)
        points, self._lists, _ = read_all()
        self._blocks = {block: [p for p in points if p.block == block]
                        for block in BLOCKS}
        mode = next(point for point in points if point.name == "MODE")
        self.modes = dict(pairs_of(mode, self._lists))

    def close(self):
        self._client.close()

    def block(self, name, item=0):
        """One block, or item `item` of a repeated one."""
        return self.blocks(name, item, 1)[0]

    def blocks(self, name, first, count):
        """`count` items of a repeated block, read in as few requests as fit."""
        rows = self._blocks[name]
        base = int(rows[0].register)
        stride = STRIDES.get(name, int(rows[-1].register) + words(rows[-1]) - base)
        registers = self._read(base + first * stride, count * stride)
        return [{p.name: self._value(p, registers, int(p.register) - base + i * stride)
                 for p in rows} for i in range(count)]

    def write(self, name, value):
        """Write one point of the control block. Raises Silent, or ValueError when refused."""
        point = next(p for p in self._blocks["control"] if p.name == name)
        raw = [value >> 16 & 0xFFFF, value & 0xFFFF] if words(point) == 2 else [value & 0xFFFF]
        try:
            answer = self._client.write_registers(int(point.register), raw, device_id=1)
        except ModbusException as error:
            raise Silent(str(error)) from None
        if answer.isError():
            raise ValueError(f"{name}: refused with exception {answer.exception_code}")

    def _read(self, address, count):
        registers = []
        while count:
            part = min(count, _REGISTERS_MAX)
            answer = self._ask(address, part)
            if answer.isError():
                raise Silent(f"exception at register {address}")
            registers += answer.registers
            address += part
            count -= part
        return registers

    def _ask(self, address, count):
        """One request; once more over a new connection when the board has dropped the old one."""
        fault = None
        for _ in range(2):
            try:
                return self._client.read_holding_registers(address, count=count, device_id=1)
            except ConnectionException:
                fault = "no connection"
            except (ModbusException, OSError) as error:
                raise Silent(str(error)) from None
        raise Silent(fault)

    def names(self, name):
        """{value: name} of a list of the table, as 'reasons'."""
        return dict(self._lists[name])

    def _value(self, point, registers, at):
        value = registers[at]
        if words(point) == 2:
            value = value << 16 | registers[at + 1]
        if value == _UNKNOWN[point.kind]:
            return None
        if point.kind in ("i16", "i32"):
            top = 1 << (16 * words(point) - 1)
            return value - 2 * top if value & top else value
        if point.kind == "e16":
            return dict(pairs_of(point, self._lists)).get(value, str(value))
        if point.kind == "b16":
            return [name for bit, name in pairs_of(point, self._lists) if value >> bit & 1]
        return value


def _bits(names, value):
    return " ".join(name for bit, name in names.items() if value >> bit & 1)


def event_text(controller, event, data):
    """What the number of an event means, in words; '' where it means nothing."""
    modes, reasons = controller.modes, controller.names("reasons")
    if event == "MODE_CHANGE":
        return f"{modes.get(data >> 8)} to {modes.get(data & 0xFF)}"
    if event == "LIMIT_REASON":
        return f"charge {reasons.get(data >> 8)}, discharge {reasons.get(data & 0xFF)}"
    if event == "REQUEST_WON":
        return str(controller.names("owners").get(data, data))
    if event in ("EMERGENCY", "EMERGENCY_RESET"):
        return str(controller.names("causes").get(data, data))
    if event == "RESET_REFUSED":
        return _bits(controller.names("causes"), data)
    if event == "TRIP":
        return str(controller.names("trips").get(data, data))
    if event == "TRIP_CLEARED":
        return _bits(controller.names("trips"), data)
    if event in ("MODULE_LOST", "MODULE_BACK"):
        return f"module {data + 1}"
    if event in ("CONTACTOR_CLOSED", "CONTACTOR_OPENED", "OPENED_UNDER_LOAD"):
        return f"{data / 1000:.1f} A"
    return str(data) if data else ""


def snapshot(controller, link_names=()):
    """Everything the view shows, in one dictionary. link_names: in the order of the links."""
    site = controller.block("site")
    events = [row for row in controller.blocks("event", 0, 15) if row["E_ID"] is not None]
    for row in events:
        row["E_TEXT"] = event_text(controller, row["E_ID"], row["E_DATA"])
        if row["E_PACK"]:
            row["E_TEXT"] += f" (pack {row['E_PACK']})"
    return {
        "site": site,
        "modules": controller.blocks("module", 0, site["MODULES"] or 1),
        "links": controller.blocks("link", 0, site["LINKS"]) if site["LINKS"] else [],
        "events": events,
        "names": list(link_names),
    }
