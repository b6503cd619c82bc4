"""A chain of SunSpec models as one block of registers."""

from .sunspec_models import MODELS, TYPES

BASE = 40_000
_MARK = (0x5375, 0x6E53)  # "SunS"


class Point:
    """Where a point lives in the block and how it is written."""

    def __init__(self, at, kind, scale_name):
        self.at = at
        self.scale_name = scale_name
        self.is_text = kind[0] == "s" and kind != "sf"
        if self.is_text:
            self.size, self.signed, self.absent = int(kind[1:]), False, 0
        else:
            self.size, self.signed, self.absent = TYPES[kind]
        self.is_counter = kind in ("a", "A")
        bits = 16 * self.size
        # The sentinel itself is never a value.
        self.low = -(1 << (bits - 1)) + 1 if self.signed else 0
        self.high = (1 << (bits - 1)) - 1 if self.signed else (1 << bits) - 2


class Chain:
    """Marker, models and end mark; every point starts as not implemented.

    `words` is the whole block from address 40000; it is changed in place.
    """

    def __init__(self, *model_ids):
        self.words = list(_MARK)
        self.starts = {}  # model id -> address of its ID register
        self._points = {}
        for model_id in model_ids:
            self._append(model_id)
        self.words += [0xFFFF, 0]

    def _append(self, model_id):
        start = len(self.words)
        self.starts[model_id] = BASE + start
        self.words += [model_id, 0]
        points = {}
        for item in MODELS[model_id].split():
            name, kind, *scale = item.split(":")
            point = Point(len(self.words), kind, scale[0] if scale else None)
            points[name] = point
            self.words += [0] * point.size
            self._store(point, point.absent)
        self.words[start + 1] = len(self.words) - start - 2
        self._points[model_id] = points

    def address(self, model_id, name):
        """Wire address of a point."""
        return BASE + self._points[model_id][name].at

    def put(self, model_id, **values):
        """Write points in engineering units; None = not implemented. Out of range is clamped."""
        points = self._points[model_id]
        for name, value in values.items():
            point = points[name]
            if point.is_text:
                self._store_text(point, value)
            elif value is None:
                self._store(point, point.absent)
            else:
                self._store(point, self._raw(points, point, value))

    def raw(self, model_id, name):
        """One 16-bit point as it stands, signed where its type is."""
        point = self._points[model_id][name]
        word = self.words[point.at]
        return word - 0x10000 if point.signed and word & 0x8000 else word

    def _raw(self, points, point, value):
        if point.scale_name:
            at = points[point.scale_name].at
            scale = self.words[at] - (0x10000 if self.words[at] & 0x8000 else 0)
            value = value / 10.0**scale
        raw = round(value)
        if point.is_counter:
            return raw & ((1 << (16 * point.size)) - 1)
        return min(max(raw, point.low), point.high)

    def _store(self, point, raw):
        for i in range(point.size):
            self.words[point.at + i] = raw >> (16 * (point.size - 1 - i)) & 0xFFFF

    def _store_text(self, point, text):
        data = text.encode("ascii").ljust(2 * point.size, b"\0")
        for i in range(point.size):
            self.words[point.at + i] = int.from_bytes(data[2 * i : 2 * i + 2], "big")
