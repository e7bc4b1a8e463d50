"""The few rows of a timeline that carry the story of an incident, by the rule in docs/report.md.

The whole timeline loses nothing by it: what is no key moment is a row there all the same.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.duration import Duration
from projections.points import Point
from projections.timeline_rows import Entry
from tracker.events.alerts import AlertFired
from tracker.events.changes import DeployFinished, RollbackFailed, RollbackFinished
from tracker.events.incidents import (
    IncidentDeclared,
    IncidentMerged,
    IncidentReopened,
    IncidentResolved,
    LeadChanged,
    MilestoneSet,
    NoteAdded,
    SeverityChanged,
)
from tracker.events.messages import MessageSent
from tracker.incident import Incident

MOST = 15
_FRAME, _CAUSE, _DECISION, _WORDS, _REST = range(5)
_SAME = timedelta(minutes=1)
_DECIDED = re.compile(
    r"\s*(?:decision|decided)\b|\b(?:we decided|decided (?:to|not)|no roll-?back|not roll(?:ed|ing)? back"
    r"|instead of|rather than)\b",
    re.IGNORECASE,
)
_CUSTOMER = re.compile(r"\b(?:customer|user|client|ticket)s?\b", re.IGNORECASE)


@dataclass(frozen=True)
class KeyMoment:
    """A row of the timeline, or (`measured`) when the last metric was back to normal, of which there is no row."""

    rank: int
    entry: Entry | None = None
    measured: Point | None = None

    @property
    def at(self) -> datetime:
        """When it was; of a span its beginning."""
        if self.entry is not None:
            return self.entry.occurred_at
        assert self.measured is not None
        return self.measured.earliest


def is_decision(entry: Entry) -> bool:
    """Whether a note says what was decided, such as why nothing was rolled back."""
    fact = entry.fact
    return (
        isinstance(fact, NoteAdded)
        and fact.kind in ("note", "hypothesis", "fix")
        and entry.redacted is None
        and _DECIDED.search(fact.text) is not None
    )


def customer_words(incident: Incident, entries: Iterable[Entry]) -> Entry | None:
    """Return the first note while it lasted that speaks of customers; None if none does."""
    for entry in entries:
        fact = entry.fact
        if (
            isinstance(fact, NoteAdded)
            and fact.kind == "note"
            and entry.redacted is None
            and entry.occurred_at >= incident.begins_at
            and (incident.ends_at is None or entry.occurred_at <= incident.ends_at)
            and _CUSTOMER.search(fact.text)
        ):
            return entry
    return None


def key_moments(
    incident: Incident,
    entries: Sequence[Entry],
    durations: Mapping[str, Duration],
    *,
    elsewhere: frozenset[str],
) -> list[KeyMoment]:
    """Choose at most 15 rows, in their order; `elsewhere` are the changes of other places than production.

    Where more would be chosen, the least important are left out, of those the latest first.
    """
    rows = [entry for entry in entries if not entry.is_verdict]
    detected = incident.milestones.get("detected")
    alerts = [entry for entry in rows if isinstance(entry.fact, AlertFired)]
    noticed = next(
        (entry for entry in alerts if detected is None or abs(entry.occurred_at - detected.at) <= _SAME), None
    )
    cause = max((row.occurred_at for row in rows if _is_note(row, "root-cause")), default=None)
    guesses = [
        row for row in rows if _is_note(row, "hypothesis") and (cause is None or row.occurred_at <= cause)
    ]
    singled_out = {
        **({noticed.event: _FRAME} if noticed else {}),
        **({guesses[-1].event: _WORDS} if guesses else {}),
        **({said.event: _WORDS} if (said := customer_words(incident, rows)) else {}),
        **{row.event: _REST for row in rows if isinstance(row.fact, MessageSent)},
    }
    first_message = next((row.event for row in rows if isinstance(row.fact, MessageSent)), None)
    moments = []
    for row in rows:
        rank = singled_out.get(row.event)
        if rank is None or (isinstance(row.fact, MessageSent) and row.event != first_message):
            rank = _rank(incident, row, has_alert=noticed is not None, elsewhere=elsewhere)
        if rank is not None:
            moments.append(KeyMoment(rank, row))
    back = durations["downtime"].end if "downtime" in durations else None
    if back is not None and back.what == "last_metric":
        moments.append(KeyMoment(_FRAME, measured=back))
    kept = sorted(range(len(moments)), key=lambda at: (moments[at].rank, at))[:MOST]
    return sorted((moments[at] for at in kept), key=lambda moment: (moment.at, moment.entry is None))


def _is_note(entry: Entry, kind: str) -> bool:
    return isinstance(entry.fact, NoteAdded) and entry.fact.kind == kind


def _rank(incident: Incident, row: Entry, *, has_alert: bool, elsewhere: frozenset[str]) -> int | None:
    """Return how important a row is to the story; None where it is a row of the whole timeline only."""
    fact = row.fact
    role = row.attribution.role if row.attribution else None
    if role in ("caused", "fixed"):
        return _FRAME
    if isinstance(fact, IncidentDeclared | IncidentResolved | IncidentReopened | IncidentMerged):
        return _FRAME
    if isinstance(fact, MilestoneSet):
        if fact.milestone == "detected" and has_alert:
            return None
        return _WORDS if fact.milestone == "confirmed" else _FRAME
    if isinstance(fact, NoteAdded):
        if fact.kind == "root-cause":
            return _CAUSE
        return _DECISION if is_decision(row) else None
    if isinstance(fact, SeverityChanged | LeadChanged):
        return _DECISION
    over = incident.ends_at
    meanwhile = row.occurred_at >= incident.begins_at and (over is None or row.occurred_at <= over)
    if isinstance(fact, DeployFinished | RollbackFinished | RollbackFailed) and meanwhile:
        # Another service's deploy, or one in a staging area, is no step of this story.
        return (
            _CAUSE
            if row.service in incident.services and row.event not in elsewhere and role is None
            else None
        )
    return None
