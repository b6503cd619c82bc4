"""Starts bench programs in the desktop MicroPython, on the modules as they ship."""

import json
import subprocess
import sys
import tarfile
from contextlib import contextmanager
from pathlib import Path

from tools import build
from tools.fold import fold
from tools.mpy_run import interpreter

PROGRAMS = ("tick_program.py", "serve_program.py")
CHIP64 = Path(__file__).resolve().parent / "chip64"
HEAP = "192wK"                      # that of the virtual board
# arguments of tick_program.py with everything enabled: modules, new in each tick, ticks, kind
EVERYTHING = {"all": (16, 2, 800, "all"), "all fresh": (16, 16, 800, "all"),
              "trip": (16, 16, 800, "trip")}
UMODBUS = "micropython-modbus==2.3.7"


def numbers():
    """The constants of core/points.py, by name."""
    for folder in ("stubs", "firmware"):
        sys.path.insert(0, str(build.ROOT / folder))
    from bess.core import points

    return {name: value for name, value in vars(points).items() if isinstance(value, int)}


def install(folder):
    """The modules as an image has them, and the bench programs as a part of it, below `folder`."""
    texts = build.processed(build.sources("virtual"))
    texts |= fold({path.name: path.read_text() for path in CHIP64.glob("*.py")
                   if path.name != "umodbus_program.py"})
    for inside, text in build.joined(texts, build.starters())[0].items():
        target = Path(folder) / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        if inside in PROGRAMS:
            target.write_text(text)
        else:
            target.with_suffix(".mpy").write_bytes(build.compile_module(text, inside))
    (Path(folder) / "machine.py").write_text("Pin = UART = None\n")
    (Path(folder) / "numbers.json").write_text(json.dumps(numbers()))
    return Path(folder)


def command(program, *words, heap=HEAP, tree=CHIP64):
    return [interpreter(), "-X", f"heapsize={heap}", str(Path(tree) / program), *map(str, words)]


def environment(tree):
    return {"MICROPYPATH": f"{tree}:{CHIP64}:.frozen"}


def run(tree, program, *words, heap=HEAP):
    """What a program prints, as JSON."""
    done = subprocess.run(command(program, *words, heap=heap, tree=tree), env=environment(tree),
                          capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


@contextmanager
def serving(words, env=None):
    """A server process that has said `ready`; ended on leaving."""
    process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    try:
        line = process.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError(f"{words[0]}: {line}{process.stdout.read()}")
        yield process
    finally:
        process.kill()
        process.wait()


def umodbus(folder):
    """Fetch the independent umodbus into `folder` (never part of the tree); its source path."""
    folder = Path(folder)
    found = list(folder.glob("micropython*modbus-*/umodbus"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        unearth = Path(sys.executable).parent / "unearth"
        subprocess.run([unearth, UMODBUS, "--no-binary", "--download", folder],
                       check=True, capture_output=True)
        for archive in folder.glob("*.tar.gz"):
            with tarfile.open(archive) as file:
                file.extractall(folder, filter="data")
        found = list(folder.glob("micropython*modbus-*/umodbus"))
    return found[0].parent
