"""The means of a metric's windows at regular earlier times, at which a comparison is replayed."""

from __future__ import annotations

from collections.abc import Sequence

from projections.judgement.arrays import Counts, Flags, Floats

#: More replays make nothing surer, as neighbours overlap.
REPLAYS_AT_MOST = 600
#: A window in the past with fewer samples than this has no mean.
WINDOW_FILLED = 0.5


class Grid:
    """Means of windows at regular times, of which the last is the judged one.

    The first `clean` times are replays: their windows end before the baseline does, with its `past` samples.
    What is compared `ended` that many samples into the series; `stretch` samples of it are looked at.
    """

    def __init__(
        self, series: Floats, known: Flags | None, *, past: int, ended: int, stretch: int, window: int
    ) -> None:
        import numpy as np

        self.last = series.shape[1] - window
        self.window, self.stretch, self.lag, self.rows = window, stretch, self.last - ended, len(series)
        earliest = stretch + self.lag
        self.stride = max(1, -(-(self.last - earliest) // REPLAYS_AT_MOST))
        self.count = max(0, self.last - earliest) // self.stride + 1
        self.start = self.last - (self.count - 1) * self.stride
        self.clean = max(0, (past - window - self.start) // self.stride + 1) if past >= window else 0
        self.clean = min(self.clean, self.count - 1)
        length = series.shape[1] + 1
        self.sums = np.zeros((self.rows, length))
        np.cumsum(series, axis=1, out=self.sums[:, 1:])
        self.counts: Floats | None = None
        if known is not None:
            self.counts = np.zeros((self.rows, length))
            np.cumsum(known, axis=1, out=self.counts[:, 1:])

    def independent(self, replays: Counts) -> Floats:
        """How many windows' worth of time so many replays cover."""
        import numpy as np

        covered: Floats = np.maximum(replays - 1, 0) * self.stride / max(self.stretch, self.window)
        return covered

    def across(self, deploys: Sequence[int]) -> Flags:
        """Say which replays would compare what was before a deploy with what was after it."""
        import numpy as np

        times = self.start + self.stride * np.arange(self.clean)
        found = np.zeros(self.clean, bool)
        for at in deploys:
            found |= (times - self.lag - self.stretch <= at) & (at < times + self.window)
        return found

    def mean(self, offset: int, length: int) -> Floats:
        """The mean of the `length` samples that begin `offset` after each time; NaN before there were any."""
        import numpy as np

        result = np.empty((self.rows, self.count))
        begin = max(0, -(-(-offset - self.start) // self.stride))
        result[:, : min(begin, self.count) if self.counts is None else self.count] = np.nan
        if begin >= self.count:
            return result
        low = self.start + begin * self.stride + offset
        high = self.last + offset
        sums = self._span(self.sums, low, high, length)
        if self.counts is None:
            np.divide(sums, length, out=result[:, begin:])
        else:
            counts = self._span(self.counts, low, high, length)
            enough = counts >= max(1.0, WINDOW_FILLED * length)
            np.divide(sums, counts, out=result[:, begin:], where=enough)
        return result

    def level(self, least: int) -> Floats:
        """The mean of everything before each time, once that is `least` samples."""
        import numpy as np

        result = np.full((self.rows, self.count), np.nan)
        begin = max(0, -(-(least + self.lag - self.start) // self.stride))
        if begin >= self.count:
            return result
        low, high = self.start + begin * self.stride - self.lag, self.last - self.lag
        steps = slice(low, high + 1, self.stride)
        if self.counts is None:
            lengths = np.arange(low, high + 1, self.stride, dtype=np.float64)
            np.divide(self.sums[:, steps], lengths, out=result[:, begin:])
        else:
            counts = self.counts[:, steps]
            np.divide(
                self.sums[:, steps], counts, out=result[:, begin:], where=counts >= WINDOW_FILLED * least
            )
        return result

    def _span(self, running: Floats, low: int, high: int, length: int) -> Floats:
        return (
            running[:, low + length : high + length + 1 : self.stride]
            - running[:, low : high + 1 : self.stride]
        )
