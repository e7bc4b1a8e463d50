"""All that a report stands on, gathered before a word is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from projections.actions import ActionItem
from projections.changes import ChangeRow
from projections.comparison import NormalRange, VerdictRow
from projections.durations import Duration
from projections.key_moments import KeyMoment, key_moments
from projections.outages import outages
from projections.points import Point
from projections.procedure.rule import RuleAnswer
from projections.review import ReportStatus
from projections.samples import Series
from projections.silence import Silence
from projections.the_fix import Fix
from projections.timeline_rows import Entry
from tracker.events.base import Event, Recorded
from tracker.events.incidents import NoteAdded
from tracker.events.samples import SourceCollected
from tracker.incident import Incident

_MARGIN, _FAR = timedelta(minutes=5), timedelta(hours=6)


@dataclass(frozen=True)
class MetricPlan:
    """A metric as the settings in the log define it, with the log's own samples of it."""

    service: str
    name: str
    query: str | None
    unit: str | None
    better: str
    threshold: float | None
    series: tuple[Series, ...]
    normal: NormalRange | None = None
    title: str | None = None

    @property
    def spoken_name(self) -> str:
        """What people call it: its title in the settings, else its name with blanks."""
        return self.title or self.name.replace("_", " ")


@dataclass(frozen=True)
class Provenance:
    """Where in the log the report was read, and by what.

    `log` is that log's id. `came` lists the logs from which it came in a bundle: id, number
    there, position and head. `here` is the position in this log: another one where the log that
    is quoted is not this one.
    """

    position: int
    last_event: str
    last_digest: str
    head: str
    versions: Mapping[str, str]
    log: str = ""
    came: tuple[tuple[str, str, int, str], ...] = ()
    here: int = 0


