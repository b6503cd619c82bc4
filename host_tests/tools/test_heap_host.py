"""The live heap of the core profile on 32 bits, and that its measurement can fail."""

import pytest

from tools.bench import heap32


def test_heap():
    figures = heap32.measure()
    assert figures["total"] <= heap32.BYTES_MAX, figures


def test_heap_is_not_measured_on_a_controller_that_stands_still():
    """Without its site the same programs command no power: the measurement must say so."""
    found = heap32.files()
    dead = {**found, "/config.json": found["/config.json"].replace(
        b'"start_at_boot": 1', b'"start_at_boot": 0')}
    assert dead != found
    with pytest.raises(heap32.wasm32.Failed, match="did not run"):
        heap32.live(dead)
