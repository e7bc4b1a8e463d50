"""Promised times, and those that were missed. "Now" is given."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from projections.changes import ChangeRow, in_production
from projections.messages import Message, messages_among, sent
from tracker.events.base import BY_ITSELF
from tracker.events.incidents import IncidentResolved
from tracker.events.messages import EtaMissed
from tracker.incident import Incident, Status

TOLD_LATE = timedelta(minutes=2)
"""A promise counts as missed so long after its instant: the report of the deploy may come later."""


def messages_of(incident: Incident) -> list[Message]:
    return [each for each in messages_among(incident.steps) if each.incident == incident.id]


def promised(incident: Incident) -> Message | None:
    """Return the last message that promised a time; None if none did since the incident is open.

    What was promised before it was resolved and came back was for what had ended.
    """
    since = incident.reopened_at
    return next(
        (
            each
            for each in reversed(sent(messages_of(incident)))
            if each.eta is not None
            and (since is None or (each.sent_at is not None and each.sent_at >= since))
        ),
        None,
    )


def missed_etas(incident: Incident, changes: Iterable[ChangeRow], now: datetime) -> list[EtaMissed]:
    """Return the promises of an incident that were not kept and not renewed in time.

    A promise is kept by the incident's end or by a deploy or rollback of one of its services between the message and
    the promised instant. A message recorded after that instant was back-filled, perhaps before its deploy: it is left
    out. Events that were recorded before come out the same again, so that the log drops them.
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
    rows = [row for row in in_production(changes) if row.kind != "merge" and row.service in incident.services]
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
                decided_by=BY_ITSELF,
                incident=incident.id,
                message=message.sent_event or message.event,
                promised_at=at,
            )
        )
    return missed
