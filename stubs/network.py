"""MicroPython's `network` for CPython: a radio that joins when told to; `made` lists all."""

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

made = []
reachable = True


def hostname(name=None):
    return "bess" if name is None else name


class WLAN:
    """An interface; it is connected after connect() while `reachable` is True."""

    def __init__(self, interface=STA_IF):
        self.interface = interface
        self.calls = []
        self._active = False
        self._joined = False
        made.append(self)

    def active(self, on=None):
        if on is None:
            return self._active
        self.calls.append(("active", on))
        self._active = bool(on)
        return None

    def connect(self, name=None, key=None, **options):
        self.calls.append(("connect", name, key, options))
        self._joined = True

    def disconnect(self):
        self.calls.append(("disconnect",))
        self._joined = False

    def isconnected(self):
        return self._active and self._joined and reachable

    def status(self, what=None):
        if what == "rssi":
            return -60
        return STAT_GOT_IP if self.isconnected() else STAT_IDLE

    def config(self, *names, **settings):
        self.calls.append(("config", names, settings))

    def ifconfig(self, settings=None):
        self.calls.append(("ifconfig", settings))
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def ipconfig(self, *names, **settings):
        self.calls.append(("ipconfig", names, settings))
        return ("127.0.0.1", "255.0.0.0")
