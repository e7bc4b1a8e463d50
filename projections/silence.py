"""Silences of sources: from when to when each lasted, and whether one begins or ends now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.events.base import Recorded, of_kinds
from tracker.events.corrections import Effective, effective
from tracker.events.silence import SourceReturned, SourceSilent

#: The second miss in a row is a silence; half an interval is tolerance for polls that are late or early.
MISSED_INTERVALS = 1.5
#: A window in which its source was silent for so long is blind.
BLIND = timedelta(minutes=3)


@dataclass(frozen=True)
class WatchedSource:
    """A source, or one metric of a service in it."""

    source: str
    service: str | None = None
    what: str | None = None


@dataclass(frozen=True)
class Silence:
    """A span in which a source sent nothing; `end` is None while it lasts.

    `event` is its beginning, `evidence` all its events. `began_at` is the start as it was recorded, which its end
    names; `start` may have been amended.
    """

    watched: WatchedSource
    began_at: datetime
    start: datetime
    end: datetime | None
    reason: str
    event: str
    evidence: tuple[str, ...]

    def overlap(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of a span it covers; one that lasts covers the rest."""
        last = end if self.end is None else min(self.end, end)
        return max(last - max(self.start, start), timedelta(0))

    def touches(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether any of it lies in a span; None is open."""
        return (end is None or self.start < end) and (start is None or self.end is None or self.end > start)

    def concerns(self, service: str, metric: str, sources: Iterable[str] = ()) -> bool:
        """Whether samples of a metric are missing: it is the metric's own silence, or that of one of its sources."""
        if self.watched.what is not None:
            return (self.watched.service, self.watched.what) == (service, metric)
        return self.watched.service in (None, service) and any(
            _same_source(self.watched.source, each) for each in sources
        )


def _same_source(one: str, other: str) -> bool:
    """Whether two names are of one source: `prometheus` alone is whichever Prometheus there is."""
    (kind, _, place), (its_kind, _, its_place) = one.partition(":"), other.partition(":")
    return kind == its_kind and (place == its_place or not place or not its_place)


def silences(recorded: Iterable[Recorded]) -> list[Silence]:
    """Return all silences, oldest first; a retracted one never was."""
    return silences_of(effective(recorded).values())


def silences_of(facts: Iterable[Effective]) -> list[Silence]:
    """Return all silences among these facts, oldest first."""
    began: dict[tuple[object, ...], list[Effective]] = {}
    ended: dict[tuple[object, ...], list[Effective]] = {}
    for fact in of_kinds(facts, SourceSilent, SourceReturned):
        if fact.retraction is None:
            of_kind = began if isinstance(fact.event, SourceSilent) else ended
            of_kind.setdefault(fact.recorded.event.subject()[1:], []).append(fact)
    found = []
    for subject, same in began.items():
        # The first that was recorded counts; a second poller may have had another reason.
        same.sort(key=lambda fact: (not fact.amendments, fact.recorded.position))
        event = same[0].event
        assert isinstance(event, SourceSilent)
        back = sorted(ended.get(subject, []), key=lambda fact: fact.order)
        found.append(
            Silence(
                WatchedSource(event.source, event.service, event.what),
                began_at=same[0].recorded.event.occurred_at,
                start=event.occurred_at,
                end=max(back[0].event.occurred_at, event.occurred_at) if back else None,
                reason=event.reason,
                event=same[0].id,
                evidence=tuple(fact.id for fact in (*same, *back)),
            )
        )
    return sorted(found, key=lambda silence: (silence.start, silence.event))


def standing(known: Iterable[Silence], watched: WatchedSource) -> Silence | None:
    """Return the silence that lasts; the latest, should there be more."""
    lasting = [silence for silence in known if silence.watched == watched and silence.end is None]
    return lasting[-1] if lasting else None


def noticed(
    watched: WatchedSource,
    *,
    last_heard: datetime,
    now: datetime,
    interval_seconds: float,
    known: Iterable[Silence],
    reason: str,
    noticed_by: str = "poll",
    heard_before: bool = True,
) -> SourceSilent | SourceReturned | None:
    """Return the event to record now, if any: that a source fell silent, or that it sent something again.

    A source is silent once it missed two intervals in a row, and back once it sent something after the lasting silence
    began.

    Args:
        watched: The source.
        last_heard: When it last sent something; where `heard_before` is false, when we began to listen.
        now: This instant.
        interval_seconds: How often it should send something.
        known: The silences in the log.
        reason: Why nothing comes, in words.
        noticed_by: How it was noticed: poll, webhook or scrape.
        heard_before: Whether it ever sent something since we began to listen.
    """
    lasting = standing(known, watched)
    if lasting is not None:
        if not heard_before or last_heard <= lasting.start:
            return None
        return SourceReturned(
            occurred_at=last_heard,
            source=watched.source,
            service=watched.service,
            what=watched.what,
            silent_since=lasting.began_at,
            noticed_by=noticed_by,
        )
    if now - last_heard < timedelta(seconds=MISSED_INTERVALS * interval_seconds):
        return None
    return SourceSilent(
        occurred_at=last_heard,
        source=watched.source,
        service=watched.service,
        what=watched.what,
        expected_every_seconds=float(interval_seconds),
        reason=reason,
        noticed_by=noticed_by,
        heard_before=heard_before,
    )


def blinding(
    known: Iterable[Silence], service: str, metric: str, sources: Sequence[str]
) -> tuple[Silence, ...]:
    """Return the silences in which samples of a metric are missing."""
    return tuple(silence for silence in known if silence.concerns(service, metric, sources))


def blind_for(known: Iterable[Silence], start: datetime, end: datetime) -> tuple[Silence, ...]:
    """Return the silences that make a span blind: those that cover three minutes of it, or more."""
    return tuple(silence for silence in known if silence.overlap(start, end) >= BLIND)
