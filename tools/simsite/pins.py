"""The board's pins: one byte per GPIO in a small file that board and site share."""

import mmap
import os

SIZE = 64
EMERGENCY = 4  # 1 = loop closed and healthy
COIL_K_MINUS, COIL_PRECHARGE, COIL_K_PLUS = 5, 6, 7
FEEDBACK_K_MINUS, FEEDBACK_PRECHARGE, FEEDBACK_K_PLUS = 15, 16, 17  # 1 = proven open
TRIP, LAMP = 18, 2
INPUTS = {"fire": 20, "insulation": 21, "door": 22, "aux": 23}  # contacts, 1 = closed
OUTPUTS = {"trip": TRIP, "lamp": LAMP, "fan": 24, "heater": 25, "shed_1": 26, "shed_2": 27,
           "alarm_relay": 28, "life": 29}  # fmt: skip


class PinsError(Exception):
    """The pins file cannot be had; the text is for people."""


class Pins:
    """Reads the controller's outputs, writes its inputs. Creates the file when it is missing."""

    def __init__(self, path):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise PinsError(f"cannot open the pins file {path}: {error.strerror}") from None
        try:
            if os.fstat(fd).st_size < SIZE:
                os.ftruncate(fd, SIZE)
            self._bytes = mmap.mmap(fd, SIZE)
        finally:
            os.close(fd)

    def coils(self):
        """(K-, precharge, K+) as driven now."""
        at = self._bytes
        return at[COIL_K_MINUS] & 1, at[COIL_PRECHARGE] & 1, at[COIL_K_PLUS] & 1

    def outputs(self):
        return {name: self._bytes[gpio] & 1 for name, gpio in OUTPUTS.items()}

    def show(self, switchgear, emergency_healthy, opened=()):
        """opened: names of the INPUTS whose contacts are open."""
        at = self._bytes
        at[EMERGENCY] = int(emergency_healthy)
        for name, gpio in INPUTS.items():
            at[gpio] = int(name not in opened)
        at[FEEDBACK_K_MINUS] = int(not switchgear.k_minus.feedback_closed)
        at[FEEDBACK_PRECHARGE] = int(not switchgear.precharge.feedback_closed)
        at[FEEDBACK_K_PLUS] = int(not switchgear.k_plus.feedback_closed)

    def close(self):
        self._bytes.close()
