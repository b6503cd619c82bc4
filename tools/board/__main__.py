"""python -m tools.board --dir FOLDER: run one virtual board until SIGTERM or Ctrl-C."""
import argparse
import json
import pathlib
import signal
import sys

from .chip import interpreter
from .console import Console
from .files import BoardError, Files
from .supervisor import Supervisor

_UARTS = 3


def uart(text):
    """'1=PATH' -> (1, absolute path); the path may come into being later."""
    number, _, path = text.partition("=")
    if not path or number not in map(str, range(_UARTS)):
        raise argparse.ArgumentTypeError(f"{text!r} is not N=PATH with N in 0..{_UARTS - 1}")
    return int(number), pathlib.Path(path).absolute()


def arguments(argv):
    parser = argparse.ArgumentParser(prog="python -m tools.board", description=__doc__)
    parser.add_argument("--dir", required=True, metavar="FOLDER",
                        help="the board's flash, log and other files")
    parser.add_argument("--link", metavar="PATH", help="name of the serial port [FOLDER/tty]")
    parser.add_argument("--heap", metavar="112wK", help="heap size [the board's own]")
    parser.add_argument("--pins", metavar="FILE", help="one byte for each GPIO [FOLDER/pins.bin]")
    parser.add_argument("--uart", action="append", default=[], type=uart, metavar="N=PATH",
                        help="pseudo-terminal of UART N; may be given for each UART")
    parser.add_argument("--board", default="boards/virtual", metavar="FOLDER")
    parser.add_argument("--cut-after-writes", type=int, default=0, metavar="N", dest="cut",
                        help="cut the power once, after N flash writes and erases")
    return parser.parse_args(argv)


def load_board(folder, heap):
    """{"heap", "flash_bytes", "outputs"} from board.json."""
    path = pathlib.Path(folder) / "board.json"
    try:
        board = json.loads(path.read_text())
        outputs = [pin["gpio"] for pin in board["pins"].values() if pin["mode"] == "out"]
        return {"heap": heap or board["heap"], "flash_bytes": board["flash_bytes"],
                "outputs": outputs}
    except OSError:
        raise BoardError(f"no board at {path}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BoardError(f"{path}: {type(error).__name__}: {error}") from None


def main(argv=None):
    args = arguments(argv)
    try:
        board = load_board(args.board, args.heap)
        program = interpreter()
        files = Files(args.dir, args.pins)
        console = Console(args.link or files.folder / "tty")
    except (BoardError, OSError) as error:
        sys.exit(f"board: {error}")
    supervisor = Supervisor(program, board, dict(args.uart), files, console, args.cut)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.stop())
    try:
        supervisor.run()
    finally:
        console.close()


if __name__ == "__main__":
    main()
