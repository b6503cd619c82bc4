"""Which files are copied, removed and kept; the copying itself is in e2e/test_flash_host.py."""

import tempfile

from tools import flash

WANTED = {"boot.py": "b1", "main.py": "m1", "config.json": "c1", "bess/app.mpy": "a1",
          "bess/core/tick.mpy": "t1"}

PLANS = (
    # on the board, removals, folders, copies, why
    ({}, [], ["bess", "bess/core"],
     ["bess/app.mpy", "bess/core/tick.mpy", "boot.py", "config.json", "main.py"], "new board"),
    (WANTED, [], [], [], "up to date"),
    ({**WANTED, "bess/core/tick.mpy": "t0"}, ["main.py"], ["bess", "bess/core"],
     ["bess/core/tick.mpy", "main.py"], "one change; main.py comes back last"),
    ({**WANTED, "config.json": "own"}, [], [], [], "the board's own configuration stays"),
    ({**WANTED, "bess/app.py": "a0"}, ["bess/app.py", "main.py"], [], ["main.py"],
     "a source left behind would be imported before the .mpy"),
    ({k: v for k, v in WANTED.items() if k != "main.py"}, [], [], ["main.py"], "cut short before"),
    ({**WANTED, "main.py": "m0"}, ["main.py"], [], ["main.py"], "only main.py changed"),
)


def test_plans():
    for present, removals, folders, copies, why in PLANS:
        assert flash.make_plan(WANTED, present) == (removals, folders, copies), why


def test_configuration_can_be_forced():
    present = {**WANTED, "config.json": "own"}
    assert flash.make_plan(WANTED, present, True).copies == ["config.json", "main.py"]


def test_configuration_is_never_removed():
    wanted = {path: digest for path, digest in WANTED.items() if path != "config.json"}
    assert flash.make_plan(wanted, WANTED) == ([], [], [])


def test_listing_ignores_what_others_print():
    text = "boot: cause 5\nsha256 12ab bess/a b.mpy\r\ncp x :y\nsha256 34 main.py\n"
    assert flash.parse_listing(text) == {"bess/a b.mpy": "12ab", "main.py": "34"}


def error_of(words):
    said = flash.main(words)
    assert said.startswith("error: ") and said.count("\n") == 0, said
    return said


def test_wrong_board_or_port_is_one_line():
    assert "esp32_c3" in error_of(["esp8266", "/dev/null"])
    said = error_of(["esp32", "/dev/nowhere"])
    assert "/dev/nowhere is no serial port; serial ports here:" in said
    assert "PORT= is missing" in error_of(["esp32"])


def test_a_file_is_no_board():
    with tempfile.NamedTemporaryFile() as file:
        assert f"{file.name} is no serial port" in error_of(["virtual", file.name])


def test_reasons():
    for said, words in (
        ("mpremote.transport.TransportError: could not enter raw repl\n", "no MicroPython prompt"),
        ("mpremote: failed to access /dev/x (it may be in use by another program)", "another"),
        ("Traceback\nOSError: 28\n", "OSError: 28"),
        ("", "mpremote failed"),
    ):
        assert words in flash.reason(said)
