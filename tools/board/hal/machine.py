"""Module machine of the virtual board: what the firmware may use of an ESP32's, and no more."""
import time

import _host
from _pin import Pin  # noqa: F401
from _uart import UART  # noqa: F401
from umachine import Signal, idle, soft_reset  # noqa: F401

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_RTC_BYTES = 2048


def reset():
    """Hard reset: the process is killed and started anew; outputs fall to 0."""
    _host.end("reset")


def reset_cause():
    return int(_host.setting("CAUSE"))


def unique_id():
    return bytes.fromhex(_host.setting("UID"))


def freq(hz=240_000_000):
    return hz


class WDT:
    """Cannot be stopped, survives a soft reset, and resets the chip with cause 3."""

    def __init__(self, id=0, timeout=5000):
        if id != 0 or timeout < 1:
            raise ValueError("WDT(id=0, timeout=1.. ms)")
        _host.tell("wdt %d" % timeout)

    def feed(self):
        _host.feed()


class RTC:
    """Clock and backup RAM; both survive every reset but not the end of the board's power."""

    def __init__(self, id=0):
        pass

    def datetime(self, when=None):
        """(year, month, day, weekday, hour, minute, second, microsecond), UTC.

        Setting it moves this clock only: time.time() stays that of the desktop.
        """
        offset_s, data = self._load()
        if when is None:
            now = time.gmtime(int(time.time()) + offset_s)
            return now[:3] + (now[6],) + now[3:6] + (time.time_ns() // 1000 % 1_000_000,)
        y, mo, d, _, h, mi, s, _ = when
        set_s = int(time.mktime((y, mo, d, h, mi, s, 0, 0, 0)))     # the board runs in UTC
        self._save(set_s - int(time.time()), data)

    init = datetime

    def memory(self, data=None):
        """The backup RAM as bytes, or store up to 2048 bytes in it."""
        offset_s, kept = self._load()
        if data is None:
            return kept
        if len(data) > _RTC_BYTES:
            raise ValueError("buffer too long")
        self._save(offset_s, data)

    def _load(self):
        try:
            with _host.open_host(_host.setting("RTC"), "rb") as file:
                return int(file.read(16)), file.read()
        except OSError:
            return 0, b""

    def _save(self, offset_s, data):
        with _host.open_host(_host.setting("RTC"), "wb") as file:
            file.write("%16d" % offset_s)
            file.write(data)
