"""The folder of one board: what a real board keeps in its chips."""
import fcntl
import hashlib
import pathlib
import time

PINS = 64
_RECORD_BYTES_MAX = 1 << 20


class BoardError(Exception):
    """One line for the person who started the board."""


class Files:
    """Flash, pins, backup RAM, NVS and logs of one board; only one supervisor may own them."""

    def __init__(self, folder, pins=None):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flash = self.folder / "flash.bin"
        self.pins = pathlib.Path(pins).resolve() if pins else self.folder / "pins.bin"
        self.rtc = self.folder / "rtc.bin"
        self.nvs = self.folder / "nvs"
        self._lock = open(self.folder / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BoardError(f"a board already runs in {self.folder}") from None
        self._log = open(self.folder / "board.log", "a", buffering=1)
        self._record = open(self.folder / "console.log", "wb", buffering=0)

    def power_on(self, flash_bytes, outputs):
        """Make what is missing; the backup RAM is empty and the outputs are low."""
        if not self.flash.exists():
            self.flash.write_bytes(b"\xff" * flash_bytes)
        if not self.pins.exists() or self.pins.stat().st_size < PINS:
            self.pins.write_bytes(bytes(PINS))
        self.rtc.unlink(missing_ok=True)
        self.outputs_low(outputs)

    def outputs_low(self, outputs):
        with open(self.pins, "r+b", buffering=0) as file:
            for pin in outputs:
                file.seek(pin)
                file.write(b"\x00")

    def unique_id(self):
        """Six bytes as hex, the same for each start in this folder."""
        return "02" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:10]

    def record(self, data):
        """Keep what the board says on its serial port, whoever listens."""
        if self._record.tell() > _RECORD_BYTES_MAX:
            self._record.seek(0)
            self._record.truncate()
        self._record.write(data)

    def log(self, text):
        self._log.write(time.strftime("%Y-%m-%dT%H:%M:%S ") + text + "\n")
