"""An hour in which everything happens, with everything enabled: one seed, one course.

The shipped PowerManager beside a cabinet of 16 modules (cabinet.py), a script of faults and
people (busy_script.py) and a list of what must have been seen (busy_seen.py). 100 ms ticks that
wrap after two minutes; the same surface as world.py.
"""

import binascii
import struct

import micropython

from bess.core import config
from bess.core.control.calls import PowerManager
from bess.core.control.modes import EMERGENCY
from bess.core.points import CAUSE_INVARIANT, EPOCH_S, UTC_DAY, UTC_S
from bess.core.tick import TICK_MASK

from host_tests.sim.busy_script import HOUR, Script
from host_tests.sim.busy_seen import Seen
from host_tests.sim.cabinet import MODULES, RATED_W, SERIES, STRINGS, Cabinet
from host_tests.sim.rng import Rng

TICK_MS = 100
TICKS_PER_MINUTE = 600
START_MS = (1 << 30) - 120_000       # the tick wraps in the third minute
START_S = 1_774_744_200              # 2026-03-29 01:30 in Berlin, half an hour before 03:00
_FIELDS = "<iiiiiiiHHHHHHHHHH"
_FAULTS_MAX = 20
_DAY_S = 86_400

CONFIGURATION = {
    "name": "busy", "w_rated": RATED_W, "charge_w_max": RATED_W, "discharge_w_max": RATED_W,
    "modules_s": SERIES, "strings_p": STRINGS, "contactors": "strings",
    "module_ma_rated": 157_000, "module_wh_rated": 16_076, "soc_pm_min": 120, "soc_pm_max": 1000,
    "soc_pm_floor": 50, "island_pm_min": 100, "current_offset_ma": 550,
    "charge_mv_max": 222_720,
    "grid_connection": 2, "backup_output": 1, "pcs_forms_grid": 1, "backup_reserve_pm": 450,
    "import_w_max": 90_000, "export_w_max": 60_000,
    "frequency_watt": "en50549", "volt_watt": "ieee1547", "volt_var": "vde4105",
    "fire_input": "closed", "insulation_input": "closed", "door_input": "closed",
    "aux_input": "closed", "service_key": "key", "remote_reset": 1,
    "precharge_pause_ms": 2000, "all_silent_ms": 20_000, "reconnect_ramp_pm": 50,
    "pcs_start_ms": 8000, "zone": "CET-1CEST,M3.5.0,M10.5.0/3",
}


class Busy:
    """One cabinet, one controller, one script.

    hashes: running hash at the end of each minute. last: the numbers of the last tick, named by
    LABELS. faults: sentences. seen: what has happened so far. locked: every step runs with the
    heap locked, so that one that allocates raises MemoryError.
    """

    def __init__(self, seed=1, modules=MODULES, locked=False, script=HOUR):
        if modules != MODULES:
            raise ValueError("%d modules, there are %d" % (modules, MODULES))
        settings, faults = config.check(CONFIGURATION)
        if faults:
            raise ValueError("; ".join(faults))
        self.tick = 0
        self.now_ms = START_MS
        self.clock_s = START_S
        self.hash = 0
        self.hashes = []
        self.faults = []
        self.wires = ()
        self.manager = PowerManager(settings)
        self.cabinet = Cabinet(Rng(seed, 1))
        self.seen = Seen(self.manager)
        self._script = Script(self, script, Rng(seed, 2))
        self._locked = locked
        self._known_s = True
        self.last = None
        self._record = bytearray(struct.calcsize(_FIELDS))

    def clock(self, seconds):
        """The wall clock jumps by so many seconds; None: it is lost, 0: it is back."""
        self._known_s = seconds is not None
        self.clock_s += seconds or 0

    def run(self, ticks):
        """Go on for so many ticks; True while no fault was seen."""
        for _ in range(ticks):
            self._one()
        return not self.faults

    def _one(self):
        now_ms, manager = self.now_ms, self.manager
        self._script.act(self.tick)
        self.cabinet.step(manager, now_ms, TICK_MS)
        if self.tick % 10 == 0:
            self._tell_time(manager.image.now)
        self._step(now_ms)
        manager.wishes.load_wanted()
        if manager.callbacks is not None:
            manager.callbacks.run(now_ms)
        self.seen.look()
        self._judge()
        self._note()
        self.now_ms = (now_ms + TICK_MS) & TICK_MASK

    def _tell_time(self, now):
        self.clock_s += 1
        epoch_s = self.clock_s if self._known_s else None
        now[EPOCH_S] = epoch_s
        now[UTC_DAY] = now[UTC_S] = None
        if self._known_s:           # divmod would leave large objects on the 32-bit build
            now[UTC_DAY], now[UTC_S] = epoch_s // _DAY_S, epoch_s % _DAY_S

    def _step(self, now_ms):
        """The control tick; a MemoryError under lock goes on to whoever runs the hour."""
        if not self._locked:
            self.manager.step(now_ms)
            return
        micropython.heap_lock()
        try:
            self.manager.step(now_ms)
        except MemoryError:
            micropython.heap_unlock()
            print("FAULT tick %d: the control tick takes heap" % self.tick)
            raise
        micropython.heap_unlock()

    def _judge(self):
        """What holds in every tick; the firmware's own invariants among it."""
        manager = self.manager
        window, command_w = manager.window, manager.command.battery_w
        if manager.latched >> CAUSE_INVARIANT & 1:
            self._fault("an invariant of the firmware is broken")
        if not window.lo_w <= command_w <= window.hi_w:
            self._fault("%d W outside %d..%d" % (command_w, window.lo_w, window.hi_w))
        if manager.mode == EMERGENCY and (command_w or manager.command.run):
            self._fault("%d W, run %d in an emergency" % (command_w, manager.command.run))

    def _fault(self, text):
        if len(self.faults) < _FAULTS_MAX:
            self.faults.append("tick %d: %s" % (self.tick, text))

    def _note(self):
        """This tick's decisions, and what became of them, into the hash."""
        self.last = self._decisions()
        struct.pack_into(_FIELDS, self._record, 0, *self.last)
        self.hash = binascii.crc32(self._record, self.hash)
        self.tick += 1
        if self.tick % TICKS_PER_MINUTE == 0:
            self.hashes.append(self.hash)

    def _decisions(self):
        """The numbers that must be equal everywhere, in the order of LABELS."""
        manager, cabinet = self.manager, self.cabinet
        window, command, sequence = manager.window, manager.command, manager.sequence
        return (self.tick, command.battery_w, window.lo_w, window.hi_w, manager.requests.wish_w,
                cabinet.ac_w, cabinet.current_ma, manager.mode, command.run, window.lo_why,
                window.hi_why, manager.requests.rank, manager.outputs(), sequence.step,
                sequence.coils, manager.trips.present, manager.latched)


LABELS = ("tick", "command_w", "lo_w", "hi_w", "wish_w", "true_w", "true_ma", "mode", "run",
          "lo_why", "hi_why", "owner", "outputs", "step", "coils", "trips", "causes")
