"""What an unchanged pipeline sends with sentry-cli: releases, their commits, deploys.

Two pure functions, both of one request: `answer` is what it is told at once, `read` what
is recorded of it. Nothing is remembered between requests, so questions about releases are
answered as by a server that holds none.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from tracker.errors import BadInputError
from tracker.events.base import Arrival, Event, Incoming
from tracker.events.changes import CommitMade, DeployFinished, DeployStarted, ReleaseCreated, VersionReleased
from tracker.ingest.documents import Moment, Record, clean, decoded
from tracker.ingest.services import ServiceRules

HINT = "Send it as sentry-cli does: sentry-cli releases new VERSION, sentry-cli deploys new --release VERSION"
MAX_COMMITS = 10_000
"""The most commits in one request."""

_NO_ARRIVAL = Arrival()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_VERSION = 250
_NO_INSTANT = "1970-01-01T00:00:00Z"
_PATH = re.compile(
    r"/api/0/(?:organizations/(?P<organization>[^/]+)|projects/(?P<owner>[^/]+)/(?P<project>[^/]+))"
    r"/releases(?:/(?P<version>[^/]+)(?:/(?P<rest>[a-z-]+))?)?/?"
)
_ROOT = re.compile(r"/api/0/?")
_REPOSITORIES = re.compile(r"/api/0/organizations/[^/]+/repos/?")
_SHA = re.compile(r"(?:.*@)?([0-9a-f]{40})", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class _Place:
    """What a path names: the organization, perhaps a project and a version, and what of it."""

    organization: str
    project: str | None
    version: str | None
    rest: str


def _place(path: str) -> _Place | None:
    match = _PATH.fullmatch(path.partition("?")[0])
    if match is None:
        return None
    parts = {name: clean(unquote(text)) for name, text in match.groupdict("").items()}
    return _Place(
        organization=parts["organization"] or parts["owner"],
        project=parts["project"] or None,
        version=parts["version"] or None,
        rest=parts["rest"],
    )


# ── what it is told ──────────────────────────────────────────────────────────


def answer(method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
    """Say what a request to /api/0/… is answered with: a status, and JSON.

    The answer follows from the request alone. Of `query` nothing depends so far: pages
    are asked for with it, and there is one. What `read` would refuse is refused here.
    """
    status, value = _answer(method.upper(), path, body)
    return status, msgspec.json.encode(value)


def _answer(method: str, path: str, body: bytes) -> tuple[int, Any]:
    bare = path.partition("?")[0]
    if method == "GET" and _ROOT.fullmatch(bare):
        return 200, {"version": "0", "auth": None, "user": None}
    if method == "GET" and _REPOSITORIES.fullmatch(bare):
        return 200, []
    place = _place(path)
    if place is None or place.rest not in ("", "deploys", "commits", "previous-with-commits"):
        return 404, _detail(
            "The tracker takes releases, commits and deploys; everything else goes to Sentry."
        )
    if method == "GET":
        return _asked(place)
    if method == "DELETE":
        return 405, _detail("The tracker keeps what it was told: a release cannot be deleted.")
    if not _takes(method, place):
        return 405, _detail(f"{method} is not taken here.")
    try:
        _found(body, "the body", method, path, ServiceRules(), "", _EPOCH)
    except BadInputError as refused:
        return 400, _detail(refused.message)
    given = msgspec.json.decode(body)
    if place.rest == "deploys":
        return 201, _deploy(place, given)
    return 201 if method == "POST" else 200, _release(place.version or given["version"], given)


def _takes(method: str, place: _Place) -> bool:
    """Whether a request records something: a release created or changed, a deploy."""
    if place.rest == "deploys":
        return method == "POST"
    if place.rest:
        return False
    return method == "POST" if place.version is None else method == "PUT"


def _asked(place: _Place) -> tuple[int, Any]:
    if place.rest == "previous-with-commits":
        return 200, {}
    if place.rest or place.version is None:
        return 200, []
    return 404, _detail("The tracker keeps events, not releases: this one cannot be looked up here.")


def _detail(said: str) -> dict[str, str]:
    return {"detail": said}


def _release(version: str, given: dict[str, Any]) -> dict[str, Any]:
    created = next((at for name in ("dateStarted", "dateReleased") if (at := given.get(name))), _NO_INSTANT)
    projects = given.get("projects") or []
    return {
        "version": version,
        "shortVersion": version,
        "url": given.get("url"),
        "ref": given.get("ref"),
        "dateCreated": created,
        "dateReleased": given.get("dateReleased"),
        "firstEvent": None,
        "lastEvent": None,
        "newGroups": 0,
        "commitCount": len(given.get("commits") or []),
        "projects": [{"slug": slug, "name": slug} for slug in projects],
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
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    source: str = "sentry",
    arrival: Arrival = _NO_ARRIVAL,
    method: str,
    path: str,
) -> list[Incoming]:
    """Read one request; a question gives nothing.

    The service is that of the projects that the request names, else of the version's part
    before the `@`; a release of several services is told for each. An instant that the
    request leaves out is not made up, except for a deploy that does not say when it
    finished: that is when it came.

    Raises:
        BadInputError: If it is not what sentry-cli sends; nothing is read then.
    """
    found = _found(data, where, method, path, rules, source, arrival.received_at)
    return [Incoming(event=event, arrival=arrival, payload=payload) for event, payload in found]


def _found(
    data: bytes,
    where: str,
    method: str,
    path: str,
    rules: ServiceRules,
    source: str,
    received_at: datetime | None,
) -> list[tuple[Event, bytes]]:
    place = _place(path)
    if place is None or not _takes(method.upper(), place):
        return []
    body = Record.of(decoded(data, place=where, hint=HINT), place=f"{where}: it", hint=HINT)
    version = place.version or body.text("version")
    if len(version) > _LONGEST_VERSION:
        raise body.problem(f"has a version of {len(version)} characters, more than {_LONGEST_VERSION}")
    services = services_of(rules, _projects(body, place), version)
    source = f"{source}:{place.organization}"
    found: list[tuple[Event, bytes]] = []
    if place.rest == "deploys":
        finished = body.maybe_moment("dateFinished", naive_is_utc=True)
        if finished is None and received_at is not None:
            finished = Moment(received_at)
        for service in services:
            steps = deploy_steps(body, source=source, service=service, version=version, finished=finished)
            found.extend((step, data) for step in steps)
        return found
    commits = _commits(body, data)
    for service in services:
        steps = release_steps(body, "dateStarted", source=source, service=service, version=version)
        found.extend((step, data) for step in steps)
        for commit, raw in commits:
            if event := commit_made(commit, "timestamp", source=source, service=service):
                found.append((event, raw))
    return found


def _projects(body: Record, place: _Place) -> list[str]:
    given = body.fields.get("projects")
    if given is not None and not (isinstance(given, list) and all(isinstance(each, str) for each in given)):
        raise body.wrong("projects", "a list of texts")
    return [clean(each) for each in given or ()] or ([place.project] if place.project else [])


def _commits(body: Record, data: bytes) -> list[tuple[Record, bytes]]:
    given = body.fields.get("commits")
    if given is None:
        return []
    if not isinstance(given, list):
        raise body.wrong("commits", "a list")
    if len(given) > MAX_COMMITS:
        raise body.problem(f"has {len(given)} commits, more than {MAX_COMMITS}")
    pieces = msgspec.json.decode(
        msgspec.json.decode(data, type=dict[str, msgspec.Raw])["commits"], type=list[msgspec.Raw]
    )
    place = body.place.removesuffix(": it")
    return [
        (Record.of(value, place=f"{place}: commit {number}", hint=HINT), bytes(piece))
        for number, (value, piece) in enumerate(zip(given, pieces, strict=True), 1)
    ]


# ── what requests and the API's answers have in common ───────────────────────


def services_of(rules: ServiceRules, projects: Sequence[str], version: str) -> list[str | None]:
    """Find the services of a release: by its projects, else by the version's part before the `@`."""
    named = dict.fromkeys(found for each in projects if (found := rules.for_project(each)))
    if named:
        return list(named)
    package, at, _ = version.rpartition("@")
    return [rules.for_project(package) if at else None]


