"""`make run`: the simulated site, the virtual board with the firmware on it, and a live view."""
