"""What an unchanged pipeline sends with sentry-cli: releases, their commits, deploys.

Two pure functions, both of one request: `answer` is what it is answered at once, `read` what
is recorded of it. Nothing is remembered between requests, so questions about releases are
answered as by a server that holds none.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from tracker.errors import BadInputError
from tracker.events.base import Arrival, Event, Incoming
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record, clean, decoded
from tracker.ingest.sentry.releases import commit_made, deploy_steps, release_steps, services_of
from tracker.ingest.services import ServiceRules

HINT = "Send it as sentry-cli does: sentry-cli releases new VERSION, sentry-cli deploys new --release VERSION"
MAX_COMMITS = 10_000
"""The most commits in one request."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_VERSION = 250
_NO_INSTANT = "1970-01-01T00:00:00Z"
_PATH = re.compile(
    r"/api/0/(?:organizations/(?P<organization>[^/]+)|projects/(?P<owner>[^/]+)/(?P<project>[^/]+))"
    r"/releases(?:/(?P<version>[^/]+)(?:/(?P<rest>[a-z-]+))?)?/?"
)
_ROOT = re.compile(r"/api/0/?")
_REPOSITORIES = re.compile(r"/api/0/organizations/[^/]+/repos/?")


@dataclass(frozen=True)
class _Place:
    """What a path names: the organization, perhaps a project and a version, and what of it."""

    organization: str
    project: str | None
    version: str | None
    rest: str

    def takes(self, method: str) -> bool:
        """Whether a request records something: a release created or changed, a deploy."""
        if self.rest:
            return self.rest == "deploys" and method == "POST"
        return method == ("POST" if self.version is None else "PUT")


def _place(path: str) -> _Place | None:
    match = _PATH.fullmatch(path.partition("?")[0])
    if match is None:
        return None
    parts = {name: clean(unquote(text)) for name, text in match.groupdict("").items()}
    organization = parts["organization"] or parts["owner"]
    return _Place(organization, parts["project"] or None, parts["version"] or None, parts["rest"])


# ── what it is answered ──────────────────────────────────────────────────────


def answer(method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
    """Return what a request to /api/0/… is answered with: a status, and JSON.

    The answer follows from the request alone. Of `query` nothing depends so far: pages
    are asked for with it, and there is one. What `read` would refuse is refused here.
    """
    status, value = _answer(method.upper(), path, body)
    return status, msgspec.json.encode({"detail": value} if isinstance(value, str) else value)


def _answer(method: str, path: str, body: bytes) -> tuple[int, Any]:
    bare = path.partition("?")[0]
    if method == "GET" and _ROOT.fullmatch(bare):
        return 200, {"version": "0", "auth": None, "user": None}
    if method == "GET" and _REPOSITORIES.fullmatch(bare):
        return 200, []
    place = _place(path)
    if place is None or place.rest not in ("", "deploys", "commits", "previous-with-commits"):
        return 404, "The tracker takes releases, commits and deploys; everything else goes to Sentry."
    if method == "GET":
        if place.rest == "previous-with-commits":
            return 200, {}
        if place.rest or place.version is None:
            return 200, []
        return 404, "The tracker keeps events, not releases: this one cannot be looked up here."
    if method == "DELETE":
        return 405, "The tracker keeps what was reported: a release cannot be deleted."
    if not place.takes(method):
        return 405, f"{method} is not supported here."
    try:
        _events(body, "the body", method, path, ServiceRules(), _EPOCH)
    except BadInputError as refused:
        return 400, refused.message
    given = msgspec.json.decode(body)
    if place.rest == "deploys":
        return 201, _deploy(place, given)
    return 201 if method == "POST" else 200, _release(place.version or given["version"], given)


def _release(version: str, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": version,
        "shortVersion": version,
        "url": given.get("url"),
        "ref": given.get("ref"),
        "dateCreated": given.get("dateStarted") or given.get("dateReleased") or _NO_INSTANT,
        "dateReleased": given.get("dateReleased"),
        "firstEvent": None,
        "lastEvent": None,
        "newGroups": 0,
        "commitCount": len(given.get("commits") or []),
        "projects": [{"slug": slug, "name": slug} for slug in given.get("projects") or []],
        "authors": [],
    }


def _deploy(place: _Place, given: dict[str, Any]) -> dict[str, Any]:
    known = {name: given.get(name) for name in ("environment", "name", "url", "dateStarted", "dateFinished")}
    key = msgspec.json.encode([place.organization, place.version, known], order="deterministic")
    # No secret depends on it: a short number for equal deploys.
    number = int.from_bytes(hashlib.sha1(key, usedforsecurity=False).digest()[:4])
    return {"id": str(number), **known}


# ── what is recorded ─────────────────────────────────────────────────────────


def read(
    data: bytes, *, where: str, rules: ServiceRules, arrival: Arrival = NO_ARRIVAL, method: str, path: str
) -> list[Incoming]:
    """Read one request; a question gives nothing.

    The service is that of the projects that the request names, else of the version's part
    before the `@`; a release of several services is recorded for each. An instant that the
    request leaves out is not made up, except for a deploy that does not say when it
    finished: that is when it came.

    Raises:
        BadInputError: If it is not what sentry-cli sends; nothing is read then.
    """
    events = _events(data, where, method, path, rules, arrival.received_at)
    return [Incoming(event=event, arrival=arrival, payload=payload) for event, payload in events]


def _events(
    data: bytes, where: str, method: str, path: str, rules: ServiceRules, received_at: datetime | None
) -> list[tuple[Event, bytes]]:
    place = _place(path)
    if place is None or not place.takes(method.upper()):
        return []
    value = decoded(data, place=where, hint=HINT)
    body = Record.of(value, place=f"{where}: it", hint=HINT, raw=data, zone=UTC)
    version = place.version or body.text("version")
    if len(version) > _LONGEST_VERSION:
        raise body.problem(f"has a version of {len(version)} characters, more than {_LONGEST_VERSION}")
    services = services_of(rules, _projects(body, place), version)
    source = f"sentry:{place.organization}"
    found: list[tuple[Event, bytes]] = []
    if place.rest == "deploys":
        finished = body.maybe_moment("dateFinished") or (Moment(received_at) if received_at else None)
        for service in services:
            steps = deploy_steps(body, source=source, service=service, version=version, finished=finished)
            found.extend((step, data) for step in steps)
        return found
    commits = body.records("commits", most=MAX_COMMITS)
    for service in services:
        steps = release_steps(body, "dateStarted", source=source, service=service, version=version)
        found.extend((step, data) for step in steps)
        made = (
            (commit_made(commit, "timestamp", source=source, service=service), commit) for commit in commits
        )
        found.extend((event, commit.raw) for event, commit in made if event)
    return found


def _projects(body: Record, place: _Place) -> list[str]:
    given = body.fields.get("projects")
    if given is not None and not (isinstance(given, list) and all(isinstance(each, str) for each in given)):
        raise body.wrong("projects", "a list of texts")
    return [clean(project) for project in given or ()] or ([place.project] if place.project else [])
