"""What the tick leaves behind for everybody else: the computed points of the image."""

from bess.core.battery.energy import Counters
from bess.core.battery.sequence import RUN as RUN_STEP
from bess.core.control.modes import BLOCKED, EMERGENCY, OFF
from bess.core.control.site_io import OUT_TRIP
from bess.core.events import INFO
from bess.core.points import (
    ALARMS, ALARM_LEVEL, AUTHORITY, BATTERY_W, CAUSES, CELL_DC_MAX, CELL_DC_MIN, CELL_MV_MAX,
    CELL_MV_MIN, CHARGE_AVAILABLE_W, CHARGE_WH, CHARGE_W_RATED, COMMAND_W, COUNTED_PM, CYCLES_PM,
    DC_MA, DISCHARGE_AVAILABLE_W, DISCHARGE_WH, DISCHARGE_W_RATED, EMPTY_MIN, ENERGY_WH_RATED,
    EVENT_COUNT, EVENT_FLOW_CHANGE, EXPORT_WH, FIRST_CAUSE, FLOW, FULL_MIN, GRID_CONNECTION,
    GRID_STATE, GRID_W, HI_REASON, HI_W, IMBALANCE_PM, IMPORT_WH, ISLAND, LEFT_WH, LOAD_W, LOAD_WH,
    LO_REASON, LO_W, MAP_LENGTH, MAP_VERSION, METER_AGE_DS, MODE, MODULES, MODULES_LIVE, OPENINGS,
    OUTPUTS, OWNER, PACK_MV, PHASE, PV_W, PV_WH, REQUEST_LEFT_S, ROOM_WH, RUN, SCHEDULE_ENTRY,
    SIGMA_PM, SITE_SPAN, SOC_PM, STRING_COILS, TRIPS, UPTIME_S, VAR_PM, WISH_W,
)

_COILS = 7
_LAMP = 16
_AGE_DS_MAX = 65_534
_FLOWS = 4                          # battery, grid, PV, load
_TURNS = 4


