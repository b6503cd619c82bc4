"""The tick of a site of several packs, each with an inverter of its own.

Each pack is a whole power manager: its contactors, its trips and its emergency are its own, and
the others go on. The site has what they share: one image for the meter and the inputs, the events,
the schedule, the grid rules, and the power that somebody wishes, which `Share` deals out.
"""

from micropython import const

from bess.core.battery.sequence import RUN
from bess.core.battery.share import Share
from bess.core.control.calls import PowerManager
from bess.core.control.grid_rules import GridRules
from bess.core.control.invariants import OPPOSED
from bess.core.control.modes import STANDBY
from bess.core.control.pack_events import PackEvents
from bess.core.control.parts import Command
from bess.core.control.site_views import SiteAlarms, SiteViews
from bess.core.control.wishes import note_timeout
from bess.core.curves import part
from bess.core.events import INFO, Events
from bess.core.flow.direction import Direction
from bess.core.flow.tracking import Tracking, stale_step
from bess.core.image import History, Image
from bess.core.points import (
    BATTERY_W, BY_CALIBRATION, BY_MANUAL, BY_PROTECT_CHARGE, BY_REMOTE, BY_SELF_USE, BY_TEST,
    EPOCH_S, EVENT_REQUEST_ENDED, GRID_MV, GRID_W, INPUTS, LEFT_WH, OUTPUTS, PV_W, ROOM_WH,
    STRING_INPUTS, UTC_DAY, UTC_S, WHY_RATING,
)
from bess.core.request import FOR_EVER, RANKS, SLOTS, Requests, slot_of
from bess.core.tick import TICK_MASK
from bess.core.window import Window

_OWN = (1 << slot_of(BY_PROTECT_CHARGE)) | (1 << slot_of(BY_TEST))  # they concern one pack alone
_FEEDBACKS = const(0b1110)          # of INPUTS: where a pack looks for those of its contactors