def release_steps(
    release: Record, created: str, *, source: str, service: str | None, version: str
) -> list[Event]:
    """Read when a release was created (the field's name differs) and when it was finalized."""
    found: list[Event] = []
    for name, kind in ((created, ReleaseCreated), ("dateReleased", VersionReleased)):
        if moment := release.maybe_moment(name, naive_is_utc=True):
            found.append(
                kind(
                    occurred_at=moment.at,
                    precision_seconds=moment.precision_seconds,
                    utc_offset_minutes=moment.utc_offset_minutes,
                    source=source,
                    service=service,
                    version=version,
                    url=release.maybe_text("url"),
                    sha=sha_in(release.maybe_text("ref")) or sha_in(version),
                )
            )
    return found


def deploy_steps(
    deploy: Record, *, source: str, service: str | None, version: str, finished: Moment | None
) -> list[Event]:
    """Read a deploy: when it finished, and when it started where that is told."""
    if finished is None:
        raise deploy.missing("dateFinished")
    environment, name = deploy.text("environment"), deploy.maybe_text("name")
    url, sha = deploy.maybe_text("url"), sha_in(version)
    started = deploy.maybe_moment("dateStarted", naive_is_utc=True)
    took = (finished.at - started.at).total_seconds() if started else None
    found: list[Event] = []
    if started is not None:
        found.append(
            DeployStarted(
                occurred_at=started.at,
                precision_seconds=started.precision_seconds,
                utc_offset_minutes=started.utc_offset_minutes,
                source=source,
                service=service,
                version=version,
                environment=environment,
                sha=sha,
                run_id=name,
                url=url,
            )
        )
    found.append(
        DeployFinished(
            occurred_at=finished.at,
            precision_seconds=finished.precision_seconds,
            utc_offset_minutes=finished.utc_offset_minutes,
            source=source,
            service=service,
            version=version,
            environment=environment,
            sha=sha,
            run_id=name,
            url=url,
            duration_seconds=took if took is not None and took >= 0 else None,
        )
    )
    return found


