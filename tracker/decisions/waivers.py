"""Waiving a rule of the procedure, or a finding in the prose, for one incident."""

import difflib
from collections.abc import Sequence

from tracker.decisions.common import decided, reason, refuse_unknown
from tracker.errors import BadInputError, RefusedError
from tracker.events.procedure import RULE_NAMES, RuleWaived
from tracker.incident import Incident
from tracker.text.shell import word
from tracker.times import Typed


def waive(
    incident: Incident, rule: str, *, by: str, at: Typed, why: str, claims: Sequence[str] = ()
) -> RuleWaived:
    """Decide that a rule, or one of these claims in the prose, does not count for this incident.

    Raises:
        BadInputError: If there is no such rule or claim.
        RefusedError: If the incident does not exist, there is no reason, or it was waived already.
    """
    refuse_unknown(incident)
    for step in incident.steps:
        waiver = step.event
        if (
            isinstance(waiver, RuleWaived)
            and step.retraction is None
            and waiver.incident == incident.id
            and waiver.rule in _spellings(rule)
        ):
            raise RefusedError(
                f"{waiver.rule} was already waived on {incident.id} by {waiver.decided_by}: {waiver.why}",
                hint=f"To make it count again: tracker retract {step.handle} --why …",
            )
    name = _named(incident, rule, claims)
    why = reason(why, f"tracker waive {incident.id} {word(name)}")
    return decided(RuleWaived, incident.id, by, at, rule=name, why=why)


def _named(incident: Incident, rule: str, claims: Sequence[str]) -> str:
    for typed in _spellings(rule):
        if typed in RULE_NAMES or typed in claims:
            return typed
    near = difflib.get_close_matches(_spellings(rule)[1], [*RULE_NAMES, *claims], n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise BadInputError(
        f"{rule!r} is neither a rule of the procedure nor a claim of {incident.id}",
        hint=f"{meant}See the rules and claims: tracker check {incident.id}",
    )


def _spellings(rule: str) -> tuple[str, str]:
    """Return the rule as typed, and with underscores for dashes."""
    return rule.strip(), rule.strip().lower().replace("-", "_")
