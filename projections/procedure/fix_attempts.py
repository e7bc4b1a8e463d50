"""Which deploy was the fix, what else was tried, and what the verdicts say of each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from projections.comparison import WINDOWS, answering, exit_code
from projections.once import once
from projections.procedure.deploys import rows_in_life
from projections.procedure.rule import Evidence
from projections.reason import Reason
from projections.the_fix import Fix, considered, fixed_link, is_over, last_so_far, lasting, the_fix
from projections.versions import same_version
from tracker.events.corrections import Effective
from tracker.events.verdicts import VerdictsGiven
from tracker.incident import Status

_NONE_YET = ("pending", "no_data")


def no_procedure_needed(evidence: Evidence) -> str | None:
    """Return why the procedure does not apply to an incident at all; None where it does."""
    if evidence.incident.resolution == "false-alarm":
        return "false_alarm"
    return "merged_into" if evidence.incident.status is Status.MERGED else None


@once
def no_fix_needed(evidence: Evidence) -> str | None:
    """Return why no fix is asked for; None where one is."""
    incident = evidence.incident
    linked = any(fixed_link(incident, row) for row in possible_fixes(evidence))
    if incident.resolution == "went-away" and not linked:
        return "went_away"
    return no_procedure_needed(evidence)


@once
def possible_fixes(evidence: Evidence) -> list[ChangeRow]:
    """Return the changes that may have been meant to end it."""
    return considered(evidence.incident, rows_in_life(evidence))


def attempts(evidence: Evidence) -> list[ChangeRow]:
    """Return the deploys, finished or failed, between the first detection and the end, also those before a relapse."""
    ends = evidence.incident.ends_at
    return [
        row
        for row in possible_fixes(evidence)
        if row.kind == "deploy"
        and row.status in ("finished", "failed")
        and row.at >= evidence.detected_at
        and (ends is None or row.at <= ends)
    ]


@once
def deployed_fixes(evidence: Evidence) -> list[ChangeRow]:
    """Return what was deployed as a fix, the first one first: what held, and what did not and was rolled back.

    A version that ran already and is only deployed again is none.
    """
    tried = [row for row in attempts(evidence) if row.status == "finished" and not row.is_again]
    fix = fix_of(evidence)
    if fix is not None and fix.row.kind == "deploy" and not any(same_version(row, fix.row) for row in tried):
        tried.append(fix.row)
    return tried


@once
def fix_of(evidence: Evidence) -> Fix | None:
    """Return the fix; None where the log knows of none.

    While the incident is open, the last deploy counts as the fix unless it was rolled back or did not help.
    """
    incident, since = evidence.incident, evidence.burns_since
    rows = lasting(possible_fixes(evidence), evidence.back_at)
    fix = the_fix(incident, rows, since)
    if fix is not None or is_over(incident):
        return fix
    last = last_so_far(incident, rows, since)
    if last is None or last.kind == "rollback" or outcome(evidence, last, "10m").failed:
        return None
    return Fix(last, so_far=True)


def fix_or_rollout(evidence: Evidence) -> Fix | None:
    """Return the fix, or the deploy that goes on while there is none for good."""
    fix = fix_of(evidence)
    since = evidence.burns_since if evidence.back_at is not None else evidence.incident.begins_at
    since = fix.at if fix is not None else since
    going = [
        row
        for row in possible_fixes(evidence)
        if row.kind == "deploy" and row.status == "started" and row.at >= since
    ]
    lasts = fix is not None and not fix.so_far
    return Fix(going[-1], so_far=True) if going and not lasts else fix


def last_try(evidence: Evidence) -> ChangeRow | None:
    """Return the deploy of the fix, else, where none held or a rollback ended it, the last one that was tried."""
    fix = fix_of(evidence)
    if fix is not None and fix.row.kind == "deploy":
        return fix.row
    done = [row for row in lasting(attempts(evidence), evidence.back_at) if row.status == "finished"]
    return done[-1] if done else None


@dataclass(frozen=True)
class Outcome:
    """What the verdicts of one window after one change come to; `code` is that of a watch.

    0 is back to normal or better, 6 worse, 7 not better, 8 unknown; None is no verdict yet.
    `verdicts` are (metric, verdict), `reasons` those of each metric why there is none yet. `failed` says that the change
    has to be rolled back: something is worse, or as degraded as before it.
    """

    code: int | None
    ends_at: datetime
    verdicts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[Reason, ...], ...] = ()
    evidence: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True)
class _Recorded:
    """A verdict as it was recorded, in the shape of one that is judged now."""

    metric: str
    baseline: str
    verdict: str
    strength: float | None
    event: str | None
    reasons: tuple[Reason, ...]


def outcome(evidence: Evidence, change: ChangeRow, window: str) -> Outcome:
    """Sum up the verdicts of a window: as judged now, else as they were recorded."""
    ends_at = (change.finished_at or change.at) + timedelta(seconds=WINDOWS[window])
    rows = [
        _Recorded(row.metric, row.baseline, row.verdict, row.strength, row.event, row.reasons)
        for row in evidence.verdicts
        if row.change in change.evidence and row.window == window
    ] or _recorded(evidence, change, window)
    if not rows:
        return Outcome(None, ends_at)
    events = tuple(dict.fromkeys(row.event for row in rows if row.event))
    answers = answering(rows)
    verdicts = tuple((row.metric, row.verdict) for row in answers)
    if all(row.verdict in _NONE_YET for row in answers):
        reasons = tuple(row.reasons for row in answers if row.reasons)
        return Outcome(None, ends_at, verdicts, reasons, events)
    code = exit_code(rows)
    moved = {row.verdict for row in rows}
    if code == 8 and not any(row.baseline == "healthy" for row in rows):
        code = 0 if "improved" in moved and moved <= {"improved", "unchanged"} else 8
    failed = code == 6 or (code == 7 and any(row.verdict == "still_degraded" for row in answers))
    return Outcome(code, ends_at, verdicts, (), events, failed)


def _recorded(evidence: Evidence, change: ChangeRow, window: str) -> list[_Recorded]:
    last: dict[tuple[str, str], _Recorded] = {}
    for given in sorted(verdicts_of(evidence, change, window), key=lambda fact: fact.recorded.position):
        assert isinstance(given.event, VerdictsGiven)
        for one in given.event.verdicts:
            reasons = (Reason("judged", {"text": one.reason}),) if one.reason else ()
            last[one.metric, one.baseline] = _Recorded(
                one.metric, one.baseline, one.verdict, one.strength, given.id, reasons
            )
    return list(last.values())


def verdicts_of(evidence: Evidence, change: ChangeRow, window: str) -> list[Effective]:
    """Return the verdicts that were recorded when a window closed, oldest first."""
    return [
        fact
        for fact in evidence.of(VerdictsGiven)
        if isinstance(fact.event, VerdictsGiven)
        and fact.event.change in change.evidence
        and fact.event.window == window
    ]
