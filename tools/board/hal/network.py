"""Module network: a station that is always connected, on the desktop's loopback."""
STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

_ADDRESS = ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
_hostname = "virtual"


def hostname(name=None):
    global _hostname
    if name is not None:
        _hostname = name
    return _hostname


class WLAN:
    """connect(), disconnect() and active() are accepted and change nothing."""

    IF_STA = STA_IF
    IF_AP = AP_IF

    def __init__(self, interface=STA_IF):
        self._is_station = interface == STA_IF

    def active(self, on=None):
        return self._is_station

    def connect(self, ssid=None, key=None, *, bssid=None):
        pass

    def disconnect(self):
        pass

    def isconnected(self):
        return self._is_station

    def status(self, what=None):
        if what == "rssi":
            return -40
        return STAT_GOT_IP if self._is_station else STAT_IDLE

    def scan(self):
        return []

    def config(self, what=None, **settings):
        return {"mac": b"\x02\x00\x00\x00\x00\x01", "ssid": "loopback"}.get(what)

    def ifconfig(self, settings=None):
        return _ADDRESS

    def ipconfig(self, what=None, **settings):
        return {"addr4": _ADDRESS[:2], "gw4": _ADDRESS[2], "dhcp4": False}.get(what)
