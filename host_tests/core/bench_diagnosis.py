"""A diagnosis on the bench: a pack whose samples, inputs and sequence are set by hand."""

import micropython

from bess.core.battery.pack import Pack
from bess.core.battery.sequence import RUN
from bess.core.control.checks import (
    MODULE_CHECKS, MODULE_ROWS, R_ID, R_STRIDE, SITE_CHECKS, S_ID, S_STRIDE,
)
from bess.core.control.diagnosis import Diagnosis
from bess.core.image import Image
from bess.core.points import BATTERY_W, INPUTS, M_CELL_DC_MAX, M_CELL_DC_MIN, WHY_BLOCK
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy, settings_of


class Standing:
    """A sequence that stands still: coils, and whether the pack is on the bus."""

    def __init__(self, image):
        self.coils, self.step = 5, RUN
        self.on_bus = self.still = True
        self.strings = self
        self._image = image

    def closed(self):
        return self.on_bus

    def watches_feedback(self):
        return self.still

    def proofs(self):
        inputs = self._image.now[INPUTS]
        return None if inputs is None else inputs >> 1

    def feedback_wrong(self):
        proofs = self.proofs()
        return proofs is not None and (proofs ^ ~self.coils) & 7 != 0


class Rig:
    def __init__(self, strings_p=2, modules_s=1, start_ms=1000):
        settings = settings_of(strings_p=strings_p, modules_s=modules_s)
        self.image, self.pack = Image(), Pack(modules_s, strings_p, 2000, 157_000)
        for row in self.pack.rows:
            healthy(row)
        self.sequence = Standing(self.image)
        self.diagnosis = Diagnosis(settings, self.image, self.pack)
        self.zero = self.locked = False
        self.step_ms = 100
        self.now_ms = start_ms
        self.image.now[INPUTS] = 1 | 4          # loop closed; K- and K+ closed, precharge open
        self.image.now[BATTERY_W] = 0
        self.sample(*range(self.pack.count))

    def sample(self, *modules):
        """A tick with new samples of these modules; returns the causes as a tuple of numbers."""
        for i in modules:
            self.pack.put(i, self.now_ms)
        self.pack.update(self.now_ms)
        if self.locked:
            micropython.heap_lock()
        try:
            self.diagnosis.tick(self.sequence, self.zero, self.now_ms)
        finally:
            if self.locked:
                micropython.heap_unlock()
        self.now_ms = (self.now_ms + self.step_ms) & TICK_MASK
        return tuple([n for n in range(16) if self.diagnosis.causes >> n & 1])

    def holds(self, number):
        """Bits of the modules for which a diagnosis holds, or 1 for one of the site."""
        modules = 0
        for r in range(MODULE_ROWS):
            if MODULE_CHECKS[r * R_STRIDE + R_ID] == number:
                modules |= self.diagnosis.modules[r]
        for k in range(0, len(SITE_CHECKS), S_STRIDE):
            if SITE_CHECKS[k + S_ID] == number:
                modules |= self.diagnosis.present >> k // S_STRIDE & 1
        return modules

    def blocks(self):
        """(charging, discharging) is blocked."""
        diagnosis = self.diagnosis
        assert diagnosis.block_charge in (0, WHY_BLOCK)
        assert diagnosis.block_discharge in (0, WHY_BLOCK)
        return diagnosis.block_charge != 0, diagnosis.block_discharge != 0

    def wait(self, span_ms):
        causes = ()
        for _ in range(span_ms // self.step_ms):
            causes = self.sample(*range(self.pack.count))
        return causes


def put(row, values):
    for k in range(0, len(values), 2):
        row[values[k]] = values[k + 1]


def rig_at(column, value):
    """A rig whose module 1 has been at a value for so long that nothing is new."""
    rig = Rig()
    rig.pack.rows[1][column] = value
    if column == M_CELL_DC_MAX:
        rig.pack.rows[1][M_CELL_DC_MIN] = value - 10
    rig.step_ms = 2000
    rig.wait(80_000)
    rig.step_ms = 100
    return rig
