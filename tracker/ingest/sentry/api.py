"""What Sentry's REST API knows of a span: issues, releases, deploys, commits.

The facts are those that webhooks, envelopes and sentry-cli tell of, under the same keys,
so that what one way missed the other adds. Asked newest first, until older than the span.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from tracker.errors import SourceUnreachableError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Arrival, Event, Incoming
from tracker.ingest.documents import Document, Moment, Record
from tracker.ingest.sentry.cli import commit_made, deploy_steps, release_steps, services_of
from tracker.ingest.sentry.client import NotOfferedError, SentryClient
from tracker.ingest.sentry.webhook import action_of
from tracker.ingest.services import ServiceRules

OVERLAP = timedelta(days=1)
"""How far before the span is looked: an issue may be resolved a day after its last error."""

MAX_DETAILS = 200
"""The most issues, and the most releases, that are asked about one by one."""

HINT = "tracker.toml says under [sentry] whom to ask; look there at what it answers"

_ISSUE_SORTS = ("date", "-last_seen")
_NO_ARRIVAL = Arrival()

T = TypeVar("T")


@dataclass
class Polled:
    """What a server told: the facts, and in `notes` what it does not offer or did not tell in full."""

    found: list[Incoming] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answered: bool = False

    def note(self, said: str) -> None:
        """Say something once."""
        if said not in self.notes:
            self.notes.append(said)


class QueryWindow:
    """The span that is asked for; both ends are in it, and the overlap before it."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.since = max(start, datetime.min.replace(tzinfo=UTC) + OVERLAP) - OVERLAP
        self.end = end

    def holds(self, moment: Moment | None) -> bool:
        """Whether an instant lies in it."""
        return moment is not None and self.since <= moment.at <= self.end

    def keep(self, events: Iterable[Event]) -> list[Event]:
        """Keep the events that lie in it."""
        return [each for each in events if self.since <= each.occurred_at <= self.end]


def read(
    http: SentryClient,
    *,
    organization: str,
    rules: ServiceRules,
    start: datetime,
    end: datetime,
    source: str = "sentry",
    arrival: Arrival = _NO_ARRIVAL,
) -> Polled:
    """Ask Sentry for a span. What it does not offer is noted, and the rest is read.

    Raises:
        SourceUnreachableError: If it does not answer, limits us, rejects the token, or offers nothing at all.
        BadInputError: If an entry is not what Sentry promises; nothing is read then.
    """
    poll = _Poll(http, organization, rules, QueryWindow(start, end), source, arrival)
    poll.read_issues()
    poll.read_releases()
    if not poll.polled.answered:
        said = "; ".join(poll.polled.notes)
        raise SourceUnreachableError(
            f"{http.url} offers nothing that Sentry does: {said}",
            hint="Correct [sentry] url and organization in tracker.toml; for a Bugsink leave the organization out",
        )
    return poll.polled


