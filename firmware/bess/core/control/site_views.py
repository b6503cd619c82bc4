"""What a site of several packs shows: its image, made of those of the packs, and its alarms."""

from bess.core.control.alarms import SIZE
from bess.core.control.modes import CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, STANDBY
from bess.core.control.site_io import OUT_ALARM_OK, OUT_LIFE
from bess.core.events import INFO
from bess.core.points import (
    ALARMS, ALARM_LEVEL, AUTHORITY, BATTERY_W, CAUSES, CELL_DC_MAX, CELL_DC_MIN, CELL_MV_MAX,
    CELL_MV_MIN, CHARGE_AVAILABLE_W, CHARGE_WH, CHARGE_W_RATED, COMMAND_W, COUNTED_PM, CYCLES_PM,
    DC_MA, DC_MV, DISCHARGE_AVAILABLE_W, DISCHARGE_WH, DISCHARGE_W_RATED, EMPTY_MIN,
    ENERGY_WH_RATED, EVENT_COUNT, EVENT_FLOW_CHANGE, EXPORT_WH, FIRST_CAUSE, FLOW, FULL_MIN,
    GRID_CHZ, GRID_CONNECTION, GRID_STATE, GRID_W, HI_REASON, HI_W, IMBALANCE_PM, IMPORT_WH,
    ISLAND, LEFT_WH, LOAD_W, LOAD_WH, LO_REASON, LO_W, MAP_LENGTH, MAP_VERSION, METER_AGE_DS, MODE,
    MODULES, MODULES_LIVE, OPENINGS, OUTPUTS, OWNER, PACK_MV, PCS_GRID, PCS_STATE,
    PCS_UNCONFIRMED, PHASE, PV_W, PV_WH, REQUEST_LEFT_S, ROOM_WH, RUN, SCHEDULE_ENTRY, SIGMA_PM,
    SOC_PM, STRING_COILS, TRIPS, UPTIME_S, VAR_PM, WISH_W,
)

_COILS = 7
_LEFT_S_MAX = 65_534
_TURNS = 4
# how a point of the site is made of those of the packs
_SUM = bytes((CHARGE_WH, DISCHARGE_WH, DC_MA, MODULES, MODULES_LIVE, OPENINGS, CHARGE_W_RATED,
              DISCHARGE_W_RATED, ENERGY_WH_RATED, CHARGE_AVAILABLE_W, DISCHARGE_AVAILABLE_W,
              LEFT_WH, ROOM_WH, ALARMS))
_MOST = bytes((CELL_MV_MAX, CELL_DC_MAX, PCS_UNCONFIRMED, IMBALANCE_PM, SIGMA_PM, ALARM_LEVEL,
               CYCLES_PM, EMPTY_MIN, FULL_MIN))
_LEAST = bytes((CELL_MV_MIN, CELL_DC_MIN))
_MEAN = bytes((PACK_MV, VAR_PM))
_BY_CAPACITY = bytes((SOC_PM, COUNTED_PM))
_FIRST = bytes((MAP_VERSION, MAP_LENGTH, UPTIME_S, IMPORT_WH, EXPORT_WH, PV_WH, LOAD_WH, DC_MV,
                GRID_CHZ, PCS_STATE, PCS_GRID, GRID_STATE, GRID_CONNECTION, ISLAND,
                SCHEDULE_ENTRY, METER_AGE_DS))
# the site's mode is the first of these that a pack is in; charging and discharging by the sum
_MODES = bytes((IDLE, EMERGENCY, MAINTENANCE))


