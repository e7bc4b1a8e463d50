"""What GitLab sends to webhooks: deployments, pushes, tags, merges, pipelines and releases.

A body says what it is by its `object_kind`; the header X-Gitlab-Event says the same.
Other kinds (issues, comments, jobs and more) give no events.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from tracker.events.base import Arrival, Incoming, Observation
from tracker.events.changes import (
    Change,
    CommitMade,
    DeployFailed,
    DeployFinished,
    DeployStarted,
    TestsFinished,
    VersionTagged,
)
from tracker.ingest.documents import Document, Moment, Record, documents
from tracker.ingest.forges.payloads import (
    Pushed,
    commit,
    is_nothing,
    is_sha,
    pieces,
    pointed,
    records,
    sha_in,
    version_of,
)
from tracker.ingest.services import ServiceRules

HINT = "Say which webhook it was, as its header X-Gitlab-Event does: --event 'Deployment Hook'"

_HOOKS = {
    "Deployment Hook": "deployment",
    "Push Hook": "push",
    "Tag Push Hook": "tag_push",
    "Merge Request Hook": "merge_request",
    "Pipeline Hook": "pipeline",
    "Release Hook": "release",
}
_STATES: dict[str, type[Change]] = {
    "running": DeployStarted,
    "success": DeployFinished,
    "failed": DeployFailed,
    "canceled": DeployFailed,
}
# 2021-04-28 21:50:00 +0200, and 2016-08-12 15:26:29 UTC
_SPACED = re.compile(r"(\d{4}-\d{2}-\d{2}[ T][\d:.]+) ?(?:UTC|([+-]\d{2}):?(\d{2}))", re.ASCII)


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    source: str = "gitlab",
    arrival: Arrival = Arrival(),  # noqa: B008  (it is frozen)
    event_name: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> list[Incoming]:
    """Read webhook bodies from one document or JSON lines.

    `event_name` is the header X-Gitlab-Event, which is looked for in `headers` too; it wins
    over what the body says of itself.

    Raises:
        BadInputError: If a body is none of GitLab's, or lacks what says which fact it tells
            and when that was; nothing is read then.
    """
    found: list[Incoming] = []
    given = event_name or _header(headers or {})
    for document in documents(data, where=where, hint=HINT):
        for element in document.elements("body"):
            body = element.record(HINT)
            named = given or document.headers.get("x-gitlab-event")
            kind = _HOOKS.get(named, named) if named else _kind(body)
            # System hooks and group hooks name their kind in the body alone.
            if kind == "System Hook":
                kind = _kind(body)
            for event, payload in _events(kind, body, element, rules, source, arrival):
                found.append(Incoming(event=event, arrival=arrival, payload=payload))
    return found


def _header(headers: Mapping[str, str]) -> str | None:
    return next((text for name, text in headers.items() if name.lower() == "x-gitlab-event"), None)


def _kind(body: Record) -> str:
    kind = body.maybe_text("object_kind") or body.maybe_text("event_name") or body.maybe_text("event_type")
    if kind is None:
        raise body.problem("is no webhook body of GitLab: it has no object_kind")
    return kind


def _events(
    kind: str, body: Record, element: Document, rules: ServiceRules, source: str, arrival: Arrival
) -> Iterator[tuple[Observation, bytes]]:
    found: Observation | None = None
    if kind in ("push", "tag_push"):
        yield from _push(body, element, rules, source, arrival)
    elif kind == "deployment":
        found = _deployment(body, rules, source)
    elif kind == "merge_request":
        found = _merge(body, rules, source)
    elif kind == "pipeline":
        found = _pipeline(body, rules, source)
    elif kind == "release":
        found = _release(body, rules, source)
    if found is not None:
        yield found, element.raw


def _project(body: Record, rules: ServiceRules) -> tuple[str, str | None]:
    """Return the repository's name, as its clones call it, and the service."""
    project = body.record("project")
    path = project.text("path_with_namespace")
    return path.rpartition("/")[2], rules.for_gitlab(path, project.maybe_name("id"))


def moment_in(record: Record, name: str) -> Moment | None:
    """Read an instant as GitLab writes it: RFC 3339, or with a space and `UTC` or +0200 behind it."""
    value = record.fields.get(name)
    match = _SPACED.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return record.maybe_moment(name)
    zone = f"{match[2]}:{match[3]}" if match[2] else "Z"
    rewritten = {**record.fields, name: f"{match[1]}{zone}"}
    return Record(rewritten, record.place, record.hint, record.path).maybe_moment(name)


def _moment(record: Record, *names: str) -> Moment:
    for name in names:
        found = moment_in(record, name)
        if found is not None:
            return found
    raise record.missing(" or ".join(names))


# ── deploys ──────────────────────────────────────────────────────────────────


def _deployment(body: Record, rules: ServiceRules, source: str) -> Change | None:
    status = body.text("status")
    if status not in _STATES:
        return None
    # The whole hash stands only at the end of the commit's address.
    sha = (body.maybe_text("commit_url") or "").rpartition("/")[2]
    return deploy_step(
        status,
        _moment(body, "status_changed_at"),
        service=_project(body, rules)[1],
        source=source,
        record=body,
        number=body.name("deployment_id"),
        ref=body.maybe_text("ref"),
        sha=sha if is_sha(sha) else body.maybe_text("short_sha"),
        environment=body.maybe_text("environment"),
        url=body.maybe_text("deployable_url"),
    )


