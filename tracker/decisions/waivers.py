"""Decisions about the procedure: which of its rules is not held against an incident.

Pure like `tracker.decisions.lifecycle`.
"""

import difflib
from collections.abc import Sequence

from tracker.decisions.lifecycle import reason
from tracker.errors import BadInputError, RefusedError
from tracker.events.procedure import RULE_NAMES, RuleWaived
from tracker.incident import Incident
from tracker.times import Typed


def waive(
    incident: Incident, rule: str, *, by: str, at: Typed, why: str, claims: Sequence[str] = ()
) -> RuleWaived:
    """Decide that a rule, or one of these claims in the prose, does not count here.

    Raises:
        BadInputError: If there is no such rule or claim.
        RefusedError: If the incident does not exist, there is no reason, or it was waived already.
    """
    if not incident.exists:
        raise RefusedError(f"there is no {incident.id}", hint="See what there is: tracker list")
    for step in incident.steps:
        held = step.event
        if (
            isinstance(held, RuleWaived)
            and step.retraction is None
            and held.incident == incident.id
            and held.rule in _spellings(rule)
        ):
            raise RefusedError(
                f"{held.rule} was already waived on {incident.id} by {held.decided_by}: {held.why}",
                hint=f"To let it count again: tracker retract {step.handle} --why …",
            )
    name = named(incident, rule, claims)
    return RuleWaived(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident.id,
        rule=name,
        why=reason(why, f"tracker waive {incident.id} {name}"),
    )


def named(incident: Incident, rule: str, claims: Sequence[str] = ()) -> str:
    """Return the name of the rule, or the key of the claim, that was typed.

    Raises:
        BadInputError: If there is none; the nearest is named.
    """
    for typed in _spellings(rule):
        if typed in RULE_NAMES or typed in claims:
            return typed
    near = difflib.get_close_matches(_spellings(rule)[1], [*RULE_NAMES, *claims], n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise BadInputError(
        f"{rule!r} is no rule of the procedure, and no claim of {incident.id}",
        hint=f"{meant}See the rules and claims: tracker check {incident.id}",
    )


def _spellings(rule: str) -> tuple[str, str]:
    """Return what was typed, and how a rule's name is written: people type dashes."""
    return rule.strip(), rule.strip().lower().replace("-", "_")
