"""Reading what claims in prose are held against: shared by check and publish."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from projections.claims.claim import Claim
    from tracker.cli.workspace import Workspace
    from tracker.incident import Incident


def claimed(
    workspace: "Workspace",
    incident: "Incident",
    upto: int | None,
    *,
    text: str | None = None,
    where: str = "",
) -> "list[Claim]":
    """Return what the log contradicts in an incident's notes and messages, or in `text` alone where it is given.

    Waived claims are left out.
    """
    return claimed_and_waived(workspace, incident, upto, text=text, where=where)[0]


def claimed_and_waived(
    workspace: "Workspace",
    incident: "Incident",
    upto: int | None,
    *,
    text: str | None = None,
    where: str = "",
) -> "tuple[list[Claim], list[Claim]]":
    """Return what stands against the prose, and what somebody waived of it with a reason."""
    from datetime import UTC

    from projections.claims.check import claims, texts_of
    from projections.claims.facts import facts_of
    from projections.claims.prose import Text
    from tracker.events.procedure import RuleWaived

    typed = workspace.typed_zone
    zones = [typed] if typed is not None else list(dict.fromkeys((UTC, workspace.shown_zone)))
    facts = facts_of(
        incident, workspace.facts_of(incident, upto), zones=zones, zone_known=typed is not None
    )
    texts = texts_of(facts) if text is None else [Text(text, where or "stdin")]
    found = claims(texts, facts)
    waived = {
        step.event.rule
        for step in incident.steps
        if isinstance(step.event, RuleWaived) and step.retraction is None and step.event.incident == incident.id
    }
    return [each for each in found if each.key not in waived], [each for each in found if each.key in waived]
