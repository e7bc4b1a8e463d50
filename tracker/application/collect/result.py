"""What one source gave for one service, in words and numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tracker.application.refired import with_refirings
from tracker.application.session import Recording, Session
from tracker.errors import TrackerError
from tracker.events.base import Incoming
from tracker.events.plausible import implausible
from tracker.times import spoken, utc


@dataclass
class CollectResult:
    """What one source gave for one service.

    `asked` is false where the log had all of it. `history` has, for each step in seconds, the
    first instant that the log holds; only samples have one. `notes` say what the source does
    not offer, or did not give in full.
    """

    source: str
    service: str | None
    what: str
    recording: Recording = field(default_factory=Recording)
    found: int = 0
    new_samples: int | None = None
    asked: bool = True
    gone_until: datetime | None = None
    expires_at: datetime | None = None
    history: dict[float, datetime] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    """In which words the source reported its own answer as incomplete; the span stays open then."""
    problem: TrackerError | None = None
    facts: list[Incoming] = field(default_factory=list)
    """Alerts, new to the log or not: an alert that goes on firing may open an incident."""

    def json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "service": self.service,
            "what": self.what,
            "found": self.found,
            "new_samples": self.new_samples,
            "recorded": len(self.recording.recorded),
            "known": len(self.recording.known),
            "gone_until": self.gone_until,
            "expires_at": self.expires_at,
            "history_from": min(self.history.values(), default=None),
            "notes": self.notes,
            "incomplete": self.incomplete,
            "problem": self.problem.message if self.problem else None,
        }

    def said(self) -> str:
        """Say it in a line."""
        who = f"{self.service}: " if self.service and self.service != self.what else ""
        if self.problem is not None:
            return f"{self.source}: {who}{self.what}: FAILED: {self.problem.message}"
        new = self.recording.said() if self.new_samples is None else f"{self.new_samples:,} new"
        found = f"{self.found:,} found" if self.asked else "already collected"
        parts = [f"{self.source}: {who}{self.what}: {found}, {new}"]
        if self.history:
            parts.append(f"history back to {self._history()}")
        if self.gone_until is not None:
            parts.append(f"data before {utc(self.gone_until)} has expired")
        if self.expires_at is not None:
            parts.append(f"the rest expires from {utc(self.expires_at)} on")
        if self.incomplete:
            parts.append(f"ANSWERED IN PART, will be asked again: {', '.join(self.incomplete)}")
        return "; ".join([*parts, *self.notes])

    def _history(self) -> str:
        """Say how far back which step reaches: a coarser one only where it reaches further."""
        parts: list[str] = []
        reached: datetime | None = None
        for step, first in sorted(self.history.items()):
            if reached is None or first < reached:
                parts.append(f"{utc(first)[:10]} ({'1 min' if step == 60 else spoken(step)})")
                reached = first
        return ", ".join(parts)


def recorded(
    session: Session, result: CollectResult, read: Callable[[], list[Incoming]], *, alerts: bool = False
) -> CollectResult:
    """Record what a source gives, and keep it in the result if it is `alerts`; a problem is kept, too."""
    try:
        facts = read()
    except TrackerError as problem:
        result.problem = problem
        return result
    result.found = len(facts)
    now = session.now
    reasons = [reason for fact in facts if (reason := implausible(fact.event, now)) is not None]
    if reasons:
        facts = [fact for fact in facts if implausible(fact.event, now) is None]
        result.notes.append(f"{len(reasons)} left out: {reasons[0]}")
    facts = with_refirings(session, [facts])[0]
    result.facts = facts if alerts else []
    session.record(facts, result.recording)
    return result
