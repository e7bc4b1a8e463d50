"""Proposed alert rules as a rule file of Prometheus, each with what it would have done."""

import json
import re
from collections.abc import Sequence
from itertools import groupby

from projections.alert_rules import Proposal
from projections.backtest import Backtest

_HEAD = """# Proposed for metrics that have a threshold and that no rule watches: tracker rules --propose
# HYPOTHETICAL: what each would have done was computed from the samples in the log.
"""


def rule_file(proposals: Sequence[Proposal]) -> str:
    """Write the rules by service; without any the file has no groups."""
    if not proposals:
        return "groups: []\n"
    lines = [_HEAD + "groups:"]
    for service, rules in groupby(proposals, key=lambda proposal: proposal.service):
        lines += [f"  - name: {_quoted(f'{service} (proposed)')}", "    rules:"]
        for proposal in rules:
            lines += _rule(proposal)
    return "\n".join(lines) + "\n"


def _rule(proposal: Proposal) -> list[str]:
    return [
        f"      # {tested(proposal.tested)}",
        f"      - alert: {_quoted(_name(proposal))}",
        f"        expr: {_quoted(f'({proposal.query}) {proposal.operator} {proposal.threshold!r}')}",
        f"        for: {proposal.for_text}",
        "        labels:",
        "          severity: warning",
        f"          service: {_quoted(proposal.service)}",
        "        annotations:",
        f"          summary: {_quoted(_summary(proposal))}",
    ]


def tested(result: Backtest | None) -> str:
    """Say what a proposed rule would have done on the samples in the log."""
    if result is None:
        return "Not tested: the log has no samples of it."
    days = result.hours_of_samples / 24
    of = (
        f"in {result.caught_count} of {result.incident_count} incidents"
        if result.incident_count
        else "in no incident, for none is known"
    )
    unknown = f" (of {result.cannot_tell_count} it cannot be told)" if result.cannot_tell_count else ""
    return f"On {days:.1f} days of samples it would have fired {of}{unknown}, and {result.for_nothing_count} times for nothing."


def _name(proposal: Proposal) -> str:
    words = re.findall(r"[A-Za-z0-9]+", f"{proposal.service} {proposal.metric}")
    side = "High" if proposal.operator == ">" else "Low"
    return "".join(word[0].upper() + word[1:] for word in words) + side


def _summary(proposal: Proposal) -> str:
    side = "above" if proposal.operator == ">" else "below"
    return f"{proposal.metric} of {proposal.service} is {side} {proposal.threshold:g}"


def _quoted(text: str) -> str:
    """Quote a text for YAML, of which JSON is a part."""
    return json.dumps(text, ensure_ascii=False)
