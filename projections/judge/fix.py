"""Did a fix do anything? The window after it beside the incident, with the swing of healthy time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from projections.judge.replay import Counts, Floats, Replayed


def replay_fix(healthy: Floats, incident: Floats, after: Floats, *, gap: int) -> Replayed:
    """Compare the mean of `after` with that of `incident`, and replay that at every healthy time.

    A replay takes the mean of a stretch as long as the incident, leaves `gap` samples out,
    and takes the mean of a window. Rows are metrics; NaN where a sample is missing.
    """
    import numpy as np

    from projections.judge import replay

    metrics, past = healthy.shape
    stretch, window = incident.shape[1], after.shape[1]
    with np.errstate(all="ignore"):
        observed, samples = _mean(after)
        expected, told = _mean(incident)
        expected = np.where(told >= replay.WINDOW_FILLED * stretch, expected, np.nan)
        known = np.isfinite(healthy)
        filled = known.sum(axis=1)
        values = np.where(known, healthy, 0.0)
        # A value of the series itself is taken off: a constant stays exactly constant.
        origin = values[np.arange(metrics), known.argmax(axis=1)][:, None] if past else np.zeros((metrics, 1))
        values = np.where(known, values - origin, 0.0)
        sums = np.concatenate([np.zeros((metrics, 1)), np.cumsum(values, axis=1)], axis=1)
        counts = np.concatenate([np.zeros((metrics, 1)), np.cumsum(known, axis=1)], axis=1)
        length = stretch + gap + window
        times = max(0, past - length + 1)
        stride = max(1, -(-times // replay.REPLAYS_AT_MOST))
        begin = np.arange(0, times, stride)

        def mean(offset: int, size: int) -> Floats:
            low = begin + offset
            count = counts[:, low + size] - counts[:, low]
            total = sums[:, low + size] - sums[:, low]
            there = count >= np.maximum(1.0, replay.WINDOW_FILLED * size)
            return np.where(there, total / np.maximum(count, 1), np.nan)

        means = mean(stretch + gap, window)
        misses = np.abs(means - mean(0, stretch))
        replays = np.isfinite(misses).sum(axis=1)
        independent = np.maximum(replays - 1, 0) * stride / max(window, 1)
        spread, rms = np.full(metrics, np.inf), np.full(metrics, np.inf)
        for row in range(metrics):
            sizes = np.sort(misses[row][np.isfinite(misses[row])])
            if len(sizes):
                spread[row] = sizes[-(-95 * (len(sizes) - 1) // 100)]
                capped = np.minimum(sizes, replay.OUTAGE * spread[row])
                rms[row] = np.sqrt(np.add.reduce(capped**2) / len(capped))
        level = sums[:, past] / np.maximum(filled, 1) + origin[:, 0]
        tail = np.where(np.isfinite(after), after, np.nan)
        highest = np.fmax.reduce(tail, axis=1, initial=-np.inf)
        lowest = np.fmin.reduce(tail, axis=1, initial=np.inf)
        others = np.maximum(samples - 1, 1)
        shift = observed - expected
        return replay.Replayed(
            candidate=np.full(metrics, replay.NAMES.index("incident")),
            expected=expected,
            observed=observed,
            shift=shift,
            swing=(replay.P95 * spread + replay.RMS * rms) * replay.margin(independent),
            effect=np.maximum(replay.EFFECT * np.abs(level), replay.ROUNDING * np.abs(highest - lowest)),
            replays=replays,
            independent=independent,
            samples=samples,
            filled=filled / max(1, past),
            lowest=np.fmin.reduce(means, axis=1, initial=np.inf) + origin[:, 0],
            highest=np.fmax.reduce(means, axis=1, initial=-np.inf) + origin[:, 0],
            shift_without_highest=(observed * samples - highest) / others - expected,
            shift_without_lowest=(observed * samples - lowest) / others - expected,
            previous_shift=np.full(metrics, np.nan),
        )


def _mean(rows: Floats) -> tuple[Floats, Counts]:
    import numpy as np

    known = np.isfinite(rows)
    count = known.sum(axis=1)
    scaled = np.where(known, rows, 0.0) / np.maximum(count, 1)[:, None]
    return np.where(count > 0, np.add.reduce(scaled, axis=1), np.nan), count
