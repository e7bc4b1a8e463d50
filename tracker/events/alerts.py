"""What alerting and error tracking report."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from tracker.events.base import Incoming, Observation, topic
from tracker.times import to_ms, utc


def first_after(end: datetime) -> datetime:
    """Return the first instant after an end, to the millisecond as sources have them."""
    return end + timedelta(milliseconds=1)


@topic("alert-fired", rank=10)
class AlertFired(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """An alert began to fire; `occurred_at` is the alert's own start, never the arrival.

    One alert is its fingerprint (FNV-1a over its labels, as Alertmanager computes it) and
    its start. `updated_at` is the source's own instant of this statement, where it names one.

    `again_after` is the end after which the source reported it firing again with its old start, `started_at`:
    `occurred_at` is then when that was received, or the first instant after the end where nobody knows.
    """

    name: str
    fingerprint: str
    severity: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    generator_url: str | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    again_after: datetime | None = None

    @property
    def own_start(self) -> datetime:
        """The start that the source names, by which it knows the alert."""
        return self.started_at or self.occurred_at

    @property
    def is_again_at_unknown_time(self) -> bool:
        """Whether it fired again at some time after its end, and nobody knows when."""
        return self.again_after is not None and self.occurred_at == first_after(self.again_after)

    def subject(self) -> tuple[object, ...]:
        """The same alert may be reported by webhook, by API and by history."""
        if self.again_after is None:
            return (self.TOPIC, self.fingerprint, to_ms(self.own_start))
        return (self.TOPIC, self.fingerprint, to_ms(self.own_start), to_ms(self.again_after))


@topic("alert-resolved", rank=12)
class AlertResolved(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """An alert stopped firing, according to its source; that is no proof of recovery.

    Some senders write the end into the start, too: `has_start` is false then, and it ends what fires of the alert.
    With `again_after` the source repeated this end after it had reported the alert firing again: it had not.
    """

    name: str
    fingerprint: str
    started_at: datetime
    severity: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    updated_at: datetime | None = None
    again_after: datetime | None = None

    @property
    def has_start(self) -> bool:
        return to_ms(self.started_at) < to_ms(self.occurred_at)

    def ends(self, start: datetime) -> bool:
        """Whether it can be the end of what began to fire at this start, as the source names it."""
        if self.has_start:
            return to_ms(self.started_at) == to_ms(start)
        return to_ms(start) < to_ms(self.occurred_at)

    def subject(self) -> tuple[object, ...]:
        """A repeated end is about the same occurrence."""
        return (self.TOPIC, self.fingerprint, to_ms(self.started_at))


@topic("alerts-left-out", rank=14)
class AlertsLeftOut(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A source cut its list of a group's alerts: so many are missing, `listed_count` were reported.

    `occurred_at` is the latest instant of those that were; `name` is their name, where they have one in common.
    """

    group: str
    status: str
    missing_count: int
    listed_count: int
    name: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.service, self.group, self.status, to_ms(self.occurred_at))


def firings_of_ends(facts: Iterable[Incoming]) -> set[int]:
    """Return, by `id()`, the firings that nobody reported while they lasted: each came in one statement with its end."""
    facts = list(facts)
    ends = {
        (fact.event.fingerprint, to_ms(fact.event.started_at), fact.arrival, fact.payload)
        for fact in facts
        if isinstance(fact.event, AlertResolved)
    }
    return {
        id(fact)
        for fact in facts
        if isinstance(fact.event, AlertFired)
        and (fact.event.fingerprint, to_ms(fact.event.own_start), fact.arrival, fact.payload) in ends
    }


@topic("error-seen", rank=20)
class ErrorSeen(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """An error event as an SDK or Sentry reported it.

    `group` identifies repeats of one error: the source's own issue or fingerprint,
    else exception type, location and message template. A device's clock that was off by `clock_off_seconds`,
    ahead or (negative) behind, is corrected in `occurred_at`. `received_bytes` is how large it was where
    only a part of it is stored.
    """

    GREW = True

    project: str
    error_id: str
    title: str
    level: str = "error"
    culprit: str | None = None
    release: str | None = None
    environment: str | None = None
    group: str | None = None
    url: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    clock_off_seconds: float | None = None
    received_bytes: int | None = None

    def subject(self) -> tuple[object, ...]:
        """The client generates the id: it is the same on every path."""
        return (self.TOPIC, self.project, self.error_id)


_OPENING = ("created", "regressed", "unresolved", "escalated", "unmuted")


@topic("issue-changed", rank=22)
class IssueChanged(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """An issue in the error tracker was created, resolved, regressed, assigned or archived.

    `again_after` is when the opposite was so that was reported between this and the same statement before:
    `occurred_at` is then when this was received, or right after that where it was read from a file.
    """

    TURN = 22
    PUSHED_IN_ORDER = True

    project: str
    issue_id: str
    action: str
    title: str
    short_id: str | None = None
    level: str | None = None
    status: str | None = None
    release: str | None = None
    first_seen_at: datetime | None = None
    event_count: int | None = None
    user_count: int | None = None
    url: str | None = None
    again_after: datetime | None = None

    @property
    def state(self) -> str | None:
        """What the issue is from then on: open, resolved or archived; None where the step changes nothing of it."""
        if self.action in ("resolved", "archived"):
            return self.action
        return "open" if self.action in _OPENING else None

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.project, self.issue_id, self.action, to_ms(self.occurred_at))


@topic("check-in-recorded", rank=24)
class CheckInRecorded(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A cron monitor's job reported that it runs, succeeded or failed; its clock is corrected as an error's is."""

    project: str
    check_in_id: str
    monitor: str
    status: str
    duration_seconds: float | None = None
    release: str | None = None
    environment: str | None = None
    clock_off_seconds: float | None = None

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.project, self.check_in_id, self.status)


@topic("outside-incident-reported", rank=26)
class OutsideIncidentReported(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """Another system reported that an incident was detected, reported or resolved.

    `again_after` is as an issue's is.
    """

    outside_id: str
    status: str
    title: str
    environment: str | None = None
    url: str | None = None
    artifact: str | None = None
    again_after: datetime | None = None

    @property
    def state(self) -> str:
        """Whether it is resolved from then on, or open."""
        return "resolved" if self.status == "resolved" else "open"

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.source, self.outside_id, self.status, utc(self.occurred_at))