class SiteViews:
    """Writes the computed points of the site's image."""

    def __init__(self, site):
        self._site = site
        self._turn = 0
        for group in (_SUM, _FIRST):
            self._gather(group)

    def balance(self, grid_w, battery_w):
        """Load from the balance; battery_w: at the time of the meter sample, None is unknown."""
        now = self._site.image.now
        now[LOAD_W] = None if battery_w is None else grid_w + battery_w + (now[PV_W] or 0)

    def publish(self, now_ms):
        """What steers in every tick, the rest in turns."""
        site = self._site
        now = site.image.now
        if now[GRID_W] is None:
            now[LOAD_W] = None
        self._publish_command(site, now)
        turn = self._turn
        self._turn = turn + 1 if turn < _TURNS else 0
        if turn == 0:
            self._gather(_SUM)
        elif turn == 1:
            self._gather(_MOST)
            self._gather(_LEAST)
        elif turn == 2:
            self._gather(_FIRST)
            now[AUTHORITY] = 1 if site.local else 0
            left_ms = site.requests.left_ms if site.rank == site.requests.rank else None
            now[REQUEST_LEFT_S] = None if left_ms is None else min(left_ms // 1000, _LEFT_S_MAX)
        elif turn == 3:
            self._gather(_MEAN)
            self._weigh()
        else:
            self._publish_flow(site, now, now_ms)

    def _publish_command(self, site, now):
        window = site.window
        now[LO_W], now[HI_W] = window.lo_w, window.hi_w
        now[LO_REASON], now[HI_REASON] = window.lo_why, window.hi_why
        now[OWNER], now[WISH_W] = site.rank, site.wish_w
        now[COMMAND_W], now[RUN] = site.command.battery_w, site.command.run
        now[EVENT_COUNT] = site.events.count
        self._look_at_packs(site, now)

    def _look_at_packs(self, site, now):
        """Mode and latch of the site, and the bits of all packs."""
        modes = causes = trips = run_wanted = bits = coils = shift = 0
        latched, alarm_ok = -1, OUT_ALARM_OK
        for each in site.packs:
            modes |= 1 << each.mode
            causes |= each.latched
            latched &= each.latched
            trips |= each.trips.present
            run_wanted |= each.run_wanted
            out = each.image.now[OUTPUTS] or 0
            alarm_ok &= out
            bits |= out & ~(_COILS | OUT_ALARM_OK | OUT_LIFE)
            coils |= each.sequence.coils << shift
            shift += 3 * site.sets
            each.image.now[LOAD_W] = now[LOAD_W]
        lead = site.packs[0]
        first = lead.image.now[OUTPUTS] or 0
        now[OUTPUTS] = bits | alarm_ok | first & (_COILS | OUT_LIFE)
        now[STRING_COILS] = coils
        now[CAUSES], now[TRIPS] = causes, trips
        if latched and not site.latched:
            site.end_manual()           # nobody is left to follow it
        site.latched, site.run_wanted, site.local = latched, run_wanted, lead.local
        site.mode = self._mode(modes, site.command.battery_w)
        now[MODE] = site.mode
        self._publish_first(site, now, causes)

    def _mode(self, modes, command_w):
        if command_w:
            return CHARGE if command_w < 0 else DISCHARGE
        if modes & (1 << CHARGE | 1 << DISCHARGE):
            return IDLE
        for mode in _MODES:
            if modes >> mode & 1:
                return mode
        return STANDBY

    def _publish_first(self, site, now, causes):
        """Phase of the first pack that is in the site's mode; first cause of those there are."""
        now[PHASE] = site.packs[0].image.now[PHASE]
        now[FIRST_CAUSE] = 0
        for each in site.packs:
            if each.mode == site.mode:
                now[PHASE] = each.image.now[PHASE]
                break
        for each in site.packs:
            if causes and each.first_cause:
                now[FIRST_CAUSE] = each.first_cause
                break
        site.first_cause = now[FIRST_CAUSE]

    def _publish_flow(self, site, now, now_ms):
        load_w, need_w = now[LOAD_W], None
        if load_w is not None:
            need_w = load_w - (now[PV_W] or 0)
        direction, before = site.direction, now[FLOW]
        if direction.update(now_ms, now[BATTERY_W], now[GRID_W], need_w):
            now[FLOW] = direction.state
            if direction.state is not None:
                site.events.note(EVENT_FLOW_CHANGE, INFO, (before or 0) * 256 + direction.state,
                                 now_ms)

    def _gather(self, points):
        """Points of this group out of those of the packs; None when no pack knows."""
        now = self._site.image.now
        for point in points:
            value, count = None, 0
            for each in self._site.packs:
                there = each.image.now[point]
                if there is None or points is _FIRST and count:
                    continue
                count += 1
                if value is None:
                    value = there
                elif points is _MOST:
                    value = max(value, there)
                elif points is _LEAST:
                    value = min(value, there)
                else:
                    value += there
            if points is _MEAN and count:
                value //= count
            now[point] = value


    def _weigh(self):
        """Means by what the live strings of each pack hold now: 1000 when all are full."""
        now = self._site.image.now
        for point in _BY_CAPACITY:
            total = full_ah = 0
            for each in self._site.packs:
                there = each.image.now[point]
                if there is not None:
                    ah = max(each.capability.full_mah // 1000, 1)
                    full_ah += ah
                    total += ah * there
            now[point] = total // full_ah if full_ah else None


class SiteAlarms:
    """The active lists of all packs, one after the other."""

    def __init__(self, packs):
        self._packs = packs

    @property
    def lost(self):
        """Alarms that found no row."""
        return sum([each.alarms.lost for each in self._packs])

    def read(self, i, out):
        """As alarms.Alarms.read, rows 0..SIZE - 1 are those of the first pack, and so on."""
        pack = i // SIZE
        return pack < len(self._packs) and self._packs[pack].alarms.read(i % SIZE, out)

    def acknowledge(self, number):
        """A person has seen diagnosis `number` (-1: all); how many rows that concerned."""
        return sum([each.alarms.acknowledge(number) for each in self._packs])
