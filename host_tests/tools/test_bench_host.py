"""The bench's figures that must hold; what the machine's noise can spoil is tried again."""

import os
import tempfile
import time
from contextlib import contextmanager

import pytest

from tools.bench import chip, modbus, modbus_load
from tools.simulate import many

TRIES = 5

# On the reference desktop the loop of chip64/tick_program.py takes 58 us undisturbed, and a tick
# with the whole power manager may take 100 us, 160 with a new sample of every module. Tick and
# loop slow down together on another machine; their quotient stays. With everything enabled 1.72 is
# the aim too; 1.71 to 1.89 was measured, and much more must not come unseen.
LOOPS_MAX = {(16, 2, 800): 1.72, chip.EVERYTHING["all"]: 2.05,
             chip.EVERYTHING["all fresh"]: 2.7, chip.EVERYTHING["trip"]: 2.5}
UMODBUS_TIMES_MIN = 2.5
# Seconds that tools.simulate simulates, with faults, while CPython runs loop_s() once: by modules.
SIMULATED_MIN = {4: 130, 16: 85}


@pytest.fixture(scope="module")
def tree():
    with tempfile.TemporaryDirectory() as folder:
        yield chip.install(folder)


@pytest.mark.parametrize("words", LOOPS_MAX)
def test_the_tick_is_fast_and_allocates_nothing(tree, words):
    quotients = []
    for _ in range(TRIES):
        median_us, _, loop_us, allocated, _, tripped = chip.run(
            tree, "tick_program.py", *words, heap="2M")
        assert allocated == 0 and bool(tripped) == ("trip" in words)
        quotients.append(median_us / loop_us)
        if quotients[-1] <= LOOPS_MAX[words]:
            return
    raise AssertionError(f"tick over loop: {quotients}, wanted: at most {LOOPS_MAX[words]}")


@pytest.mark.long
def test_requests_a_second_beside_umodbus(tree):
    """Needs two cores of its own: looked at again when something else had them."""
    ratios = []
    for _ in range(TRIES):
        single, four = modbus.measure(tree, rounds=7, seconds=0.4)
        ratios.append(round(modbus.ratio(single), 2))
        assert all(min(load.per_client) > 0 for load in four), "one of four clients got nothing"
        if ratios[-1] >= UMODBUS_TIMES_MIN:
            return
        time.sleep(10)
    raise AssertionError(f"times umodbus: {ratios}, load {os.getloadavg()[0]:.1f}")


def loop_s():
    """Processor time of a fixed loop."""
    began_s = time.process_time()
    x = 1
    for i in range(1_000_000):
        x = x * 3 + i & 0x3FFFFFFF
    return time.process_time() - began_s


@pytest.mark.parametrize("modules", SIMULATED_MIN)
def test_the_simulation_is_fast(modules):
    quotients = []
    for seed in range(1, TRIES + 1):
        before_s = loop_s()
        speed = many.simulate(seed, 0.25, modules=modules)["speed"]
        quotients.append(round(speed * (before_s + loop_s()) / 2))
        if quotients[-1] >= SIMULATED_MIN[modules]:
            return
    raise AssertionError(f"simulated s a loop: {quotients}, wanted: {SIMULATED_MIN[modules]}")


@contextmanager
def answering(answer):
    """A server that gives each request the same bytes."""
    import socket
    import threading

    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listening.accept()
        with connection:
            while connection.recv(260):
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.close()


WRONG = (
    # answer, words of the fault, why
    (bytes((0, 1, 0, 0, 0, 3, 1, 0x83, 2)), "exception 2", "a refusal is no answer"),
    (bytes((0, 1, 0, 0, 0, 23, 1, 3, 20)) + bytes(20), None, "ten registers"),
)


def test_the_load_counts_only_whole_right_answers():
    for answer, fault, why in WRONG:
        with answering(answer) as port:
            if fault is None:
                load = modbus_load.measure("127.0.0.1", port, 1, 0.1)
                assert load.requests == load.per_client[0] > 10, why
                assert load.median_ms <= load.p99_ms <= load.worst_ms, why
            else:
                with pytest.raises(RuntimeError, match=fault):
                    modbus_load.measure("127.0.0.1", port, 1, 0.1)
