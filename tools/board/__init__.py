"""The virtual board: an ESP32-like device made of the MicroPython unix port."""