def deploy_step(
    status: str,
    moment: Moment,
    *,
    service: str | None,
    source: str,
    record: Record,
    number: str,
    ref: str | None,
    sha: str | None,
    environment: str | None,
    url: str | None,
) -> Change | None:
    """Make a step of a deployment, told by its webhook or by the API; a status that is no step gives none.

    The instant is cut to the second, which is all that the webhook tells: so both tell the same.

    Raises:
        BadInputError: If nothing names the version.
    """
    step = _STATES.get(status)
    if step is None:
        return None
    version = version_of(ref, sha)
    if version is None:
        raise record.missing("commit_url, short_sha or ref, which name the version")
    return step(
        occurred_at=moment.at.replace(microsecond=0),
        precision_seconds=max(moment.precision_seconds, 1.0),
        source=source,
        service=service,
        version=version,
        environment=environment or "production",
        sha=sha if is_sha(sha) else None,
        run_id=number,
        url=url,
    )


# ── the repository ───────────────────────────────────────────────────────────


def _push(
    body: Record, element: Document, rules: ServiceRules, source: str, arrival: Arrival
) -> Iterator[tuple[Observation, bytes]]:
    ref, after = body.text("ref"), sha_in(body, "after")
    if is_nothing(after):
        return
    name, service = _project(body, rules)
    told = records(body, "commits")
    at: Moment | None = None
    # The commit that it points at; `after` of a tag may be the tag's own hash.
    pointed_at = sha_in(body, "checkout_sha") if body.fields.get("checkout_sha") else after
    for record, piece in zip(told, pieces(element.raw, "commits") if told else [], strict=True):
        event = commit(record, service=service, repository=name, source=source)
        if event.sha == pointed_at:
            at = Moment(event.occurred_at, event.precision_seconds, event.utc_offset_minutes)
        yield event, piece
    # A tag's body names no instant: then it was pushed when a webhook brought it, give or take a minute.
    brought = arrival.received_at if arrival.via == "webhook" else None
    push = Pushed(
        ref=ref,
        after=after,
        sha=pointed_at,
        repository=name,
        service=service,
        source=source,
        at=at,
        pushed_at=Moment(brought, 60.0) if brought else None,
    )
    for seen in pointed(push):
        yield seen, element.raw


def _merge(body: Record, rules: ServiceRules, source: str) -> CommitMade | None:
    merge = body.record("object_attributes")
    if merge.maybe_text("action") != "merge":
        return None
    name, service = _project(body, rules)
    moment = _moment(merge, "merged_at", "updated_at")
    last = merge.maybe_record("last_commit")
    user = body.maybe_record("user")
    # Without a commit of its own it was fast-forwarded: the branch's last commit is on the target now.
    shas = [merge.maybe_text("merge_commit_sha"), merge.maybe_text("squash_commit_sha")]
    sha = next((each for each in shas if is_sha(each)), None)
    if sha is None:
        if last is None:
            raise merge.missing("merge_commit_sha or last_commit")
        sha = sha_in(last, "id")
    return CommitMade(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=service,
        repository=name,
        sha=sha,
        subject_line=f"{merge.maybe_text('title') or 'Merge request'} (!{merge.name('iid')})",
        author=(user.maybe_text("name") or user.maybe_text("username") if user else None) or "",
        merged_from=merge.text("source_branch"),
    )


def _release(body: Record, rules: ServiceRules, source: str) -> VersionTagged | None:
    if body.maybe_text("action") not in (None, "create"):
        return None
    name, service = _project(body, rules)
    moment = _moment(body, "released_at", "created_at")
    of = body.maybe_record("commit")
    return VersionTagged(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=service,
        repository=name,
        name=body.text("tag"),
        sha=sha_in(of, "id") if of else None,
    )


# ── pipelines ────────────────────────────────────────────────────────────────


def _pipeline(body: Record, rules: ServiceRules, source: str) -> TestsFinished | None:
    pipeline = body.record("object_attributes")
    code = {"success": 0, "failed": 1}.get(pipeline.text("status"))
    if code is None:
        return None
    ended = _moment(pipeline, "finished_at")
    lasted = pipeline.number("duration")
    began = moment_in(pipeline, "created_at")
    if lasted is None and began is not None:
        lasted = max((ended.at - began.at) / timedelta(seconds=1), 0.0)
    ref = pipeline.maybe_text("ref")
    return TestsFinished(
        occurred_at=ended.at,
        precision_seconds=ended.precision_seconds,
        utc_offset_minutes=ended.utc_offset_minutes,
        source=source,
        service=_project(body, rules)[1],
        sha=sha_in(pipeline, "sha"),
        exit_code=code,
        command=pipeline.maybe_text("name") or (f"pipeline of {ref}" if ref else "pipeline"),
        duration_seconds=lasted,
    )
