"""Whether the procedure was followed: each rule with its answer, and the events that it stands on."""

from projections.procedure.rule import RuleAnswer, Status
from reports.context import Context
from reports.markdown import code, table, text
from reports.wording.procedure import expected, says
from tracker.events.base import handle_of

_NAMED = 3
_ITSELF = "report_written"
"""A report cannot know whether it is published; `tracker check` does."""


def lines(context: Context) -> list[str]:
    """Write the section."""
    rules = [answer for answer in context.rules if answer.rule != _ITSELF]
    if not rules:
        return ["No rule was evaluated."]
    if all(answer.status is Status.NOT_APPLICABLE for answer in rules):
        return [f"The procedure does not apply. {text(says(rules[0]))}"]
    return [
        "Without evidence a rule is unknown, never met.",
        "",
        *table(["Rule", "Expected", "Answer", "What happened", "Events"], [_row(answer) for answer in rules]),
    ]


def _row(answer: RuleAnswer) -> tuple[str, ...]:
    status = answer.status.value.replace("_", " ")
    # What has to be seen at once stands out; in markdown that is all there is to stand out with.
    shown = f"**{status}**" if answer.status in (Status.LATE, Status.MISSED) else status
    handles = [code(handle_of(event)) for event in answer.evidence[:_NAMED]]
    more = len(answer.evidence) - _NAMED
    events = ", ".join(handles) + (f" and {more} more" if more > 0 else "")
    return (
        text(answer.rule.replace("_", " ")),
        text(expected(answer)),
        shown,
        text(says(answer)),
        events or "–",
    )
