"""Deploys and rollbacks: reports by several sources of one change are one change, with several witnesses.

Reports on one service, place and version less than fifteen minutes apart, with no other version between, are
one change. `projections.versions` says whether two versions are the same, `projections.places` where a change went.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from projections.deduplication import Statement, deduplicate
from projections.places import PRODUCTION, Production, place_of
from projections.tags import TaggedCommit, Tags, the_one
from projections.versions import UNKNOWN, Version, Versions, same_version
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
from tracker.events.corrections import Effective, Order, not_retracted
from tracker.settings.schema import PRODUCTION_NAMES

SAME_WITHIN = timedelta(minutes=15)
SUSPECT_WITHIN = timedelta(hours=1)
EARLIER_MERGES = timedelta(days=30)
"""Merges are read from so far back; deploys from the beginning, as a rollback is recognized by an earlier version."""

NO_TAGS = Tags()

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
    """Why a change may have caused an incident; `moved` names the metrics that got worse after it, before the next.

    `confounded_by` are the versions whose deploys may have moved them as well. The seconds run from its end; from its beginning where it was still in progress.
    `noticed` says that they run to when the incident was noticed: nobody recorded when it started.
    """

    incident: str
    seconds_before_start: float
    kind: str
    in_progress: bool
    moved: tuple[str, ...] = ()
    confounded_by: tuple[str, ...] = ()
    noticed: bool = False


@dataclass(frozen=True)
class ChangeRow:
    """One deploy, rollback or merge.

    `previous` is what ran there before, as far as the log knows, and `is_again` whether that was the same version.
    `at` is when it finished, else when it failed, else when it began. `place` is where it went, and
    `elsewhere` whether that is not production though other changes of its service went there.
    `order` is that of its event in the one total order. `tagged` is what its version named as a tag, where no
    report names its commit: `sha` where that is one, unknown where the tag was moved around then.
    `is_moving` is whether it names no more than a branch of which nobody knows where it pointed then.
    """

    event: str
    kind: str
    status: str
    service: str | None
    environment: str | None
    version: str
    previous: Version | None
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
    place: str = PRODUCTION
    elsewhere: bool = False
    is_again: bool = False
    order: Order | tuple[()] = ()
    tagged: tuple[TaggedCommit, ...] = ()
    is_moving: bool = False

    @property
    def handle(self) -> str:
        return handle_of(self.event)

    @property
    def previous_version(self) -> str | None:
        return self.previous.version if self.previous else None

    @property
    def began_at(self) -> datetime:
        """When it began to act: its start where that was reported, else its end."""
        end = self.finished_at or self.at
        return min(self.started_at or end, end)


def same_place(first: ChangeRow, second: ChangeRow) -> bool:
    """Whether two changes are of one service in one place."""
    return (first.service, first.place) == (second.service, second.place)


def in_production(rows: Iterable[ChangeRow]) -> list[ChangeRow]:
    """Keep what went to production, and all of a service of which nothing is known to have gone there."""
    return [row for row in rows if not row.elsewhere]


def running(rows: Iterable[ChangeRow], service: str) -> ChangeRow | None:
    """Return the deploy or rollback whose version runs in production; None where none that ended is known."""
    ended = [
        row
        for row in in_production(rows)
        if row.service == service and row.kind != "merge" and row.status == "finished"
    ]
    return max(ended, key=lambda row: row.order, default=None)


def grouped(
    reports: Iterable[Statement], production: Production | None = None, tags: Tags = NO_TAGS
) -> list[list[Statement]]:
    """Group reports of phases into changes, each in the order of its instants."""
    places: dict[tuple[str | None, str], list[list[Statement]]] = {}
    for report in sorted(reports, key=lambda report: report[0].order):
        event = _change(report[0])
        changes_here = places.setdefault((event.service, _place(event, production)), [])
        if changes_here and _continues(changes_here[-1], report[0], tags):
            changes_here[-1].append(report)
        else:
            changes_here.append([report])
    return [group for changes_here in places.values() for group in changes_here]


def _place(event: Change, production: Production | None) -> str:
    return place_of(event.environment, (production or {}).get(event.service, PRODUCTION_NAMES))


def _change(fact: Effective) -> Change:
    assert isinstance(fact.event, Change)
    return fact.event


def _phase(event: Change) -> str:
    return _PHASES[type(event)]


def _continues(group: list[Statement], fact: Effective, tags: Tags) -> bool:
    event, last = _change(fact), _change(group[-1][0])
    if not all(_is_same(_change(report[0]), event, tags) for report in group):
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


def _is_same(first: Change, second: Change, tags: Tags) -> bool:
    """Whether two reports name one version; of one run, its start may name none yet."""
    same_run = first.run_id is not None and (first.source, first.run_id) == (second.source, second.run_id)
    if first.run_id is not None and UNKNOWN in (first.version, second.version):
        return same_run
    if same_run:
        return same_version(first, second)
    if same_version(tags.version(first), tags.version(second)):
        return True
    # Where a branch pointed is read off git; what a source names wins.
    return (tags.is_branch(first) or tags.is_branch(second)) and same_version(first, second)


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


def steps(
    reports: Iterable[Statement], production: Production | None = None, tags: Tags = NO_TAGS
) -> list[Step]:
    """Return one step for each phase of each change."""
    found = []
    for group in grouped(reports, production, tags):
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


def changes(recorded: Iterable[Recorded], production: Production | None = None) -> list[ChangeRow]:
    """List deploys, rollbacks and merges among these events and their tags, as `changes_among` does."""
    return changes_among(not_retracted(recorded), production)


def changes_among(facts: Iterable[Effective], production: Production | None = None) -> list[ChangeRow]:
    """List deploys, rollbacks and merges, oldest first; `production` are the names that services give it.

    A deploy whose version differs from the one before it and equals an earlier one, of the
    same service and place, is a rollback, whatever its source called it; but what was
    rolled back and is deployed again right after that is a deploy.
    """
    living = list(facts)
    tags = Tags(living)
    statements = deduplicate(fact for fact in living if isinstance(fact.event, Change))
    rows = _with_history(_row(group, production, tags) for group in grouped(statements, production, tags))
    live = {row.service for row in rows if row.place == PRODUCTION}
    rows = [
        replace(row, elsewhere=True) if row.service in live and row.place != PRODUCTION else row
        for row in rows
    ]
    commits = deduplicate(fact for fact in living if isinstance(fact.event, CommitMade))
    merges = [_merge(*commit) for commit in commits if any(_is_merge(witness) for witness in commit[1])]
    return sorted([*rows, *merges], key=lambda row: row.order)


def _row(group: list[Statement], production: Production | None, tags: Tags) -> ChangeRow:
    facts = [witness for report in group for witness in report[1]]
    shown_of = {phase: _shown(same, group)[0] for phase, same in _phases(group).items()}
    started, finished, failed = (shown_of.get(phase) for phase in ("started", "finished", "failed"))
    interrupted = shown_of.get("interrupted")
    shown = finished or failed or interrupted or shown_of["started"]
    event = _change(shown)
    sha = next((sha for fact in facts if (sha := _change(fact).sha)), None)
    # A tag that is moved while its version goes out is what it was at the start.
    tagged = next((found for fact in facts if (found := tags.of(_change(fact)))), []) if sha is None else []
    return ChangeRow(
        event=shown.id,
        kind="rollback" if any(_is_rollback(fact) for fact in facts) else "deploy",
        status=_phase(_change(shown)),
        service=event.service,
        environment=event.environment,
        version=event.version,
        previous=None,
        sha=sha or the_one(tagged),
        started_at=started.event.occurred_at if started else None,
        finished_at=finished.event.occurred_at if finished else None,
        at=event.occurred_at,
        title=event.version,
        evidence=tuple(dict.fromkeys([shown.id, *(fact.id for fact in facts)])),
        sources=tuple(sorted({_change(fact).source for fact in facts})),
        by=next((by for fact in facts if (by := fact.recorded.arrival.reported_by)), None),
        fact=event,
        order=shown.order,
        place=_place(event, production),
        tagged=tuple(tagged),
        is_moving=sha is None and not tagged and all(tags.is_branch(_change(fact)) for fact in facts),
    )


def _with_history(rows: Iterable[ChangeRow]) -> list[ChangeRow]:
    answer = []
    places: dict[tuple[str | None, str], _Ran] = {}
    for row in sorted(rows, key=lambda row: row.order):
        ran = places.setdefault((row.service, row.place), _Ran())
        is_known = not row.is_moving
        is_again = is_known and ran.is_known and ran.last is not None and same_version(row, ran.last)
        is_back = is_known and ran.last is not None and not is_again and ran.earlier.has(row)
        is_retry = is_known and ran.rolled_back is not None and same_version(row, ran.rolled_back)
        kind = "rollback" if is_back and not is_retry else row.kind
        known = ran.last if ran.last and (ran.last.version != UNKNOWN or ran.last.sha) else None
        answer.append(replace(row, previous=known, kind=kind, is_again=is_again))
        if row.status == "finished":
            ran.rolled_back = ran.last if kind == "rollback" and ran.is_known else None
            if ran.last is not None and ran.is_known:
                ran.earlier.add(ran.last)
            ran.last, ran.is_known = Version(row.version, row.sha), is_known
    return answer


@dataclass
class _Ran:
    """What ran in one place: the last version, those before it, and the one that was just rolled back.

    The last one is not known where it is a branch that moves: then it is compared with nothing.
    """

    last: Version | None = None
    is_known: bool = True
    earlier: Versions = field(default_factory=Versions)
    rolled_back: Version | None = None


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
        previous=None,
        sha=event.sha,
        started_at=None,
        finished_at=event.occurred_at,
        at=event.occurred_at,
        title=event.subject_line,
        evidence=tuple(witness.id for witness in witnesses),
        sources=tuple(sorted({getattr(witness.event, "source", "") for witness in witnesses})),
        by=event.author or None,
        fact=event,
        order=fact.order,
    )


def candidate(
    row: ChangeRow,
    incident: str,
    started_at: datetime,
    *,
    within: timedelta = SUSPECT_WITHIN,
    noticed: bool = False,
    moved: Mapping[str, Sequence[str]] | None = None,
) -> Candidate | None:
    """Return why a change may have caused an incident: it ended shortly before the start, or was going out then.

    What went elsewhere than to production did not. `moved` are the metrics that it moved, with what confounds that.
    """
    at = row.finished_at or row.at
    before = (started_at - at).total_seconds()
    if row.kind == "merge" or row.status == "failed" or row.elsewhere or row.began_at > started_at:
        return None
    if before > within.total_seconds():
        return None
    seconds = before if before >= 0 else (started_at - row.began_at).total_seconds()
    confounders = dict.fromkeys(version for versions in (moved or {}).values() for version in versions)
    return Candidate(incident, seconds, row.kind, before < 0, tuple(moved or ()), tuple(confounders), noticed)
