"""Alerts of the past, from the samples that Prometheus kept of them.

Pure: samples in, spans out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tracker.times import from_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A pause of one evaluation and a half is more than jitter.
_PAUSE = 1.5
# Prometheus forgets a sample after five minutes: no rule is evaluated less often.
_LONGEST_INTERVAL_SECONDS = 300.0


@dataclass(frozen=True)
class AlertSpan:
    """One alert firing without a break.

    `starts_at` and `ends_at` are Alertmanager's startsAt and endsAt to the
    millisecond, unless the span touches the edge of what was asked for.
    `ends_at` is None when it still fired there; `truncated_start` says that it
    may have begun earlier. A restart of Prometheus leaves two spans. At `last_at` it was found firing last.
    """

    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    truncated_start: bool
    last_at: datetime | None = field(default=None, compare=False)


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the 16 hex digits by which Alertmanager knows an alert.

    The labels must be those that reach Alertmanager: with the external labels
    of Prometheus, without `__name__` and `alertstate`.
    """
    digest = 0xCBF29CE484222325
    for name in sorted(labels, key=str.encode):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def spans(
    labels: Mapping[str, str],
    instants_ms: NDArray[np.int64],
    *,
    interval_seconds: float,
    start_ms: int,
    end_ms: int,
) -> list[AlertSpan]:
    """Split one alert's samples where they pause, in the order of time.

    Args:
        labels: Those of the alert; `__name__` and `alertstate` are left out.
        instants_ms: When it was found firing, ascending, no instant twice.
        interval_seconds: How often its rule is evaluated. An alert ends one
            interval after its last sample: that is when it was found not firing.
        start_ms: The first instant that was asked for.
        end_ms: The first instant after what was asked for.
    """
    import numpy as np

    if not len(instants_ms):
        return []
    own = {name: value for name, value in labels.items() if name not in ("__name__", "alertstate")}
    interval_ms = round(interval_seconds * 1000)
    pause_ms = round(interval_ms * _PAUSE)
    breaks = np.flatnonzero(np.diff(instants_ms) > pause_ms)
    firsts = instants_ms[np.concatenate(([0], breaks + 1))].tolist()
    lasts = instants_ms[np.concatenate((breaks, [len(instants_ms) - 1]))].tolist()
    return [
        AlertSpan(
            labels=own,
            starts_at=from_ms(first),
            ends_at=None if last + pause_ms >= end_ms else from_ms(last + interval_ms),
            truncated_start=first - pause_ms < start_ms,
            last_at=from_ms(last),
        )
        for first, last in zip(firsts, lasts, strict=True)
    ]


def usual_spacing_seconds(instants_ms: NDArray[np.int64]) -> float | None:
    """Return the spacing that most samples agree on, or None when there is none.

    Samples know better than today's rules, which may have had another interval
    then. Fewer than three, or single ones far apart, show none.
    """
    import numpy as np

    if len(instants_ms) < 3:
        return None
    gaps = np.diff(instants_ms)
    # The lower middle: with two gaps, one of them a pause, the shorter is the interval.
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    agree = np.count_nonzero(np.abs(gaps - usual) <= 0.1 * usual)
    if usual > _LONGEST_INTERVAL_SECONDS * 1000 or agree * 2 < len(gaps):
        return None
    # Rules are evaluated at fixed instants; what jitters by milliseconds is the clock.
    return round(usual / 1000) if usual >= 1000 and abs(usual - round(usual, -3)) <= 50 else usual / 1000
