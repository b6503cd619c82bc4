"""The live heap of the core profile on 32 bits, and that its measurement can fail."""

import pytest

from tools.bench import heap32


@pytest.mark.long
def test_heap():
    figures = heap32.measure()
    assert figures["total"] <= heap32.BYTES_MAX, figures


LATER = ("battery.charge", "battery.discharge", "control.callbacks", "control.island",
         "control.operate", "control.operations", "control.people", "control.schedule",
         "flow.grid_support")
BYTES_ALL_MAX = 143_000


@pytest.mark.long
def test_everything_that_is_loaded_later_runs_on_the_image():
    """Its makers are still there when the start's own are forgotten; and what it takes."""
    total, loaded = heap32.live(heap32.files(**heap32.EVERYTHING), heap32.ASKED)
    assert {f"bess.core.{name}" for name in LATER} <= set(loaded)
    assert total <= BYTES_ALL_MAX
    assert not {f"bess.core.{name}" for name in LATER}.intersection(heap32.live(heap32.files())[1])


def test_heap_is_not_measured_on_a_controller_that_stands_still():
    """Without its site the same programs command no power: the measurement must say so."""
    found = heap32.files()
    dead = {**found, "/config.json": found["/config.json"].replace(
        b'"start_at_boot": 1', b'"start_at_boot": 0')}
    assert dead != found
    with pytest.raises(heap32.wasm32.Failed, match="did not run"):
        heap32.live(dead)
