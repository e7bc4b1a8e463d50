"""Alerts as intervals, joined where the edge of a poll or a restart of Prometheus cut them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.deduplication import Statement
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
    """One occurrence of one alert; `fired` is empty where only its end was reported."""

    fired: list[Statement]
    resolved: list[Statement]

    @property
    def starts_at(self) -> datetime:
        """When it began to fire, by its beginning, else by its end."""
        if self.fired:
            return self.fired[0][0].event.occurred_at
        ended = self.resolved[0][0].event
        assert isinstance(ended, AlertResolved)
        return ended.started_at

    @property
    def ends_at(self) -> datetime | None:
        """When it stopped; None while no end was reported."""
        return max((told[0].event.occurred_at for told in self.resolved), default=None)


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
    return sorted(found, key=lambda span: (span.starts_at, (span.fired or span.resolved)[0][0].id))


def _occurrences(same: list[Statement]) -> list[AlertInterval]:
    fired = sorted((t for t in same if isinstance(t[0].event, AlertFired)), key=lambda t: t[0].order)
    # By the millisecond, as identity has it: one source writes nanoseconds, another cuts them.
    ends: dict[int, list[Statement]] = {}
    for told in same:
        if isinstance(told[0].event, AlertResolved):
            ends.setdefault(to_ms(told[0].event.started_at), []).append(told)
    found: list[AlertInterval] = []
    for told in fired:
        resolved = ends.pop(to_ms(told[0].recorded.event.occurred_at), [])
        last = found[-1] if found else None
        polled = isinstance(told[0].event, AlertFired) and told[0].event.source.startswith("prometheus")
        if last is not None and polled and _continues(last, told[0].event.occurred_at):
            last.fired.append(told)
            last.resolved += resolved
        else:
            found.append(AlertInterval([told], list(resolved)))
    # An end whose beginning was not reported is an occurrence all the same.
    return found + [AlertInterval([], [told]) for each in ends.values() for told in each]


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
            others = tuple(w for each in span.resolved if each is not last for w in each[1])
            rows.append(Row(last[0], last[1] + others))
    return rows
