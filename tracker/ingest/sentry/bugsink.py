"""What Bugsink's REST API knows of a span: issues and releases, under the keys of its webhook.

It reports neither when an issue was resolved nor that it came back. A resolved issue is dated
just behind its last error. One that came back is reported if an earlier look saw it resolved:
at the first error after that one, which is what the webhook says, too.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tracker.errors import SourceUnreachableError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Arrival, Event
from tracker.events.changes import VersionReleased
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record
from tracker.ingest.findings import Finding, ok, warning
from tracker.ingest.sentry.api import Polled
from tracker.ingest.sentry.client import NotOfferedError, SentryClient
from tracker.ingest.sentry.releases import services_of, sha_in
from tracker.ingest.services import ServiceRules

BASE = "/api/canonical/0"

_JUST_BEHIND = timedelta(microseconds=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - _JUST_BEHIND


def speaks(client: SentryClient) -> bool:
    """Ask whether the server is a Bugsink: only that has this address.

    Raises:
        SourceUnreachableError: If it does not answer, or rejects the token.
    """
    try:
        value = client.document(f"{BASE}/projects/").value
    except NotOfferedError:
        return False
    return isinstance(value, dict) and isinstance(value.get("results"), list)


def probe(client: SentryClient, projects: Mapping[str, str]) -> Iterator[Finding]:
    """Check that the token reads the projects, and that it has these, each with its service."""
    known = [project for page in client.pages(f"{BASE}/projects/", {}) for project in page]
    yield ok(
        "sentry", f"{client.url} answers as a Bugsink: the token in {client.secret_name} reads its projects"
    )
    names = {name for project in known for name in _names(project)}
    for project, service in projects.items():
        if project not in names:
            yield warning(
                "sentry",
                f"there is no project {project!r}, which is {service}'s",
                f"[services.{service}] sentry_projects: one of {', '.join(sorted(names)[:8])}",
            )


def _names(project: Record) -> list[str]:
    """Return what a project may be called in tracker.toml: its name, or its number."""
    return [name for name in (project.maybe_text("name"), project.name("id")) if name]


def read(
    client: SentryClient,
    *,
    rules: ServiceRules,
    start: datetime,
    end: datetime,
    resolved: Callable[[], Mapping[str, datetime]] = dict,
    arrival: Arrival = NO_ARRIVAL,
) -> Polled:
    """Ask Bugsink for a span; `resolved` gives the issues that were seen resolved, with their last error then.

    Raises:
        SourceUnreachableError: If it does not answer, or rejects the token.
        BadInputError: If an entry is not what Bugsink promises; nothing is read then.
    """
    polled = Polled(start, end, arrival)
    try:
        for project in [project for page in client.pages(f"{BASE}/projects/", {}) for project in page]:
            number, names = project.name("id"), _names(project)
            newest = {"project": number, "order": "desc"}
            by_error = newest | {"sort": "last_seen"}
            for issue in _since(client, "issues", by_error, "last_seen", polled.since):
                polled.add(_issue(client, issue, names, rules, resolved), issue)
            for release in _since(client, "releases", newest, "date_released", polled.since):
                polled.add(_released(release, names, rules), release)
    except NotOfferedError as missing:
        raise SourceUnreachableError(
            f"{client.url} does not answer as a Bugsink: {missing}",
            hint="Correct [sentry] url in tracker.toml",
        ) from missing
    return polled


def _since(
    client: SentryClient, what: str, asked: Mapping[str, str | int], instant: str, since: datetime
) -> Iterator[Record]:
    """Yield what is not older than an instant, newest first."""
    for page in client.pages(f"{BASE}/{what}/", asked):
        for record in page:
            moment = record.maybe_moment(instant)
            if moment is not None and moment.at < since:
                return
            yield record


def _issue(
    client: SentryClient,
    issue: Record,
    names: list[str],
    rules: ServiceRules,
    resolved: Callable[[], Mapping[str, datetime]],
) -> list[Event]:
    title = issue.maybe_text("calculated_type") or "(no title)"
    if value := issue.maybe_text("calculated_value"):
        title = f"{title}: {value}"
    first_seen, last_seen = issue.moment("first_seen"), issue.moment("last_seen")
    key = issue.name("id")

    def changed(action: str, moment: Moment, status: str) -> IssueChanged:
        return IssueChanged(
            **moment.fields,
            source="sentry",
            service=next((service for name in names if (service := rules.for_project(name))), None),
            project=names[0],
            issue_id=key,
            action=action,
            title=title,
            short_id=issue.maybe_text("friendly_id"),
            status=status,
            first_seen_at=first_seen.at,
        )

    found: list[Event] = [changed("created", first_seen, "unresolved")]
    if issue.fields.get("is_resolved") is True:
        # After its last error, how long after is unknown: it must not read as before it.
        behind = replace(last_seen, at=min(last_seen.at, _LATEST) + _JUST_BEHIND)
        found.append(changed("resolved", behind, "resolved"))
    elif last_seen.at > first_seen.at and (until := resolved().get(key)) is not None and last_seen.at > until:
        moment = _first_after(client, key, until)
        if moment is not None:
            found.append(changed("regressed", moment, "unresolved"))
    return found


def _first_after(client: SentryClient, issue: str, until: datetime) -> Moment | None:
    """Find when the first error after an instant came, going back from the newest."""
    earliest: Moment | None = None
    for page in client.pages(f"{BASE}/events/", {"issue": issue, "order": "desc"}):
        for error in page:
            moment = error.moment("ingested_at")
            if moment.at <= until:
                return earliest
            earliest = moment
    return earliest


def _released(release: Record, names: list[str], rules: ServiceRules) -> list[Event]:
    """Bugsink makes a release of the first error that names it; errors without one make an empty one."""
    version, moment = release.maybe_text("version"), release.maybe_moment("date_released")
    if version is None or moment is None:
        return []
    return [
        VersionReleased(
            **moment.fields,
            source="sentry",
            service=services_of(rules, names, version)[0],
            version=version,
            sha=sha_in(version),
        )
    ]
