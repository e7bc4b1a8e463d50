"""An incident as `show --json` answers it, and what `show` prints from."""

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from projections.actions import ActionItem, earlier_open, items, of_incident, would_have_prevented
from projections.dossier import Dossier
from projections.durations import Duration, durations
from projections.incident_windows import Part
from projections.messages import Message
from projections.procedure.advice import MESSAGES, Advice
from projections.review import ReportStatus, publications, standing
from projections.updates import messages_of
from tracker.application import action_items, incident_facts, message_facts
from tracker.application.dossier import dossier
from tracker.application.procedure import due_json, due_of, durations_json
from tracker.application.session import Session
from tracker.incident import Incident


@dataclass(frozen=True)
class ShownIncident:
    """What is shown of one incident; `now` is its last event where an earlier time is asked about."""

    known: Dossier
    durations: dict[str, Duration]
    messages: list[Message]
    actions: list[ActionItem]
    preventing: list[ActionItem]
    earlier: list[ActionItem]
    now: datetime
    due: list[Advice]
    report: ReportStatus

    @property
    def incident(self) -> Incident:
        return self.known.incident


def shown_incident(session: Session, incident: Incident, up_to: int | None) -> ShownIncident:
    """Read what is shown of an incident."""
    parts = Part.ALL if publications(incident) else Part.WORK | Part.ACTIONS
    known = dossier(session, incident, up_to, parts=parts)
    listed = items(known)
    services = {each.id: each.services for each in known.others}
    stands = standing(incident, ())
    if publications(incident):
        # Only a published report has to be written again, with all that reports import.
        stands = import_module("tracker.application.report").standing_of(session, known)
    return ShownIncident(
        known=known,
        durations=durations(known),
        messages=messages_of(incident),
        actions=of_incident(listed, incident),
        preventing=[item for item, _ in would_have_prevented(listed, incident.id)],
        earlier=earlier_open(listed, incident, services),
        # Looking back, nothing ticks.
        now=session.now if up_to is None else max(step.recorded.recorded_at for step in incident.steps),
        due=due_of(session, known, up_to),
        report=stands,
    )


def incident_json(shown: ShownIncident) -> dict[str, object]:
    """Return the keys of `show --json`."""
    message = next((item for item in shown.due if item.rule in MESSAGES), None)
    stands, now = shown.report, shown.now
    return {
        **incident_facts.described(shown.incident),
        "durations": durations_json(shown.durations),
        "messages": [message_facts.described(each) for each in shown.messages],
        "actions": [action_items.described(each, now) for each in shown.actions],
        "would_have_prevented_it": [action_items.described(each, now) for each in shown.preventing],
        "earlier_open_actions": [action_items.described(each, now) for each in shown.earlier],
        "next": due_json(shown.due),
        "next_message": message and {"kind": message.next_step.facts["kind"], "due_at": message.due_at},
        "position": shown.incident.last_position,
        "report": {
            "state": stands.state,
            "reviewed_at": stands.reviewed_at,
            "reviewed_by": stands.reviewed_by,
            "published_at": stands.published_at,
            "published_by": stands.published_by,
            "event": stands.event,
            "position": stands.position,
            "changes_since": stands.changes_since,
        },
    }
