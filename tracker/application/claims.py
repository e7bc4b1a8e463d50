"""Checking prose against the log: an incident's notes and messages, or a text; and a text against itself."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

from projections.claims.claim import Claim
from projections.claims.of_incident import claims_alone, claims_of, needs_samples
from projections.claims.prose import Text
from projections.dossier import Dossier
from projections.incident_windows import Part
from reports.generated_regions import visible_text
from reports.wording.claims import claim
from tracker.application.session import Session
from tracker.incident import Incident


@dataclass(frozen=True)
class Checked:
    """What is contradicted, what of it somebody waived with a reason, and what fits nothing and is no fault."""

    claims: list[Claim]
    waived: list[Claim]
    notices: list[Claim]


def parts_for_claims(incident: Incident, text: str | None = None) -> Part:
    """Return what has to be read to check a text, or an incident's notes and messages."""
    parts = Part.STORY | Part.WORK | Part.ACTIONS
    return parts | Part.METRICS if needs_samples(incident, text) else parts


def check_claims(session: Session, known: Dossier, *, text: str | None = None, where: str = "") -> Checked:
    """Check an incident's notes and messages, or `text` alone where it is given."""
    prose = None if text is None else Text(visible_text(text), where or "stdin")
    found, waived = claims_of(known, prose, zones=_zones(session), zone_known=session.typed_zone is not None)
    return Checked(
        [claim(each) for each in found if not each.is_notice],
        [claim(each) for each in waived if not each.is_notice],
        [claim(each) for each in found if each.is_notice],
    )


def check_alone(session: Session, text: str, where: str) -> list[Claim]:
    """Return where a text contradicts itself: no log is opened."""
    zones = [session.typed_zone or UTC]
    found = claims_alone(Text(visible_text(text), where), zones=zones, now=session.now)
    return [claim(each) for each in found if not each.is_notice]


def lint_claims(session: Session, known: Dossier, *, text: str | None = None, where: str = "") -> list[Claim]:
    """Return what the log contradicts, without what was waived."""
    return check_claims(session, known, text=text, where=where).claims


def lint_claims_and_waived(
    session: Session, known: Dossier, *, text: str | None = None, where: str = ""
) -> tuple[list[Claim], list[Claim]]:
    """Return what the log contradicts, and what of it somebody waived with a reason."""
    checked = check_claims(session, known, text=text, where=where)
    return checked.claims, checked.waived


def _zones(session: Session) -> list[tzinfo]:
    """Return the zones of times without one: the one that was given, else UTC and the one that is shown."""
    if session.typed_zone is not None:
        return [session.typed_zone]
    return list(dict.fromkeys((UTC, session.shown_zone)))
