"""The messages that were posted, word for word."""

from reports.context import Context
from reports.markdown import code, paragraphs, text
from reports.sections.missing import not_recorded
from tracker.events.messages import MessageSent

_KINDS = {
    "initial": "First alert",
    "update": "Update",
    "resolved": "All clear",
    "rollback": "Rollback",
    "due": "Reminder",
}


def internal(context: Context) -> list[str]:
    sent = [entry for entry in context.entries if isinstance(entry.fact, MessageSent)]
    if not sent:
        return [not_recorded("Messages to the team", "message", context.incident.id, "update", "--sent")]
    written: list[str] = []
    for entry in sent:
        assert isinstance(entry.fact, MessageSent)
        what = _KINDS.get(entry.fact.kind, text(entry.fact.kind))
        *before, last = paragraphs(entry.fact.text)
        written += [
            f"{what}, {context.moment(entry.occurred_at, entry.precision_seconds)}, by {text(entry.by or '?')} ({code(entry.handle)}):",
            "",
            *(f"> {line}\\" for line in before),
            f"> {last}",
            "",
        ]
    return written[:-1]


def external(context: Context) -> list[str]:
    return [
        "Messages to customers are not recorded; the log has only those to the team. Write them below this part."
    ]
