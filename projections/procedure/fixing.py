"""Was the fix tested, out in time, proven to help, and taken back where it did not?"""

import re
from collections.abc import Sequence
from datetime import timedelta

from projections.changes import ChangeRow, same_version
from projections.fix import Fix, place_of
from projections.procedure.fixes import fix_of, no_fix, told, tried
from projections.procedure.rule import Evidence, Ruled, Status
from projections.procedure.telling import is_open, since, spoken_limit, told_live
from tracker.events.changes import (
    BranchSeen,
    Change,
    CommitMade,
    ReleaseCreated,
    TestsFinished,
    VersionReleased,
    VersionTagged,
)
from tracker.events.corrections import Effective
from tracker.times import spoken

_SHORTEST_SHA = 7
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
TYPED = "run"
"""The source of what `tracker run` saw: there the last run counts, whatever its command was."""


def same_commit(one: str, other: str) -> bool:
    """Whether two hashes, either of them perhaps shortened, name one commit."""
    short = min(len(one), len(other))
    return short >= _SHORTEST_SHA and one[:short].lower() == other[:short].lower()


def deployed_sha(evidence: Evidence, row: ChangeRow) -> tuple[str, tuple[str, ...]] | None:
    """Return the commit that a deploy put out, and the events that say so.

    The deploy's own word, else its version's tag, else what a release tool said, else the last
    that was seen of the branch of that version before the deploy, else a version that is a hash.
    """
    if row.sha:
        return row.sha, row.evidence
    before = row.started_at or row.at
    mine = [each for each in evidence.facts if getattr(each.event, "service", None) == row.service]
    for kinds in ((VersionTagged,), (VersionReleased, ReleaseCreated), (BranchSeen,)):
        named = [each for each in mine if isinstance(each.event, kinds) and _of_version(each, row.version)]
        named = [
            each
            for each in named
            if isinstance(each.event, VersionTagged) or each.event.occurred_at <= before
        ]
        found = max(named, key=lambda each: each.order, default=None)
        sha = getattr(found.event, "sha", None) if found else None
        if found is not None and sha:
            return sha, (found.id,)
    hashed = row.version.rsplit("@", 1)[-1]
    for each in mine:
        if isinstance(each.event, CommitMade) and same_commit(each.event.sha, hashed):
            return each.event.sha, (each.id,)
    return (hashed, row.evidence) if _SHA.fullmatch(hashed) else None


def _of_version(fact: Effective, version: str) -> bool:
    event = fact.event
    name = (
        event.version if isinstance(event, VersionReleased | ReleaseCreated) else getattr(event, "name", "")
    )
    return same_version(name.rsplit("/", 1)[-1], version)


def tested_before_deploy(evidence: Evidence) -> Ruled:
    """Ask for a green run of the deployed commit that ended before the deploy began."""
    name, expected = "tested_before_deploy", "a green run of the commit before its deploy"
    fix, early = _fix(evidence, name, expected)
    if fix is None:
        return early
    row = fix.row
    if row.kind == "rollback":
        says = f"{row.version} was put back, and had run before: nothing new went out."
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, says, row.evidence)
    if isinstance(row.fact, Change) and row.fact.dirty:
        says = f"{row.version} went out of a clone with uncommitted changes: no run tested that."
        return Ruled(name, Status.UNKNOWN, expected, None, says, row.evidence)
    sha = deployed_sha(evidence, row)
    if sha is None:
        says = (
            f"Nothing says which commit {row.version} is: no deploy, tag or branch of it names one; "
            f"tracker amend {row.event[-7:]} --set sha=SHA --why …"
        )
        return Ruled(name, Status.UNKNOWN, expected, None, says, row.evidence)
    return _tested(evidence, fix, *sha, name, expected)


