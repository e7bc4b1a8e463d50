"""What Bugsink's REST API knows of a span: issues and releases, under the keys of its webhook.

It tells neither when an issue was resolved nor that it came back. A resolved issue is told
just behind its last error. One that came back is told if an earlier look saw it resolved:
at the first error after that one, which is what the webhook says, too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tracker.errors import SourceUnreachableError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Arrival, Event, Incoming
from tracker.events.changes import VersionReleased
from tracker.ingest.documents import Document, Moment, Record
from tracker.ingest.sentry.api import HINT, Polled, QueryWindow
from tracker.ingest.sentry.cli import services_of, sha_in
from tracker.ingest.sentry.client import NotOfferedError, SentryClient
from tracker.ingest.services import ServiceRules

BASE = "/api/canonical/0"

_JUST_BEHIND = timedelta(microseconds=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - _JUST_BEHIND
_NO_ARRIVAL = Arrival()


def speaks(http: SentryClient) -> bool:
    """Ask whether the server is a Bugsink: only that has this address.

    Raises:
        SourceUnreachableError: If it does not answer, or rejects the token.
    """
    try:
        answer = http.document(f"{BASE}/projects/")
    except NotOfferedError:
        return False
    return isinstance(answer.value, dict) and isinstance(answer.value.get("results"), list)


def read(
    http: SentryClient,
    *,
    rules: ServiceRules,
    start: datetime,
    end: datetime,
    resolved: Callable[[], Mapping[str, datetime]] = dict,
    source: str = "sentry",
    arrival: Arrival = _NO_ARRIVAL,
) -> Polled:
    """Ask Bugsink for a span; `resolved` says which issues were seen resolved, with their last error then.

    Raises:
        SourceUnreachableError: If it does not answer, or rejects the token.
        BadInputError: If an entry is not what Bugsink promises; nothing is read then.
    """
    polled, span = Polled(), QueryWindow(start, end)

    def add(events: Iterable[Event], document: Document) -> None:
        kept = span.keep(events)
        polled.found += [Incoming(event=each, arrival=arrival, payload=document.raw) for each in kept]

    try:
        projects = [document for page in http.pages(f"{BASE}/projects/", {}) for document in page]
        for document in projects:
            project = document.record(HINT)
            number, name = project.name("id"), project.maybe_text("name")
            for found in _newest(http, "issues", number, "last_seen", span):
                issue = found.record(HINT)
                add(_issue(http, issue, name, number, rules, source, span, resolved), found)
            for found in _newest(http, "releases", number, "date_released", span):
                add(_released(found.record(HINT), name, number, rules, source), found)
    except NotOfferedError as missing:
        raise SourceUnreachableError(
            f"{http.url} does not answer as a Bugsink: {missing}", hint="Correct [sentry] url in tracker.toml"
        ) from missing
    return polled


def _newest(http: SentryClient, what: str, project: str, instant: str, span: QueryWindow) -> list[Document]:
    """Give what is not older than the span."""
    asked: dict[str, str | int] = {"project": project, "order": "desc"}
    if what == "issues":
        asked["sort"] = "last_seen"
    found: list[Document] = []
    for page in http.pages(f"{BASE}/{what}/", asked):
        for document in page:
            moment = document.record(HINT).maybe_moment(instant)
            if moment is not None and moment.at < span.since:
                return found
            found.append(document)
    return found


def _issue(
    http: SentryClient,
    issue: Record,
    name: str | None,
    number: str,
    rules: ServiceRules,
    source: str,
    span: QueryWindow,
    resolved: Callable[[], Mapping[str, datetime]],
) -> list[Event]:
    title = issue.maybe_text("calculated_type") or "(no title)"
    if value := issue.maybe_text("calculated_value"):
        title = f"{title}: {value}"
    first_seen, last_seen = issue.moment("first_seen"), issue.moment("last_seen")
    key = issue.name("id")

    def changed(action: str, moment: Moment, status: str) -> IssueChanged:
        return IssueChanged(
            occurred_at=moment.at,
            precision_seconds=moment.precision_seconds,
            utc_offset_minutes=moment.utc_offset_minutes,
            source=source,
            service=rules.for_project(name) or rules.for_project(number),
            project=name or number,
            issue_id=key,
            action=action,
            title=title,
            short_id=issue.maybe_text("friendly_id"),
            status=status,
            first_seen_at=first_seen.at,
        )

    found: list[Event] = [changed("created", first_seen, "unresolved")]
    if issue.fields.get("is_resolved") is True:
        # After its last error, as nobody tells how long after: it must not read as before it.
        behind = replace(last_seen, at=min(last_seen.at, _LATEST) + _JUST_BEHIND)
        found.append(changed("resolved", behind, "resolved"))
    elif last_seen.at > first_seen.at and (until := resolved().get(key)) is not None and last_seen.at > until:
        moment = _first_after(http, key, until)
        if moment is not None:
            found.append(changed("regressed", moment, "unresolved"))
    return found


def _first_after(http: SentryClient, issue: str, until: datetime) -> Moment | None:
    """Find when the first error after an instant came, going back from the newest."""
    earliest: Moment | None = None
    for page in http.pages(f"{BASE}/events/", {"issue": issue, "order": "desc"}):
        for document in page:
            moment = document.record(HINT).moment("ingested_at")
            if moment.at <= until:
                return earliest
            earliest = moment
    return earliest


def _released(
    release: Record, name: str | None, number: str, rules: ServiceRules, source: str
) -> list[Event]:
    """Bugsink makes a release of the first error that names it; errors without one make an empty one."""
    version, moment = release.maybe_text("version"), release.maybe_moment("date_released")
    if version is None or moment is None:
        return []
    projects = [each for each in (name, number) if each]
    return [
        VersionReleased(
            occurred_at=moment.at,
            precision_seconds=moment.precision_seconds,
            utc_offset_minutes=moment.utc_offset_minutes,
            source=source,
            service=services_of(rules, projects, version)[0],
            version=version,
            sha=sha_in(version),
        )
    ]
