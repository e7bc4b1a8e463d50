"""Deploys and rollbacks: what several sources told of one is one, with several witnesses.

Facts of one service, environment and version less than fifteen minutes apart, with no
other version between, are one change.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from projections.deduplication import Statement, deduplicate
from tracker.events.base import Observation, Recorded, handle_of
from tracker.events.changes import (
    Change,
    CommitMade,
    DeployFailed,
    DeployFinished,
    DeployStarted,
    RollbackFailed,
    RollbackFinished,
    RollbackStarted,
)
from tracker.events.corrections import Effective, effective

SAME_WITHIN = timedelta(minutes=15)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
SUSPECT_WITHIN = timedelta(hours=1)
EARLIER_VERSIONS = timedelta(days=30)
"""So far back is looked for what ran before, by which a rollback is known."""

_PHASES: dict[type[Change], str] = {
    DeployStarted: "started",
    RollbackStarted: "started",
    DeployFinished: "finished",
    RollbackFinished: "finished",
    DeployFailed: "failed",
    RollbackFailed: "failed",
}


@dataclass(frozen=True)
class Step:
    """One phase of a change, as the timeline shows it."""

    shown: Effective
    witnesses: tuple[Effective, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """Why a change may have caused an incident; `moved` names the metrics that it moved for the worse.

    The seconds run from its end; from its beginning where it was still going out.
    """

    incident: str
    seconds_before_start: float
    why: str
    moved: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangeRow:
    """One deploy, rollback or merge, with all that is known of it.

    `previous_version` is what ran before, as far as the log knows. `at` is when it
    finished, else when it failed, else when it began.
    """

    event: str
    kind: str
    status: str
    service: str | None
    environment: str | None
    version: str
    previous_version: str | None
    sha: str | None
    started_at: datetime | None
    finished_at: datetime | None
    at: datetime
    title: str
    evidence: tuple[str, ...]
    sources: tuple[str, ...]
    by: str | None
    attribution: str | None = None
    candidates: tuple[Candidate, ...] = ()
    fact: Change | CommitMade | None = None

    @property
    def handle(self) -> str:
        """The short name that people type."""
        return handle_of(self.event)


def same_version(first: str, second: str) -> bool:
    """Whether two sources mean one version: v1.2.1, 1.2.1 and checkout@1.2.1 are one."""
    return plain_version(first) == plain_version(second)


def plain_version(version: str) -> str:
    """Strip what sources put around a version; a whole commit hash is as its first seven digits."""
    text = version.rsplit("@", 1)[-1].strip()
    if _SHA.fullmatch(text):
        return text[:7]
    return text[1:] if text[:1] in "vV" and text[1:2].isdigit() else text


def gathered(steps_told: Sequence[Statement]) -> list[list[Statement]]:
    """Gather steps into changes, each in the order of its instants."""
    groups: dict[tuple[str | None, str], list[list[Statement]]] = {}
    for each in sorted(steps_told, key=lambda one: one[0].order):
        event = each[0].event
        assert isinstance(event, Change)
        place = (event.service, event.environment)
        before = groups.setdefault(place, [])
        last = before[-1] if before else None
        if last is not None and _continues(last, each[0]):
            last.append(each)
        else:
            before.append([each])
    return [group for groups_here in groups.values() for group in groups_here]


def _continues(group: list[Statement], fact: Effective) -> bool:
    event, last = fact.event, group[-1][0].event
    assert isinstance(event, Change)
    assert isinstance(last, Change)
    if not same_version(last.version, event.version):
        return False
    if any(_tells_another(each[0], fact) for each in group):
        return False
    if event.occurred_at - last.occurred_at < SAME_WITHIN:
        return True
    # A rollout may take longer than that: its end belongs to its own start.
    if _PHASES[type(event)] == "started":
        return False
    mine = [each[0].event for each in group if isinstance(each[0].event, Change)]
    mine = [each for each in mine if (each.source, each.run_id) == (event.source, event.run_id)]
    return bool(mine) and _PHASES[type(mine[-1])] == "started"


def _tells_another(earlier: Effective, later: Effective) -> bool:
    """Whether one who told of a step now tells of another run: a retry, a second deploy, the way back.

    One witness tells of each step of a run once, and of no step after its end.
    """
    first, second = earlier.event, later.event
    assert isinstance(first, Change)
    assert isinstance(second, Change)
    if _witness(earlier) != _witness(later):
        return False
    same_phase = _PHASES[type(first)] == _PHASES[type(second)]
    if first.run_id and second.run_id:
        if first.run_id != second.run_id:
            return True
        # Queued, then in progress; or told by webhook and by poll with instants a little apart.
        if same_phase and type(first) is type(second):
            return False
    return same_phase or _PHASES[type(first)] != "started" or _is_rollback(earlier) != _is_rollback(later)


def _witness(fact: Effective) -> tuple[str, str | None]:
    assert isinstance(fact.event, Change)
    return fact.event.source, fact.recorded.arrival.reported_by


def witnessed(steps_told: Sequence[Statement]) -> list[Step]:
    """Return one step for each phase of each change, with everybody who told of it."""
    steps = []
    for group in gathered(steps_told):
        for same in _phases(group).values():
            shown = _shown(same, group)
            others = tuple(w for each in same if each is not shown for w in each[1])
            sources = tuple(sorted({_source(each[0]) for each in same}))
            steps.append(Step(shown[0], shown[1] + others, sources))
    return steps


def _phases(group: Iterable[Statement]) -> dict[str, list[Statement]]:
    phases: dict[str, list[Statement]] = {}
    for each in group:
        event = each[0].event
        assert isinstance(event, Change)
        phases.setdefault(_PHASES[type(event)], []).append(each)
    return phases


def _shown(same: Sequence[Statement], group: Iterable[Statement]) -> Statement:
    """Choose the first of a phase; where somebody knew it for a rollback, the first who did."""
    rollback = any(_is_rollback(each[0]) for each in group)
    preferred = [each for each in same if _is_rollback(each[0])] if rollback else same
    return (preferred or same)[0]


def _source(fact: Effective) -> str:
    return fact.event.source if isinstance(fact.event, Observation) else ""


def _is_rollback(fact: Effective) -> bool:
    return isinstance(fact.event, RollbackStarted | RollbackFinished | RollbackFailed)


def changes(recorded: Iterable[Recorded]) -> list[ChangeRow]:
    """List deploys, rollbacks and merges, oldest first, corrections applied.

    A deploy whose version differs from the one before it and equals an earlier one, of the
    same service and environment, is a rollback, whatever its source called it; but what was
    rolled back and is deployed again right after that is a deploy.
    """
    living = [each for each in effective(recorded).values() if each.retraction is None]
    steps = deduplicate(each for each in living if isinstance(each.event, Change))
    rows = _with_history([_row(group) for group in gathered(steps)])
    commits = deduplicate(each for each in living if isinstance(each.event, CommitMade))
    merges = [
        _merge(each)
        for each in commits
        if any(isinstance(one.event, CommitMade) and one.event.is_merge for one in each[1])
    ]
    return sorted([*rows, *merges], key=lambda row: (row.at, row.event))


def _row(group: list[Statement]) -> ChangeRow:
    facts = [each for told_of in group for each in told_of[1]]
    shown_of = {phase: _shown(same, group)[0] for phase, same in _phases(group).items()}
    started, finished, failed = (shown_of.get(phase) for phase in ("started", "finished", "failed"))
    shown = finished or failed or started
    assert shown is not None
    event = shown.event
    assert isinstance(event, Change)
    status = "finished" if finished else "failed" if failed else "started"
    kind = "rollback" if any(_is_rollback(fact) for fact in facts) else "deploy"
    return ChangeRow(
        event=shown.id,
        kind=kind,
        status=status,
        service=event.service,
        environment=event.environment,
        version=event.version,
        previous_version=None,
        sha=next((f.event.sha for f in facts if isinstance(f.event, Change) and f.event.sha), None),
        started_at=started.event.occurred_at if started else None,
        finished_at=finished.event.occurred_at if finished else None,
        at=event.occurred_at,
        title=event.version,
        evidence=tuple(dict.fromkeys([shown.id, *(f.id for f in facts)])),
        sources=tuple(sorted({_source(f) for f in facts})),
        by=next((f.recorded.arrival.reported_by for f in facts if f.recorded.arrival.reported_by), None),
        fact=event,
    )


def _with_history(rows: list[ChangeRow]) -> list[ChangeRow]:
    answer = []
    ran: dict[tuple[str | None, str | None], _Ran] = {}
    for row in sorted(rows, key=lambda each: (each.at, each.event)):
        here = ran.setdefault((row.service, row.environment), _Ran())
        plain = plain_version(row.version)
        back = here.last is not None and plain != plain_version(here.last) and plain in here.earlier
        kind = "rollback" if back and plain != here.taken_back else row.kind
        answer.append(replace(row, previous_version=here.last, kind=kind))
        if row.status == "finished":
            here.taken_back = plain_version(here.last) if kind == "rollback" and here.last else None
            here.earlier |= {plain_version(here.last)} if here.last is not None else set()
            here.last = row.version
    return answer


@dataclass
class _Ran:
    """What ran in one place: the last version, those before it, and the one that was rolled back just now."""

    last: str | None = None
    earlier: set[str] = field(default_factory=set)
    taken_back: str | None = None


def _merge(commit: Statement) -> ChangeRow:
    fact, witnesses = commit
    event = fact.event
    assert isinstance(event, CommitMade)
    return ChangeRow(
        event=fact.id,
        kind="merge",
        status="finished",
        service=event.service,
        environment=None,
        version=event.sha[:7],
        previous_version=None,
        sha=event.sha,
        started_at=None,
        finished_at=event.occurred_at,
        at=event.occurred_at,
        title=event.subject_line,
        evidence=tuple(each.id for each in witnesses),
        sources=tuple(sorted({_source(each) for each in witnesses})),
        by=event.author or None,
        fact=event,
    )


def candidate(
    row: ChangeRow,
    incident: str,
    started_at: datetime,
    *,
    within: timedelta = SUSPECT_WITHIN,
    moved: Sequence[str] = (),
) -> Candidate | None:
    """Say why a change may have caused an incident: it came shortly before its start, and what moved then.

    A rollout during which the incident started is one as well, however long it went on.
    """
    at = row.finished_at or row.at
    begins = min(row.started_at or at, at)
    before = (started_at - at).total_seconds()
    if row.kind == "merge" or row.status == "failed" or begins > started_at:
        return None
    if before > within.total_seconds():
        return None
    what = "rollback" if row.kind == "rollback" else "deploy"
    if before < 0:
        before = (started_at - begins).total_seconds()
        why = f"the {what} was going out when {incident} started, {_ago(before)} after it began"
    else:
        why = f"the {what} ended {_ago(before)} before {incident} started"
    if moved:
        why += f", and {', '.join(moved)} moved within ten minutes of it"
    return Candidate(incident, before, why, tuple(moved))


def _ago(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds >= 60 else f"{round(seconds)} s"
