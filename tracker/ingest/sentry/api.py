"""What Sentry's REST API knows of a span: issues, releases, deploys, commits.

The facts are those that webhooks, envelopes and sentry-cli report, under the same keys,
so that what one way missed the other adds. Asked newest first, until older than the span.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from tracker.errors import SourceUnreachableError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Arrival, Event, Incoming
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record
from tracker.ingest.sentry.client import NotOfferedError, SentryClient
from tracker.ingest.sentry.issues import action_of, issue_changed
from tracker.ingest.sentry.releases import commit_made, deploy_steps, release_steps, services_of
from tracker.ingest.services import ServiceRules

OVERLAP = timedelta(days=1)
"""How far before the span is looked: an issue may be resolved a day after its last error."""

MAX_DETAILS = 200
"""The most issues, and the most releases, that are asked about one by one."""

_ISSUE_SORTS = ("date", "-last_seen")

T = TypeVar("T")


@dataclass
class Polled:
    """What a server gave for a span: the facts, and in `notes` what it does not offer or gave in part.

    The span has both its ends in it, and the overlap before it.
    """

    start: datetime
    end: datetime
    arrival: Arrival
    found: list[Incoming] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def since(self) -> datetime:
        return max(self.start, datetime.min.replace(tzinfo=UTC) + OVERLAP) - OVERLAP

    def holds(self, moment: Moment | None) -> bool:
        return moment is not None and self.since <= moment.at <= self.end

    def add(self, events: Iterable[Event], record: Record) -> None:
        """Keep the events that lie in the span."""
        inside = [event for event in events if self.since <= event.occurred_at <= self.end]
        self.found += [Incoming(event=event, arrival=self.arrival, payload=record.raw) for event in inside]

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def read(
    client: SentryClient,
    *,
    organization: str,
    rules: ServiceRules,
    start: datetime,
    end: datetime,
    arrival: Arrival = NO_ARRIVAL,
) -> Polled:
    """Ask Sentry for a span. What it does not offer is noted, and the rest is read.

    Raises:
        SourceUnreachableError: If it does not answer, limits us, rejects the token, or offers nothing at all.
        BadInputError: If an entry is not what Sentry promises; nothing is read then.
    """
    poll = _Poll(client, organization, rules, Polled(start, end, arrival))
    poll.read_issues()
    poll.read_releases()
    if not poll.answered:
        raise SourceUnreachableError(
            f"{client.url} offers nothing that Sentry does: {'; '.join(poll.polled.notes)}",
            hint="Correct [sentry] url and organization in tracker.toml; for a Bugsink leave the organization out",
        )
    return poll.polled


class _Poll:
    """One look at one server."""

    def __init__(self, client: SentryClient, organization: str, rules: ServiceRules, polled: Polled) -> None:
        self._client, self._rules, self.polled = client, rules, polled
        self._base = f"/api/0/organizations/{quote(organization, safe='')}"
        self._source = f"sentry:{organization}"
        self._missing: set[str] = set()
        self.answered = False

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
        self.answered = True
        return answer

    # ── issues ───────────────────────────────────────────────────────────────

    def read_issues(self) -> None:
        """Read issues by their last error, newest first."""
        details = 0
        for issue in self._offered("issues", lambda: list(self._issues())) or ():
            if first_seen := issue.maybe_moment("firstSeen"):
                self.polled.add([self._changed(issue, "created", first_seen, "unresolved")], issue)
            if issue.maybe_text("status") == "unresolved" and issue.maybe_text("substatus") in (None, "new"):
                continue
            details += 1
            if details > MAX_DETAILS:
                self.polled.note(f"only the {MAX_DETAILS} newest issues were asked for their history")
            detail = self._detail(issue) if details <= MAX_DETAILS else None
            if detail is not None and isinstance(detail.fields.get("activity"), list):
                self.polled.add(self._history(detail), detail)
            else:
                self.polled.add(self._resolved(issue), issue)

    def _detail(self, issue: Record) -> Record | None:
        path = f"{self._base}/issues/{quote(issue.name('id'), safe='')}/"
        document = self._offered("histories of issues", lambda: self._client.document(path))
        return document.record(self._client.hint, zone=UTC) if document and document.is_object else None

    def _issues(self) -> Iterator[Record]:
        """Yield the issues whose last error is not before the span."""
        for sort in _ISSUE_SORTS:
            try:
                asked: dict[str, str | int] = {"query": "", "sort": sort, "limit": 100}
                for page in self._client.pages(f"{self._base}/issues/", asked):
                    for issue in page:
                        last_seen = issue.maybe_moment("lastSeen")
                        if last_seen is not None and last_seen.at < self.polled.since:
                            return
                        yield issue
                return
            except NotOfferedError:
                # GlitchTip knows Sentry's order by another name.
                if sort == _ISSUE_SORTS[-1]:
                    raise

    def _changed(
        self, issue: Record, action: str, moment: Moment, status: str, release: str | None = None
    ) -> IssueChanged:
        """Make the event of a step; what goes on changing (counts, the last error) is no part of it."""
        url = issue.maybe_text("permalink")
        return issue_changed(issue, action, moment, self._rules, status=status, release=release, url=url)

    def _resolved(self, issue: Record) -> list[Event]:
        """Return what can be said without a history: a resolved issue was so after its last error.

        Of the other states that instant tells nothing, for errors go on under them.
        """
        last_seen = issue.maybe_moment("lastSeen")
        if issue.maybe_text("status") != "resolved" or last_seen is None:
            return []
        release = issue.maybe_name("statusDetails.inRelease")
        return [self._changed(issue, "resolved", last_seen, "resolved", release)]

    def _history(self, issue: Record) -> list[Event]:
        found: list[Event] = []
        for step in replace(issue, raw=b"").records("activity"):
            action, moment = action_of(step.maybe_text("type") or ""), step.maybe_moment("dateCreated")
            if action is None or moment is None:
                continue
            data = step.fields.get("data")
            version = data.get("version") if isinstance(data, dict) else None
            release = version if isinstance(version, str) and version else None
            status = {"resolved": "resolved", "archived": "ignored"}.get(action, "unresolved")
            found.append(self._changed(issue, action, moment, status, release))
        return found

    # ── releases, deploys, commits ───────────────────────────────────────────

    def read_releases(self) -> None:
        """Read releases, newest first; the deploys of those that may have some, the commits of those in the span."""
        asked = 0
        for release in self._offered("releases", lambda: list(self._releases())) or ():
            version = release.text("version")
            services = services_of(self._rules, _projects(release), version)
            for service in services:
                steps = release_steps(
                    release, "dateCreated", source=self._source, service=service, version=version
                )
                self.polled.add(steps, release)
            deploys, commits = self._wants(release)
            asked += deploys or commits
            if asked > MAX_DETAILS:
                self.polled.note(f"only the {MAX_DETAILS} newest releases were asked for deploys and commits")
                return
            if deploys:
                self._read_deploys(version, services)
            if commits:
                self._read_commits(version, services)

    def _releases(self) -> Iterator[Record]:
        """Yield the first page whole (an old release may be deployed anew), then what lies in the span."""
        for number, page in enumerate(self._client.pages(f"{self._base}/releases/", {"per_page": 100}), 1):
            inside = [release for release in page if self._is_new(release)]
            yield from page if number == 1 else inside
            if not inside:
                return

    def _is_new(self, release: Record) -> bool:
        moments = [release.maybe_moment(name) for name in ("dateCreated", "dateReleased")]
        known = [moment.at for moment in moments if moment is not None]
        return not known or max(known) >= self.polled.since

    def _wants(self, release: Record) -> tuple[bool, bool]:
        """Return whether to ask for deploys, and for commits."""
        moment = release.maybe_moment("lastDeploy.dateFinished")
        deploys = release.whole("deployCount") != 0 and (moment is None or moment.at >= self.polled.since)
        is_near = self._is_new(release) or self.polled.holds(moment)
        return deploys, release.whole("commitCount") != 0 and is_near

    def _read_deploys(self, version: str, services: list[str | None]) -> None:
        for deploy in self._of_release("deploys", version):
            finished = deploy.maybe_moment("dateFinished")
            for service in services if finished else ():
                steps = deploy_steps(
                    deploy, source=self._source, service=service, version=version, finished=finished
                )
                self.polled.add(steps, deploy)

    def _read_commits(self, version: str, services: list[str | None]) -> None:
        for commit in self._of_release("commits", version):
            worded = _as_sentry_cli_words_it(commit)
            for service in services:
                event = commit_made(worded, "dateCreated", source=self._source, service=service)
                # A commit is as old as it is: it belongs to a release of the span, not to the span.
                if event is not None:
                    arrival = self.polled.arrival
                    self.polled.found.append(Incoming(event=event, arrival=arrival, payload=commit.raw))

    def _of_release(self, what: str, version: str) -> list[Record]:
        path = f"{self._base}/releases/{quote(version, safe='')}/{what}/"
        pages = self._offered(what, lambda: list(self._client.pages(path, {"per_page": 100})))
        return [record for page in pages or () for record in page]


def _projects(release: Record) -> list[str]:
    given = release.fields.get("projects")
    projects = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [slug for each in projects if (slug := replace(release, fields=each).maybe_text("slug"))]


def _as_sentry_cli_words_it(commit: Record) -> Record:
    """Take author and repository out of the objects that they are in the API."""
    fields = dict(commit.fields)
    for name, into in (("author", "author_name"), ("repository", "repository")):
        inner = commit.fields.get(name)
        fields[into] = inner.get("name") if isinstance(inner, dict) else None
    return replace(commit, fields=fields, raw=b"")
