"""Events that only say what happened."""

from bess.core.points import EVENT_REQUEST_ENDED
from host_tests.core.bench_pack import Bench


def test_the_end_of_a_request_is_told():
    bench = Bench().started()
    manager = bench.manager
    manager.ask_remote(1000, 2000)
    bench.run(3000)
    events = manager.events
    ended = [events.data(events.slot(back)) for back in range(32)
             if events.slot(back) >= 0 and events.event(events.slot(back)) == EVENT_REQUEST_ENDED]
    assert ended == [50], "the rank whose time is over"