class Views:
    """Writes the image's computed points at the end of a tick."""

    def __init__(self, manager):
        self._manager = manager
        self.counters = Counters(_FLOWS)
        self._uptime_ms = 0
        self._turn = 0
        now, settings = manager.image.now, manager.settings
        now[MAP_VERSION], now[MAP_LENGTH] = 1, SITE_SPAN
        now[CHARGE_W_RATED] = settings.charge_w_max
        now[DISCHARGE_W_RATED] = settings.discharge_w_max
        now[ENERGY_WH_RATED] = settings.energy_wh_rated
        now[MODULES] = manager.pack.count
        now[UPTIME_S] = 0

    def balance(self, grid_w, battery_w):
        """Load from the balance; battery_w: at the time of the meter sample, None is unknown."""
        now = self._manager.image.now
        now[LOAD_W] = None if battery_w is None else grid_w + battery_w + (now[PV_W] or 0)

    def publish(self, now_ms, dt_ms):
        """The computed points: what steers in every tick, the rest in turns, twice a second."""
        manager = self._manager
        now = manager.image.now
        self._publish_command(manager, now)
        if manager.pack.lost:
            self._publish_pack(manager.pack, now)
        self._count_energy(now, dt_ms)
        self._uptime_ms += dt_ms
        turn = self._turn
        self._turn = turn + 1 if turn < _TURNS else 0
        if turn == 0:
            self._publish_state(manager, now)
        elif turn == 1:
            self._publish_battery(manager, now)
        elif turn == 2:
            self._publish_flow(manager, now, now_ms)
        elif turn == 3:
            self._publish_times(manager.image, now, now_ms)
        else:
            self._publish_pack(manager.pack, now)

    def _publish_state(self, manager, now):
        """What changes seldom and is read by people."""
        now[FIRST_CAUSE] = manager.first_cause
        now[OPENINGS] = manager.openings
        now[ALARMS], now[ALARM_LEVEL] = manager.alarms.active, manager.alarms.level + 1
        now[AUTHORITY] = 1 if manager.local else 0
        now[GRID_CONNECTION] = manager.grid.kind
        now[GRID_STATE] = manager.island.state
        now[ISLAND] = manager.island.islanded + manager.island.curtail
        now[VAR_PM] = manager.support.var_pm if manager.support else None
        left_ms = manager.requests.left_ms
        now[REQUEST_LEFT_S] = None if left_ms is None else min(left_ms // 1000, _AGE_DS_MAX)

    def _publish_command(self, manager, now):
        window, requests = manager.window, manager.requests
        now[LO_W], now[HI_W] = window.lo_w, window.hi_w
        now[LO_REASON], now[HI_REASON] = window.lo_why, window.hi_why
        now[OWNER], now[WISH_W] = requests.rank, requests.wish_w
        now[COMMAND_W] = manager.command.battery_w
        now[RUN] = manager.command.run
        now[MODE] = manager.mode
        sequence = manager.sequence
        blocked = (manager.trips.present
                   or manager.run_wanted and (manager.started or manager.island.blocked))
        now[PHASE] = BLOCKED if sequence.phase == OFF and blocked else sequence.phase
        now[OUTPUTS] = self.outputs(manager)
        now[STRING_COILS] = sequence.coils
        now[CAUSES] = manager.latched
        now[TRIPS] = manager.trips.present
        now[EVENT_COUNT] = manager.events.count

    def _publish_pack(self, pack, now):
        now[MODULES_LIVE] = pack.modules_live
        if pack.strings_live == 0:
            now[SOC_PM] = now[CELL_MV_MAX] = now[CELL_MV_MIN] = now[CELL_DC_MAX] = None
            now[CELL_DC_MIN] = now[PACK_MV] = now[DC_MA] = None
            return
        now[SOC_PM] = pack.soc_pm
        now[CELL_MV_MAX], now[CELL_MV_MIN] = pack.cell_mv_max, pack.cell_mv_min
        now[CELL_DC_MAX], now[CELL_DC_MIN] = pack.cell_dc_max, pack.cell_dc_min
        now[PACK_MV], now[DC_MA] = pack.pack_mv, pack.current_ma
        now[IMBALANCE_PM] = pack.imbalance_pm

    def _publish_battery(self, manager, now):
        capability, wishes = manager.capability, manager.wishes
        now[CHARGE_AVAILABLE_W] = capability.charge_w
        now[DISCHARGE_AVAILABLE_W] = capability.discharge_w
        now[LEFT_WH], now[ROOM_WH] = capability.left_wh, capability.room_wh
        now[EMPTY_MIN], now[FULL_MIN] = capability.empty_min, capability.full_min
        now[COUNTED_PM], now[SIGMA_PM] = wishes.soc.soc_pm, wishes.soc.sigma_pm
        schedule = wishes.schedule
        entry = -1 if schedule is None else schedule.entry
        now[SCHEDULE_ENTRY] = entry if entry >= 0 else None

    def _publish_flow(self, manager, now, now_ms):
        load_w, need_w = now[LOAD_W], None
        if load_w is not None:
            need_w = load_w - (now[PV_W] or 0)
        direction, before = manager.direction, now[FLOW]
        if direction.update(now_ms, now[BATTERY_W], now[GRID_W], need_w):
            now[FLOW] = direction.state
            if direction.state is not None:
                manager.events.note(EVENT_FLOW_CHANGE, INFO,
                                    (before or 0) * 256 + direction.state, now_ms)

    def outputs(self, manager):
        """Bits of the point OUTPUTS as they stand."""
        bits = manager.sequence.coils & _COILS | manager.site_io.outputs
        if manager.mode == EMERGENCY:
            bits |= OUT_TRIP
        return bits | _LAMP if manager.sequence.step == RUN_STEP else bits

    def _publish_times(self, image, now, now_ms):
        if self._uptime_ms >= 1000:
            now[UPTIME_S] += self._uptime_ms // 1000
            self._uptime_ms %= 1000
            now[CYCLES_PM] = self._manager.capability.cycles_pm(now[CHARGE_WH], now[DISCHARGE_WH])
        age_ms = image.age_ms(GRID_W, now_ms)
        now[METER_AGE_DS] = None if age_ms is None else min(age_ms // 100, _AGE_DS_MAX)

    def _count_energy(self, now, dt_ms):
        if now[GRID_W] is None:
            now[LOAD_W] = None
        counters = self.counters
        counters.add(0, now[BATTERY_W], dt_ms)
        counters.add(1, now[GRID_W], dt_ms)
        counters.add(2, now[PV_W], dt_ms)
        counters.add(3, now[LOAD_W], dt_ms)
        if not counters.changed:
            return
        counters.changed = False
        wh = counters.wh
        now[DISCHARGE_WH], now[CHARGE_WH] = wh[0], wh[1]
        now[IMPORT_WH], now[EXPORT_WH] = wh[2], wh[3]
        now[PV_WH], now[LOAD_WH] = wh[4], wh[6]
