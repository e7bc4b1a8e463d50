"""What GitHub sends to webhooks: deployments, pushes, merges, releases and checks.

A body does not say which event it is, only its header X-GitHub-Event does; without it the
body's shape shows it. Events without meaning for production (issues, stars and more) give none.
"""

import json
from collections.abc import Callable, Iterator, Mapping

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
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record, clean, records
from tracker.ingest.forges.facts import Repository, full_sha, is_deletion, sha_in, version_of
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
# What was skipped, cancelled or neutral says nothing of the commit.
_CONCLUSIONS = {"success": 0, "failure": 1, "timed_out": 1, "startup_failure": 1, "error": 1}
_ACTIONS_BOT = "github-actions"


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    arrival: Arrival = NO_ARRIVAL,
    event_name: str | None = None,
) -> list[Incoming]:
    """Read webhook bodies from one document or JSON lines.

    `event_name` is the header X-GitHub-Event; without it the body shows what it is.

    Raises:
        BadInputError: If a body is not GitHub's, or lacks what says which fact it reports
            and when that was; nothing is read then.
    """
    found: list[Incoming] = []
    for body in records(data, where=where, hint=HINT, kind="body"):
        kind = _confirmed(body, event_name or body.headers.get("x-github-event"))
        if kind == "push":
            events = list(_push(body, rules))
        elif kind in _READERS:
            event = _READERS[kind](body, rules)
            events = [(event, body.raw)] if event else []
        else:
            events = []
        found += [Incoming(event=event, arrival=arrival, payload=payload) for event, payload in events]
    return found


def _confirmed(body: Record, named: str | None) -> str:
    """Return which event a body is; the signature covers the body alone, not the header that names its event."""
    if named is not None and named != "push" and named not in _READERS:
        return named
    kind = _kind(body)
    if named is not None and kind != named and (kind == "push" or kind in _READERS):
        raise body.problem(f"is the body of {kind}, not of {named}, which its X-GitHub-Event names")
    return named or kind


def _kind(body: Record) -> str:
    """Tell what a body is by what it holds."""
    names = body.fields.keys()
    if names >= {"zen", "hook_id"}:
        return "ping"
    if names >= {"ref", "before", "after"}:
        return "push"
    if names >= {"sha", "state", "context"}:
        return "status"
    if names >= {"deployment", "deployment_status"}:
        return "deployment_status"
    for name, others in _SHAPES.items():
        if name in names and not others & names:
            return name
    if isinstance(body.fields.get("repository"), dict) or isinstance(body.fields.get("sender"), dict):
        return "other"
    raise body.problem("is not a webhook body of GitHub: it has neither repository nor sender")


_SHAPES: Mapping[str, set[str]] = {
    "deployment": {"deployment_callback_url", "comment", "reviewers"},
    "pull_request": {"review", "comment", "thread"},
    "workflow_run": {"deployment", "reviewers", "approver"},
    "release": set(),
    "check_run": set(),
}
"""The field that shows what a body is, unless it has one of the others."""


def _repository(body: Record, rules: ServiceRules) -> Repository:
    path = body.text("repository.full_name")
    return Repository("github", path.rpartition("/")[2], rules.for_github(path))


# ── deploys ──────────────────────────────────────────────────────────────────


def _asked_for(body: Record, rules: ServiceRules) -> Change | None:
    """Read a deployment: it begins when it is made, unless GitHub Actions made it.

    Those wait for their approval and their turn, sometimes for ever, and begin by a status.
    """
    deployment = body.record("deployment")
    body.text("repository.full_name")
    if deployment.maybe_text("performed_via_github_app.slug") == _ACTIONS_BOT:
        return None
    if deployment.maybe_text("creator.login") == f"{_ACTIONS_BOT}[bot]":
        return None
    return _deploy(body, DeployStarted, deployment.moment("created_at"), None, rules)


def _status_of_deployment(body: Record, rules: ServiceRules) -> Change | None:
    """Read one status of a deployment; `inactive` and `waiting` are no step of it."""
    body.record("deployment")
    body.text("repository.full_name")
    status = body.record("deployment_status")
    step = _STATES.get(status.text("state").lower())
    return _deploy(body, step, status.moment("created_at"), status, rules) if step else None


