"""Decisions about an incident."""

from datetime import datetime

from tracker.events.base import Decision, topic

SEVERITIES = ("critical", "major", "minor")
STAGES = ("investigating", "identified", "fixing", "monitoring")
NOTE_KINDS = ("note", "hypothesis", "root-cause", "fix", "prevention", "lesson", "impact")
MILESTONES = ("started", "detected", "confirmed", "mitigated", "ended")
RESOLUTIONS = ("fixed", "false-alarm", "went-away")
UNKNOWN = "unknown"
"""The severity and the resolution of an imported incident whose record does not say them."""
DETECTED_BY = ("alert", "customer", "person")
PREVENTION = "would-have-prevented"
"""The role of an earlier incident's action item."""
ROLES = ("caused", "fixed", "suspect", "dismissed", PREVENTION)


class Repeatable(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A decision that may be the same again, of the same instant: two "ok" of one minute, a lead who is back.

    `again` is how many equal ones there were before it.
    """

    again: int = 0


class IncidentLifecycleEvent(Repeatable, frozen=True, kw_only=True, omit_defaults=True):
    """A decision about which incidents exist, of which services, and which are resolved."""

    def scopes(self) -> tuple[str, ...]:
        """Also indexed with all incidents, so that listing them reads no other decision."""
        return (f"incident:{self.incident}", "incidents")


@topic("incident-declared", rank=70)
class IncidentDeclared(IncidentLifecycleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An incident was declared.

    `occurrence` identifies the alert, and its start, for which the tracker declared it itself. `record` is the
    post-mortem or export of another tool from which it was imported.
    """

    TURN = 70

    title: str
    services: tuple[str, ...]
    severity: str
    impact: str | None = None
    lead: str | None = None
    detected_by: str | None = None
    occurrence: str | None = None
    record: str | None = None


@topic("milestone-set", rank=71)
class MilestoneSet(Repeatable, frozen=True, kw_only=True, omit_defaults=True):
    """The incident started, was detected, confirmed, mitigated or ended at `occurred_at`.

    With `until` it was somewhere between the two.
    """

    milestone: str
    until: datetime | None = None


@topic("severity-changed", rank=72)
class SeverityChanged(Repeatable, frozen=True, kw_only=True, omit_defaults=True):
    """The incident was judged more or less severe."""

    severity: str
    why: str


@topic("lead-changed", rank=73)
class LeadChanged(Repeatable, frozen=True, kw_only=True, omit_defaults=True):
    """Another person leads."""

    lead: str


@topic("stage-changed", rank=74)
class StageChanged(Repeatable, frozen=True, kw_only=True, omit_defaults=True):
    """The work entered another stage."""

    stage: str


@topic("service-added", rank=75)
class ServiceAdded(IncidentLifecycleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Another service turned out to be part of it."""

    service: str


@topic("service-removed", rank=76)
class ServiceRemoved(IncidentLifecycleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A service turned out not to be part of it."""

    service: str


@topic("note-added", rank=77)
class NoteAdded(Repeatable, frozen=True, kw_only=True, omit_defaults=True):
    """A person added a note; one on the impact may say how many of what were affected, and from when to when."""

    text: str
    kind: str = "note"
    affected: tuple[str, ...] = ()
    affected_from: datetime | None = None
    affected_to: datetime | None = None


@topic("file-attached", rank=78)
class FileAttached(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A file was attached to the incident; its bytes are the event's payload.

    With `by_hash` the bytes are stored once for all events that attach the same content, with the first.
    """

    name: str
    size_bytes: int
    sha256: bytes
    by_hash: bool = False

    def scopes(self) -> tuple[str, ...]:
        return (*super().scopes(), file_scope(self.sha256)) if self.by_hash else super().scopes()


def file_scope(sha256: bytes) -> str:
    """Return the place of all files of one content."""
    return f"file:{sha256.hex()}"


@topic("incident-resolved", rank=80)
class IncidentResolved(IncidentLifecycleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The incident was resolved."""

    resolution: str = "fixed"


@topic("incident-reopened", rank=81)
class IncidentReopened(IncidentLifecycleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """It came back, or was never over; `occurrence` as in `IncidentDeclared`."""

    why: str
    occurrence: str | None = None


@topic("incident-merged", rank=82)
class IncidentMerged(IncidentLifecycleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """This incident turned out to be another one; `into` goes on."""

    into: str
    why: str

    def scopes(self) -> tuple[str, ...]:
        """Also indexed under the other incident."""
        return (*super().scopes(), f"incident:{self.into}")
