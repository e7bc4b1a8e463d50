"""Series of samples: the chunks that the log holds, joined into columns.

How chunks are packed is `tracker.events.codec`'s. numpy is imported by the functions that need it, because every
command pays for what its modules import.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from tracker.errors import LogNotWholeError, StoreError
from tracker.events.base import Recorded
from tracker.events.codec import columns_sha256, decode
from tracker.events.samples import MetricSampled, SourceCollected, covered
from tracker.times import to_ms, to_us

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Stretch = tuple[int, int, int]
"""The first and the last sample of what was asked at one step, and that step; all in milliseconds."""


@dataclass(frozen=True, eq=False)
class Series:
    """One series of one query, sorted by instant, each instant once.

    `unit` and `source` are those of the chunk recorded last. `stretches` says where the source was asked at which
    step; they overlap where a finer question followed a coarser one. `step_seconds` is the widest step between
    samples, so that a coarser stretch is not taken for a row of gaps; `between` and `spaced` narrow it to a span's own.
    The columns are read-only.
    """

    service: str | None
    metric: str
    unit: str | None
    query: str
    labels: dict[str, str]
    step_seconds: float
    source: str
    instants_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True)
class Summary:
    """The finite values of a series over a span.

    `expected_count` is of the instants that were asked for in the span. With no samples all values are None.
    """

    count: int
    expected_count: int
    minimum: float | None
    median: float | None
    maximum: float | None
    first: float | None
    last: float | None


def merge(chunks: Iterable[tuple[Recorded, bytes]], answers: Iterable[SourceCollected] = ()) -> list[Series]:
    """Join chunks into series, in whatever order they come.

    A chunk given twice counts once, a redacted one has no samples. Of an instant the first recorded value counts,
    those of whole answers before those of partial ones. Series are sorted by service, metric, query and labels.

    Args:
        chunks: `MetricSampled` events as recorded, each with its stored columns.
        answers: What sources answered for these spans: of a partial answer nothing counts where a whole one is.

    Raises:
        LogNotWholeError: If the columns are not those whose hash and count the event names.
        StoreError: If they are packed in a way that this version cannot read.
    """
    groups: dict[tuple[object, ...], dict[str, tuple[Recorded, bytes]]] = {}
    for recorded, data in chunks:
        if recorded.redacted is not None:
            continue
        groups.setdefault(recorded.event.subject(), {})[recorded.id] = (recorded, data)
    known = list(answers)
    joined = (
        _joined(
            sorted(group.values(), key=lambda chunk: (_sampled(chunk[0]).partial, chunk[0].position)), known
        )
        for group in groups.values()
    )
    return sorted(
        (series for series in joined if series is not None),
        key=lambda one: (one.service or "", one.metric, one.query, tuple(sorted(one.labels.items()))),
    )


def between(series: Series, start: datetime, end: datetime) -> Series:
    """Return the part of a series from `start` up to, and without, `end`, with that part's own step."""
    first, last = _inside(series, start, end)
    part = replace(series, instants_ms=series.instants_ms[first:last], values=series.values[first:last])
    return replace(part, step_seconds=_widest(part, start, end))


def spaced(series: Series, start: datetime, end: datetime) -> Series:
    """Return the whole series with the step of a span: what lies outside it may be coarser."""
    return replace(series, step_seconds=between(series, start, end).step_seconds)


def _inside(series: Series, start: datetime, end: datetime) -> tuple[int, int]:
    import numpy as np

    low, high = _span_ms(start, end)
    first, last = np.searchsorted(series.instants_ms, [low, max(low, high)])
    return int(first), int(last)


