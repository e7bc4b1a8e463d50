"""The state of an incident's report: draft, in review, published, or amended since."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from tracker.events.base import Recorded
from tracker.events.corrections import Correction, Effective
from tracker.events.messages import MessagePrinted
from tracker.events.reviews import ReportPublished, ReportReviewed
from tracker.incident import Incident

REVIEWS = (ReportReviewed, ReportPublished)


class State(Enum):
    """Draft: not reviewed yet. Amended: it would say something else now than when it was published."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    AMENDED = "amended"


@dataclass(frozen=True)
class ReportStatus:
    """The state of a report; `position` is that of the log as of which it was last published, by `event`.

    `changes_since` counts the events that it uses and that were recorded since then.
    """

    state: State = State.DRAFT
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    published_at: datetime | None = None
    published_by: str | None = None
    event: str | None = None
    position: int | None = None
    template: str | None = None
    zone_name: str | None = None
    changes_since: int = 0


def publications(incident: Incident) -> list[Effective]:
    """Return the publications of an incident, oldest first; retracted ones do not count."""
    return [each for each in incident.own_steps if isinstance(each.event, ReportPublished)]


def as_published(published: Effective) -> ReportStatus:
    event = published.event
    assert isinstance(event, ReportPublished)
    return ReportStatus(
        state=State.PUBLISHED,
        published_at=event.occurred_at,
        published_by=event.decided_by,
        event=published.id,
        position=event.position,
        template=event.template,
        zone_name=event.zone_name,
    )


def standing(incident: Incident, used: Iterable[Recorded]) -> ReportStatus:
    """Return the state of the report, by the incident's steps and by all events that the report uses.

    Amended means here that it may be: whether what it says has changed is seen when it is written.
    Reviews and publications, and corrections of them, change nothing in it; neither does a message that was printed.
    """
    reviews = [each for each in incident.own_steps if isinstance(each.event, ReportReviewed)]
    published = publications(incident)
    found = as_published(published[-1]) if published else ReportStatus()
    if reviews:
        last = reviews[-1].event
        assert isinstance(last, ReportReviewed)
        found = replace(found, reviewed_at=last.occurred_at, reviewed_by=last.decided_by)
    if found.position is None:
        return replace(found, state=State.REVIEW) if reviews else found
    own = {each.id for each in incident.steps if isinstance(each.recorded.event, REVIEWS)}
    since = {
        each.id
        for each in used
        if _place(each, published[-1].recorded) > found.position
        and not isinstance(each.event, (*REVIEWS, MessagePrinted))
        and not _corrects(each, own)
    }
    return replace(found, state=State.AMENDED, changes_since=len(since)) if since else found


def _place(recorded: Recorded, published: Recorded) -> float:
    """Return the position of an event in the log in which the report was published.

    For an event from a third log it is unknown: events are imported in their order, so what lies before the
    publication here lay before it there.
    """
    origin, own = published.arrival.origin, recorded.arrival.origin
    if origin is None:
        return recorded.position
    if own is not None and own.log == origin.log:
        return own.position
    return 0 if own is not None and recorded.position < published.position else float("inf")


def _corrects(recorded: Recorded, targets: set[str]) -> bool:
    return isinstance(recorded.event, Correction) and recorded.event.target in targets
