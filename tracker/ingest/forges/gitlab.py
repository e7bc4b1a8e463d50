"""What GitLab sends to webhooks: deployments, pushes, tags, merges, pipelines and releases.

A body says what it is by its `object_kind`; the header X-Gitlab-Event says the same.
Other kinds (issues, comments, jobs and more) give no events.
"""

from collections.abc import Callable, Iterator

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
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record, records
from tracker.ingest.forges.facts import Repository, full_sha, is_deletion, sha_in, version_of
from tracker.ingest.services import ServiceRules

HINT = "Say which webhook it was, as its header X-Gitlab-Event does: --event 'Deployment Hook'"

STATES: dict[str, type[Change]] = {
    "running": DeployStarted,
    "success": DeployFinished,
    "failed": DeployFailed,
    "canceled": DeployFailed,
}


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    arrival: Arrival = NO_ARRIVAL,
    event_name: str | None = None,
) -> list[Incoming]:
    """Read webhook bodies from one document or JSON lines.

    `event_name` is the header X-Gitlab-Event; it wins over what the body says of itself.

    Raises:
        BadInputError: If a body is not GitLab's, or lacks what says which fact it reports
            and when that was; nothing is read then.
    """
    found: list[Incoming] = []
    for body in records(data, where=where, hint=HINT, kind="body"):
        hook = event_name or body.headers.get("x-gitlab-event") or ""
        kind = hook.removesuffix(" Hook").lower().replace(" ", "_")
        # System hooks and group hooks name their kind in the body alone.
        if kind in ("", "system"):
            kind = _kind(body)
        if kind in ("push", "tag_push"):
            events = list(_push(body, rules, arrival))
        elif kind in _READERS:
            event = _READERS[kind](body, rules)
            events = [(event, body.raw)] if event else []
        else:
            events = []
        found += [Incoming(event=event, arrival=arrival, payload=payload) for event, payload in events]
    return found


def _kind(body: Record) -> str:
    kind = body.maybe_text("object_kind") or body.maybe_text("event_name") or body.maybe_text("event_type")
    if kind is None:
        raise body.problem("is not a webhook body of GitLab: it has no object_kind")
    return kind


def _repository(body: Record, rules: ServiceRules) -> Repository:
    path = body.text("project.path_with_namespace")
    service = rules.for_gitlab(path, body.maybe_name("project.id"))
    return Repository("gitlab", path.rpartition("/")[2], service)


# ── deploys ──────────────────────────────────────────────────────────────────


def _deployment(body: Record, rules: ServiceRules) -> Change | None:
    status = body.text("status")
    if status not in STATES:
        return None
    # The whole hash stands only at the end of the commit's address.
    sha = full_sha((body.maybe_text("commit_url") or "").rpartition("/")[2])
    return deploy_step(
        _repository(body, rules),
        status,
        body.moment("status_changed_at"),
        record=body,
        run_id=body.name("deployment_id"),
        sha=sha or body.maybe_text("short_sha"),
        environment=body.maybe_text("environment"),
        url=body.maybe_text("deployable_url"),
    )


def deploy_step(
    repository: Repository,
    status: str,
    moment: Moment,
    *,
    record: Record,
    run_id: str,
    sha: str | None,
    environment: str | None,
    url: str | None,
) -> Change:
    """Make a step of a deployment, reported by its webhook or by the API.

    The instant is cut to the second, which is all that the webhook has: so both report the same.
    """
    version = version_of(record.maybe_text("ref"), sha)
    if version is None:
        raise record.missing("commit_url, short_sha or ref, which name the version")
    return repository.deploy(
        STATES[status],
        Moment(moment.at.replace(microsecond=0), max(moment.precision_seconds, 1.0)),
        version=version,
        environment=environment,
        sha=sha,
        run_id=run_id,
        url=url,
    )


# ── the repository ───────────────────────────────────────────────────────────


def _push(body: Record, rules: ServiceRules, arrival: Arrival) -> Iterator[tuple[Observation, bytes]]:
    body.text("ref")
    if is_deletion(body):
        return
    repository = _repository(body, rules)
    # The commit that it points at; `after` of a tag may be the tag's own hash.
    sha = sha_in(body, "checkout_sha") if body.fields.get("checkout_sha") else sha_in(body, "after")
    at: Moment | None = None
    for commit, payload in repository.commits(body):
        if commit.sha == sha:
            at = Moment(commit.occurred_at, commit.precision_seconds, commit.utc_offset_minutes)
        yield commit, payload
    # A tag's body names no instant: then it was pushed when a webhook brought it, give or take a minute.
    brought = arrival.received_at if arrival.via == "webhook" else None
    pushed_at = Moment(brought, 60.0) if brought else None
    if pointer := repository.pointer(body, sha=sha, at=at, pushed_at=pushed_at):
        yield pointer, body.raw


def _merge(body: Record, rules: ServiceRules) -> CommitMade | None:
    merge = body.record("object_attributes")
    if merge.maybe_text("action") != "merge":
        return None
    # Without a commit of its own it was fast-forwarded: the branch's last commit is on the target now.
    shas = [merge.maybe_text("merge_commit_sha"), merge.maybe_text("squash_commit_sha")]
    sha = next((each for each in shas if full_sha(each)), None)
    if sha is None:
        last = merge.maybe_record("last_commit")
        if last is None:
            raise merge.missing("merge_commit_sha or last_commit")
        sha = sha_in(last, "id")
    return _repository(body, rules).merge(
        merge.moment("merged_at", "updated_at"),
        sha=sha,
        subject_line=f"{merge.maybe_text('title') or 'Merge request'} (!{merge.name('iid')})",
        author=body.maybe_text("user.name") or body.maybe_text("user.username"),
        merged_from=merge.text("source_branch"),
    )


def _release(body: Record, rules: ServiceRules) -> VersionTagged | None:
    if body.maybe_text("action") not in (None, "create"):
        return None
    commit = body.maybe_record("commit")
    return _repository(body, rules).tag(
        body.moment("released_at", "created_at"),
        name=body.text("tag"),
        sha=sha_in(commit, "id") if commit else None,
    )


def _pipeline(body: Record, rules: ServiceRules) -> TestsFinished | None:
    pipeline = body.record("object_attributes")
    code = {"success": 0, "failed": 1}.get(pipeline.text("status"))
    if code is None:
        return None
    ended, began = pipeline.moment("finished_at"), pipeline.maybe_moment("created_at")
    lasted = pipeline.number("duration")
    if lasted is None and began is not None:
        lasted = max((ended.at - began.at).total_seconds(), 0.0)
    ref = pipeline.maybe_text("ref")
    return _repository(body, rules).tests(
        ended,
        sha=sha_in(pipeline, "sha"),
        exit_code=code,
        command=pipeline.maybe_text("name") or (f"pipeline of {ref}" if ref else "pipeline"),
        duration_seconds=lasted,
    )


_READERS: dict[str, Callable[[Record, ServiceRules], Observation | None]] = {
    "deployment": _deployment,
    "merge_request": _merge,
    "pipeline": _pipeline,
    "release": _release,
}
