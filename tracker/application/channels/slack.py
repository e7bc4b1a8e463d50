"""Slack's incoming webhook: one text out, `ok` back."""

import json

from projections.messages import Message
from tracker.application.channels.posting import Answer, Channel, PostOutcome

LONGEST = 40_000
"""Slack cuts what is longer."""
_ADVICE = {
    "no_service": "the webhook was disabled or removed",
    "no_service_id": "the webhook's address is incomplete",
    "no_team": "the workspace is gone",
    "team_disabled": "the workspace is disabled",
    "invalid_token": "the webhook's address is wrong",
    "channel_not_found": "its channel is gone",
    "channel_is_archived": "its channel is archived",
    "action_prohibited": "the workspace forbids it",
    "posting_to_general_channel_denied": "only some people may post there",
}


class Slack(Channel):
    """One incoming webhook."""

    name, shown = "slack", "Slack"

    def body(self, message: Message) -> bytes:
        # Every character stands for itself, and nothing is a command to Slack.
        return json.dumps({"text": escaped(message.text), "mrkdwn": False}, ensure_ascii=False).encode()

    def problem_of(self, text: str) -> str | None:
        return (
            f"{len(text):,} characters; Slack accepts {LONGEST:,}" if len(escaped(text)) > LONGEST else None
        )

    def accepted(self, status: int, said: str) -> Answer:
        if status == 200 and said == "ok":
            return Answer(PostOutcome.POSTED, "ok")
        shown = f" ({said})" if said else ""
        return Answer(PostOutcome.UNKNOWN, f"the answer was {status}, but not Slack's ok{shown}", is_odd=True)

    def advice(self, status: int, said: str) -> str:
        return _ADVICE.get(said, "")


def escaped(text: str) -> str:
    """Write a text so that Slack shows these very characters: no mention, and no link of somebody's making."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
