"""What is kept over a restart of a site of several packs."""

from bess.core.control.modes import EMERGENCY
from bess.core.points import EVENT_STORE_REPAIRED
from bess.services.keeper import Keeper
from host_tests.core.bench_packs import SiteBench
from host_tests.services.test_keeper import Store


class Clock:
    def ticks_ms(self):
        return 0


def test_an_emergency_of_one_pack_is_stored_for_it_alone():
    store = Store()
    bench = SiteBench(packs=2)
    keeper = Keeper(bench.site, store, Clock())
    bench.run(1000)
    bench.site.packs[1].emergency_shutdown()
    bench.run(1000)
    bench.site.add_schedule((1, 7, 6, 0, 1, -5000, 60, 1))
    keeper.flush()
    again = SiteBench(packs=2).site
    Keeper(again, store, Clock())
    assert [each.mode == EMERGENCY for each in again.packs] == [False, True]
    assert again.get_schedule(0) == (1, 7, 6, 0, 1, -5000, 60, 1)
    store.spoiled = ("latch2",)
    broken = SiteBench(packs=2).site
    Keeper(broken, store, Clock())
    assert [each.mode == EMERGENCY for each in broken.packs] == [False, True]
    assert broken.events.event(broken.events.slot(1)) == EVENT_STORE_REPAIRED
