"""A recorded day instead of the drawn one: CSV with the header `time,load_w,pv_w`."""

import bisect

_HEADER = ["time", "load_w", "pv_w"]
_SHARE = (0.40, 0.35, 0.25)


class DayError(ValueError):
    """The file is unusable; `faults` has one line per fault."""

    def __init__(self, faults):
        super().__init__("\n".join(faults))
        self.faults = faults


def parse_time(text):
    """Seconds after midnight from `HH:MM`, `HH:MM:SS` or plain seconds; ValueError otherwise."""
    parts = text.strip().split(":")
    if len(parts) == 1:
        seconds = float(parts[0])
        if not 0 <= seconds <= 86_400:
            raise ValueError(text)
        return seconds
    if len(parts) > 3 or not all(p.isdigit() for p in parts):
        raise ValueError(text)
    hour, minute, second = [int(p) for p in parts] + [0] * (3 - len(parts))
    if hour * 3600 + minute * 60 + second > 86_400 or minute > 59 or second > 59:
        raise ValueError(text)
    return float(hour * 3600 + minute * 60 + second)


class RecordedDay:
    """Load and PV by time; straight lines between rows, held before the first and after the last.

    The day repeats after midnight.
    """

    def __init__(self, rows):
        self.times = [row[0] for row in rows]
        self._rows = rows

    @classmethod
    def parse(cls, text, name="day"):
        """Raises DayError that names every fault with its line number."""
        faults, rows = [], []
        lines = text.lstrip("\ufeff").splitlines()
        header = [cell.strip() for cell in lines[0].split(",")] if lines else []
        if header != _HEADER:
            got = lines[0] if lines else "an empty file"
            faults.append(f"{name}:1: header must be time,load_w,pv_w, got {got}")
        for number, line in enumerate(lines[1:], 2):
            if not line.strip():
                continue
            row, fault = _parse_row(line, rows[-1][0] if rows else None)
            if fault:
                faults.append(f"{name}:{number}: {fault}")
            if row:
                rows.append(row)
        if not rows and not faults:
            faults.append(f"{name}: no rows after the header")
        if faults:
            raise DayError(faults)
        return cls(rows)

    @classmethod
    def load(cls, path):
        try:
            with open(path, encoding="utf-8") as file:
                return cls.parse(file.read(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise DayError([f"{path}: {error}"]) from None

    def at(self, time_s):
        """(load_w, pv_w) at `time_s`."""
        time_s %= 86_400
        i = bisect.bisect_right(self.times, time_s)
        before = self._rows[max(i - 1, 0)]
        after = self._rows[min(i, len(self._rows) - 1)]
        if after[0] <= before[0]:
            return before[1], before[2]
        part = (time_s - before[0]) / (after[0] - before[0])
        return tuple(b + (a - b) * part for b, a in zip(before[1:], after[1:], strict=True))

    def phases_w(self, time_s):
        load_w = self.at(time_s)[0]
        return tuple(load_w * share for share in _SHARE)

    def offered_w(self, time_s):
        return self.at(time_s)[1]


def _parse_row(line, last_s):
    """(row or None, fault or None); a row with a usable time keeps the order check going."""
    cells = line.split(",")
    if len(cells) != 3:
        return None, f"needs 3 columns, got {len(cells)}"
    try:
        time_s = parse_time(cells[0])
    except ValueError:
        return None, f"time must be HH:MM[:SS] or 0..86400 s, got {cells[0].strip()!r}"
    faults = []
    if last_s is not None and time_s <= last_s:
        faults.append("time must rise")
    values = [_watts(_HEADER[i], cells[i], faults) for i in (1, 2)]
    return (time_s, *values), "; ".join(faults) or None


def _watts(name, cell, faults):
    try:
        watts = float(cell)
    except ValueError:
        watts = -1.0
    if not 0 <= watts <= 1_000_000:
        faults.append(f"{name} must be 0..1000000 W, got {cell.strip()!r}")
    return watts
