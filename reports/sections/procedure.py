"""Whether the procedure was followed: each rule with its answer, and the events that it stands on."""

from projections.procedure.rule import RuleAnswer, Status
from reports.context import Context
from reports.markdown import code, table, text
from reports.wording.procedure import expected, says
from tracker.events.base import handle_of

_NAMED = 3
_ITSELF = "report_written"
"""Whether the report is published, a report cannot say of itself: `tracker check` does."""


def lines(context: Context) -> list[str]:
    """Write the section."""
    rules = [each for each in context.rules if each.rule != _ITSELF]
    if not rules:
        return ["No rule was asked."]
    if all(each.status is Status.NOT_APPLICABLE for each in rules):
        return [f"The procedure does not apply. {text(says(rules[0]))}"]
    return [
        "Without evidence a rule is unknown, never met.",
        "",
        *table(["Rule", "Expected", "Answer", "What happened", "Events"], [_row(each) for each in rules]),
    ]


def _row(answer: RuleAnswer) -> tuple[str, ...]:
    status = answer.status.value.replace("_", " ")
    # What has to be seen at once stands out; in markdown that is all there is to stand out with.
    shown = f"**{status}**" if answer.status in (Status.LATE, Status.MISSED) else status
    handles = [code(handle_of(each)) for each in answer.evidence[:_NAMED]]
    more = len(answer.evidence) - _NAMED
    events = ", ".join(handles) + (f" and {more} more" if more > 0 else "")
    return (
        text(answer.rule.replace("_", " ")),
        text(expected(answer)),
        shown,
        text(says(answer)),
        events or "–",
    )
