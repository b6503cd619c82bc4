"""`python -m tools.simsite`: see --help."""

import argparse
import asyncio
import signal
import sys

from .app import Site
from .bus import BusError
from .peers.servers import HOST, BusyPort
from .physics.plant import Plant
from .physics.recorded import DayError, RecordedDay, parse_time
from .pins import PinsError


def _start_time(text):
    try:
        return parse_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs HH:MM, got {text}") from None


def _between(low, high, kind):
    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"needs {low}..{high}, got {text}")
        return value

    return convert


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, message + "\n")


def _options(arguments):
    port = _between(0, 65535, int)
    parser = _Parser("python -m tools.simsite", description="The simulated site.")
    add = parser.add_argument
    add("--uart", required=True, help="link to make: the board's end of the RS-485 bus")
    add("--pins", help="pins file; without it the contactors are closed for good")
    add("--seed", type=int, default=1, help="the same seed is the same day")
    add("--pcs-port", type=port, default=5021, help="0 takes a free one")
    add("--pv-port", type=port, default=5022)
    add("--meter-port", type=port, default=5023)
    add("--modules", type=_between(1, 16, int), default=4)
    add("--day", help="CSV time,load_w,pv_w instead of the drawn day")
    add("--start", type=_start_time, default=43_200.0, help="time of the day, HH:MM")
    add("--speed", type=_between(0.1, 1000, float), default=1.0)
    add("--soc", type=_between(0, 100, float), default=50.0, help="percent")
    add("--control", help="port or unix socket for faults and state; try `help` there")
    add("--baud", type=_between(0, 10_000_000, int), default=115_200, help="0 = no wire time")
    return parser.parse_args(arguments)


def _ready_line(site):
    ends = [f"uart={site.bus.link}"]
    ends += [f"{name}={HOST}:{link.port}" for name, link in site.links.items()]
    return "site ready " + " ".join(ends)


async def _serve(options, day):
    plant = Plant(options.seed, options.modules, options.soc / 100, options.start, day,
                  contactors=bool(options.pins))  # fmt: skip
    ports = (options.pcs_port, options.pv_port, options.meter_port)
    site = Site(plant, options.uart, ports, options.pins, options.speed, options.control,
                options.baud)  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, site.ended.set)
    try:
        await site.start()
        print(_ready_line(site), flush=True)
        await site.run()
    finally:
        await site.stop()


def main(arguments=None):
    """Exit codes: 0 ended by a signal, 2 something is wrong with the options or a port."""
    options = _options(arguments)
    try:
        day = RecordedDay.load(options.day) if options.day else None
        asyncio.run(_serve(options, day))
    except (BusyPort, BusError, PinsError, DayError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
