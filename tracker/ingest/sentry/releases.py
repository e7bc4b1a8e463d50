"""Releases, deploys and commits, which sentry-cli's requests and the API's answers word alike."""

import re
from collections.abc import Sequence
from typing import Any

from tracker.events.base import Event
from tracker.events.changes import CommitMade, DeployFinished, DeployStarted, ReleaseCreated, VersionReleased
from tracker.ingest.documents import Moment, Record
from tracker.ingest.services import ServiceRules

_SHA = re.compile(r"(?:.*@)?([0-9a-f]{40})", re.ASCII | re.DOTALL)


def services_of(rules: ServiceRules, projects: Sequence[str], version: str) -> list[str | None]:
    """Find the services of a release: by its projects, else by the version's part before the `@`."""
    named = dict.fromkeys(service for project in projects if (service := rules.for_project(project)))
    if named:
        return list(named)
    package, at, _ = version.rpartition("@")
    return [rules.for_project(package) if at else None]


def release_steps(
    release: Record, created: str, *, source: str, service: str | None, version: str
) -> list[Event]:
    """Read when a release was created (the field's name differs) and when it was finalized."""
    return [
        kind(
            **moment.fields,
            source=source,
            service=service,
            version=version,
            url=release.maybe_text("url"),
            sha=sha_in(release.maybe_text("ref")) or sha_in(version),
        )
        for name, kind in ((created, ReleaseCreated), ("dateReleased", VersionReleased))
        if (moment := release.maybe_moment(name))
    ]


def deploy_steps(
    deploy: Record, *, source: str, service: str | None, version: str, finished: Moment | None
) -> list[Event]:
    """Read a deploy: when it finished, and when it started where that is told."""
    if finished is None:
        raise deploy.missing("dateFinished")
    common: dict[str, Any] = {
        "source": source,
        "service": service,
        "version": version,
        "environment": deploy.text("environment"),
        "sha": sha_in(version),
        "run_id": deploy.maybe_text("name"),
        "url": deploy.maybe_text("url"),
    }
    started = deploy.maybe_moment("dateStarted")
    if started is None:
        return [DeployFinished(**finished.fields, **common)]
    took = (finished.at - started.at).total_seconds()
    return [
        DeployStarted(**started.fields, **common),
        DeployFinished(**finished.fields, **common, duration_seconds=took if took >= 0 else None),
    ]


def commit_made(commit: Record, instant: str, *, source: str, service: str | None) -> CommitMade | None:
    """Read a commit; None for one without an instant, which has no place in a timeline.

    It is known by its hash, as the same commit read from a clone is.
    """
    sha, moment = commit.text("id"), commit.maybe_moment(instant)
    message = (commit.maybe_text("message") or "").strip()
    author = commit.maybe_text("author_name")
    changed = commit.fields.get("patch_set") is not None
    paths = tuple(file.text("path") for file in commit.records("patch_set"))
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
        files_changed=len(paths) if changed else None,
        changed_paths=paths,
    )


def sha_in(text: str | None) -> str | None:
    """Find the commit in a version that is one, or ends with one after an `@`."""
    match = _SHA.fullmatch(text or "")
    return match[1] if match else None
