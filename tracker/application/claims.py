"""Checking prose against the log: an incident's notes and messages, or a text."""

from datetime import UTC

from projections.claims.claim import Claim
from projections.claims.of_incident import claims_of, needs_samples
from projections.claims.prose import Text
from projections.dossier import Dossier, Part
from reports.generated_regions import visible_text
from tracker.application.session import Session
from tracker.incident import Incident


def parts_for_claims(incident: Incident, text: str | None = None) -> Part:
    """Return what has to be read to check a text, or an incident's notes and messages."""
    parts = Part.STORY | Part.WORK
    return parts | Part.METRICS if needs_samples(incident, text) else parts


def lint_claims(session: Session, known: Dossier, *, text: str | None = None, where: str = "") -> list[Claim]:
    """Return what the log contradicts in an incident's notes and messages, or in `text` alone where it is given.

    Waived claims are left out.
    """
    return lint_claims_and_waived(session, known, text=text, where=where)[0]


def lint_claims_and_waived(
    session: Session, known: Dossier, *, text: str | None = None, where: str = ""
) -> tuple[list[Claim], list[Claim]]:
    """Return what the log contradicts, and what of it somebody waived with a reason."""
    typed = session.typed_zone
    zones = [typed] if typed is not None else list(dict.fromkeys((UTC, session.shown_zone)))
    prose = None if text is None else Text(visible_text(text), where or "stdin")
    return claims_of(known, prose, zones=zones, zone_known=typed is not None)
