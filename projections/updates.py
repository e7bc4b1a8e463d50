"""What the team was promised, and what of that did not come. Pure: "now" is given."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from projections.changes import changes
from projections.messages import Message, messages, sent
from tracker.events.base import Recorded
from tracker.events.incidents import IncidentResolved
from tracker.events.messages import EtaMissed
from tracker.incident import Incident, Status

TOLD_LATE = timedelta(minutes=2)
"""A promise is held missed so long after its instant: the source that tells of the deploy may be slower."""

AUTHOR = "tracker"


def messages_of(incident: Incident) -> list[Message]:
    """Return an incident's own messages, from its decisions."""
    return [
        each for each in messages(step.recorded for step in incident.steps) if each.incident == incident.id
    ]


def promised(incident: Incident) -> Message | None:
    """Return the message with the last promise that was made; None if none was."""
    return next((each for each in reversed(sent(messages_of(incident))) if each.eta is not None), None)


def missed_etas(incident: Incident, facts: Iterable[Recorded], now: datetime) -> list[EtaMissed]:
    """Return the promises of an incident that were not kept and not renewed in time.

    A promise is kept by the incident's end or by a deploy or rollback of one of its services,
    between the message and what it promised. One that was only recorded when its instant had
    passed is told of afterwards, perhaps before its deploy is: it is not held missed here. What was
    said already comes out the same again, so that the log drops it.
    """
    told = sent(messages_of(incident))
    ends = [
        step.event.occurred_at
        for step in incident.steps
        if isinstance(step.event, IncidentResolved)
        and step.retraction is None
        and step.event.incident == incident.id
    ]
    if incident.status is Status.MERGED and incident.resolved_at is not None:
        ends.append(incident.resolved_at)
    rows = [row for row in changes(facts) if row.kind != "merge" and row.service in incident.services]
    ends += [row.finished_at for row in rows if row.finished_at is not None]
    missed = []
    for number, message in enumerate(told):
        eta, at = message.eta, message.sent_at
        if eta is None or at is None or eta + TOLD_LATE > now:
            continue
        if message.recorded_at is None or message.recorded_at > eta:
            continue
        renewed = any(
            later.eta is not None and later.sent_at is not None and later.sent_at <= eta
            for later in told[number + 1 :]
        )
        if renewed or any(at <= end <= eta for end in ends):
            continue
        missed.append(
            EtaMissed(
                occurred_at=eta,
                decided_by=AUTHOR,
                incident=incident.id,
                message=message.sent_event or message.event,
                promised_at=at,
            )
        )
    return missed
