"""Who wins, and until when."""

from bess.core.request import FOR_EVER, RANKS, Requests, slot_of
from bess.core.tick import TICK_MASK

PROTECT, MANUAL, REMOTE, SELF_USE = slot_of(90), slot_of(60), slot_of(50), slot_of(10)

WINNERS = (
    # requests (slot, wish), rank, wish, why
    ((), 0, 0, "nobody asks"),
    (((SELF_USE, 700),), 10, 700, "alone"),
    (((SELF_USE, 700), (REMOTE, -900)), 50, -900, "the higher rank"),
    (((REMOTE, -900), (SELF_USE, 700)), 50, -900, "whatever the order of asking"),
    (((REMOTE, 0), (SELF_USE, 700)), 50, 0, "0 W is a wish and holds lower ranks off"),
    (((REMOTE, 100), (REMOTE, 200)), 50, 200, "the later replaces"),
    (((MANUAL, 5), (PROTECT, -800)), 90, -800, "protection before people"),
)


def test_winners():
    for asked, rank, wish_w, why in WINNERS:
        requests = Requests()
        for slot, power_w in asked:
            requests.ask(slot, power_w, 0)
        requests.settle(0)
        assert (requests.rank, requests.wish_w) == (rank, wish_w), why


def test_a_request_ends_in_time_also_across_the_wrap():
    for start_ms in (0, TICK_MASK - 700):
        requests = Requests()
        requests.ask(SELF_USE, 10, start_ms, FOR_EVER)
        requests.ask(REMOTE, 20, start_ms, 1000)
        requests.settle((start_ms + 999) & TICK_MASK)
        assert (requests.rank, requests.left_ms) == (50, 1), start_ms
        requests.settle((start_ms + 1000) & TICK_MASK)
        assert (requests.rank, requests.wish_w, requests.left_ms) == (10, 10, None), start_ms
        assert requests.wish_of(REMOTE) is None and requests.wish_of(SELF_USE) == 10


def test_a_dead_request_stays_dead_when_the_counter_has_gone_round():
    requests = Requests()
    requests.ask(REMOTE, 20, 0, 1000)
    requests.settle(1000)
    requests.settle(10)
    assert requests.rank == 0


def test_a_lower_request_ends_behind_a_higher_one():
    requests = Requests()
    requests.ask(REMOTE, 20, 0, 1000)
    requests.ask(MANUAL, 30, 0)
    requests.settle(1000)
    assert requests.withdraw(MANUAL)
    requests.settle(10)
    assert requests.rank == 0, "it ended while it was not the winner"


def test_renewal_and_withdrawal():
    requests = Requests()
    requests.ask(REMOTE, 20, 0, 1000)
    requests.ask(REMOTE, 25, 900, 1000)
    requests.settle(1500)
    assert (requests.wish_w, requests.left_ms) == (25, 400)
    assert requests.withdraw(REMOTE) and not requests.withdraw(REMOTE)
    requests.settle(1600)
    assert (requests.rank, requests.wish_w) == (0, 0)


def test_ranks():
    assert RANKS == (90, 80, 70, 60, 50, 40, 30, 25, 20, 10), "on every interface"
    for i in range(len(RANKS)):
        assert slot_of(RANKS[i]) == i
    assert sorted(RANKS, reverse=True) == list(RANKS)
    try:
        slot_of(55)
    except ValueError as fault:
        assert "55" in str(fault) and "50" in str(fault)
    else:
        raise AssertionError("rank 55")


def test_whose_setpoint_it_is():
    requests = Requests()
    assert not requests.held(REMOTE, 1), "nobody's"
    requests.ask(REMOTE, 20, 0, 1000, 1)
    assert requests.held(REMOTE, 2) and not requests.held(REMOTE, 1)
    assert not requests.held(MANUAL, 2), "a rank for itself"
    requests.settle(1000)
    assert not requests.held(REMOTE, 2), "free when it has ended"
    requests.ask(REMOTE, 20, 2000)
    assert not requests.held(REMOTE, 0), "0 by default"


def test_what_has_ended_is_marked_until_somebody_takes_it():
    requests = Requests()
    requests.ask(REMOTE, 20, 0, 1000)
    requests.ask(MANUAL, 30, 0)
    requests.settle(999)
    assert requests.ended == 0
    requests.settle(1000)
    assert requests.ended == 1 << REMOTE
    assert requests.withdraw(MANUAL) and requests.ended == 1 << REMOTE | 1 << MANUAL
    requests.withdraw(SELF_USE)
    assert requests.ended == 1 << REMOTE | 1 << MANUAL, "what was never asked does not end"


def test_nobody_asks_before_the_first():
    requests = Requests()
    assert (requests.rank, requests.wish_w, requests.left_ms, requests.ended) == (0, 0, None, 0)
    assert [requests.wish_of(slot) for slot in range(len(RANKS))] == [None] * len(RANKS)


def test_only_the_allowed_slots_win():
    requests = Requests()
    requests.ask(REMOTE, 20, 0)
    requests.ask(MANUAL, 30, 0)
    requests.settle(0, 1 << REMOTE)
    assert (requests.rank, requests.wish_w) == (50, 20)
    requests.settle(0, 1 << SELF_USE)
    assert (requests.rank, requests.wish_w) == (0, 0)
    requests.settle(0)
    assert requests.rank == 60, "it was never withdrawn"
