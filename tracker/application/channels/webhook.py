"""A webhook of your own: one CloudEvent a message, in structured JSON.

The event's id is that of the message: a receiver that was sent one twice can tell.
"""

import json

from projections.messages import Message
from tracker.application.channels.posting import Answer, Channel, PostOutcome
from tracker.incident import Incident
from tracker.text.shortening import short
from tracker.times import utc

LONGEST_BYTES = 64_000
"""What every receiver of CloudEvents has to accept."""
_BESIDES_BYTES = 1_900
"""What an event has besides the text."""
_LONGEST_TITLE = 300
_ADVICE = {
    401: "the token that [webhook] token_env names was rejected",
    403: "the token that [webhook] token_env names may not post there",
    404: "nothing receives at that address",
    405: "nothing receives at that address",
    410: "the receiver wants no more events: remove [webhook], or name another address",
    415: "the receiver takes no application/cloudevents+json",
}


class Webhook(Channel):
    """One receiver of CloudEvents."""

    name, shown, setting = "webhook", "the webhook", "url_env"
    content_type = "application/cloudevents+json; charset=utf-8"

    def body(self, message: Message) -> bytes:
        return json.dumps(cloud_event(message), ensure_ascii=False).encode()

    def problem_of(self, text: str) -> str | None:
        size = len(json.dumps(text, ensure_ascii=False).encode()) + _BESIDES_BYTES
        if size <= LONGEST_BYTES:
            return None
        return f"{size:,} bytes as a CloudEvent; receivers need not accept more than {LONGEST_BYTES:,}"

    def accepted(self, status: int, said: str) -> Answer:
        return Answer(PostOutcome.POSTED, f"accepted ({status})")

    def advice(self, status: int, said: str) -> str:
        return _ADVICE.get(status, "")


def cloud_event(message: Message) -> dict[str, object]:
    """Return a message as a CloudEvent; the same message is the same event, however often it is sent."""
    return {
        "specversion": "1.0",
        "id": message.event,
        "source": "/tracker",
        "type": f"tracker.message.{message.kind}",
        "subject": message.incident,
        "time": utc(message.prepared_at),
        "datacontenttype": "application/json",
        "data": {
            "incident": message.incident,
            "kind": message.kind,
            "text": message.text,
            "eta": utc(message.eta) if message.eta else None,
            "by": message.by,
            "about": message.about,
            **(_facts(message.incident_then) if message.incident_then else {}),
        },
    }


def _facts(incident: Incident) -> dict[str, object]:
    """Return what a receiver routes by, so that it need not read the text."""
    return {
        "severity": incident.severity,
        "title": short(incident.title, _LONGEST_TITLE),
        "status": incident.status.value,
        "stage": incident.stage,
        "services": list(incident.services),
        "lead": incident.lead,
        "began_at": utc(incident.begins_at),
        "resolved_at": utc(incident.resolved_at) if incident.resolved_at else None,
    }
