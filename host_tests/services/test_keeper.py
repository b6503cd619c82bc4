"""What is kept over a restart: written when it should be, read back, and never trusted blindly."""

from bess.core.control.modes import CHARGE, EMERGENCY, IDLE, MAINTENANCE, STANDBY
from bess.core.points import (
    BATTERY_W, CAUSE_COMMANDED, CAUSE_LATCH_UNREADABLE, EVENT_AUTO_RESTART_GIVEN_UP,
    EVENT_RESTART, EVENT_STORE_REPAIRED,
)
from bess.services.keeper import Keeper
from host_tests.core.bench_pack import Bench, latched


class Store:
    """A flash in memory; broken: saves raise; spoiled: names that cannot be read."""

    def __init__(self):
        self.files = {}
        self.saves = []
        self.broken = False
        self.spoiled = ()
        self.older = {}         # of the names whose newer slot cannot be read

    def load(self, name):
        if name in self.older:
            return self.older[name]
        return None if name in self.spoiled else self.files.get(name)

    def damaged(self, name):
        return name in self.spoiled or name in self.older

    def save(self, name, content):
        if self.broken:
            raise OSError(5)
        if self.files.get(name) != content:
            self.files[name] = bytes(content)
            self.saves.append(name)


class Board:
    """A bench whose keeper looks after every second tick, as the task does."""

    def __init__(self, store, **changes):
        self.bench = Bench(**changes)
        self.store = store
        self.keeper = Keeper(self.bench.manager, store, self)

    def ticks_ms(self):
        return self.bench.now_ms

    def run(self, span_ms):
        for tick in range(span_ms // 100):
            self.bench.tick()
            if tick % 2:
                self.keeper.look(self.bench.now_ms)
        return self.bench.manager


def test_an_emergency_is_stored_within_a_second_and_restored():
    store = Store()
    board = Board(store)
    board.run(1000)
    board.bench.manager.emergency_shutdown()
    board.run(1000)
    manager = Board(store).bench.manager
    assert (manager.mode, manager.latched) == (EMERGENCY, 1 << CAUSE_COMMANDED)
    assert manager.first_cause == CAUSE_COMMANDED


def test_maintenance_and_authority_are_restored():
    store = Store()
    board = Board(store)
    board.run(500)
    board.bench.manager.enter_maintenance()
    board.bench.manager.set_authority(True)
    board.run(500)
    manager = Board(store).bench.manager
    assert manager.mode == MAINTENANCE and manager.local is True


def test_it_runs_again_after_a_restart():
    store = Store()
    board = Board(store)
    board.bench.started(1000)
    board.run(1000)
    board = Board(store)
    assert board.run(9000).mode == STANDBY
    assert board.run(10_000).mode == IDLE and board.bench.manager.command.battery_w == 0


def restarts(board):
    """What the newest event RESTART says, None without any."""
    events = board.bench.manager.events
    for back in range(32):
        slot = events.slot(back)
        if slot >= 0 and events.event(slot) == EVENT_RESTART:
            return events.data(slot)
    return None


def test_each_restart_is_an_event_that_counts_the_unplanned_ones():
    store = Store()
    board = Board(store)
    assert restarts(board) == 0, "the first one"
    for count in (1, 2, 3, 3):
        board = Board(store)
        assert restarts(board) == count
    board.keeper.flush()
    assert restarts(Board(store)) == 0, "a planned one"


def test_after_three_restarts_in_a_row_it_waits_for_a_person():
    store = Store()
    board = Board(store)
    board.bench.started()
    board.run(1000)
    for restart in range(1, 5):
        board = Board(store)
        manager = board.run(20_000)
        if restart < 3:
            assert manager.mode == IDLE, restart
        else:
            assert manager.mode == STANDBY and manager.run_wanted == 0, restart
            break
    assert board.bench.has(EVENT_AUTO_RESTART_GIVEN_UP) == 1
    manager.start()
    assert board.run(610_000).mode == IDLE
    assert Board(store).run(20_000).mode == IDLE, "ten sound minutes: counted anew"


def test_a_planned_restart_does_not_count():
    store = Store()
    board = Board(store)
    board.bench.started()
    for _ in range(5):
        board.run(2000)
        board.keeper.flush()
        board = Board(store)
        assert board.run(20_000).mode == IDLE


def test_parameters_are_restored_and_refused_when_the_configuration_is_tighter():
    store = Store()
    board = Board(store)
    board.bench.manager.set_charge_params(2, 5000, 60_000, 55_000, 800, 90, 0)
    board.bench.manager.set_discharge_params(4000, 70_000, 47_000, 200, 60)
    board.run(3000)
    manager = Board(store).run(200)
    charge, discharge = manager.charge_params, manager.discharge_params
    assert (charge.method, charge.w_max, charge.ma_max, charge.mv_max) == (2, 5000, 60_000, 55_000)
    assert (charge.soc_pm_target, charge.minutes_max, charge.balancing) == (800, 90, 0)
    assert (discharge.w_max, discharge.ma_max, discharge.mv_min) == (4000, 70_000, 47_000)
    assert (discharge.soc_pm_min, discharge.minutes_max) == (200, 60)
    manager = Board(store, charge_w_max=4000).run(200)
    assert manager.charge_params.w_max == 0 and manager.discharge_params.w_max == 4000


def test_counters_go_on_and_are_not_written_all_the_time():
    store = Store()
    board = Board(store)
    board.bench.started(10_000)
    board.run(840_000)
    assert "counters" not in store.saves, "every 15 minutes at most"
    board.run(120_000)
    assert store.saves.count("counters") == 1
    board.bench.manager.stop()
    board.run(20_000)
    assert store.saves.count("counters") == 2, "and when the pack has come to rest"
    wh = list(board.bench.manager.views.counters.wh)
    assert wh[0] > 2500
    again = Board(store)
    assert list(again.bench.manager.views.counters.wh) == wh
    assert again.bench.manager.image.now[BATTERY_W] is None


def test_the_schedule_and_the_own_count_are_restored():
    store = Store()
    board = Board(store)
    fields = (True, 3, 4, 5, CHARGE, -600, 70, False)
    assert board.bench.manager.add_schedule(fields) == 0
    board.bench.started()
    board.run(5000)
    board.bench.manager.wishes.soc.sigma_pm = 17
    board.bench.manager.stop()
    board.run(20_000)
    manager = Board(store).bench.manager
    assert manager.get_schedule(0) == fields
    assert (manager.wishes.soc.soc_pm, manager.wishes.soc.sigma_pm) == (500, 17)


SPOILED = (
    # name, causes after the restart, why
    ("latch", 1 << CAUSE_LATCH_UNREADABLE, "nobody knows what it said"),
    ("params", 0, "defaults"),
    ("counters", 0, "they begin at zero"),
    ("schedule", 0, "it is empty"),
    ("soc", 0, "the count begins anew"),
)


def test_what_cannot_be_read_is_an_event():
    for name, causes, why in SPOILED:
        store = Store()
        store.spoiled = (name,)
        board = Board(store)
        manager = board.run(200)
        assert manager.latched == causes, why
        assert board.bench.has(EVENT_STORE_REPAIRED) == 1, name
        store = Store()
        store.files[name] = b"short"
        board = Board(store)
        assert board.bench.manager.latched == causes, (why, "wrong length")
        assert board.bench.has(EVENT_STORE_REPAIRED) == 1, name


def test_an_older_slot_serves_for_all_but_the_latch():
    store = Store()
    board = Board(store)
    board.bench.manager.set_charge_params(w_max=4000)
    board.run(5000)
    before = dict(store.files)
    store.older = {"params": before["params"]}
    bench = Board(store).bench
    bench.tick()
    assert bench.manager.charge_params.w_max == 4000 and bench.has(EVENT_STORE_REPAIRED) == 1
    assert bench.manager.latched == 0
    store.older = {"latch": before["latch"]}
    bench = Board(store).bench
    assert bench.manager.latched == 1 << CAUSE_LATCH_UNREADABLE, "an emergency since then is lost"
    assert bench.has(EVENT_STORE_REPAIRED) == 1


def test_a_broken_flash_is_tried_again():
    store = Store()
    board = Board(store)
    board.run(500)
    store.broken = True
    board.bench.manager.emergency_shutdown()
    board.bench.until(latched, 300)
    board.run(1000)
    store.broken = False
    board.run(500)
    assert Board(store).bench.manager.latched == 1 << CAUSE_COMMANDED


def test_nothing_is_written_while_nothing_changes():
    store = Store()
    board = Board(store)
    board.run(3000)
    count = len(store.saves)
    board.run(60_000)
    assert len(store.saves) == count
