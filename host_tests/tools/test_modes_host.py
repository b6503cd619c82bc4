"""The table of modes, what is written from it, and what it says to a wrong row."""

import pytest

from bess.core.control import modes as firmware
from bess.core.control.transitions import NEXT
from tools import modes


def test_what_is_written_is_fresh():
    assert modes.main(["--check"]) == 0


def test_the_firmware_has_the_table():
    rows = modes.read_table(modes.TABLE.read_text())
    wanted = {(source, row.target) for row in rows for source in row.sources}
    got = {(source, target) for i, source in enumerate(modes.MODES)
           for k, target in enumerate(modes.MODES) if NEXT[i] >> k & 1}
    assert got == wanted


def test_codes_of_tool_and_firmware_agree():
    assert [getattr(firmware, mode) for mode in modes.MODES] == list(range(6))


BAD = (
    ("1\tSTANDBY\tIDLE", "line 1: 3 columns, 4 wanted"),
    ("1\tSTANDBY\tSLEEP\twhy", "line 1: mode SLEEP, allowed: STANDBY"),
    ("1\tSTANDBY,OFF\tIDLE\twhy", "line 1: mode OFF"),
)


@pytest.mark.parametrize("text, words", BAD)
def test_a_wrong_row_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        modes.read_table(text)


def test_a_stale_file_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(modes, "ROOT", tmp_path)
    monkeypatch.setattr(modes, "DOC", tmp_path / "modes.md")
    assert modes.main(["--check"]) == 1
    assert "modes.md is out of date: run python -m tools.modes" in capsys.readouterr().out