def _deploy(
    body: Record, step: type[Change], moment: Moment, status: Record | None, rules: ServiceRules
) -> Change:
    deployment, path = body.record("deployment"), body.text("repository.full_name")
    payload = _payload(deployment)
    sha = deployment.maybe_text("sha")
    version = payload.get("version") or version_of(deployment.maybe_text("ref"), sha)
    if version is None:
        raise deployment.missing("sha or ref, which name the version")
    url = status.maybe_text("log_url") or status.maybe_text("target_url") if status else None
    environment = status.maybe_text("environment") if status else None
    return Repository("github", path, rules.for_github(path, payload.get("service"))).deploy(
        step,
        moment,
        version=version,
        environment=environment or deployment.maybe_text("environment"),
        sha=sha,
        run_id=deployment.name("id"),
        url=url,
    )


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


def _push(body: Record, rules: ServiceRules) -> Iterator[tuple[Observation, bytes]]:
    body.text("ref")
    path = body.text("repository.full_name")
    name = body.maybe_text("repository.name") or path.rpartition("/")[2]
    if is_deletion(body):
        return
    repository = Repository("github", name, rules.for_github(path))
    yield from repository.commits(body)
    head = body.maybe_record("head_commit")
    pointer = repository.pointer(
        body,
        sha=sha_in(head, "id") if head else sha_in(body, "after"),
        at=head.maybe_moment("timestamp") if head else None,
        pushed_at=body.maybe_moment("repository.pushed_at"),
    )
    if pointer:
        yield pointer, body.raw


def _merge(body: Record, rules: ServiceRules) -> CommitMade | None:
    pull = body.record("pull_request")
    if body.text("action") != "closed" or pull.fields.get("merged") is not True:
        return None
    number = pull.maybe_name("number") or body.name("number")
    return _repository(body, rules).merge(
        pull.moment("merged_at"),
        sha=sha_in(pull, "merge_commit_sha"),
        subject_line=f"{pull.maybe_text('title') or 'Merge pull request'} (#{number})",
        author=pull.maybe_text("merged_by.login"),
        merged_from=pull.text("head.ref"),
    )


def _release(body: Record, rules: ServiceRules) -> VersionTagged | None:
    if body.text("action") != "published":
        return None
    release = body.record("release")
    return _repository(body, rules).tag(
        release.maybe_moment("published_at") or release.moment("created_at"),
        name=release.text("tag_name"),
        sha=full_sha(release.maybe_text("target_commitish")),
        tagger=release.maybe_text("author.login"),
    )


# ── checks ───────────────────────────────────────────────────────────────────


def _run(kind: str, ended_at: str, *began_at: str) -> Callable[[Record, ServiceRules], TestsFinished | None]:
    """Make the reader of a workflow or a check that is over."""

    def read_run(body: Record, rules: ServiceRules) -> TestsFinished | None:
        if body.text("action") != "completed":
            return None
        run = body.record(kind)
        code = _CONCLUSIONS.get(run.maybe_text("conclusion") or "")
        if code is None:
            return None
        ended, began = run.moment(ended_at), run.maybe_moment(*began_at)
        return _repository(body, rules).tests(
            ended,
            sha=sha_in(run, "head_sha"),
            exit_code=code,
            command=run.maybe_text("name") or kind.replace("_", " "),
            duration_seconds=max((ended.at - began.at).total_seconds(), 0.0) if began else None,
        )

    return read_run


def _status(body: Record, rules: ServiceRules) -> TestsFinished | None:
    """Read what another CI says of a commit."""
    code = _CONCLUSIONS.get(body.text("state"))
    if code is None:
        return None
    moment = body.maybe_moment("updated_at") or body.moment("created_at")
    return _repository(body, rules).tests(
        moment, sha=sha_in(body, "sha"), exit_code=code, command=body.text("context")
    )


_READERS: dict[str, Callable[[Record, ServiceRules], Observation | None]] = {
    "deployment": _asked_for,
    "deployment_status": _status_of_deployment,
    "pull_request": _merge,
    "release": _release,
    "workflow_run": _run("workflow_run", "updated_at", "run_started_at", "created_at"),
    "check_run": _run("check_run", "completed_at", "started_at"),
    "status": _status,
}
