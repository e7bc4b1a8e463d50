"""Was the fix tested, out in time, proven to help, and taken back where it did not?"""

from datetime import timedelta

from projections.changes import ChangeRow, same_version
from projections.procedure.communication import is_open, since, spoken_limit, told_live
from projections.procedure.fix_attempts import fix_of, fix_or_not, no_fix, outcome, tried
from projections.procedure.rule import Evidence, Ruled, Status
from projections.procedure.versions import next_version
from projections.the_fix import place_of
from tracker.times import spoken


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
        service = (evidence.incident.services or ("SERVICE",))[0]
        due_at, todo = due, f"tracker run deploy {service} {next_version(evidence)} -- COMMAND"
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
    fix, early = fix_or_not(evidence, name, expected)
    if fix is None:
        return early
    found = outcome(evidence, fix.row, "10m")
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
    outcomes = [(row, outcome(evidence, row, "10m")) for row in attempts]
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
    untold = [row for row, found in outcomes if found.code in (None, 8)]
    undone = [(row, back) for row in untold if (back := _next(evidence, row)) and back.kind == "rollback"]
    open_ones = [row for row in untold if row.event not in {taken.event for taken, _ in undone}]
    ids = tuple(dict.fromkeys(each for row, found in outcomes for each in (*found.evidence, *row.evidence)))
    if open_ones:
        versions = ", ".join(dict.fromkeys(row.version for row in open_ones))
        says = f"Whether {versions} helped cannot be told from its 10 minutes."
        return Ruled(name, Status.UNKNOWN, expected, None, says, ids)
    if undone:
        # Who takes a change back without waiting for its ten minutes saw enough.
        told_ = "; ".join(_followed(row, back) for row, back in undone)
        ids = tuple(dict.fromkeys(each for row, back in undone for each in (*back.evidence, *row.evidence)))
        return Ruled(name, Status.MET, expected, told_, f"{told_}.", ids)
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
