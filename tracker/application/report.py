"""A post-incident report, written from what the log holds of an incident."""

from dataclasses import replace
from datetime import UTC
from urllib.parse import unquote

from projections.dossier import Dossier
from projections.review import ReportStatus, State, as_published, publications, standing
from reports.context import Context
from reports.gathering import gather
from reports.generated_regions import ParsedReport, parse
from reports.post_incident import Document, write
from tracker.application import report_files
from tracker.application.dossier import dossier, reads_the_same
from tracker.application.provenance import provenance
from tracker.application.session import Session
from tracker.events.base import Recorded
from tracker.events.corrections import Effective
from tracker.incident import Incident
from tracker.times import zone

NEVER_SAME = ("footer",)
"""Where in the log it was read is another place each time, and says nothing new."""


def as_it_was(session: Session, found: "ParsedReport") -> dict[str, str]:
    """Return the parts of a report as the log had them at the position in its footer; none where that cannot be told."""
    footer = report_files.footer_of(found)
    if not footer or int(footer["position"]) > session.log.position:
        return {}
    if footer["log"] not in (None, session.log.id):
        return {}
    context = gathered_again(session, found, int(footer["position"]))
    written = write(context, template=found.attributes["template"], with_pictures=False)
    return {part.name: part.text for part in written.parts}


def gathered_again(session: Session, found: ParsedReport, position: int) -> Context:
    """Read all that a report that exists as a file depends on once more, in its own form, as of a position."""
    form = found.attributes
    return gathered(
        session,
        session.incident(form["incident"], position),
        position,
        zone_name=form.get("zone", "UTC"),
        pictures=form.get("pictures", "svg"),
        folder=unquote(form.get("folder", "")),
    )


def standing_of(session: Session, known: Dossier) -> ReportStatus:
    """Say where a report stands; of one that was published all parts have to be read."""
    if not publications(known.incident):
        return standing(known.incident, ())
    return with_evidence(session, known)[0].standing


def document(
    session: Session,
    incident: Incident,
    up_to: int | None,
    *,
    zone_name: str = "UTC",
    pictures: str = "svg",
    folder: str = "",
    template: str = "guide",
) -> Document:
    """Gather what the log holds of an incident up to a position, and write the report."""
    context = gathered(session, incident, up_to, zone_name=zone_name, pictures=pictures, folder=folder)
    return write(context, template=template)


def gathered(
    session: Session,
    incident: Incident,
    up_to: int | None,
    *,
    zone_name: str = "UTC",
    pictures: str = "svg",
    folder: str = "",
) -> Context:
    """Read all that the report depends on; its position is that of the last event used."""
    known = dossier(session, incident, up_to)
    context, _, _ = with_evidence(session, known, zone_name=zone_name, pictures=pictures)
    return replace(context, folder=folder)


def with_evidence(
    session: Session, known: Dossier, *, zone_name: str = "UTC", pictures: str = "svg"
) -> tuple[Context, Dossier, list[Recorded]]:
    """Gather all that the report depends on, with the dossier that it is from and the events used.

    Where less of the log would have been searched as of the last of these events, it is read again
    as of there: the same position gives the same bytes.
    """
    context, used = gather(known, zone_name=zone_name, pictures=pictures)
    last = used[-1].position
    if not reads_the_same(session.log, known, last):
        earlier = dossier(session, session.incident(known.incident.id, last), last)
        return with_evidence(session, earlier, zone_name=zone_name, pictures=pictures)
    context = _with_true_standing(session, context)
    return replace(context, provenance=provenance(session, known, used)), known, used


def _with_true_standing(session: Session, context: Context) -> Context:
    """Call a published report amended only where it would say something else now than it did."""
    if context.standing.state is not State.AMENDED:
        return context
    last = publications(context.incident)[-1]
    then = as_published(last)
    before = published_text(session, last)
    if before is None or published_differs(before, context, then):
        return context
    kept = replace(context.standing, state=State.PUBLISHED, changes_since=0)
    return replace(context, standing=kept)


def published_text(session: Session, published: Effective) -> ParsedReport | None:
    """Return the text that was published; None where the log does not hold it any more."""
    position = published.recorded.position
    payload = session.log.payloads([position]).get(position, b"")
    return parse(payload) if payload else None


def published_differs(before: ParsedReport, context: Context, then: ReportStatus) -> bool:
    """Whether a generated part, other than the place in the log that it names, would be another one now."""
    zone_name = then.zone_name or "UTC"
    form = replace(
        context,
        standing=then,
        zone_name=zone_name,
        zone=zone(zone_name) if zone_name != "UTC" else UTC,
        pictures=before.attributes.get("pictures", "svg"),
        folder=unquote(before.attributes.get("folder", "")),
    )
    now = write(form, template=then.template or "guide", with_pictures=False)
    texts = {part.name: part.text for part in before.parts if part.name not in NEVER_SAME}
    return texts != {part.name: part.text for part in now.parts if part.name not in NEVER_SAME}
