"""The control cycle: inputs, one step, outputs, every 100 ms, on time."""

import asyncio
import gc

from micropython import const

from bess.core.points import (
    EPOCH_S, HEAP_FREE_KB, INPUTS, LINKS, STRING_COILS, STRING_INPUTS, TICK_US, TICKS_LATE,
    UTC_DAY, UTC_S,
)
from bess.core.tick import TICK_MASK

PERIOD_MS = const(100)
_LATE_MS = const(20)
_REPORT_TICKS = const(100)
_SECOND_TICKS = const(10)
_DAY_S = const(86_400)
_SETS_BIT = const(11)               # of the board's outputs: coils of the second set and further
_FAULTS_MAX = const(10)             # steps that failed before the contactors open, whatever flows


class Cycle:
    """Runs `manager.step` and moves its inputs and outputs.

    Args:
        pins: has read_inputs(), write_outputs(bits), release_outputs().
        pumps: those to wake when the command changed: their kick() allocates nothing.
        watchdog: has feed(), or None.
    """

    def __init__(self, manager, pins, pumps, clock, watchdog=None):
        self._manager = manager
        self._pins = pins
        self._pumps = pumps
        self._clock = clock
        self._watchdog = watchdog
        self._run = 0
        self._battery_w = 0
        self._late = 0
        self._longest_us = 0
        self._ticks = 0
        self._faults = 0
        self.last_fault = None
        self.links = 0
        self._sets = manager.packs[0].sequence.strings.sets * len(manager.packs)

    async def run(self):
        """Task: never ends. A fault inside a step is for the task's owner: outputs go safe."""
        clock = self._clock
        due_ms = clock.ticks_ms()
        while True:
            now_ms = clock.ticks_ms()
            late_ms = (now_ms - due_ms) & TICK_MASK
            if late_ms > _LATE_MS:
                self._late += 1
                if late_ms > 5 * PERIOD_MS:
                    due_ms = now_ms             # far behind: do not try to catch up
            self.tick(now_ms)
            due_ms = (due_ms + PERIOD_MS) & TICK_MASK
            wait_ms = (due_ms - clock.ticks_ms()) & TICK_MASK
            await asyncio.sleep_ms(wait_ms if wait_ms <= PERIOD_MS else 0)

    def tick(self, now_ms):
        """One pass: everything that must happen in the same 100 ms."""
        clock, manager = self._clock, self._manager
        start_us = clock.ticks_us()
        inputs = self._pins.read_inputs()
        manager.image.put(INPUTS, inputs & 0xFF, now_ms)
        if self._sets > 1:
            manager.image.put(STRING_INPUTS, inputs >> 1 & 7 | inputs >> 8 << 3, now_ms)
        self._step(now_ms)
        command = manager.command
        if command.run != self._run or command.battery_w != self._battery_w:
            self._run, self._battery_w = command.run, command.battery_w
            for pump in self._pumps:
                pump.kick()
        for each in manager.packs:
            each.wishes.load_wanted()
        if manager.callbacks is not None:
            manager.callbacks.run(now_ms)
        spent_us = (clock.ticks_us() - start_us) & TICK_MASK
        if spent_us > self._longest_us:
            self._longest_us = spent_us
        if self._watchdog is not None:
            self._watchdog.feed()
        self._ticks += 1
        if self._ticks % _SECOND_TICKS == 0:
            self._read_clock()
        if self._ticks >= _REPORT_TICKS:
            self._report()

    def _read_clock(self):
        """Date and time of the day as the pure rings know them."""
        now, epoch_s = self._manager.image.now, self._clock.epoch_s()
        now[EPOCH_S] = epoch_s
        if epoch_s is None:
            now[UTC_DAY] = now[UTC_S] = None
        else:
            now[UTC_DAY], now[UTC_S] = epoch_s // _DAY_S, epoch_s % _DAY_S

    def _step(self, now_ms):
        manager = self._manager
        try:
            manager.step(now_ms)
        except Exception as fault:      # only a bug can do that: zero, latched; control goes on
            self._faults += 1
            self.last_fault = fault
            manager.fail(now_ms)
            if self._faults >= _FAULTS_MAX:
                self._pins.release_outputs()
                return
        more = (manager.image.now[STRING_COILS] or 0) >> 3      # the first set is in OUTPUTS
        self._pins.write_outputs(manager.outputs() | more << _SETS_BIT)

    def _report(self):
        now = self._manager.image.now
        now[TICK_US] = min(self._longest_us, 65_534)
        now[TICKS_LATE] = min(self._late, 65_534)
        now[HEAP_FREE_KB] = min(gc.mem_free() // 1024, 65_534)
        now[LINKS] = self.links
        self._ticks = self._longest_us = 0