def _span_ms(start: datetime, end: datetime) -> tuple[int, int]:
    # Rounded up on both sides: a sample at 0.500 s is not before 0.5004 s.
    return -(-to_us(start) // 1000), -(-to_us(end) // 1000)


def _is_mixed(series: Series) -> bool:
    return len({step for _, _, step in series.stretches}) > 1


def _widest(part: Series, start: datetime, end: datetime) -> float:
    """Return the widest step in a part of a series, where each sample has the finest one that was asked there."""
    import numpy as np

    if not _is_mixed(part):
        return part.step_seconds
    if not len(part.instants_ms):
        return _finest(part, *_span_ms(start, end)) / 1000
    steps = np.full(len(part.instants_ms), np.iinfo(np.int64).max)
    for first, last, step in part.stretches:
        # A sample that the log had already lies a step beside the finer ones that came later.
        low, high = np.searchsorted(part.instants_ms, [first - step, last + step])
        np.minimum(steps[low:high], step, out=steps[low:high])
    return float(steps.max()) / 1000


def _finest(series: Series, low: int, high: int) -> int:
    """Return the finest step asked for in a span with no edge of a stretch in it; outside all, that of the nearest."""
    inside = [step for first, last, step in series.stretches if first - step + 1 < high and low < last + step]
    if inside:
        return min(inside)
    before = max((each for each in series.stretches if each[1] < low), key=lambda each: each[1], default=None)
    after = min((each for each in series.stretches if each[0] >= high), default=None)
    return min(each[2] for each in (before, after) if each is not None)


def summary(series: Series, start: datetime, end: datetime) -> Summary:
    """Summarize a series from `start` up to, and without, `end`."""
    import numpy as np

    values = between(series, start, end).values
    finite = values[np.isfinite(values)]
    expected = asked_count(series, start, end)
    if not len(finite):
        return Summary(0, expected, None, None, None, None, None)
    return Summary(
        count=len(finite),
        expected_count=expected,
        minimum=float(finite.min()),
        median=float(np.median(finite)),
        maximum=float(finite.max()),
        first=float(finite[0]),
        last=float(finite[-1]),
    )


def expected_count(step_seconds: float, start: datetime, end: datetime) -> int:
    """Count the multiples of the step, from 1970 on, from `start` up to, and without, `end`."""
    step_us = round(step_seconds * 1_000_000)
    if step_us <= 0 or end <= start:
        return 0
    return -(-to_us(end) // step_us) - -(-to_us(start) // step_us)


def asked_count(series: Series, start: datetime, end: datetime) -> int:
    """Count the instants that the source was asked for from `start` up to, and without, `end`.

    Where steps overlap the finest one counts. Where the log has no samples, the finest step beside the gap does.
    """
    if not _is_mixed(series):
        return expected_count(series.step_seconds, start, end)
    low, high = _span_ms(start, end)
    if high <= low:
        return 0
    # A stretch begins after the last instant before it that its step could have had.
    edges = [edge for first, last, step in series.stretches for edge in (first - step + 1, last + step)]
    cuts = sorted({low, high, *(edge for edge in edges if low < edge < high)})
    count = 0
    for first, following in pairwise(cuts):
        step = _finest(series, first, following)
        count += -(-following // step) - -(-first // step) if step > 0 else 0
    return count


def _joined(chunks: list[tuple[Recorded, bytes]], answers: list[SourceCollected]) -> Series | None:
    import numpy as np

    events = [_sampled(recorded) for recorded, _ in chunks]
    columns = [
        _left_of(_sampled(recorded), chunk_columns(recorded, data), answers) for recorded, data in chunks
    ]
    if any(event.partial for event in events):
        left = [pair for pair in zip(events, columns, strict=True) if len(pair[1][0])]
        if not left:
            return None
        events, columns = [event for event, _ in left], [column for _, column in left]
    instants = np.concatenate([column[0] for column in columns])
    values = np.concatenate([column[1] for column in columns])
    order = np.argsort(instants, kind="stable")  # stable: of one instant, the first recorded comes first
    instants, values = instants[order], values[order]
    is_first = np.concatenate([np.ones(min(len(instants), 1), bool), instants[1:] != instants[:-1]])
    kept = values[is_first]
    instants = instants[is_first]
    for column in (instants, kept):
        column.setflags(write=False)
    last = events[-1]
    joined = Series(
        service=last.service,
        metric=last.metric,
        unit=next((event.unit for event in reversed(events) if event.unit), None),
        query=last.query,
        labels=dict(sorted(last.labels.items())),
        step_seconds=max(event.step_seconds for event in events),
        source=last.source,
        instants_ms=instants,
        values=kept,
        stretches=_stretches(events),
    )
    return replace(joined, step_seconds=_widest(joined, events[0].occurred_at, events[0].last_at))


def _stretches(events: list[MetricSampled]) -> tuple[Stretch, ...]:
    """Put chunks of one step that lie end to end together: a series has few stretches, whatever its length."""
    found: list[Stretch] = []
    spans = (
        (round(each.step_seconds * 1000), to_ms(each.occurred_at), to_ms(each.last_at)) for each in events
    )
    for step, first, last in sorted(spans):
        if found and found[-1][2] == step and first <= found[-1][1] + step:
            first, last = found[-1][0], max(last, found[-1][1])
            found.pop()
        found.append((first, last, step))
    return tuple(found)


def _left_of(
    event: MetricSampled,
    columns: tuple[NDArray[np.int64], NDArray[np.float64]],
    answers: list[SourceCollected],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what counts of a chunk: of a partial answer nothing where a whole one is; what had expired by then is not."""
    import numpy as np

    instants, values = columns
    if not event.partial:
        return columns
    counts = np.ones(len(instants), bool)
    for answer in answers:
        same = (answer.service, answer.what, answer.query) == (event.service, event.metric, event.query)
        if same and covered([answer], round(event.step_seconds)):
            low, high = _span_ms(
                max(answer.occurred_at, answer.missing_until or answer.occurred_at), answer.until
            )
            counts &= (instants < low) | (instants >= high)
    return instants[counts], values[counts]


def _sampled(recorded: Recorded) -> MetricSampled:
    if not isinstance(recorded.event, MetricSampled):
        raise TypeError(f"{recorded.handle} is {recorded.event.TOPIC}, not a chunk of samples")
    return recorded.event


def chunk_columns(recorded: Recorded, data: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Unpack one chunk: its instants in ms since 1970, and its values.

    Raises:
        LogNotWholeError: If they are not those whose hash and count the event names.
        StoreError: If they are packed in a way that this version cannot read.
    """
    event = _sampled(recorded)
    stored_count = int.from_bytes(data[:4], "little")
    if stored_count != event.count:
        raise _not_whole(recorded, f"they are {stored_count} where it names {event.count}")
    try:
        columns = decode(event.codec, data, event.count)
    except StoreError as unreadable:
        raise StoreError(
            f"samples of event {recorded.handle}: {unreadable.message}", hint=unreadable.hint
        ) from unreadable
    # The hash is over the numbers, not over their packing: it outlives the codec.
    if columns_sha256(*columns) != event.sha256:
        raise _not_whole(recorded, f"{event.count} numbers do not have the hash that it names")
    return columns


def _not_whole(recorded: Recorded, why: str) -> LogNotWholeError:
    event = _sampled(recorded)
    return LogNotWholeError(
        f"the samples of event {recorded.handle} ({event.metric}) are not what was recorded: {why}",
        hint="See all that does not fit: tracker verify",
    )