def _tested(
    evidence: Evidence, fix: Fix, sha: str, named_by: tuple[str, ...], name: str, expected: str
) -> Ruled:
    row, short = fix.row, sha[:7]
    begins = row.started_at or row.at
    runs = [
        (each, each.event)
        for each in evidence.of(TestsFinished)
        if isinstance(each.event, TestsFinished) and each.event.service == row.service
    ]
    mine = [each for each in runs if each[1].sha and same_commit(each[1].sha, sha) and not each[1].dirty]
    before = [each for each in mine if each[1].occurred_at <= begins]
    last = {(one.source, "" if one.source == TYPED else one.command): (each, one) for each, one in before}
    red = [(each, one) for each, one in last.values() if one.exit_code != 0]
    base = tuple(dict.fromkeys((*named_by, *row.evidence)))
    if red:
        what = " and ".join(dict.fromkeys(f"{one.command!r}" for _, one in red))
        told_ = f"{what} failed for {short}"
        says = f"The last run of {what} before the deploy failed for {short}, and {row.version} went out all the same."
        return Ruled(name, Status.MISSED, expected, told_, says, (*(each.id for each, _ in red), *base))
    if last:
        ids = tuple(each.id for each, _ in last.values())
        newest = max(one.occurred_at for _, one in last.values())
        ahead = spoken((begins - newest).total_seconds())
        what = " and ".join(dict.fromkeys(f"{one.command!r}" for _, one in last.values()))
        told_ = f"{what} passed for {short}, {ahead} before the deploy"
        return Ruled(name, Status.MET, expected, told_, f"{told_}.", (*ids, *base))
    if mine:
        first, event = mine[0]
        if event.exit_code != 0:
            says = (
                f"{event.command!r} failed for {short} after {row.version} had gone out; nothing ran before."
            )
            return Ruled(
                name, Status.MISSED, expected, f"{event.command!r} failed afterwards", says, (first.id, *base)
            )
        late = (event.occurred_at - begins).total_seconds()
        told_ = f"{event.command!r} passed for {short}, {spoken(late)} after the deploy began"
        return Ruled(
            name,
            Status.LATE,
            expected,
            told_,
            f"{told_}.",
            (first.id, *base),
            late_seconds=late,
        )
    other = _others(evidence, runs, sha)
    says = f"No test run of {short} ({row.version}) is recorded{other}."
    return Ruled(name, Status.UNKNOWN, expected, None, says, base)


def _others(evidence: Evidence, runs: Sequence[tuple[Effective, TestsFinished]], sha: str) -> str:
    """Say what was tested instead: a run on another commit, or with uncommitted changes, shows nothing of this one."""
    since_then = [one for _, one in runs if one.occurred_at >= evidence.detected_at]
    dirty = sum(one.dirty for one in since_then if one.sha and same_commit(one.sha, sha))
    if dirty:
        return f"; {dirty} had uncommitted changes and {'does' if dirty == 1 else 'do'} not count"
    shas = dict.fromkeys(one.sha[:7] for one in since_then if one.sha)
    return f"; {', '.join(shas)} was tested, which is another commit" if shas else ""


def deployed_in_time(evidence: Evidence) -> Ruled:
    """Ask for the fix to be out soon after the detection."""
    name, limit = "deployed_in_time", evidence.procedure.fix_deployed_within
    expected = f"the fix deployed within {spoken_limit(limit)}"
    due = evidence.detected_at + limit
    off = no_fix(evidence)
    if off is not None:
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, f"No fix had to go out: {off}.")
    fix = fix_of(evidence)
    if fix is not None:
        took = (fix.at - evidence.detected_at).total_seconds()
        told_ = f"{fix.name} was out {spoken(took)} after {since(evidence)}"
        if took < 0:
            told_ = f"{fix.name} was out {spoken(-took)} before {since(evidence)}"
        late = (fix.at - due).total_seconds()
        if late > 0:
            says = f"{told_}, {spoken(late)} late."
            return Ruled(name, Status.LATE, expected, told_, says, fix.evidence, late_seconds=late)
        return Ruled(name, Status.MET, expected, told_, f"{told_}.", fix.evidence)
    due_at = todo = None
    if is_open(evidence) and told_live(evidence):
        due_at, todo = due, f"tracker run deploy {evidence.incident.services[0]} VERSION -- COMMAND"
    failed = tried(evidence)
    if failed and evidence.now > due:
        versions = ", ".join(dict.fromkeys(row.version for row in failed))
        says = f"What was tried did not hold ({versions}), and no other fix was out in time."
        ids = tuple(each for row in failed for each in row.evidence)
        return Ruled(
            name, Status.MISSED, expected, f"{versions} did not hold", says, ids, due_at=due_at, todo=todo
        )
    says = "No deploy of a fix is recorded."
    return Ruled(name, Status.UNKNOWN, expected, None, says, due_at=due_at, todo=todo)


