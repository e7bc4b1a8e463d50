"""Alerts as intervals, joined where the edge of a poll or a restart of Prometheus cut them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from projections.deduplication import Statement, chosen
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.corrections import Effective
from tracker.times import to_ms

JOIN_WITHIN = timedelta(minutes=5)
"""Pieces of one alert's history closer than this are one interval."""


@dataclass(frozen=True)
class Row:
    """One row of the timeline: the beginning or the end of a span."""

    shown: Effective
    witnesses: tuple[Effective, ...]


@dataclass
class AlertInterval:
    """One occurrence of one alert; `fired` is empty where only its end was reported.

    `repeats` are reports that add nothing to it: an end repeated later, a firing that was none.
    """

    fired: list[Statement]
    resolved: list[Statement]
    repeats: list[Statement] = field(default_factory=list)

    @property
    def starts_at(self) -> datetime | None:
        """When it began to fire, by its beginning, else by its end; None where no report has it."""
        if self.fired:
            return self.fired[0][0].event.occurred_at
        ended = self.resolved[0][0].event
        assert isinstance(ended, AlertResolved)
        return ended.started_at if ended.has_start else None

    @property
    def ends_at(self) -> datetime | None:
        """When it stopped; None while no end was reported."""
        return max((told[0].event.occurred_at for told in self.resolved), default=None)

    @property
    def order(self) -> tuple[datetime, str]:
        first = (self.fired or self.resolved)[0][0]
        return self.starts_at or first.event.occurred_at, first.id


def spans(told: Sequence[Statement]) -> list[AlertInterval]:
    """Group reports on alerts into occurrences, oldest first.

    A start that Alertmanager named is always an occurrence of its own. One from Prometheus' history belongs to the
    occurrence before it when it begins inside it, or less than five minutes after its end: a restart leaves such holes.
    """
    by_alert: dict[str, list[Statement]] = {}
    for each in told:
        event = each[0].event
        assert isinstance(event, AlertFired | AlertResolved)
        by_alert.setdefault(event.fingerprint, []).append(each)
    found: list[AlertInterval] = []
    for same in by_alert.values():
        found += _occurrences(same)
    return sorted(found, key=lambda span: span.order)


def _occurrences(same: list[Statement]) -> list[AlertInterval]:
    if len(same) == 1:
        # Most alerts of a storm are reported once: there is nothing to compare.
        return [
            AlertInterval(same, []) if isinstance(same[0][0].event, AlertFired) else AlertInterval([], same)
        ]
    ends = [told for told in same if isinstance(told[0].event, AlertResolved)]
    fired, void = _that_fired([told for told in same if isinstance(told[0].event, AlertFired)], ends)
    with_start = [told for told in ends if _as_end(told).has_start]
    of_start = _ends_by_occurrence(fired, with_start)
    found: list[AlertInterval] = []
    for told in sorted(fired, key=lambda each: each[0].order):
        event = _as_fired(told)
        resolved = of_start.pop(_recorded_key(told), [])
        last = found[-1] if found else None
        polled = event.source.startswith("prometheus") and event.again_after is None
        if last is not None and polled and _continues(last, event.occurred_at):
            last.fired.append(told)
            last.resolved += resolved
        else:
            found.append(AlertInterval([told], list(resolved)))
    # An end whose beginning was not reported is an occurrence all the same.
    found += [AlertInterval([], [told]) for each in of_start.values() for told in each]
    found = _with_ends_of_unknown_start(found, [told for told in ends if not _as_end(told).has_start])
    for told in void:
        span = next((span for span in found if told[1] and _is_end_of(span, told)), None)
        if span is not None:
            span.repeats.append(told)
    return found


def _as_fired(told: Statement) -> AlertFired:
    event = told[0].event
    assert isinstance(event, AlertFired)
    return event


def _as_end(told: Statement) -> AlertResolved:
    """Return an end as its source reported it: by that it knows its start."""
    event = told[0].recorded.event
    assert isinstance(event, AlertResolved)
    return event


_Key = tuple[int, int | None]
"""The start that the source names, and the end after which it fired again. By the millisecond, as identity has it."""


