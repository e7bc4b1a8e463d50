"""What GitHub sends to webhooks: deployments, pushes, merges, releases and checks.

A body does not say which event it is, only its header X-GitHub-Event does; without it the
body's shape tells. Events that say nothing of production (issues, stars and more) give none.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
from tracker.ingest.documents import Document, Moment, Record, clean, documents
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

HINT = "Send it as application/json, and say which event it was, as X-GitHub-Event does: --event deployment_status"

_STATES: dict[str, type[Change]] = {
    "queued": DeployStarted,
    "pending": DeployStarted,
    "in_progress": DeployStarted,
    "success": DeployFinished,
    "failure": DeployFailed,
    "error": DeployFailed,
}
# What was skipped, cancelled or found neither good nor bad says nothing of the commit.
_CONCLUSIONS = {"success": 0, "failure": 1, "timed_out": 1, "startup_failure": 1, "error": 1}
_ACTIONS_BOT = "github-actions"


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    source: str = "github",
    arrival: Arrival = Arrival(),  # noqa: B008  (it is frozen)
    event_name: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> list[Incoming]:
    """Read webhook bodies from one document or JSON lines.

    `event_name` is the header X-GitHub-Event, which is looked for in `headers` too; without
    it the body shows what it is.

    Raises:
        BadInputError: If a body is none of GitHub's, or lacks what says which fact it tells
            and when that was; nothing is read then.
    """
    found: list[Incoming] = []
    given = event_name or _header(headers or {})
    for document in documents(data, where=where, hint=HINT):
        for element in document.elements("body"):
            body = element.record(HINT)
            kind = given or document.headers.get("x-github-event") or _kind(body)
            for event, payload in _events(kind, body, element, rules, source):
                found.append(Incoming(event=event, arrival=arrival, payload=payload))
    return found


def _header(headers: Mapping[str, str]) -> str | None:
    return next((text for name, text in headers.items() if name.lower() == "x-github-event"), None)


def _kind(body: Record) -> str:
    """Tell what a body is by what it holds."""
    fields = body.fields
    if "zen" in fields and "hook_id" in fields:
        return "ping"
    if "ref" in fields and "before" in fields and "after" in fields:
        return "push"
    if "sha" in fields and "state" in fields and "context" in fields:
        return "status"
    if "deployment" in fields and "deployment_status" in fields:
        return "deployment_status"
    if "deployment" in fields and not {"deployment_callback_url", "comment", "reviewers"} & fields.keys():
        return "deployment"
    if "pull_request" in fields and not {"review", "comment", "thread"} & fields.keys():
        return "pull_request"
    if "workflow_run" in fields and not {"deployment", "reviewers", "approver"} & fields.keys():
        return "workflow_run"
    for name in ("release", "check_run"):
        if name in fields:
            return name
    if isinstance(fields.get("repository"), dict) or isinstance(fields.get("sender"), dict):
        return "other"
    raise body.problem("is no webhook body of GitHub: it has neither repository nor sender")


def _events(
    kind: str, body: Record, element: Document, rules: ServiceRules, source: str
) -> Iterator[tuple[Observation, bytes]]:
    if kind == "push":
        yield from _push(body, element, rules, source)
        return
    found: Sequence[Observation | None] = ()
    if kind == "deployment":
        found = [deploy_asked_for(body.record("deployment"), _repository(body), rules, source)]
    elif kind == "deployment_status":
        deployment, status = body.record("deployment"), body.record("deployment_status")
        found = [deploy_step(deployment, status, _repository(body), rules, source)]
    elif kind == "pull_request":
        found = [_merge(body, rules, source)]
    elif kind == "release":
        found = [_release(body, rules, source)]
    elif kind in ("workflow_run", "check_run"):
        found = [_run(body, kind, rules, source)]
    elif kind == "status":
        found = [_status(body, rules, source)]
    for event in found:
        if event is not None:
            yield event, element.raw


def _repository(body: Record) -> str:
    return body.record("repository").text("full_name")


# ── deploys: webhook bodies and the API's lists are read by the same two ─────


def deploy_asked_for(
    deployment: Record, repository: str, rules: ServiceRules, source: str
) -> DeployStarted | None:
    """Read a deployment: whoever made it begins now, but GitHub Actions says by a status when it begins.

    Its deployments wait for their approval and their turn, sometimes for days, sometimes for ever.
    """
    app = deployment.maybe_record("performed_via_github_app")
    creator = deployment.maybe_record("creator")
    if app is not None and app.maybe_text("slug") == _ACTIONS_BOT:
        return None
    if creator is not None and creator.maybe_text("login") == f"{_ACTIONS_BOT}[bot]":
        return None
    moment = deployment.moment("created_at")
    return DeployStarted(**_deploy(deployment, None, moment, repository, rules, source))


def deploy_step(
    deployment: Record, status: Record, repository: str, rules: ServiceRules, source: str
) -> Change | None:
    """Read one status of a deployment; `inactive` and `waiting` are no step of it."""
    step = _STATES.get(status.text("state").lower())
    if step is None:
        return None
    return step(**_deploy(deployment, status, status.moment("created_at"), repository, rules, source))


def _deploy(
    deployment: Record,
    status: Record | None,
    moment: Moment,
    repository: str,
    rules: ServiceRules,
    source: str,
) -> dict[str, Any]:
    said = _payload(deployment)
    sha = deployment.maybe_text("sha")
    version = said.get("version") or version_of(deployment.maybe_text("ref"), sha)
    if version is None:
        raise deployment.missing("sha or ref, which name the version")
    environment = status.maybe_text("environment") if status else None
    url = status.maybe_text("log_url") or status.maybe_text("target_url") if status else None
    return {
        "occurred_at": moment.at,
        "precision_seconds": moment.precision_seconds,
        "utc_offset_minutes": moment.utc_offset_minutes,
        "source": source,
        "service": rules.for_github(repository, said.get("service")),
        "version": version,
        "environment": environment or deployment.maybe_text("environment") or "production",
        "sha": sha if is_sha(sha) else None,
        "run_id": deployment.name("id"),
        "url": url,
    }


def _payload(deployment: Record) -> dict[str, str]:
    """Read what its maker wrote beside a deployment, as an object or as the text of one."""
    given = deployment.fields.get("payload")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(given, dict):
        return {}
    named = {name: given.get(name) for name in ("service", "version")}
    return {name: clean(text) for name, text in named.items() if isinstance(text, str) and text}


# ── the repository ───────────────────────────────────────────────────────────


def _push(
    body: Record, element: Document, rules: ServiceRules, source: str
) -> Iterator[tuple[Observation, bytes]]:
    ref, after = body.text("ref"), sha_in(body, "after")
    repository = body.record("repository")
    service = rules.for_github(repository.text("full_name"))
    name = repository.maybe_text("name") or repository.text("full_name").rpartition("/")[2]
    if is_nothing(after):
        return
    told = records(body, "commits")
    for record, piece in zip(told, pieces(element.raw, "commits") if told else [], strict=True):
        yield commit(record, service=service, repository=name, source=source), piece
    head = body.maybe_record("head_commit")
    push = Pushed(
        ref=ref,
        after=after,
        sha=sha_in(head, "id") if head else after,
        repository=name,
        service=service,
        source=source,
        at=head.maybe_moment("timestamp") if head else None,
        pushed_at=repository.maybe_moment("pushed_at"),
    )
    for event in pointed(push):
        yield event, element.raw


def _merge(body: Record, rules: ServiceRules, source: str) -> CommitMade | None:
    pull = body.record("pull_request")
    if body.text("action") != "closed" or pull.fields.get("merged") is not True:
        return None
    moment = pull.moment("merged_at")
    repository = _repository(body)
    merged_by = pull.maybe_record("merged_by")
    number = pull.maybe_name("number") or body.name("number")
    return CommitMade(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=rules.for_github(repository),
        repository=repository.rpartition("/")[2],
        sha=sha_in(pull, "merge_commit_sha"),
        subject_line=f"{pull.maybe_text('title') or 'Merge pull request'} (#{number})",
        author=(merged_by.maybe_text("login") if merged_by else None) or "",
        merged_from=pull.record("head").text("ref"),
    )


def _release(body: Record, rules: ServiceRules, source: str) -> VersionTagged | None:
    if body.text("action") != "published":
        return None
    release = body.record("release")
    moment = release.maybe_moment("published_at") or release.moment("created_at")
    repository = _repository(body)
    target = release.maybe_text("target_commitish")
    author = release.maybe_record("author")
    return VersionTagged(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=rules.for_github(repository),
        repository=repository.rpartition("/")[2],
        name=release.text("tag_name"),
        sha=target if is_sha(target) else None,
        tagger=author.maybe_text("login") if author else None,
    )


# ── checks ───────────────────────────────────────────────────────────────────


def _run(body: Record, kind: str, rules: ServiceRules, source: str) -> TestsFinished | None:
    """Read a workflow or a check that is over."""
    if body.text("action") != "completed":
        return None
    run = body.record(kind)
    code = _CONCLUSIONS.get(run.maybe_text("conclusion") or "")
    if code is None:
        return None
    if kind == "check_run":
        ended, began = run.moment("completed_at"), run.maybe_moment("started_at")
    else:
        ended = run.moment("updated_at")
        began = run.maybe_moment("run_started_at") or run.maybe_moment("created_at")
    return TestsFinished(
        occurred_at=ended.at,
        precision_seconds=ended.precision_seconds,
        utc_offset_minutes=ended.utc_offset_minutes,
        source=source,
        service=rules.for_github(_repository(body)),
        sha=sha_in(run, "head_sha"),
        exit_code=code,
        command=run.maybe_text("name") or kind.replace("_", " "),
        duration_seconds=max((ended.at - began.at).total_seconds(), 0.0) if began else None,
    )


def _status(body: Record, rules: ServiceRules, source: str) -> TestsFinished | None:
    """Read what another CI says of a commit."""
    code = _CONCLUSIONS.get(body.text("state"))
    if code is None:
        return None
    moment = body.maybe_moment("updated_at") or body.moment("created_at")
    return TestsFinished(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=rules.for_github(_repository(body)),
        sha=sha_in(body, "sha"),
        exit_code=code,
        command=body.text("context"),
    )