class _Poll:
    """One look at one server."""

    def __init__(
        self,
        http: SentryClient,
        organization: str,
        rules: ServiceRules,
        span: QueryWindow,
        source: str,
        arrival: Arrival,
    ) -> None:
        self._http = http
        self._base = f"/api/0/organizations/{quote(organization, safe='')}"
        self._rules = rules
        self._span = span
        self._source = source
        self._changes = f"{source}:{organization}"
        self._arrival = arrival
        self._missing: set[str] = set()
        self.polled = Polled()

    def _add(self, events: Iterable[Event], document: Document) -> None:
        kept = self._span.keep(events)
        self.polled.found += [
            Incoming(event=each, arrival=self._arrival, payload=document.raw) for each in kept
        ]

    def _offered(self, what: str, ask: Callable[[], T]) -> T | None:
        """Ask for what some servers do not have; once one has not, it is not asked again."""
        if what in self._missing:
            return None
        try:
            answer = ask()
        except NotOfferedError as missing:
            self._missing.add(what)
            self.polled.note(f"{what} are not offered: {missing}")
            return None
        self.polled.answered = True
        return answer

    # ── issues ───────────────────────────────────────────────────────────────

    def read_issues(self) -> None:
        """Read issues by their last error, newest first."""
        details = 0
        for document in self._offered("issues", lambda: list(self._issues())) or ():
            issue = document.record(HINT)
            self._add(self._created(issue), document)
            if not _has_history(issue):
                continue
            details += 1
            if details > MAX_DETAILS:
                self.polled.note(f"only the {MAX_DETAILS} newest issues were asked for their history")
                self._add(self._resolved(issue), document)
                continue
            path = f"{self._base}/issues/{quote(issue.name('id'), safe='')}/"
            detail = self._offered("histories of issues", lambda path=path: self._http.document(path))  # type: ignore[misc]
            activities = detail.value.get("activity") if detail and isinstance(detail.value, dict) else None
            if detail is not None and isinstance(activities, list):
                self._add(self._history(detail.record(HINT), activities), detail)
            else:
                self._add(self._resolved(issue), document)

    def _issues(self) -> Iterator[Document]:
        """Give the issues whose last error is not before the span."""
        for number, sort in enumerate(_ISSUE_SORTS, 1):
            try:
                asked: dict[str, str | int] = {"query": "", "sort": sort, "limit": 100}
                for page in self._http.pages(f"{self._base}/issues/", asked):
                    for document in page:
                        last_seen = document.record(HINT).maybe_moment("lastSeen", naive_is_utc=True)
                        if last_seen is not None and last_seen.at < self._span.since:
                            return
                        yield document
                return
            except NotOfferedError:
                # GlitchTip knows Sentry's order by another name.
                if number == len(_ISSUE_SORTS):
                    raise

    def _changed(
        self, issue: Record, action: str, moment: Moment, *, status: str, release: str | None = None
    ) -> IssueChanged:
        """Word a step; what goes on changing (counts, the last error) is no part of it."""
        project = issue.maybe_record("project")
        slug = project.maybe_text("slug") if project else None
        number = project.maybe_name("id") if project else None
        first_seen = issue.maybe_moment("firstSeen", naive_is_utc=True)
        return IssueChanged(
            occurred_at=moment.at,
            precision_seconds=moment.precision_seconds,
            utc_offset_minutes=moment.utc_offset_minutes,
            source=self._source,
            service=self._rules.for_project(slug) or self._rules.for_project(number),
            project=slug or number or "unknown",
            issue_id=issue.name("id"),
            action=action,
            title=issue.maybe_text("title") or "(no title)",
            short_id=issue.maybe_text("shortId"),
            level=issue.maybe_text("level"),
            status=status,
            release=release,
            first_seen_at=first_seen.at if first_seen else None,
            url=issue.maybe_text("permalink"),
        )

    def _created(self, issue: Record) -> list[Event]:
        first_seen = issue.maybe_moment("firstSeen", naive_is_utc=True)
        return [self._changed(issue, "created", first_seen, status="unresolved")] if first_seen else []

    def _resolved(self, issue: Record) -> list[Event]:
        """Say what can be said without a history: a resolved issue was so after its last error.

        Of the other states that instant tells nothing, for errors go on under them.
        """
        last_seen = issue.maybe_moment("lastSeen", naive_is_utc=True)
        if issue.maybe_text("status") != "resolved" or last_seen is None:
            return []
        details = issue.maybe_record("statusDetails")
        release = details.maybe_name("inRelease") if details else None
        return [self._changed(issue, "resolved", last_seen, status="resolved", release=release)]

    def _history(self, issue: Record, activities: list[object]) -> list[Event]:
        found: list[Event] = []
        for number, each in enumerate(activities, 1):
            step = Record.of(each, place=f"{issue.place}: activity {number}", hint=HINT)
            action = action_of(step.maybe_text("type") or "")
            moment = step.maybe_moment("dateCreated", naive_is_utc=True)
            if action is None or moment is None:
                continue
            data = step.fields.get("data")
            version = data.get("version") if isinstance(data, dict) else None
            release = version if isinstance(version, str) and version else None
            status = {"resolved": "resolved", "archived": "ignored"}.get(action, "unresolved")
            found.append(self._changed(issue, action, moment, status=status, release=release))
        return found

    # ── releases, deploys, commits ───────────────────────────────────────────

    def read_releases(self) -> None:
        """Read releases, newest first; the deploys of those that may have some, the commits of those in the span."""
        asked = 0
        for document in self._offered("releases", lambda: list(self._releases())) or ():
            release = document.record(HINT)
            version = release.text("version")
            services = services_of(self._rules, _projects(release), version)
            for service in services:
                self._add(
                    release_steps(
                        release, "dateCreated", source=self._changes, service=service, version=version
                    ),
                    document,
                )
            deploys, commits = self._wants(release)
            asked += deploys or commits
            if asked > MAX_DETAILS:
                self.polled.note(f"only the {MAX_DETAILS} newest releases were asked for deploys and commits")
                return
            if deploys:
                self._read_deploys(version, services)
            if commits:
                self._read_commits(version, services)

    def _releases(self) -> Iterator[Document]:
        """Give the first page whole (an old release may be deployed anew), then what lies in the span."""
        for number, page in enumerate(self._http.pages(f"{self._base}/releases/", {"per_page": 100}), 1):
            inside = [each for each in page if self._is_new(each.record(HINT))]
            yield from page if number == 1 else inside
            if not inside:
                return

    def _is_new(self, release: Record) -> bool:
        moments = [release.maybe_moment(name, naive_is_utc=True) for name in ("dateCreated", "dateReleased")]
        known = [moment.at for moment in moments if moment is not None]
        return not known or max(known) >= self._span.since

    def _wants(self, release: Record) -> tuple[bool, bool]:
        """Say whether to ask for deploys, and for commits."""
        last = release.maybe_record("lastDeploy")
        moment = last.maybe_moment("dateFinished", naive_is_utc=True) if last else None
        count = release.whole("deployCount")
        deploys = count != 0 and (moment is None or moment.at >= self._span.since)
        commits = release.whole("commitCount") != 0 and (self._is_new(release) or self._span.holds(moment))
        return deploys, commits

    def _read_deploys(self, version: str, services: list[str | None]) -> None:
        for document in self._of_release("deploys", version):
            deploy = document.record(HINT)
            finished = deploy.maybe_moment("dateFinished", naive_is_utc=True)
            if finished is None:
                continue
            for service in services:
                steps = deploy_steps(
                    deploy, source=self._changes, service=service, version=version, finished=finished
                )
                self._add(steps, document)

    def _read_commits(self, version: str, services: list[str | None]) -> None:
        for document in self._of_release("commits", version):
            commit = _as_told_by_the_program(document.record(HINT))
            for service in services:
                made = commit_made(commit, "dateCreated", source=self._changes, service=service)
                # A commit is as old as it is: it belongs to a release of the span, not to the span.
                if made is not None:
                    self.polled.found.append(
                        Incoming(event=made, arrival=self._arrival, payload=document.raw)
                    )

    def _of_release(self, what: str, version: str) -> list[Document]:
        path = f"{self._base}/releases/{quote(version, safe='')}/{what}/"
        pages = self._offered(what, lambda: list(self._http.pages(path, {"per_page": 100})))
        return [document for page in pages or () for document in page]


def _has_history(issue: Record) -> bool:
    """Whether something happened to an issue after it was created, as far as its list tells."""
    return issue.maybe_text("status") != "unresolved" or issue.maybe_text("substatus") not in (None, "new")


def _projects(release: Record) -> list[str]:
    given = release.fields.get("projects")
    found = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [slug for each in found if (slug := Record(each, release.place, HINT).maybe_text("slug"))]


def _as_told_by_the_program(commit: Record) -> Record:
    """Write a commit of the API as sentry-cli words it: author and repository are objects here."""
    fields = dict(commit.fields)
    for name, into in (("author", "author_name"), ("repository", "repository")):
        inner = commit.fields.get(name)
        fields[into] = inner.get("name") if isinstance(inner, dict) else None
    return Record(fields, commit.place, commit.hint)