def _recorded_key(told: Statement) -> _Key:
    """Return the key under which ends know a firing, whatever people amended."""
    event = told[0].recorded.event
    assert isinstance(event, AlertFired)
    after = event.again_after
    return to_ms(event.own_start), None if after is None else to_ms(after)


def _that_fired(fired: list[Statement], ends: list[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Part what fired from what did not: the source repeated the end, or never reported more than a start that is it."""
    withdrawn: list[AlertResolved] = []
    for told in ends:
        withdrawn += [
            each.event
            for each in told[1]
            if isinstance(each.event, AlertResolved) and each.event.again_after is not None
        ]
    without_start = [each for told in ends for each in told[1] if not _as_end((each, ())).has_start]
    kept: list[Statement] = []
    void: list[Statement] = []
    for told in fired:
        event = _as_fired(told)
        was_none = event.again_after is not None and any(
            each.again_after == event.again_after and each.ends(event.own_start) for each in withdrawn
        )
        (void if was_none or _is_of_an_end(told, without_start) else kept).append(told)
    return kept, void


def _is_of_an_end(told: Statement, without_start: list[Effective]) -> bool:
    """Whether all that reports a firing is an end without a start, as earlier versions recorded one."""
    return all(
        any(
            each.event.occurred_at == end.event.occurred_at and each.recorded.arrival == end.recorded.arrival
            for end in without_start
        )
        for each in told[1]
    )


def _is_end_of(span: AlertInterval, told: Statement) -> bool:
    event = _as_fired(told)
    after = event.again_after or event.occurred_at
    return any(each.event.occurred_at == after for end in span.resolved for each in end[1])


def _ends_by_occurrence(fired: list[Statement], ends: list[Statement]) -> dict[_Key, list[Statement]]:
    """Return the ends of each firing; of an alert that fired again, those after it are the later one's."""
    again: dict[int, list[int]] = {}
    for told in fired:
        start_ms, after_ms = _recorded_key(told)
        if after_ms is not None:
            again.setdefault(start_ms, []).append(after_ms)
    found: dict[_Key, list[Statement]] = {}
    for told in ends:
        start_ms = to_ms(_as_end(told).started_at)
        if start_ms not in again:
            found.setdefault((start_ms, None), []).append(told)
            continue
        by_firing: dict[int | None, list[Effective]] = {}
        for each in told[1]:
            earlier = [after for after in again[start_ms] if after < to_ms(each.event.occurred_at)]
            by_firing.setdefault(max(earlier, default=None), []).append(each)
        for after, own in by_firing.items():
            found.setdefault((start_ms, after), []).append(chosen(own))
    return found


def _with_ends_of_unknown_start(found: list[AlertInterval], ends: list[Statement]) -> list[AlertInterval]:
    """Let an end without a start end what fires before it; where nothing did, it is an end alone."""
    known = sorted((span for span in found if span.starts_at is not None), key=lambda span: span.order)
    alone: AlertInterval | None = None
    for told in sorted(ends, key=lambda each: each[0].order):
        at = told[0].event.occurred_at
        before = [span for span in known if span.starts_at is not None and span.starts_at < at]
        if before:
            span = before[-1]
            (span.repeats if span.resolved else span.resolved).append(told)
        elif alone is not None:
            alone.repeats.append(told)
        else:
            alone = AlertInterval([], [told])
            found = [*found, alone]
    return found


def _continues(span: AlertInterval, start: datetime) -> bool:
    end = span.ends_at
    return end is None or start - end <= JOIN_WITHIN


def joined(told: Sequence[Statement]) -> list[Row]:
    """Return one row for each beginning and one for each end."""
    rows = []
    for span in spans(told):
        if span.fired:
            rows.append(Row(span.fired[0][0], tuple(w for each in span.fired for w in each[1])))
        if span.resolved:
            last = max(span.resolved, key=lambda each: each[0].order)
            others = (*(each for each in span.resolved if each is not last), *span.repeats)
            rows.append(Row(last[0], last[1] + tuple(w for each in others for w in each[1])))
    return rows
