"""The board's pins: one byte per GPIO in a small file that board and site share."""

import mmap
import os

SIZE = 64
EMERGENCY = 4  # 1 = loop closed and healthy
COIL_K_MINUS, COIL_PRECHARGE, COIL_K_PLUS = 5, 6, 7
FEEDBACK_K_MINUS, FEEDBACK_PRECHARGE, FEEDBACK_K_PLUS = 15, 16, 17  # 1 = proven open
TRIP, LAMP = 18, 2


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
        return {"trip": self._bytes[TRIP] & 1, "lamp": self._bytes[LAMP] & 1}

    def show(self, switchgear, emergency_healthy):
        at = self._bytes
        at[EMERGENCY] = int(emergency_healthy)
        at[FEEDBACK_K_MINUS] = int(not switchgear.k_minus.feedback_closed)
        at[FEEDBACK_PRECHARGE] = int(not switchgear.precharge.feedback_closed)
        at[FEEDBACK_K_PLUS] = int(not switchgear.k_plus.feedback_closed)

    def close(self):
        self._bytes.close()
