"""Chance that is the same on every interpreter: integers below 2**30, no library, no float."""

# Two multiply-with-carry generators; a * 2**15 - 1 is a safe prime for each multiplier.
_A = 32760
_B = 32730


class Rng:
    """Random numbers from a seed (0 .. 2**30 - 1) and a stream number, so that parts are free
    to draw as often as they like without disturbing the others."""

    def __init__(self, seed, stream=0):
        self._a = 0x1234567 ^ (seed & 0x7FFF)
        self._b = (0x2345678 ^ (seed >> 15 & 0x7FFF)) + stream * 257
        for _ in range(16):
            self.below(2)

    def below(self, n):
        """0 .. n - 1, for n up to 32768."""
        a, b = self._a, self._b
        self._a = a = _A * (a & 0x7FFF) + (a >> 15)
        self._b = b = _B * (b & 0x7FFF) + (b >> 15)
        return ((a ^ b) & 0x7FFF) * n >> 15

    def between(self, low, high):
        """low .. high, both included, at most 32767 apart."""
        return low + self.below(high - low + 1)

    def one_in(self, n):
        """True once in n draws on average."""
        return self.below(n) == 0
