"""Waiving a rule of the procedure, or a claim in prose."""

from tracker.application.claims import lint_claims, parts_for_claims
from tracker.application.dossier import dossier
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import WaiveRule
from tracker.application.session import Session
from tracker.decisions.waivers import waive
from tracker.events.procedure import RULE_NAMES


def waive_rule(session: Session, request: WaiveRule) -> Outcome:
    """Waive a rule by name, else a claim by its key; `facts["rule"]` is what was waived."""
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    rule = request.rule.strip().lower().replace("-", "_")
    keys: list[str] = []
    if rule not in RULE_NAMES:
        parts = parts_for_claims(incident) | parts_for_claims(incident, request.text)
        known = dossier(session, incident, parts=parts)
        claims = lint_claims(session, known)
        if request.text is not None:
            claims += lint_claims(session, known, text=request.text, where=request.where)
        keys = [claim.key for claim in claims]
    recording = session.decide(
        incident.id,
        lambda known: [waive(known, request.rule, by=request.by, at=at, why=request.why, claims=keys)],
    )
    waived = rule if rule in RULE_NAMES else request.rule
    return Outcome(recording, {"incident": incident.id}, at.at, {"rule": waived})
