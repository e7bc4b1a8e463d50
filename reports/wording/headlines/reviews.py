"""Reviews, action items and waivers, in words."""

from collections.abc import Callable
from typing import Any

from reports.wording.text import counted
from tracker.events import actions, procedure, reviews
from tracker.events.base import handle_of
from tracker.text.shortening import short

HEADLINES: dict[type, str | Callable[[Any], str]] = {
    procedure.RuleWaived: lambda e: f"Waived: {e.rule.replace('_', ' ')}",
    actions.ActionAdded: lambda e: f"Action item for {e.owner}, due {e.due_on}: {short(e.text, 120)}",
    actions.ActionDone: lambda e: f"Action item {handle_of(e.action)} was done",
    reviews.ReportReviewed: lambda e: (
        f"Report reviewed: {counted(e.changes, 'change') if e.changes else 'nothing changed'}"
    ),
    reviews.ReportPublished: "Report published, as of log position {e.position}",
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    procedure.RuleWaived: lambda e: e.why,
    actions.ActionDone: lambda e: f"proof: {e.proof}",
    reviews.ReportPublished: lambda e: f"findings waived: {e.why}" if e.waived else None,
}
