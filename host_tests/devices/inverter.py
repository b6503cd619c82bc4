"""A 20 kW SunSpec inverter as registers, with its device and the image it fills."""

from bess.devices.sunspec_pcs import SunspecPcs
from host_tests.devices.peer import Command, Readings, Wire, chain

MODELS = (1, 103, 120, 121, 122, 123, 124)
REVERT_MS = 30_000
B = 20_000
# registers of 124 and 123
MODE, OUT, IN, WIN, REVERT, RAMP, GRID_CHARGE = 5, 12, 13, 14, 15, 16, 17
CONN_WIN, CONN_REVERT, CONN = 2, 3, 4


class Bench:
    """command is what the device brings into the registers; settle runs it until it is found."""

    def __init__(self, models=MODELS, base=40000, rate_sf=-2, w_max=B, start_ms=1000, settle=True,
                 **options):
        self.registers, self.where = chain(models, base)
        self.image = Readings()
        self.command = Command()
        self.overruled = 0
        self.set(103 if 103 in self.where else 101, 14, 0)
        self.ac(10, 2300)
        self.ac(16, 5000)
        self.ac(17, -2)
        self.ac(29, 5100)
        self.ac(30, -1)
        self.ac(38, 1)
        if 120 in self.where:
            self.set(120, 3, w_max)
        self.set(124, 2, w_max)
        self.set(124, 25, rate_sf)
        self.set(124, OUT, 10_000)
        self.set(124, IN, 10_000)
        self.device = SunspecPcs(1, self.image, self.command, 30_000, REVERT_MS, **options)
        self.device.control.on_overruled = self.note
        self.wire = Wire(self.device, self.registers, start_ms)
        if settle:
            self.wire.run(1500)

    def note(self, now_ms):
        self.overruled += 1

    def set(self, model, offset, value):
        self.registers.set(self.where[model] + offset, value)

    def ac(self, offset, value):
        self.set(103 if 103 in self.where else 101, offset, value)

    def get(self, model, offset):
        return self.registers.signed(self.where[model] + offset)

    def ask(self, run, battery_w, span_ms=300):
        self.command.run, self.command.battery_w = run, battery_w
        self.wire.run(span_ms)

    def written(self):
        """Registers written since the last call, as (model, offset) in order."""
        names = []
        for address, values in self.registers.log:
            model = 124 if self.where[124] <= address < self.where[124] + 26 else 123
            for i in range(len(values)):
                names.append((model, address - self.where[model] + i))
        self.registers.log.clear()
        return names

    def rates(self):
        return self.get(124, MODE), self.get(124, IN), self.get(124, OUT), self.get(123, CONN)
