"""When which source was silent, for how long, and whether that is worth an event now.

Pure: what the log holds of silences in, spans out. Whether a source answers is asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.events.base import Recorded
from tracker.events.corrections import Effective, effective
from tracker.events.silence import SourceReturned, SourceSilent
from tracker.text.shortening import short
from tracker.times import spoken

#: The second miss in a row is a silence; half an interval is left for polls that are late or early.
MISSED_INTERVALS = 1.5
#: A window in which its source was silent for so long is blind.
BLIND = timedelta(minutes=3)


@dataclass(frozen=True)
class WatchedSource:
    """What is listened to: a source, or one metric of a service in it."""

    source: str
    service: str | None = None
    what: str | None = None


@dataclass(frozen=True)
class Silence:
    """A span without a word from a source; `end` is None while it lasts.

    `event` says that it began, and `evidence` names all events that tell of it. `began_at` is
    the start as it was recorded, by which its end finds it; `start` may have been amended.
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
        """Whether samples of a metric were not seen: its own silence, or that of one of its sources."""
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
    """Return all silences that these facts, corrections applied, tell of."""
    began: dict[tuple[object, ...], list[Effective]] = {}
    ended: dict[tuple[object, ...], list[Effective]] = {}
    for each in facts:
        if each.retraction is not None:
            continue
        if isinstance(each.event, SourceSilent):
            began.setdefault(each.recorded.event.subject()[1:], []).append(each)
        elif isinstance(each.event, SourceReturned):
            ended.setdefault(each.recorded.event.subject()[1:], []).append(each)
    found = []
    for subject, same in began.items():
        # The first that was recorded is the one; a second poller may have had another reason.
        same.sort(key=lambda each: (not each.amendments, each.recorded.position))
        event = same[0].event
        assert isinstance(event, SourceSilent)
        back = sorted(ended.get(subject, []), key=lambda each: each.order)
        found.append(
            Silence(
                WatchedSource(event.source, event.service, event.what),
                began_at=same[0].recorded.event.occurred_at,
                start=event.occurred_at,
                end=max(back[0].event.occurred_at, event.occurred_at) if back else None,
                reason=event.reason,
                event=same[0].id,
                evidence=tuple(each.id for each in (*same, *back)),
            )
        )
    return sorted(found, key=lambda each: (each.start, each.event))


def standing(known: Iterable[Silence], watched: WatchedSource) -> Silence | None:
    """Return the silence that lasts; the latest, should there be more."""
    mine = [each for each in known if each.watched == watched and each.end is None]
    return mine[-1] if mine else None


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
    """Say what is worth an event now: that a source fell silent, or that it is heard again.

    Silent is what missed two intervals in a row, once for each silence; back is what was heard
    after the silence that lasts began.

    Args:
        watched: What is listened to.
        last_heard: When it was heard last; where `heard_before` is false, when we began to listen.
        now: This instant.
        interval_seconds: How often it should be heard.
        known: The silences that the log holds.
        reason: Why it is not heard, in words.
        noticed_by: How: poll, webhook or scrape.
        heard_before: Whether it was ever heard since we listen.
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
    """Return the silences in which samples of a metric were not seen."""
    return tuple(each for each in known if each.concerns(service, metric, sources))


def blind_for(known: Iterable[Silence], start: datetime, end: datetime) -> tuple[Silence, ...]:
    """Return the silences that make a span blind: those that cover three minutes of it, or more."""
    return tuple(each for each in known if each.overlap(start, end) >= BLIND)


def span_in_words(silence: Silence) -> str:
    """Say from when to when it lasted, in UTC, and how long."""
    start = f"{silence.start:%Y-%m-%d %H:%M:%SZ}"
    if silence.end is None:
        return f"from {start}, and not heard of since"
    same_day = silence.start.date() == silence.end.date()
    end = f"{silence.end:%H:%M:%SZ}" if same_day else f"{silence.end:%Y-%m-%d %H:%M:%SZ}"
    return f"from {start} to {end} ({spoken((silence.end - silence.start).total_seconds())})"


def silent_span(silence: Silence) -> str:
    """Say which source was silent, from when to when, and why."""
    watched = silence.watched
    of = f" of {watched.service}" if watched.service else ""
    name = f"{watched.what}{of} from {watched.source}" if watched.what else f"{watched.source}{of}"
    why = f": {short(silence.reason, 160)}" if silence.reason else ""
    return f"{short(name, 120)} silent {span_in_words(silence)}{why}"