def commit_made(commit: Record, instant: str, *, source: str, service: str | None) -> CommitMade | None:
    """Read a commit; None for one without an instant, which has no place in a timeline.

    It is known by its hash, as the same commit read from a clone is.
    """
    sha = commit.text("id")
    moment = commit.maybe_moment(instant, naive_is_utc=True)
    author = commit.maybe_text("author_name")
    message = (commit.maybe_text("message") or "").strip()
    paths = _paths(commit)
    if moment is None:
        return None
    repository = commit.maybe_text("repository") or ""
    return CommitMade(
        occurred_at=moment.at,
        precision_seconds=max(moment.precision_seconds, 1.0),
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=service,
        repository=repository.rstrip("/").rpartition("/")[2].removesuffix(".git") or "repository",
        sha=sha,
        subject_line=message.splitlines()[0] if message else "(no message)",
        author=author or commit.maybe_text("author_email") or "(unknown)",
        files_changed=len(paths) if paths is not None else None,
        changed_paths=paths or (),
    )


def _paths(commit: Record) -> tuple[str, ...] | None:
    given = commit.fields.get("patch_set")
    if given is None:
        return None
    if not isinstance(given, list):
        raise commit.wrong("patch_set", "a list")
    return tuple(Record.of(each, place=commit.place, hint=commit.hint).text("path") for each in given)


def sha_in(text: str | None) -> str | None:
    """Find the commit in a version that is one, or ends with one after an `@`."""
    match = _SHA.fullmatch(text or "")
    return match[1] if match else None
