"""The sleep that somebody else can end."""

import asyncio

import micropython
from bess.ports.clock import Clock
from bess.services.bell import Bell

clock = Clock()


async def timed(bell, wait_ms):
    begun_ms = clock.ticks_ms()
    await bell.sleep(wait_ms)
    return clock.ticks_ms() - begun_ms


async def ring_after(bell, delay_ms, times=1):
    await asyncio.sleep(delay_ms / 1000)
    for _ in range(times):
        bell.ring()


async def sleep_and_ring(wait_ms, delay_ms, times=1):
    bell = Bell()
    ringer = asyncio.create_task(ring_after(bell, delay_ms, times))
    first_ms = await timed(bell, wait_ms)
    second_ms = await timed(bell, 30)
    await ringer
    return first_ms, second_ms


def test_sleeps_to_the_end_when_nobody_rings():
    first_ms, _ = asyncio.run(sleep_and_ring(20, 60))
    assert 15 <= first_ms < 55


def test_ringing_ends_the_sleep_and_counts_once():
    first_ms, second_ms = asyncio.run(sleep_and_ring(2000, 20, times=3))
    assert first_ms < 500
    assert second_ms >= 25, "the same ring must not end the next sleep"


def test_ringing_before_the_sleep_is_not_lost():
    async def main():
        bell = Bell()
        bell.ring()
        return await timed(bell, 2000)

    assert asyncio.run(main()) < 500


def test_always_rung_still_lets_others_run():
    async def main():
        bell, turns = Bell(), []

        async def other():
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for _ in range(10):
            bell.ring()
            await bell.sleep(1000)
        task.cancel()
        return len(turns)

    assert asyncio.run(main()) >= 9


def test_cancelled_sleeper_and_a_late_ring():
    async def main():
        bell, woken = Bell(), []

        async def sleeper():
            while True:
                await bell.sleep(10000)
                woken.append(1)

        task = asyncio.create_task(sleeper())
        await asyncio.sleep(0.005)
        task.cancel()
        bell.ring()
        await asyncio.sleep(0.005)
        bell.ring()
        await asyncio.sleep(0.005)
        return woken

    assert asyncio.run(main()) == []


def test_ringing_a_task_of_a_loop_that_was_given_up():
    """Ctrl-C ends the loop with its tasks in the queue; the safe stop runs in a new one."""
    woken = []

    async def sleeper(bell):
        await bell.sleep(10000)
        woken.append(1)

    async def cut_off(bell):
        asyncio.create_task(sleeper(bell))
        await asyncio.sleep(0.005)

    async def safe_stop(bell):
        begun_ms = clock.ticks_ms()
        naps = [asyncio.create_task(timed(Bell(), wait_ms)) for wait_ms in (40, 10, 30, 20)]
        await asyncio.sleep(0)
        bell.ring()
        bell.ring()
        for nap in naps:
            await nap
        return clock.ticks_ms() - begun_ms

    bell = Bell()
    asyncio.run(cut_off(bell))
    asyncio.new_event_loop()
    assert 35 <= asyncio.run(safe_stop(bell)) < 500
    assert not woken


def test_ringing_allocates_nothing():
    async def main():
        bell = Bell()
        task = asyncio.create_task(timed(bell, 2000))
        await asyncio.sleep(0.005)
        micropython.heap_lock()
        try:
            bell.ring()
            bell.ring()
        finally:
            micropython.heap_unlock()
        return await task

    assert asyncio.run(main()) < 500