class SiteTick(PowerManager):
    """`packs` have a window and a command each; window and command are those of the site.

    rank, wish_w: owner and wish of the request that won for the site.
    """

    def __init__(self, settings):
        self.settings = settings
        self.image = Image()
        self.grid = GridRules(settings)
        packs, events = [], Events()
        for number in range(1, settings.packs + 1):
            self.events = PackEvents(events, number)    # which the pack takes
            packs.append(PowerManager(settings, self))
        self.packs, self.events = tuple(packs), events
        self.requests = Requests()      # for a power of the site; what each pack wishes it has
        self.wishes = self.packs[0].wishes
        self.callbacks = None
        self.alarms = SiteAlarms(self.packs)
        self.test = self.packs[0].test
        self.window = Window()
        self.command = Command()
        self.tracking = Tracking(settings)
        self.direction = Direction(settings)
        self.share = Share(settings, settings.packs)
        self.history = History(64)
        self.rank = self.wish_w = 0
        self.now_ms = self.meter_step = self._battery_ms = 0
        self._limited_w = 0             # constant power that the time-out will end
        self.latched = self.first_cause = self.run_wanted = 0
        self.mode = STANDBY
        self.local = self.pressed = False
        self._manual = slot_of(BY_MANUAL)
        self._remote = slot_of(BY_REMOTE)
        self._self_use = slot_of(BY_SELF_USE)
        self._protect = slot_of(BY_PROTECT_CHARGE)
        self._test = slot_of(BY_TEST)
        self.sets = settings.strings_p if settings.contactors == "strings" else 1
        self.views = SiteViews(self)

    @property
    def charge_params(self):
        """Parameters in force, those of the first pack as of each."""
        return self.packs[0].charge_params

    @property
    def discharge_params(self):
        """Parameters in force, those of the first pack as of each."""
        return self.packs[0].discharge_params

    # --- the tick ---------------------------------------------------------------------------

    def step(self, now_ms):
        """One control tick of the site: look at all packs, deal out the power, act."""
        self.now_ms = now_ms
        packs = self.packs
        self._hand_out(now_ms)
        if self.pressed:
            self.pressed = False        # first: what comes from now on is for the next tick
            for each in packs:
                each.pressed = True
        for each in packs:
            each.look(now_ms)
        self._track(now_ms)
        slots = packs[0].local_slots if packs[0].local else -1
        for each in packs:
            each.wishes.tick(now_ms)
            each.requests.settle(now_ms, slots & ~_OWN)
        self.requests.settle(now_ms, slots)
        self._note_ended(now_ms)
        self._find_winner()
        self._open_window(now_ms)
        self._deal(now_ms)
        for each in packs:
            each.act(now_ms)
        self._judge(now_ms)
        self.views.publish(now_ms)

    def _hand_out(self, now_ms):
        """The site's readings into the packs' images."""
        image = self.image
        image.latch(now_ms)
        now = image.now
        for i in range(len(self.packs)):
            other = self.packs[i].image
            self._copy(GRID_W, image.raw[GRID_W], other)
            self._copy(PV_W, image.raw[PV_W], other)
            self._copy(GRID_MV, image.raw[GRID_MV], other)
            self._copy(INPUTS, self._inputs(i), other)
            proofs = image.raw[STRING_INPUTS]
            self._copy(STRING_INPUTS, None if proofs is None else proofs >> 3 * self.sets * i,
                       other)
            other.now[EPOCH_S] = now[EPOCH_S]
            other.now[UTC_DAY], other.now[UTC_S] = now[UTC_DAY], now[UTC_S]

    def _copy(self, point, value, other):
        at_ms = self.image.at_ms[point]
        if other.at_ms[point] != at_ms or other.raw[point] != value:
            other.put(point, value, at_ms)

    def _inputs(self, i):
        """The board's inputs, with the feedbacks of this pack's contactors in their place."""
        raw = self.image.raw
        inputs, proofs = raw[INPUTS], raw[STRING_INPUTS]
        if inputs is None or self.settings.contactors != "own":
            return inputs
        if proofs is None:
            return None
        return inputs & ~_FEEDBACKS | (proofs >> 3 * i & 7) << 1

    def _track(self, now_ms):
        """Balance at the instant of the meter sample; self-use."""
        image = self.image
        battery_w = self._battery(now_ms)
        self.meter_step = stale_step(image.age_ms(GRID_W, now_ms))
        image.now[BATTERY_W] = battery_w
        if not image.meter_fresh:
            return
        grid_w = image.raw[GRID_W]
        if battery_w is not None:
            battery_w = self.history.at(image.at_ms[GRID_W])
        self.views.balance(grid_w, battery_w)
        self.grid.sample(grid_w, battery_w)
        if battery_w is not None and self.settings.self_use:
            wish_w = self.tracking.sample(grid_w, battery_w, self.window)
            self.requests.ask(self._self_use, wish_w, now_ms, FOR_EVER)

    def _battery(self, now_ms):
        """Power of all inverters; None while one is unknown (0 if its pack is at rest)."""
        sum_w, age_ms = 0, TICK_MASK
        for each in self.packs:
            image = each.image
            if image.now[BATTERY_W] is not None:
                sum_w += image.now[BATTERY_W]
                age_ms = min(age_ms, (now_ms - image.at_ms[BATTERY_W]) & TICK_MASK)
            elif not each.stopped():
                return None
        sampled_ms = (now_ms - age_ms) & TICK_MASK
        if age_ms != TICK_MASK and sampled_ms != self._battery_ms:
            self._battery_ms = sampled_ms
            self.history.add(sum_w, sampled_ms)
        return sum_w

    # --- the power of the site ----------------------------------------------------------------

    def _note_ended(self, now_ms):
        ended = self.requests.ended
        if ended:
            self.requests.ended = 0
            for slot in range(SLOTS):
                if ended >> slot & 1:
                    self.events.note(EVENT_REQUEST_ENDED, INFO, RANKS[slot], now_ms)
            if self._limited_w and self.requests.wish_of(self._manual) is None:
                note_timeout(self._limited_w, self.events, now_ms)
                self._limited_w = 0

    def _find_winner(self):
        """The highest rank wins, the site's or a pack's; what packs wish is added up."""
        self.rank, self.wish_w = self.requests.rank, self.requests.wish_w
        for each in self.packs:
            if each.requests.rank > self.rank:
                self.rank, self.wish_w = each.requests.rank, 0
        for each in self.packs:
            requests = each.requests
            if requests.rank == self.rank:
                self.wish_w += requests.wish_w
            else:
                requests.wish_w = 0
            requests.rank = self.rank
            own_w = requests.wish_of(self._protect)
            if own_w is not None:
                requests.rank, requests.wish_w = BY_PROTECT_CHARGE, own_w
            elif requests.wish_of(self._test) is not None:
                requests.rank, requests.wish_w = BY_TEST, requests.wish_of(self._test)

    def _open_window(self, now_ms):
        """Each pack's own rules, and those of the grid connection for the sum."""
        window = self.window
        lo_w = hi_w = exempt_w = 0
        for each in self.packs:
            each.permit(now_ms)
            lo_w += each.window.lo_w
            hi_w += each.window.hi_w
            if each.requests.rank == BY_PROTECT_CHARGE:
                exempt_w -= each.requests.wish_w
        window.open(-lo_w, hi_w, WHY_RATING)
        self._name_reasons(window)
        if self.grid.needs_meter:
            self.grid.narrow(window, self.command.battery_w, self.meter_step, exempt_w)

    def _name_reasons(self, window):
        """Each side: the reason of the pack that is limited most."""
        lo_w, hi_w = window.lo_w, window.hi_w
        for each in self.packs:
            if each.window.lo_w >= lo_w:
                lo_w, window.lo_why = each.window.lo_w, each.window.lo_why
            if each.window.hi_w <= hi_w:
                hi_w, window.hi_why = each.window.hi_w, each.window.hi_why

    def _deal(self, now_ms):
        """What concerns one pack alone first; the rest is shared, inside the site's window."""
        window = self.window
        lo_w, hi_w = window.lo_w, window.hi_w
        for each in self.packs:
            if each.requests.rank >= BY_TEST:
                requests = each.requests
                each.window.charge(-lo_w, window.lo_why)
                each.window.discharge(hi_w, window.hi_why)
                requests.wish_w = each.window.nearest(requests.wish_w)
                lo_w -= min(requests.wish_w, 0)
                hi_w -= max(requests.wish_w, 0)
        total_w = min(max(self.wish_w, lo_w), hi_w)
        if (total_w > 0 and lo_w != window.lo_w) or (total_w < 0 and hi_w != window.hi_w):
            total_w = 0                 # a pack that has to be charged bars discharging, and so on
        self._limit_packs()
        given_w = self.share.share(total_w, now_ms)
        for i in range(len(self.packs)):
            each = self.packs[i]
            if each.requests.rank < BY_TEST:
                running = each.sequence.step == RUN
                each.requests.wish_w = self.share.w[i] if running else self.wish_w
        self._narrow(lo_w, hi_w, given_w)
        for each in self.packs:
            if self._opposed(each.requests.wish_w):
                each.requests.wish_w = 0

    def _limit_packs(self):
        """What each pack may take of the site's power. A method of charging bounds its pack."""
        share = self.share
        for i in range(len(self.packs)):
            each = self.packs[i]
            charge_w, discharge_w = -each.window.lo_w, each.window.hi_w
            if each.requests.rank >= BY_TEST or each.sequence.step != RUN:
                charge_w = discharge_w = 0
            elif self.rank == BY_CALIBRATION or self._charges(each):
                charge_w = min(charge_w, max(-each.requests.wish_w, 0))
            share.charge_w[i], share.discharge_w[i] = charge_w, discharge_w
            now = each.image.now
            share.left_wh[i], share.room_wh[i] = now[LEFT_WH] or 0, now[ROOM_WH] or 0

    def _charges(self, each):
        """True while the winner is a charge by a method, which each pack has for itself."""
        operations = each.wishes.operations
        return operations is not None and operations.charger == self.rank

    def _narrow(self, lo_w, hi_w, given_w):
        """The packs' windows together stay inside the site's: what is not given is cut in
        proportion.
        """
        charge_w, discharge_w, window = 0, 0, self.window
        for each in self.packs:
            if each.requests.rank < BY_TEST:
                charge_w -= each.window.lo_w
                discharge_w += each.window.hi_w
        take_w, give_w = max(-given_w, 0), max(given_w, 0)
        charge_pm, discharge_pm = 1000, 1000
        if charge_w > -lo_w:
            charge_pm = (-lo_w - take_w) * 1000 // (charge_w - take_w)
        if discharge_w > hi_w:
            discharge_pm = (hi_w - give_w) * 1000 // (discharge_w - give_w)
        for i in range(len(self.packs)):
            each, w = self.packs[i], self.share.w[i]
            if each.requests.rank >= BY_TEST:
                continue
            if charge_pm < 1000:
                least_w = max(-w, 0)
                rest_w = part(-each.window.lo_w - least_w, charge_pm)
                each.window.charge(least_w + rest_w, window.lo_why)
            if discharge_pm < 1000:
                least_w = max(w, 0)
                rest_w = part(each.window.hi_w - least_w, discharge_pm)
                each.window.discharge(least_w + rest_w, window.hi_why)

    def _opposed(self, wish_w):
        """True while another pack still goes the other way: first it comes to zero."""
        for each in self.packs:
            w = each.command.battery_w
            if wish_w < 0 < w or w < 0 < wish_w:
                return True
        return False

    def _judge(self, now_ms):
        """Sum of the commands; packs that fight are a bug, and stop."""
        sum_w = run = charging = discharging = 0
        for each in self.packs:
            w = each.command.battery_w
            sum_w += w
            run = run or each.command.run
            charging = charging or w < 0
            discharging = discharging or w > 0
        self.command.battery_w, self.command.run = sum_w, run
        if charging and discharging:
            self.breach(OPPOSED, now_ms)

    def end_manual(self):
        """The constant power that a person has asked for is over."""
        self.requests.withdraw(self._manual)
        self._limited_w = 0

    def breach(self, number, now_ms):
        """Zero and an emergency for every pack."""
        self.command.battery_w = self.command.run = 0
        for each in self.packs:
            each.breach(number, now_ms)

    def fail(self, now_ms):
        """The step itself failed: zero power, inverters stop, latched."""
        self.command.battery_w = self.command.run = 0
        for each in self.packs:
            each.fail(now_ms)
        self.views.publish(now_ms)

    def outputs(self):
        """Bits of the board's outputs: what any pack wants; the alarm relay holds for all."""
        return self.image.now[OUTPUTS] or 0
