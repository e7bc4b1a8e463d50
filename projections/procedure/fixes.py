"""Which deploy was the fix, what else was tried, and what the verdicts say of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from projections.durations import recovered_at
from projections.procedure.rule import Evidence, Ruled
from projections.procedure.rule import Status as Answer
from projections.verdicts.windows import WINDOWS
from projections.verdicts.words import PHRASES, asked, exit_code
from tracker.events.corrections import Effective
from tracker.events.verdicts import VerdictsGiven
from tracker.incident import Link, Status

PRODUCTION = "production"
_NONE_YET = ("pending", "no_data")


@dataclass(frozen=True)
class Fix:
    """The change that ended it: linked as fixed by a person, else the last one before all was back.

    `link` is the person's word for it. `so_far` says that it is only the last one up to now.
    """

    row: ChangeRow
    link: Link | None = None
    so_far: bool = False

    @property
    def at(self) -> datetime:
        """When it began to take all traffic."""
        return self.row.finished_at or self.row.at

    @property
    def evidence(self) -> tuple[str, ...]:
        """The events that tell of it."""
        said = (self.link.event,) if self.link else ()
        return (*self.row.evidence, *said)

    @property
    def name(self) -> str:
        """How a sentence names it, and why it counts as the fix."""
        back = self.row.kind == "rollback"
        what = f"The rollback to {self.row.version}" if back else self.row.version
        if self.link is not None:
            return what
        last = "the last change" if back else "the last deploy"
        return f"{what}, {last} so far," if self.so_far else f"{what}, {last} before all was back,"


def aside(evidence: Evidence) -> str | None:
    """Say why the procedure does not apply to an incident at all; None where it does."""
    incident = evidence.incident
    if incident.resolution == "false-alarm":
        return "it was a false alarm"
    if incident.status is Status.MERGED:
        return f"it goes on as {incident.merged_into}"
    return None


def no_fix(evidence: Evidence) -> str | None:
    """Say why no fix is asked for; None where one is."""
    if evidence.incident.resolution == "went-away" and not _linked(evidence, considered(evidence)):
        return "it went away without a fix"
    return aside(evidence)


def considered(evidence: Evidence) -> list[ChangeRow]:
    """Return the deploys and rollbacks that may have been meant to end it, oldest first.

    What people took out of the incident, dismissed or named its cause is none; neither is what went
    somewhere else than to production, where anything did.
    """
    if "considered" not in evidence.computed:
        evidence.computed["considered"] = _considered(evidence)
    kept: list[ChangeRow] = evidence.computed["considered"]
    return kept


def _considered(evidence: Evidence) -> list[ChangeRow]:
    links, services = evidence.incident.links, evidence.incident.services
    found = []
    for row in evidence.changes:
        said = [links[each] for each in row.evidence if each in links]
        out = any(not link.linked or link.role in ("dismissed", "caused") for link in said)
        if row.kind != "merge" and row.service in services and not out:
            found.append(row)
    production = [row for row in found if place_of(row) == PRODUCTION or _link(evidence, row)]
    return production or found


def place_of(row: ChangeRow) -> str:
    """Say where a change went; tools call production by several names: prod, Production, prod-eu."""
    environment = (row.environment or "").lower()
    return PRODUCTION if environment.startswith("prod") else environment


def tried(evidence: Evidence) -> list[ChangeRow]:
    """Return the deploys, finished or failed, between detection and the end."""
    ends = evidence.incident.ends_at
    return [
        row
        for row in considered(evidence)
        if row.kind == "deploy"
        and row.status != "started"
        and row.at >= evidence.detected_at
        and (ends is None or row.at <= ends)
    ]


def fix_of(evidence: Evidence) -> Fix | None:
    """Return the fix; None where the log knows of none.

    While it burns, the last deploy is taken for it unless it was rolled back or did not help.
    """
    rows = [row for row in considered(evidence) if row.finished_at is not None]
    said = _linked(evidence, rows)
    if said:
        return Fix(said[0], _link(evidence, said[0]))
    over = recovered_at(evidence.incident) or evidence.incident.ends_at
    later = [row for row in rows if row.finished_at and row.finished_at >= evidence.detected_at]
    if over is not None:
        later = [row for row in later if row.finished_at and row.finished_at <= over]
        return Fix(later[-1]) if later else None
    if not later or later[-1].kind == "rollback" or told(evidence, later[-1], "10m").failed:
        return None
    return Fix(later[-1], so_far=True)


def _linked(evidence: Evidence, rows: Iterable[ChangeRow]) -> list[ChangeRow]:
    return [row for row in rows if _link(evidence, row) is not None]


def _link(evidence: Evidence, row: ChangeRow) -> Link | None:
    links = evidence.incident.links
    found = [links[each] for each in row.evidence if each in links]
    return next((link for link in found if link.linked and link.role == "fixed"), None)


@dataclass(frozen=True)
class Told:
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


def told(evidence: Evidence, change: ChangeRow, window: str) -> Told:
    """Sum up the verdicts of a window: as judged now, else as they were recorded."""
    ends_at = (change.finished_at or change.at) + timedelta(seconds=WINDOWS[window])
    mine = [row for row in evidence.verdicts if row.change in change.evidence and row.window == window]
    rows = [_Read(r.metric, r.baseline, r.verdict, r.strength, r.event, r.reason) for r in mine]
    rows = rows or _recorded(evidence, change, window)
    named = tuple(dict.fromkeys(row.event for row in rows if row.event))
    if not rows:
        return Told(None, "no verdict was given", ends_at)
    questions = asked(rows)
    groups: dict[str, list[str]] = {}
    for row in sorted(questions, key=lambda each: list(PHRASES).index(each.verdict)):
        groups.setdefault(PHRASES[row.verdict], []).append(row.metric)
    says = "; ".join(f"{', '.join(dict.fromkeys(who))} {phrase}" for phrase, who in groups.items())
    if all(row.verdict in _NONE_YET for row in questions):
        reasons = dict.fromkeys(row.reason.rstrip(".") for row in questions if row.reason)
        return Told(None, f"{says} ({'; '.join(reasons)})" if reasons else says, ends_at, named)
    code = exit_code(rows)
    moved = {row.verdict for row in rows}
    if code == 8 and not any(row.baseline == "healthy" for row in rows):
        code = 0 if "improved" in moved and moved <= {"improved", "unchanged"} else 8
    failed = code == 6 or (code == 7 and any(row.verdict == "still_degraded" for row in questions))
    return Told(code, says, ends_at, named, failed)


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
