"""Module esp32: non-volatile storage, one host file for each namespace."""
import json

import _host

_KEY_CHARS = 15
_NOT_FOUND = -0x1102
_INT_BITS = 31


def _key(key):
    if not 0 < len(key) <= _KEY_CHARS:
        raise ValueError("NVS key %r: allowed 1..%d characters" % (key, _KEY_CHARS))
    return key


class NVS:
    """Signed 32-bit integers and blobs; nothing outlives a reset before commit()."""

    def __init__(self, namespace):
        self._path = _host.setting("NVS") + "." + _key(namespace)
        try:
            with _host.open_host(self._path, "r") as file:
                self._values = json.load(file)
        except OSError:
            self._values = {}

    def set_i32(self, key, value):
        if not -1 << _INT_BITS <= value < 1 << _INT_BITS:
            raise OverflowError("NVS %s: %d is not a signed 32-bit integer" % (key, value))
        self._values[_key(key)] = value

    def get_i32(self, key):
        return self._get(key, int)

    def set_blob(self, key, data):
        self._values[_key(key)] = bytes(data).hex()

    def get_blob(self, key, buf):
        """Copy the blob into buf and return its length."""
        data = bytes.fromhex(self._get(key, str))
        if len(data) > len(buf):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[:len(data)] = data
        return len(data)

    def erase_key(self, key):
        if self._values.pop(key, None) is None:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")

    def commit(self):
        with _host.open_host(self._path + "~", "w") as file:
            json.dump(self._values, file)
        _host.rename_host(self._path + "~", self._path)

    def _get(self, key, kind):
        value = self._values.get(key)
        if not isinstance(value, kind):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value
