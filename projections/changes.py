"""Deploys and rollbacks: reports by several sources of one change are one change, with several witnesses.

Reports on one service, environment and version less than fifteen minutes apart, with no other version between, are
one change. Here is also defined whether two versions are the same, and where a change went.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from projections.deduplication import Statement, deduplicate
from tracker.events.base import Recorded, handle_of
from tracker.events.changes import (
    Change,
    CommitMade,
    DeployFailed,
    DeployFinished,
    DeployInterrupted,
    DeployStarted,
    RollbackFailed,
    RollbackFinished,
    RollbackInterrupted,
    RollbackStarted,
)
from tracker.events.corrections import Effective, not_retracted

SAME_WITHIN = timedelta(minutes=15)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
SUSPECT_WITHIN = timedelta(hours=1)
EARLIER_VERSIONS = timedelta(days=30)
"""Changes are read from so far back: a rollback is recognized by an earlier version."""

_PHASES: dict[type[Change], str] = {
    DeployStarted: "started",
    RollbackStarted: "started",
    DeployFinished: "finished",
    RollbackFinished: "finished",
    DeployFailed: "failed",
    RollbackFailed: "failed",
    DeployInterrupted: "interrupted",
    RollbackInterrupted: "interrupted",
}


@dataclass(frozen=True)
class Step:
    """One phase of a change, with everybody who reported it, as the timeline shows it."""

    shown: Effective
    witnesses: tuple[Effective, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """Why a change may have caused an incident; `moved` names the metrics that it moved for the worse.

    The seconds run from its end; from its beginning where it was still in progress.
    """

    incident: str
    seconds_before_start: float
    kind: str
    in_progress: bool
    moved: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangeRow:
    """One deploy, rollback or merge.

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
        return handle_of(self.event)


def same_version(first: str, second: str) -> bool:
    """Whether two names are of one version: v1.2.1, 1.2.1 and checkout@1.2.1 are."""
    return plain_version(first) == plain_version(second)


def plain_version(version: str) -> str:
    """Strip what sources put around a version; a whole commit hash is cut to its first seven digits."""
    text = version.rsplit("@", 1)[-1].strip()
    if _SHA.fullmatch(text):
        return text[:7]
    return text[1:] if text[:1] in "vV" and text[1:2].isdigit() else text


PRODUCTION = "production"


def place_of(row: ChangeRow) -> str:
    """Return where a change went; tools call production by several names: prod, Production, prod-eu."""
    environment = (row.environment or "").lower()
    return PRODUCTION if environment.startswith("prod") else environment


def same_place(first: ChangeRow, second: ChangeRow) -> bool:
    """Whether two changes are of one service in one place."""
    return (first.service, place_of(first)) == (second.service, place_of(second))


def in_production(rows: Sequence[ChangeRow]) -> list[ChangeRow]:
    """Keep what went to production, and all of a service of which nothing is known to have gone there."""
    live = {row.service for row in rows if place_of(row) == PRODUCTION}
    return [row for row in rows if row.service not in live or place_of(row) == PRODUCTION]


def grouped(reports: Iterable[Statement]) -> list[list[Statement]]:
    """Group reports of phases into changes, each in the order of its instants."""
    places: dict[tuple[str | None, str | None], list[list[Statement]]] = {}
    for report in sorted(reports, key=lambda report: report[0].order):
        event = _change(report[0])
        changes_here = places.setdefault((event.service, event.environment), [])
        if changes_here and _continues(changes_here[-1], report[0]):
            changes_here[-1].append(report)
        else:
            changes_here.append([report])
    return [group for changes_here in places.values() for group in changes_here]


def _change(fact: Effective) -> Change:
    assert isinstance(fact.event, Change)
    return fact.event


def _phase(event: Change) -> str:
    return _PHASES[type(event)]


def _continues(group: list[Statement], fact: Effective) -> bool:
    event, last = _change(fact), _change(group[-1][0])
    if not same_version(last.version, event.version):
        return False
    if any(_is_another_run(report[0], fact) for report in group):
        return False
    if event.occurred_at - last.occurred_at < SAME_WITHIN:
        return True
    # A rollout may take longer than that: its end belongs to its own start.
    of_run = [
        one
        for one in (_change(report[0]) for report in group)
        if (one.source, one.run_id) == (event.source, event.run_id)
    ]
    return _phase(event) != "started" and bool(of_run) and _phase(of_run[-1]) == "started"


def _is_another_run(earlier: Effective, later: Effective) -> bool:
    """Whether one reporter now reports another run: a retry, a second deploy, the way back.

    A reporter reports each phase of a run once, and no phase after its end.
    """
    first, second = _change(earlier), _change(later)
    reporters = [(_change(fact).source, fact.recorded.arrival.reported_by) for fact in (earlier, later)]
    if reporters[0] != reporters[1]:
        return False
    same_phase = _phase(first) == _phase(second)
    if first.run_id and second.run_id:
        if first.run_id != second.run_id:
            return True
        # Queued, then in progress; or reported by webhook and by poll with instants a little apart.
        if same_phase and type(first) is type(second):
            return False
    return same_phase or _phase(first) != "started" or _is_rollback(earlier) != _is_rollback(later)


