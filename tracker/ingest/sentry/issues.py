"""Issues of Sentry, which its webhooks and its API word alike."""

from collections.abc import Callable
from typing import Any

from tracker.events.alerts import IssueChanged
from tracker.ingest.documents import Moment, Record
from tracker.ingest.services import ServiceRules

# What an issue's own history calls an action.
ACTIVITIES = {
    "resolved": ("set_resolved", "set_resolved_in_release", "set_resolved_by_age", "set_resolved_in_commit"),
    "regressed": ("set_regression",),
    "unresolved": ("set_unresolved", "set_regression"),
    "escalated": ("set_escalating",),
    "assigned": ("assigned",),
    "archived": ("set_ignored",),
}


def action_of(activity: str) -> str | None:
    """Return what an entry of an issue's history did to it; None for a comment and the like."""
    return next((action for action, names in ACTIVITIES.items() if activity in names), None)


def issue_changed(
    issue: Record,
    action: str,
    moment: Moment,
    rules: ServiceRules,
    *,
    unnamed: Callable[[], str] = lambda: "unknown",
    **fields: Any,
) -> IssueChanged:
    """Make the event of a step of an issue; `fields` are those that differ between webhook and API.

    `unnamed` is asked for the project of an issue that has neither its short name nor its number.
    """
    slug, number = issue.maybe_text("project.slug"), issue.maybe_name("project.id")
    first_seen = issue.maybe_moment("firstSeen")
    return IssueChanged(
        **moment.fields,
        source="sentry",
        service=rules.for_project(slug) or rules.for_project(number),
        project=slug or number or unnamed(),
        issue_id=issue.name("id"),
        action=action,
        title=issue.maybe_text("title") or "(no title)",
        short_id=issue.maybe_text("shortId"),
        level=issue.maybe_text("level"),
        first_seen_at=first_seen.at if first_seen else None,
        **fields,
    )
