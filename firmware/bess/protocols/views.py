"""Views of a buffer that cost no heap in steady state."""


class Views:
    """Slices of one buffer from a fixed start, each length made once and kept.

    A slice made for every frame would be garbage at once. A link uses a handful of lengths.
    """

    def __init__(self, buffer, start):
        self._whole = memoryview(buffer)
        self._start = start
        self._views = {}

    def get(self, n):
        """The first n bytes after the start."""
        view = self._views.get(n)
        if view is None:
            view = self._whole[self._start:self._start + n]
            self._views[n] = view
        return view
