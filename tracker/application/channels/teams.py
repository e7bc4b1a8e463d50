"""Microsoft Teams: the webhook of a workflow, "Post to a channel when a webhook request is received".

A workflow takes an Adaptive Card and answers 202 before Teams has shown it: what the flow does then
stands in its run history only.
"""

import json

from projections.messages import Message
from tracker.application.channels.posting import Answer, Channel, PostOutcome
from tracker.ingest.http import Answer as HttpAnswer
from tracker.text.shortening import short

LONGEST_BYTES = 28_000
"""Teams rejects a larger card."""
_ADVICE = {
    400: "the workflow did not accept the card: does it begin with 'When a Teams webhook request is received'?",
    401: "the workflow wants a login: let anyone trigger it",
    403: "the workflow's address was signed with another key",
    404: "the workflow was removed or turned off",
    410: "the workflow was removed",
}


class Teams(Channel):
    """The webhook of one workflow."""

    name, shown = "teams", "Teams"

    def body(self, message: Message) -> bytes:
        return json.dumps(card(message.text), ensure_ascii=False).encode()

    def problem_of(self, text: str) -> str | None:
        size = len(json.dumps(card(text), ensure_ascii=False).encode())
        return f"{size:,} bytes as a card; Teams accepts {LONGEST_BYTES:,}" if size > LONGEST_BYTES else None

    def accepted(self, status: int, said: str) -> Answer:
        # A retired Office 365 connector answers 200 and reports its failure in the body.
        if said in ("", "1"):
            return Answer(PostOutcome.POSTED, f"accepted ({status})")
        return Answer(
            PostOutcome.UNKNOWN, f"the answer was {status}, but not a workflow's ({said})", is_odd=True
        )

    def advice(self, status: int, said: str) -> str:
        return _ADVICE.get(status, "")

    def words(self, answer: HttpAnswer) -> str:
        error = answer.json.get("error") if isinstance(answer.json, dict) else None
        if isinstance(error, dict):
            return str(error.get("code") or error.get("message") or "")[:500]
        return super().words(answer)


def card(text: str) -> dict[str, object]:
    """Return the message with an Adaptive Card, a line each: in a text run every character stands for itself."""
    first, *lines = text.split("\n")
    blocks = [_line(first, weight="Bolder"), *(_line(line) for line in lines if line.strip())]
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "fallbackText": short(first, 200),
                    "msteams": {"width": "Full"},
                    "body": blocks,
                },
            }
        ],
    }


def _line(text: str, **style: str) -> dict[str, object]:
    return {
        "type": "RichTextBlock",
        "spacing": "Small",
        "inlines": [{"type": "TextRun", "text": text, **style}],
    }