@dataclass(frozen=True)
class Context:
    """One incident, as the log holds it at one position.

    `pictures` is their format: svg, png, or none, which links to no picture. `folder` is where they
    are beside the text; without a name it is the incident's.
    """

    incident: Incident
    entries: tuple[Entry, ...]
    changes: tuple[ChangeRow, ...]
    durations: Mapping[str, Duration]
    metrics: tuple[MetricPlan, ...]
    collected: tuple[SourceCollected, ...]
    as_of: datetime
    provenance: Provenance
    zone_name: str = "UTC"
    zone: tzinfo = UTC
    pictures: str = "svg"
    folder: str = ""
    verdicts: tuple[VerdictRow, ...] = ()
    fix: Fix | None = None
    silences: tuple[Silence, ...] = ()
    redacted: tuple[Recorded, ...] = ()
    actions: tuple[ActionItem, ...] = ()
    rules: tuple[RuleAnswer, ...] = ()
    standing: ReportStatus = field(default_factory=ReportStatus)

    @property
    def picture_folder(self) -> str:
        """The folder of the pictures, beside the text."""
        return self.folder or self.incident.id

    def notes(self, kind: str) -> list[Entry]:
        """Return the notes of one kind, oldest first."""
        return [
            entry for entry in self.entries if isinstance(entry.fact, NoteAdded) and entry.fact.kind == kind
        ]

    def attributed(self, role: str) -> list[Entry]:
        """Return the rows to which people gave this part; what went elsewhere than to production fixed nothing there."""
        return [
            entry
            for entry in self.entries
            if entry.attribution
            and entry.attribution.role == role
            and not (role == "fixed" and self.is_elsewhere(entry))
        ]

    def is_elsewhere(self, entry: Entry) -> bool:
        """Whether a row is a change of another place than production."""
        return any(row.elsewhere and entry.event in row.evidence for row in self.changes)

    def named(self, title: str, service: str | None) -> str:
        """Put the service before a row's title where a reader could take it for another's."""
        return named(self.incident, title, service)

    def is_of_other(self, service: str) -> bool:
        """Whether a reader could take what is of this service for another's."""
        return bool(named(self.incident, "", service))

    @property
    def ends_at(self) -> datetime:
        """When it was over; while it is open, the instant up to which the log was read."""
        return self.incident.ends_at or max(self.as_of, self.incident.begins_at)

    @property
    def recovery(self) -> Point | None:
        """When it was over the last time, by the metrics, else as people reported; None if nobody did."""
        return outages(self.incident)[-1].recovered

    @property
    def impact_ends_at(self) -> datetime:
        """The end of what is drawn and counted as the incident: its recovery, else when it was over."""
        return max(self.recovery.earliest, self.incident.begins_at) if self.recovery else self.ends_at

    @property
    def picture_span(self) -> tuple[datetime, datetime]:
        """The span of the pictures: until it was back to normal, half as much on both sides, and what belongs to it.

        That is a cause in the six hours before, and a fix or the end soon after; of an open incident nothing is later
        than what was recorded last.
        """
        begins, over = self.incident.begins_at, self.impact_ends_at
        pad = min(max((over - begins) / 2, _MARGIN), _FAR)
        start, end = begins - pad, over + pad
        causes = [entry.occurred_at for entry in self.attributed("caused")]
        start = min([start, *(at - _MARGIN for at in causes if start - _FAR <= at < start)])
        if self.incident.resolved_at is None:
            return start, max(min(end, self.as_of), begins)
        later = [self.incident.resolved_at, *(entry.occurred_at for entry in self.attributed("fixed"))]
        return start, max(
            [end, *(at + _MARGIN for at in later if end < at + _MARGIN <= end + 2 * (end - over))]
        )

    def precision_of(self, at: datetime, kind: type[Event]) -> float:
        """Say how exactly an instant is known at which something of this kind happened, in seconds."""
        same = (entry for entry in self.entries if entry.occurred_at == at and isinstance(entry.fact, kind))
        return max((entry.precision_seconds for entry in same), default=0.001)

    def name_of(self, row: VerdictRow) -> str:
        """Write what people call the metric of a verdict, with the labels that tell its series apart."""
        name, brace, labels = row.metric.partition("{")
        plan = next((plan for plan in self.metrics if (plan.service, plan.name) == (row.service, name)), None)
        called = plan.spoken_name if plan else name.replace("_", " ")
        return f"{called} {brace}{labels}" if brace else called

    @property
    def key_moments(self) -> list[KeyMoment]:
        """The rows of the timeline that carry the story."""
        elsewhere = frozenset(event for row in self.changes if row.elsewhere for event in row.evidence)
        return key_moments(self.incident, self.entries, self.durations, elsewhere=elsewhere)

    def minute(self, at: datetime, since: datetime | None = None) -> str:
        """Write an instant to the minute; with its date and zone where it is on another day than `since`, or nothing is."""
        local = at.astimezone(self.zone)
        if since is not None and local.date() == since.astimezone(self.zone).date():
            return f"{local:%H:%M}"
        return f"{local:%H:%M} {local.tzname()} on {local:%Y-%m-%d}"

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d}"

    def time_on(self, at: datetime, day: str) -> str:
        """Write the time of day to the minute, with its date where that is not this day."""
        clock = f"{at.astimezone(self.zone):%H:%M}"
        return clock if self.day(at) == day else f"{self.day(at)} {clock}"

    def clock(self, at: datetime, precision_seconds: float = 0.001) -> str:
        """Write a time of day in the report's zone, as exactly as its source knew it."""
        local = at.astimezone(self.zone)
        return local.strftime("%H:%M") if precision_seconds >= 60 else local.strftime("%H:%M:%S")

    def moment(self, at: datetime, precision_seconds: float = 0.001) -> str:
        """Write an instant with its date and zone."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d} {self.clock(at, precision_seconds)} {local.tzname()}"


def named(incident: Incident, title: str, service: str | None) -> str:
    """Put the service before a row's title where a reader could take it for another's."""
    other = service is not None and (len(incident.services) > 1 or service not in incident.services)
    return f"{service}: {title}" if other and not title.startswith(f"Service {service} ") else title
