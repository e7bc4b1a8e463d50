"""Whether the procedure was followed: what was late, missed or unknown first, then what was followed."""

from projections.procedure.rule import RuleAnswer, Status
from reports.context import Context
from reports.markdown import code, table, text
from reports.wording.procedure import expected, says
from tracker.events.base import handle_of

_NAMED = 3
ITSELF = "report_written"
"""A report cannot know whether it is published; `tracker check` does."""
_OPEN = (Status.LATE, Status.MISSED, Status.UNKNOWN)
_HEAD = ["Rule", "Expected", "Answer", "What happened", "Events"]


def lines(context: Context) -> list[str]:
    """Write one sentence, the rules that were not followed, and the others below a heading of their own."""
    rules = [answer for answer in context.rules if answer.rule != ITSELF]
    if not rules:
        return ["No rule was evaluated."]
    if all(answer.status is Status.NOT_APPLICABLE for answer in rules):
        return [f"The procedure does not apply. {text(says(rules[0]))}"]
    amiss = [answer for status in _OPEN for answer in rules if answer.status is status]
    others = [answer for answer in rules if answer.status not in _OPEN]
    written = [f"**{_counts(rules)}** Without evidence a rule is unknown, never met."]
    if amiss:
        written += ["", *table(_HEAD, [_row(answer) for answer in amiss])]
    if others:
        counted = _counts(others).rstrip(".")
        written += [
            "",
            f"### The other rules: {counted}",
            "",
            *table(_HEAD, [_row(answer) for answer in others]),
        ]
    return written


def _counts(rules: list[RuleAnswer]) -> str:
    """Count the answers, those first that need a look."""
    counts = [
        f"{number} {status.value.replace('_', ' ')}"
        for status in (*_OPEN, Status.WAIVED, Status.MET, Status.NOT_APPLICABLE)
        if (number := sum(answer.status is status for answer in rules))
    ]
    return f"{', '.join(counts)}."


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
