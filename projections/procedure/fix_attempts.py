"""Which deploy was the fix, what else was tried, and what the verdicts say of each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from projections.comparison import WINDOWS
from projections.procedure.rule import Evidence, Ruled
from projections.procedure.rule import Status as Answer
from projections.the_fix import Fix, considered, fixed_link, is_over, last_so_far, the_fix
from reports.wording.verdict_phrases import PHRASES, asked, exit_code
from tracker.events.corrections import Effective
from tracker.events.verdicts import VerdictsGiven
from tracker.incident import Status

_NONE_YET = ("pending", "no_data")


def aside(evidence: Evidence) -> str | None:
    """Say why the procedure does not apply to an incident at all; None where it does."""
    incident = evidence.incident
    if incident.resolution == "false-alarm":
        return "it was a false alarm"
    if incident.status is Status.MERGED:
        return f"it goes on as {incident.merged_into}"
    return None


def meant(evidence: Evidence) -> list[ChangeRow]:
    """Return the changes that may have been meant to end it; looked for once, for many rules ask."""
    if "meant" not in evidence.computed:
        evidence.computed["meant"] = considered(evidence.incident, evidence.changes)
    kept: list[ChangeRow] = evidence.computed["meant"]
    return kept


def no_fix(evidence: Evidence) -> str | None:
    """Say why no fix is asked for; None where one is."""
    incident = evidence.incident
    linked = any(fixed_link(incident, row) for row in meant(evidence))
    if incident.resolution == "went-away" and not linked:
        return "it went away without a fix"
    return aside(evidence)


def tried(evidence: Evidence) -> list[ChangeRow]:
    """Return the deploys, finished or failed, between detection and the end."""
    ends = evidence.incident.ends_at
    return [
        row
        for row in meant(evidence)
        if row.kind == "deploy"
        and row.status != "started"
        and row.at >= evidence.detected_at
        and (ends is None or row.at <= ends)
    ]


def fix_of(evidence: Evidence) -> Fix | None:
    """Return the fix; None where the log knows of none.

    While it burns, the last deploy is taken for it unless it was rolled back or did not help.
    """
    if "fix" not in evidence.computed:
        evidence.computed["fix"] = _fix_of(evidence)
    kept: Fix | None = evidence.computed["fix"]
    return kept


def _fix_of(evidence: Evidence) -> Fix | None:
    incident, detected = evidence.incident, evidence.detected_at
    found = the_fix(incident, meant(evidence), detected)
    if found is not None or is_over(incident):
        return found
    last = last_so_far(incident, meant(evidence), detected)
    if last is None or last.kind == "rollback" or outcome(evidence, last, "10m").failed:
        return None
    return Fix(last, so_far=True)


def last_try(evidence: Evidence) -> ChangeRow | None:
    """Return the deploy of the fix, else, where none held or a rollback ended it, the last one that was tried."""
    fix = fix_of(evidence)
    if fix is not None and fix.row.kind == "deploy":
        return fix.row
    done = [row for row in tried(evidence) if row.status == "finished"]
    return done[-1] if done else None


@dataclass(frozen=True)
class Outcome:
    """What the verdicts of one window after one change come to; `code` is that of a watch.

    0 is back to normal or better, 6 worse, 7 not better, 8 cannot be told; None is no verdict yet.
    `failed` says that the change has to be taken back: something is worse, or as degraded as before it.
    """

    code: int | None
    says: str
    ends_at: datetime
    evidence: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True)
class _Read:
    """A verdict as it was recorded, in the shape of one that is judged now."""

    metric: str
    baseline: str
    verdict: str
    strength: float | None
    event: str | None
    reason: str | None


def outcome(evidence: Evidence, change: ChangeRow, window: str) -> Outcome:
    """Sum up the verdicts of a window: as judged now, else as they were recorded."""
    ends_at = (change.finished_at or change.at) + timedelta(seconds=WINDOWS[window])
    mine = [row for row in evidence.verdicts if row.change in change.evidence and row.window == window]
    rows = [_Read(r.metric, r.baseline, r.verdict, r.strength, r.event, r.reason) for r in mine]
    rows = rows or _recorded(evidence, change, window)
    named = tuple(dict.fromkeys(row.event for row in rows if row.event))
    if not rows:
        return Outcome(None, "no verdict was given", ends_at)
    questions = asked(rows)
    groups: dict[str, list[str]] = {}
    for row in sorted(questions, key=lambda each: list(PHRASES).index(each.verdict)):
        groups.setdefault(PHRASES[row.verdict], []).append(row.metric)
    says = "; ".join(f"{', '.join(dict.fromkeys(who))} {phrase}" for phrase, who in groups.items())
    if all(row.verdict in _NONE_YET for row in questions):
        reasons = dict.fromkeys(row.reason.rstrip(".") for row in questions if row.reason)
        return Outcome(None, f"{says} ({'; '.join(reasons)})" if reasons else says, ends_at, named)
    code = exit_code(rows)
    moved = {row.verdict for row in rows}
    if code == 8 and not any(row.baseline == "healthy" for row in rows):
        code = 0 if "improved" in moved and moved <= {"improved", "unchanged"} else 8
    failed = code == 6 or (code == 7 and any(row.verdict == "still_degraded" for row in questions))
    return Outcome(code, says, ends_at, named, failed)


def _recorded(evidence: Evidence, change: ChangeRow, window: str) -> list[_Read]:
    last: dict[tuple[str, str], _Read] = {}
    for given in sorted(verdicts_of(evidence, change, window), key=lambda each: each.recorded.position):
        assert isinstance(given.event, VerdictsGiven)
        for one in given.event.verdicts:
            last[one.metric, one.baseline] = _Read(
                one.metric, one.baseline, one.verdict, one.strength, given.id, one.reason
            )
    return list(last.values())


def verdicts_of(evidence: Evidence, change: ChangeRow, window: str) -> list[Effective]:
    """Return what was said when a window closed, oldest first."""
    return [
        each
        for each in evidence.of(VerdictsGiven)
        if isinstance(each.event, VerdictsGiven)
        and each.event.change in change.evidence
        and each.event.window == window
    ]


def fix_or_not(evidence: Evidence, rule: str, expected: str) -> tuple[Fix | None, Ruled]:
    """Return the fix, or what a rule about it answers where there is none."""
    off = no_fix(evidence)
    if off is not None:
        return None, Ruled(rule, Answer.NOT_APPLICABLE, expected, None, f"There was no fix: {off}.")
    says = "No deploy of a fix is recorded."
    return fix_of(evidence), Ruled(rule, Answer.UNKNOWN, expected, None, says)