def verified(evidence: Evidence) -> Ruled:
    """Ask what the metrics did in the ten minutes after the fix."""
    name, expected = "verified", "back to normal 10 minutes after the fix"
    fix, early = _fix(evidence, name, expected)
    if fix is None:
        return early
    found = told(evidence, fix.row, "10m")
    ids = (*found.evidence, *fix.evidence)
    says = f"10 minutes after {fix.row.version}: {found.says}."
    if found.code == 0:
        return Ruled(name, Status.MET, expected, found.says, says, ids)
    if found.code in (6, 7):
        return Ruled(name, Status.MISSED, expected, found.says, says, ids)
    waits = found.code is None and evidence.now < found.ends_at + timedelta(minutes=5)
    if found.code is None and not found.evidence and not waits:
        says = f"{says.rstrip('.')}; tracker collect {evidence.incident.id}"
    return Ruled(
        name,
        Status.UNKNOWN,
        expected,
        found.says if found.evidence else None,
        says,
        ids,
        due_at=found.ends_at if waits else None,
        todo=f"tracker watch {evidence.incident.id}" if waits else None,
    )


def rolled_back_when_not_fixed(evidence: Evidence) -> Ruled:
    """Ask for a rollback, or a newer fix, after each deploy whose ten minutes showed that it did not help."""
    name = "rolled_back_when_not_fixed"
    expected = "a rollback where a fix did not help"
    off = no_fix(evidence)
    if off is not None:
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, f"There was no fix to take back: {off}.")
    attempts = [row for row in tried(evidence) if row.status == "finished"]
    fix = fix_of(evidence)
    if fix is not None and fix.row.kind == "deploy" and fix.row.event not in {row.event for row in attempts}:
        attempts.append(fix.row)
    if not attempts:
        says = "No deploy of a fix is recorded, so whether one had to be taken back is not known."
        return Ruled(name, Status.UNKNOWN, expected, None, says)
    outcomes = [(row, told(evidence, row, "10m")) for row in attempts]
    bad = [(row, found) for row, found in outcomes if found.failed]
    answers = [(row, found, _next(evidence, row)) for row, found in bad]
    left = [(row, found) for row, found, follower in answers if follower is None]
    ids = tuple(
        dict.fromkeys(
            each
            for row, found, follower in answers
            for each in (*found.evidence, *row.evidence, *(follower.evidence if follower else ()))
        )
    )
    if left:
        row, found = left[0]
        todo = f"tracker run rollback {row.service}" if is_open(evidence) else None
        says = f"10 minutes after {row.version}: {found.says}; no rollback and no newer deploy is recorded."
        return Ruled(
            name,
            Status.MISSED,
            expected,
            "no rollback is recorded",
            says,
            ids,
            due_at=found.ends_at if todo else None,
            todo=todo,
        )
    if bad:
        followers = [follower for _, _, follower in answers if follower is not None]
        told_ = "; ".join(_followed(row, follower) for (row, _), follower in zip(bad, followers, strict=True))
        return Ruled(name, Status.MET, expected, told_, f"{told_}.", ids)
    open_ones = [row for row, found in outcomes if found.code in (None, 8)]
    ids = tuple(dict.fromkeys(each for row, found in outcomes for each in (*found.evidence, *row.evidence)))
    if open_ones:
        versions = ", ".join(dict.fromkeys(row.version for row in open_ones))
        says = f"Whether {versions} helped cannot be told from its 10 minutes."
        return Ruled(name, Status.UNKNOWN, expected, None, says, ids)
    says = "No fix was worse or without effect after 10 minutes: none had to be taken back."
    return Ruled(name, Status.NOT_APPLICABLE, expected, None, says, ids)


def _next(evidence: Evidence, row: ChangeRow) -> ChangeRow | None:
    """Return the rollback, or the deploy of another version, that came after one."""
    ends = evidence.incident.ends_at
    later = [
        each
        for each in evidence.changes
        if (ends is None or each.at <= ends)
        and each.kind != "merge"
        and each.status == "finished"
        and (each.service, place_of(each)) == (row.service, place_of(row))
        and each.at > row.at
        and not same_version(each.version, row.version)
    ]
    return min(later, key=lambda each: each.at, default=None)


def _followed(row: ChangeRow, follower: ChangeRow) -> str:
    what = (
        f"rolled back to {follower.version}"
        if follower.kind == "rollback"
        else f"replaced by {follower.version}"
    )
    return f"{row.version} was {what} {spoken((follower.at - row.at).total_seconds())} after it went out"


def _fix(evidence: Evidence, name: str, expected: str) -> tuple[Fix | None, Ruled]:
    """Return the fix, or what a rule about it answers where there is none."""
    off = no_fix(evidence)
    if off is not None:
        return None, Ruled(name, Status.NOT_APPLICABLE, expected, None, f"There was no fix: {off}.")
    says = "No deploy of a fix is recorded."
    return fix_of(evidence), Ruled(name, Status.UNKNOWN, expected, None, says)
