"""`python -m tools.wasm32 SCRIPT... [--files FOLDER]`: run scripts on 32-bit MicroPython.

Several scripts are several calls in one interpreter; the collector works between them.
"""

import argparse
import sys
from pathlib import Path

from tools import wasm32


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.wasm32", description=__doc__)
    parser.add_argument("script", nargs="*", type=Path)
    parser.add_argument("--files", type=Path, help="folder whose files go to /lib")
    parser.add_argument("--heap", type=int, default=wasm32.HEAP_BYTES, help="bytes")
    parser.add_argument("--install", action="store_true", help="only install the Node package")
    options = parser.parse_args()
    if options.install:
        wasm32.install()
        return
    for path in (*options.script, *([options.files] if options.files else [])):
        if not path.exists():
            sys.exit(f"error: {path} does not exist")
    files = wasm32.tree(options.files) if options.files else {}
    try:
        calls = [path.read_text() for path in options.script]
        sys.stdout.write(wasm32.run32(calls, files, options.heap))
    except wasm32.Failed as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
