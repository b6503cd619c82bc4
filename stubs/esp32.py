"""MicroPython's `esp32` for CPython: settings memory with the chip's limits; `calls` records.

`stored` is what commits left behind, by namespace; what was not committed is lost.
"""

calls = []
stored = {}

_KEY_LENGTH_MAX = 15
_NOT_FOUND = -0x1102


class NVS:
    """Signed 32-bit integers and blobs under keys of at most 15 characters."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._values = dict(stored.get(namespace, {}))

    def _put(self, key, value):
        if len(key) > _KEY_LENGTH_MAX:
            raise ValueError("key too long")
        calls.append(("set", self._namespace, key, value))
        self._values[key] = value

    def _get(self, key, kind):
        value = self._values.get(key)
        if not isinstance(value, kind):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value

    def set_i32(self, key, value):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("not a signed 32-bit integer")
        self._put(key, value)

    def get_i32(self, key):
        return self._get(key, int)

    def set_blob(self, key, value):
        self._put(key, bytes(value))

    def get_blob(self, key, buf):
        value = self._get(key, bytes)
        if len(value) > len(buf):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        if key not in self._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        del self._values[key]

    def commit(self):
        calls.append(("commit", self._namespace))
        stored[self._namespace] = dict(self._values)
