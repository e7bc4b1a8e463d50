"""In which windows of the log the parts of one incident lie: its story, the work on its services, metrics, action items."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Flag, auto

from projections.attachment import windows
from projections.changes import EARLIER_MERGES
from tracker.events.base import Window
from tracker.events.bundles import imported_scope
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.events.corrections import EventAmended
from tracker.events.housekeeping import settings_scope
from tracker.events.silence import SILENCES
from tracker.incident import Incident

#: What was built and deployed so long before an incident says what its fix started from, and what
#: ran before. Where no version is known that recently, older ones are read: what is rarely released breaks too.
WORK_BEFORE = (timedelta(days=30), timedelta(days=365), None)
#: A fix that is merged back later than that is not looked for any more.
WORK_AFTER = timedelta(days=30)
#: No baseline reaches back further from the change that it is for.
BASELINE = timedelta(days=15)
#: The longest window of a verdict, and what a source needs to have its last samples.
LONGEST_WINDOW = timedelta(days=1, minutes=5)
#: Deploys so long before the onset are judged; `tracker changes` names them as candidates.
BEFORE_ONSET = timedelta(hours=1)
CHANGES = (
    "deploy-started", "deploy-finished", "deploy-failed",
    "rollback-started", "rollback-finished", "rollback-failed",
    "deploy-interrupted", "rollback-interrupted",
)  # fmt: skip
CHANGES_AND_REFS = (*CHANGES, VersionTagged.TOPIC, BranchSeen.TOPIC)
"""What says which commits were deployed: a deploy may name no more than a tag or a branch."""
WORK = (
    *CHANGES, "alert-fired", "alert-resolved", "tests-finished", "tests-interrupted", "release-created",
    "version-released", "commit-made", "version-tagged", "branch-seen", "repository-read",
)  # fmt: skip
"""The kinds of fact that are read beyond the incident's own span."""
_MOVED = EventAmended.TOPIC
NEIGHBOUR = (
    "incident-declared", "incident-resolved", "incident-reopened", "incident-merged", "service-added",
    "service-removed", "milestone-set", "event-linked", "event-unlinked",
)  # fmt: skip
"""The kinds of decision that say when another incident lasted, and which facts people said are its own."""
NEAR = timedelta(days=2, hours=1)
"""So far apart no fact can be of either of two incidents."""
_SAMPLES_SPAN = timedelta(days=1)
"""No chunk of samples spans more."""


class Part(Flag):
    """What was read of an incident."""

    STORY = auto()
    """What happened to its services, from a day before it until a day after; settings."""
    WORK = auto()
    """What was built and deployed, from 30 days before it until 30 days after; settings."""
    METRICS = auto()
    """Samples, what sources answered, and the other incidents of its services."""
    ACTIONS = auto()
    """Action items, and the incidents that they would have prevented."""
    ALL = STORY | WORK | METRICS | ACTIONS


def wanted(incident: Incident, parts: Part) -> list[Window]:
    """Name the windows of the log in which these parts of an incident are, as far as they do not follow from others."""
    found = [*streams(incident), Window("incidents"), Window(imported_scope(incident.id))]
    if Part.STORY in parts:
        found += windows(incident)
    if Part.WORK in parts:
        assert WORK_BEFORE[0] is not None
        found += work_windows(incident, incident.begins_at - WORK_BEFORE[0])
    if parts & (Part.STORY | Part.WORK):
        for service in (None, *incident.services):
            found += settings_windows(incident, service)
        refs = (VersionTagged.TOPIC, BranchSeen.TOPIC)
        until = after(incident, WORK_AFTER)
        found += [Window(f"service:{service}", None, until, refs) for service in incident.services]
    if Part.METRICS in parts:
        found.append(Window(SILENCES))
    if Part.ACTIONS in parts:
        found.append(Window("actions"))
    return found


def incident_instants(incident: Incident) -> list[datetime]:
    """Return between which instants an incident is judged where no change of its service is."""
    return [incident.begins_at, incident.ends_at or incident.begins_at]


def settings_windows(incident: Incident, service: str | None) -> list[Window]:
    """Name the windows that hold the settings of a service, in this log and in that which an incident came from."""
    return [Window(settings_scope(service, incident.id)), Window(settings_scope(service))]


def is_near(other: Incident, incident: Incident) -> bool:
    """Whether a fact may be of either of two incidents of one service."""
    begins, ends = other.begins_at, other.ends_at
    before = ends is None or ends + NEAR > incident.begins_at
    return before and (incident.ends_at is None or begins < incident.ends_at + NEAR)


def neighbour_window(incident_id: str) -> Window:
    """Name the window that says when another incident lasted, and which facts people linked to it."""
    return Window(f"incident:{incident_id}", None, None, NEIGHBOUR)


def own_windows(incident: Incident, work_since: datetime | None) -> list[Window]:
    """Name the windows that hold an incident's decisions, and its services' facts and work."""
    attached_windows = [each for each in windows(incident) if each.scope != SILENCES]
    return [*streams(incident), *attached_windows, *work_windows(incident, work_since)]


def work_windows(incident: Incident, since: datetime | None) -> list[Window]:
    """Name the windows of the log that hold what was built and deployed before an incident and since."""
    until = after(incident, WORK_AFTER)
    return [
        window
        for service in incident.services
        for window in (
            Window(f"service:{service}", since, until, (*WORK, _MOVED)),
            Window(f"service:{service}", None, until, (*CHANGES, _MOVED)),
        )
    ]


def earlier_work_windows(incident: Incident, since: datetime | None, until: datetime) -> list[Window]:
    """Name the windows that `work_windows` has besides where work is read further back than it was."""
    return [Window(f"service:{service}", since, until, (*WORK, _MOVED)) for service in incident.services]


def streams(incident: Incident) -> list[Window]:
    return [Window(f"incident:{name}") for name in (incident.id, *incident.merged_from)]


def change_windows(incident: Incident, services: Iterable[str], end: datetime | None = None) -> list[Window]:
    """Name the windows of all deploys and rollbacks of services, and of merges from 30 days before an incident on.

    A version that ran for a year is still the one that a rollback goes back to.
    """
    since = incident.begins_at - EARLIER_MERGES
    return [
        window
        for service in services
        for window in (
            Window(f"service:{service}", None, end, (*CHANGES_AND_REFS, _MOVED)),
            Window(f"service:{service}", since, end, (CommitMade.TOPIC, _MOVED)),
        )
    ]


def sample_window(service: str, metric: str, start: datetime, end: datetime | None) -> Window:
    """Name the part of the log that holds the samples of a metric over a span."""
    return Window(f"samples:{service}/{metric}", start - _SAMPLES_SPAN, end)


def after(incident: Incident, later: timedelta) -> datetime | None:
    """Return an instant so long after an incident's end; None while it is open."""
    return incident.ends_at + later if incident.ends_at else None


FOREVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=60)
"""The end of what has none yet, with room to add days to it."""
