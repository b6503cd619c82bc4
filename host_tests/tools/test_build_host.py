"""The image: one list, the right chip, the same bytes every time, and the right words."""

import contextlib
import hashlib
import io
import json
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from tools import build, wasm32

FIRMWARE = {
    "boot.py": "import machine\n",
    "main.py": "import bess.app\nbess.app.go(0)\n",
    "bess/app.py": "def go(x):\n    assert x\n    return 7\n",
    "bess/core/tick.py": "MASK = 0x3FFFFFFF\n",
    "bess/points.tsv": "name\tunit\n",
    "bess/notes.md": "not for the board\n",
    "bess/core/__pycache__/tick.py": "left behind by CPython\n",
}
SHIPS = ["bess/app.mpy", "bess/core/tick.mpy", "bess/points.tsv", "board.json", "boot.py",
         "config.json", "main.py"]


@contextlib.contextmanager
def firmware(extra=()):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (*FIRMWARE.items(), *extra):
            path = Path(folder) / "firmware" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        yield Path(folder) / "firmware"


def test_what_ships():
    with firmware() as tree:
        content = build.image("esp32", tree)
    assert list(content) == SHIPS
    assert content["boot.py"] == b"import machine\n"
    assert json.loads(content["board.json"])["chip"] == "esp32"


def test_assert_is_dropped_and_paths_are_stripped():
    with firmware() as tree:
        code = build.image("esp32", tree)["bess/app.mpy"]
        assert b"AssertionError" not in code
        assert b"bess.app" in code and str(tree).encode() not in code


def test_two_builds_are_equal_wherever_they_stand():
    with firmware() as one, firmware() as other:
        for path in other.rglob("*"):
            path.touch()
        first, second = build.image("esp32_c3", one), build.image("esp32_c3", other)
    assert first == second
    assert build.manifest("esp32_c3", first) == build.manifest("esp32_c3", second)


@pytest.mark.long
def test_whole_firmware_builds_twice_the_same_for_every_board():
    for name in build.boards():
        with tempfile.TemporaryDirectory() as folder:
            trees = []
            for turn in ("a", "b"):
                copy = Path(folder) / turn
                shutil.copytree(build.FIRMWARE, copy / "firmware")
                written = build.write(name, build.image(name, copy / "firmware"), copy / "build")
                trees.append({
                    path.relative_to(written).as_posix(): path.read_bytes()
                    for path in written.rglob("*") if path.is_file()})
            assert trees[0] == trees[1] and len(trees[0]) > 3, name


def test_manifest_is_true():
    with firmware() as tree, tempfile.TemporaryDirectory() as folder:
        content = build.image("esp32_s3", tree)
        written = build.write("esp32_s3", content, Path(folder))
        (written / "image/bess/stale.mpy").write_bytes(b"of the last build")
        written = build.write("esp32_s3", content, Path(folder))
        rows = json.loads((written / "manifest.json").read_text())["files"]
        found = [path for path in (written / "image").rglob("*") if path.is_file()]
        assert len(found) == len(rows) == len(SHIPS)
        assert [row["path"] for row in rows] == SHIPS
        for row in rows:
            data = (written / "image" / row["path"]).read_bytes()
            assert row["size"] == len(data)
            assert row["sha256"] == hashlib.sha256(data).hexdigest()


def test_chip_code_is_of_the_chip():
    """Only native code differs by chip; bytecode is the same everywhere."""
    native = "import micropython\n@micropython.native\ndef f(x):\n    return x\n"
    with firmware([("bess/fast.py", native)]) as tree:
        fast = {name: build.image(name, tree)["bess/fast.mpy"] for name in ("esp32", "esp32_c3")}
        assert fast["esp32"] != fast["esp32_c3"]
        # Byte 2 of an .mpy: architecture in bits 2 and up; 10 is xtensawin, 11 rv32imc.
        assert (fast["esp32"][2] >> 2, fast["esp32_c3"][2] >> 2) == (10, 11)


def test_image_runs_on_the_32_bit_build():
    with firmware() as tree:
        content = build.image("virtual", tree)
    files = {"/lib/" + path: data for path, data in content.items()}
    assert wasm32.run32(["import bess.app\nprint(bess.app.go(0))"], files) == "7\n"


BUNDLED = {"bess/app.py": "from bess.b import g\n\ndef go():\n    return g(0)\n",
           "bess/b.py": "from bess.a import f\n\ndef g(x):\n    return f(x)\n",
           "bess/a.py": "def f(x):\n    return NUMBER\n"}


def test_the_last_joined_trees_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    steps = []
    monkeypatch.setattr(build, "shorten", lambda texts, free: steps.append(1) or texts)

    def made(number):
        time.sleep(0.02)        # the oldest is told by its time
        texts = {path: text.replace("NUMBER", str(number)) for path, text in BUNDLED.items()}
        return build.joined(texts, {"main.py": "import bess.app\n"}), len(steps)

    results = [made(number)[0] for number in range(build.KEPT + 2)]
    assert all(results[0] != other for other in results[1:])
    assert len(list(tmp_path.rglob("*.*"))) == build.KEPT
    count = len(steps)
    for number in range(2, build.KEPT + 2):
        assert made(number) == (results[number], count), "read, not made again"
    assert made(0) == (results[0], count + 1), "the oldest went"


WRONG = (
    # words on the command line, words of the answer
    ([], ("name one board", "esp32_c3")),
    (["esp8266"], ("esp8266", "esp32, esp32_c3, esp32_s3, virtual")),
    (["../tools"], ("../tools",)),
    (["esp32", "esp32"], ("name one board",)),
)


def test_wrong_names_are_one_line():
    for words, expected in WRONG:
        said = build.main(words)
        assert said.startswith("error: ") and "\n" not in said
        for word in expected:
            assert word in said, said


def test_a_fault_in_the_source_is_one_line():
    with firmware([("bess/broken.py", "x = 1\ndef f(:\n")]) as tree:
        try:
            build.image("esp32", tree)
        except build.BuildError as error:
            assert str(error) == "bess/broken.py:2: SyntaxError: invalid syntax"
        else:
            raise AssertionError("compiled")


def test_size_table_sums():
    with firmware() as tree:
        content = build.image("esp32", tree)
    last = build.size_table(content)[-1].split()
    assert last == ["in", "all", "7", str(sum(len(data) for data in content.values()))]


@pytest.mark.long
def test_main_writes_where_it_says():
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert build.main(["esp32"]) == 0
    assert "build/esp32" in printed.getvalue()
    assert (build.BUILD / "esp32" / "manifest.json").is_file()
