"""When the team is to hear next, and what was promised and did not come.

Pure: "now" is given. Limits come from [procedure].
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import changes
from projections.messages import Message, messages, sent
from tracker.events.base import Recorded
from tracker.events.incidents import IncidentReopened, IncidentResolved
from tracker.events.messages import EtaMissed
from tracker.incident import Incident, Status

TOLD_LATE = timedelta(minutes=2)
"""A promise is held missed so long after its instant: the source that tells of the deploy may be slower."""

TYPED_AFTERWARDS = timedelta(hours=1)
"""An incident whose declaration was recorded so long after it is told of, not fought: nobody waits for news."""

AUTHOR = "tracker"


@dataclass(frozen=True)
class UpdateDue:
    """The next message that an open incident owes, from `since` on: the last message, else its detection."""

    incident: str
    kind: str
    due_at: datetime
    since: datetime
    last_sent_at: datetime | None

    def overdue_seconds(self, now: datetime) -> float:
        """Return by how much it is late; negative while there is time left."""
        return (now - self.due_at).total_seconds()


def update_due(
    incident: Incident, *, alert_team_within: timedelta, update_every: timedelta
) -> UpdateDue | None:
    """Say when the team is to hear next of an incident; None of one that is over, or told of afterwards.

    The first message is due so long after the detection, else the declaration; the next ones
    after the last, and a reopened incident owes one from its reopening on.
    """
    if incident.status is not Status.OPEN or incident.declared_at is None:
        return None
    if incident.steps[0].recorded.recorded_at - incident.declared_at > TYPED_AFTERWARDS:
        return None
    told = sent(messages_of(incident), incident.id)
    last = told[-1].sent_at if told else None
    reopened = max(
        (
            step.event.occurred_at
            for step in incident.steps
            if isinstance(step.event, IncidentReopened)
            and step.retraction is None
            and step.event.incident == incident.id
        ),
        default=None,
    )
    if last is None:
        detected = incident.milestones.get("detected")
        since = detected.at if detected else incident.declared_at
        return UpdateDue(incident.id, "initial", since + alert_team_within, since, None)
    since = max(last, reopened) if reopened else last
    return UpdateDue(incident.id, "update", since + update_every, since, last)


def updates_due(
    incidents: Iterable[Incident], *, now: datetime, alert_team_within: timedelta, update_every: timedelta
) -> list[UpdateDue]:
    """Return what is due by now, the longest overdue first."""
    owed = [
        update_due(each, alert_team_within=alert_team_within, update_every=update_every) for each in incidents
    ]
    return sorted(
        (each for each in owed if each is not None and each.due_at <= now), key=lambda each: each.due_at
    )


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
    between the message and what it promised. What was said already comes out the same again, so
    that the log drops it.
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