def steps(reports: Iterable[Statement]) -> list[Step]:
    """Return one step for each phase of each change."""
    found = []
    for group in grouped(reports):
        for same in _phases(group).values():
            shown = _shown(same, group)
            others = tuple(witness for report in same if report is not shown for witness in report[1])
            sources = tuple(sorted({_change(report[0]).source for report in same}))
            found.append(Step(shown[0], shown[1] + others, sources))
    return found


def _phases(group: Iterable[Statement]) -> dict[str, list[Statement]]:
    phases: dict[str, list[Statement]] = {}
    for report in group:
        phases.setdefault(_phase(_change(report[0])), []).append(report)
    if phases.keys() & {"finished", "failed"}:
        phases.pop("interrupted", None)  # somebody knows how it ended
    return phases


def _shown(same: Sequence[Statement], group: Iterable[Statement]) -> Statement:
    """Choose the first report of a phase; where a reporter knew it for a rollback, the first one that did."""
    is_rollback = any(_is_rollback(report[0]) for report in group)
    return next((report for report in same if is_rollback and _is_rollback(report[0])), same[0])


def _is_rollback(fact: Effective) -> bool:
    return isinstance(fact.event, RollbackStarted | RollbackFinished | RollbackFailed | RollbackInterrupted)


def changes(recorded: Iterable[Recorded]) -> list[ChangeRow]:
    """List deploys, rollbacks and merges among these events, as `changes_among` does."""
    return changes_among(not_retracted(recorded))


def changes_among(facts: Iterable[Effective]) -> list[ChangeRow]:
    """List deploys, rollbacks and merges, oldest first.

    A deploy whose version differs from the one before it and equals an earlier one, of the
    same service and environment, is a rollback, whatever its source called it; but what was
    rolled back and is deployed again right after that is a deploy.
    """
    living = list(facts)
    rows = _with_history(
        _row(group)
        for group in grouped(deduplicate(fact for fact in living if isinstance(fact.event, Change)))
    )
    commits = deduplicate(fact for fact in living if isinstance(fact.event, CommitMade))
    merges = [_merge(*commit) for commit in commits if any(_is_merge(witness) for witness in commit[1])]
    return sorted([*rows, *merges], key=lambda row: (row.at, row.event))


def _row(group: list[Statement]) -> ChangeRow:
    facts = [witness for report in group for witness in report[1]]
    shown_of = {phase: _shown(same, group)[0] for phase, same in _phases(group).items()}
    started, finished, failed = (shown_of.get(phase) for phase in ("started", "finished", "failed"))
    interrupted = shown_of.get("interrupted")
    shown = finished or failed or interrupted or shown_of["started"]
    event = _change(shown)
    return ChangeRow(
        event=shown.id,
        kind="rollback" if any(_is_rollback(fact) for fact in facts) else "deploy",
        status=_phase(_change(shown)),
        service=event.service,
        environment=event.environment,
        version=event.version,
        previous_version=None,
        sha=next((sha for fact in facts if (sha := _change(fact).sha)), None),
        started_at=started.event.occurred_at if started else None,
        finished_at=finished.event.occurred_at if finished else None,
        at=event.occurred_at,
        title=event.version,
        evidence=tuple(dict.fromkeys([shown.id, *(fact.id for fact in facts)])),
        sources=tuple(sorted({_change(fact).source for fact in facts})),
        by=next((by for fact in facts if (by := fact.recorded.arrival.reported_by)), None),
        fact=event,
    )


def _with_history(rows: Iterable[ChangeRow]) -> list[ChangeRow]:
    answer = []
    places: dict[tuple[str | None, str | None], _Ran] = {}
    for row in sorted(rows, key=lambda row: (row.at, row.event)):
        ran = places.setdefault((row.service, row.environment), _Ran())
        plain = plain_version(row.version)
        is_back = ran.last is not None and plain != plain_version(ran.last) and plain in ran.earlier
        kind = "rollback" if is_back and plain != ran.rolled_back else row.kind
        answer.append(replace(row, previous_version=ran.last, kind=kind))
        if row.status == "finished":
            ran.rolled_back = plain_version(ran.last) if kind == "rollback" and ran.last else None
            ran.earlier |= {plain_version(ran.last)} if ran.last is not None else set()
            ran.last = row.version
    return answer


@dataclass
class _Ran:
    """What ran in one place: the last version, those before it, and the one that was just rolled back."""

    last: str | None = None
    earlier: set[str] = field(default_factory=set)
    rolled_back: str | None = None


def _is_merge(fact: Effective) -> bool:
    return isinstance(fact.event, CommitMade) and fact.event.is_merge


def _merge(fact: Effective, witnesses: Sequence[Effective]) -> ChangeRow:
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
        evidence=tuple(witness.id for witness in witnesses),
        sources=tuple(sorted({getattr(witness.event, "source", "") for witness in witnesses})),
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
    """Return why a change may have caused an incident: it ended shortly before the start, or was going out then."""
    at = row.finished_at or row.at
    begins = min(row.started_at or at, at)
    before = (started_at - at).total_seconds()
    if row.kind == "merge" or row.status == "failed" or begins > started_at:
        return None
    if before > within.total_seconds():
        return None
    seconds = before if before >= 0 else (started_at - begins).total_seconds()
    return Candidate(incident, seconds, row.kind, before < 0, tuple(moved))
