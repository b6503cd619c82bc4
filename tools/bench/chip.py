"""Starts bench programs in the desktop MicroPython, on the modules as they ship."""

import json
import subprocess
import sys
import tarfile
from contextlib import contextmanager
from pathlib import Path

from tools import build
from tools.mpy_run import interpreter

CHIP64 = Path(__file__).resolve().parent / "chip64"
HEAP = "112wK"
UMODBUS = "micropython-modbus==2.3.7"


def numbers():
    """The constants of core/points.py, by name."""
    for folder in ("stubs", "firmware"):
        sys.path.insert(0, str(build.ROOT / folder))
    from bess.core import points

    return {name: value for name, value in vars(points).items() if isinstance(value, int)}


def install(folder):
    """The modules, folded, shortened and compiled as in an image, below `folder`."""
    for inside, text in build.processed(build.sources("virtual")).items():
        target = Path(folder) / (inside[:-3] + ".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(build.compile_module(text, inside))
    (Path(folder) / "numbers.json").write_text(json.dumps(numbers()))
    return Path(folder)


def command(program, *words, heap=HEAP):
    return [interpreter(), "-X", f"heapsize={heap}", str(CHIP64 / program), *map(str, words)]


def environment(tree):
    return {"MICROPYPATH": f"{tree}:{CHIP64}:.frozen"}


def run(tree, program, *words, heap=HEAP):
    """What a program prints, as JSON."""
    done = subprocess.run(command(program, *words, heap=heap), env=environment(tree),
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
