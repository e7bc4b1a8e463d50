"""Reviews, action items and waivers, in words."""

from reports.headlines.base import detail, headline
from tracker.events import actions, procedure, reviews
from tracker.events.base import handle_of
from tracker.text.shortening import short


@headline.register
def _(event: procedure.RuleWaived) -> str:
    return f"Waived: {event.rule.replace('_', ' ')}"


@detail.register
def _(event: procedure.RuleWaived) -> str | None:
    return event.why


@headline.register
def _(event: actions.ActionAdded) -> str:
    return f"Action item for {event.owner}, due {event.due_on}: {short(event.text, 120)}"


@headline.register
def _(event: actions.ActionDone) -> str:
    return f"Action item {handle_of(event.action)} was done"


@detail.register
def _(event: actions.ActionDone) -> str | None:
    return f"proof: {event.proof}"


@headline.register
def _(event: reviews.ReportReviewed) -> str:
    changed = {0: "nothing changed", 1: "1 change"}.get(event.changes, f"{event.changes} changes")
    return f"Report reviewed: {changed}"


@headline.register
def _(event: reviews.ReportPublished) -> str:
    return f"Report published, as of log position {event.position}"


@detail.register
def _(event: reviews.ReportPublished) -> str | None:
    return f"findings waived: {event.why}" if event.waived else None
