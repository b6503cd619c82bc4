"""Each board's pins against what its chip can do."""

import json

from tools import build

# pins: all there are; taken: flash, PSRAM, USB and console; strapping: read by the chip at reset;
# high: short high pulse at reset or power-up, so never a contactor; inputs: cannot drive.
CHIPS = {
    "esp32": {
        "pins": {*range(20), 21, 22, 23, *range(25, 28), *range(32, 40)} - {37, 38},
        "taken": {1, 3, *range(6, 12), 16, 17},
        "strapping": {0, 2, 5, 12, 15},
        "high": {14, 13},
        "inputs": set(range(34, 40)),
        "no_pulls": set(range(34, 40)),
    },
    "esp32s3": {
        "pins": {*range(22), *range(26, 49)},
        "taken": {19, 20, *range(26, 38), 43, 44, 47, 48},
        "strapping": {0, 3, 45, 46},
        "high": {18},
        "inputs": set(),
        "no_pulls": set(),
    },
    "esp32c3": {
        "pins": set(range(22)),
        "taken": {*range(11, 18), 18, 19},
        "strapping": {2, 8, 9},
        "high": {18, 21},
        "inputs": set(),
        "no_pulls": set(),
    },
}
COILS = ("negative_coil", "precharge_coil", "positive_coil", "trip", "fan", "heater", "shed_1",
         "shed_2", "alarm_relay", "life")
INPUTS = ("emergency", "negative_feedback", "precharge_feedback", "positive_feedback", "fire",
          "insulation", "door", "aux")
NEEDED = (*COILS[:4], "lamp", *INPUTS[:4])


def faults(board):
    """Sentences about everything that is wrong with a board's pins."""
    chip = CHIPS[board["chip"]]
    said = [f"{name} is missing" for name in NEEDED if name not in board["pins"]]
    seen = {}
    for name, pin in board["pins"].items():
        gpio, is_output = pin["gpio"], pin["mode"] == "out"
        if gpio in seen:
            said.append(f"{name} and {seen[gpio]} share GPIO {gpio}")
        seen[gpio] = name
        if gpio not in chip["pins"] or gpio in chip["taken"]:
            said.append(f"{name}: GPIO {gpio} is not free")
        if is_output and gpio in chip["strapping"] | chip["inputs"]:
            said.append(f"{name}: GPIO {gpio} may not be an output")
        if name in COILS and gpio in chip["high"]:
            said.append(f"{name}: GPIO {gpio} pulses at reset")
        if pin.get("pull", "none") != "none" and gpio in chip["no_pulls"]:
            said.append(f"{name}: GPIO {gpio} has no pull")
        if pin["mode"] not in ("in", "out"):
            said.append(f"{name}: mode {pin['mode']}, allowed: in, out")
    return said


def real_boards():
    found = [build.load_board(name) for name in build.boards() if name != "virtual"]
    assert len(found) >= 3
    return found


def test_pins():
    for board in real_boards():
        assert faults(board) == [], board["name"]


def test_loss_of_a_wire_reads_as_the_dangerous_side():
    """Pulled down: 0 is "pressed" for the emergency loop, "not proven open" for a contactor and an
    open contact for what rests closed."""
    for board in real_boards():
        pins = board["pins"]
        assert pins["emergency"]["healthy"] == 1
        for name in INPUTS:
            assert name not in pins or pins[name]["pull"] in ("down", "none"), name
        for name in COILS:
            assert name not in pins or pins[name]["active"] == 1, name


def test_folders_are_complete():
    for board in real_boards():
        folder = build.BOARDS / board["name"]
        text = (folder / "README.md").read_text()
        json.loads((folder / "config.json").read_text())
        facts = (board["flash_offset"], board["micropython"], "RS-485", "mirror")
        for word in (*facts, *board["pins"]):
            assert word in text, (board["name"], word)
        for name, pin in board["pins"].items():
            row = next(line for line in text.splitlines() if line.startswith("|") and name in line)
            assert str(pin["gpio"]) in row, (board["name"], name)


WRONG = (
    # chip, signal, pin, words of the fault
    ("esp32", "trip", {"gpio": 12, "mode": "out"}, "may not be an output"),
    ("esp32", "trip", {"gpio": 35, "mode": "out"}, "may not be an output"),
    ("esp32", "trip", {"gpio": 14, "mode": "out"}, "pulses at reset"),
    ("esp32", "rs485_rx", {"gpio": 7, "mode": "in"}, "not free"),
    ("esp32", "rs485_rx", {"gpio": 24, "mode": "in"}, "not free"),
    ("esp32", "emergency", {"gpio": 34, "mode": "in", "pull": "up"}, "has no pull"),
    ("esp32s3", "heater", {"gpio": 18, "mode": "out"}, "pulses at reset"),
    ("esp32s3", "lamp", {"gpio": 35, "mode": "out"}, "not free"),
    ("esp32s3", "trip", {"gpio": 5, "mode": "out"}, "share GPIO 5"),
    ("esp32c3", "lamp", {"gpio": 8, "mode": "out"}, "may not be an output"),
)


def test_the_rules_can_fail():
    boards = {board["chip"]: board for board in real_boards()}
    for chip, name, pin, words in WRONG:
        board = {**boards[chip], "pins": {**boards[chip]["pins"], name: pin}}
        assert any(words in fault for fault in faults(board)), (chip, name, words)
    assert "trip is missing" in faults({"chip": "esp32", "pins": {}})
