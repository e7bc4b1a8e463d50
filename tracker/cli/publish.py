"""Publish the post-incident report: write it, check its prose against the log, and store the published text in the log.

Text added by hand to INC-42.md is included. If the log contradicts the prose, the command is
refused; --why publishes anyway and records the reason. The published text stays readable, to the
byte: tracker show EVENT --raw.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from projections.claims.claim import Claim
from projections.dossier import Dossier
from projections.review import ReportStatus, State, publications
from reports.context import Context
from reports.generated_regions import ParsedReport, parse
from reports.post_incident import write
from tracker.application import report, report_files
from tracker.application.claims import lint_claims
from tracker.application.dossier import dossier
from tracker.application.session import Recording, Session
from tracker.cli.common import add_incident, add_json, answer
from tracker.cli.progress import waiting
from tracker.decisions import publication
from tracker.errors import RefusedError, UsageError
from tracker.events.base import Arrival, Incoming, handle_of
from tracker.events.corrections import Effective
from tracker.events.reviews import ReportPublished
from tracker.incident import Incident
from tracker.text.shell import command, word
from tracker.text.terminal import printable
from tracker.times import utc

EXAMPLE = "example:  tracker publish INC-42"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="default ./INC-42.md; pictures go into a folder named after the file",
    )
    parser.add_argument(
        "--template",
        choices=("guide", "google", "pagerduty"),
        help="headings (default: those of the existing file, else guide)",
    )
    parser.add_argument("--tz", metavar="ZONE", help="time zone of the timeline (default UTC)")
    parser.add_argument("--why", metavar="TEXT", help="publish despite findings, for this reason")
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    incident = session.incident(arguments.incident)
    publication.refuse_unpublishable(incident)
    by = session.author
    session.record_settings()
    up_to = session.log.position
    if arguments.output == "-":
        raise UsageError(
            "publish: -o - is not a file", hint=f"tracker publish {incident.id}; then: cat {incident.id}.md"
        )
    target = Path(arguments.output or f"{incident.id}.md")
    found = report_files.existing_report(target, incident.id)
    report_files.refuse_witness(session, target, found, "publish")
    held = found.attributes if found else {}
    template = arguments.template or held.get("template", "guide")
    zone_name = arguments.tz or held.get("zone", "UTC")
    pictures = held.get("pictures", "svg")
    before = publications(incident)
    last = before[-1] if before else None
    with waiting("publish"):
        known = dossier(session, incident, up_to)
        context, known, _ = report.with_evidence(session, known, zone_name=zone_name, pictures=pictures)
        context = replace(context, folder=report_files.picture_folder(target, incident.id))
        if last is not None and context.standing.state is State.PUBLISHED:
            same = _known(arguments, session, context, last, target, found, (template, zone_name))
            if same is not None:
                return same
        _refuse_lost_prose(session, last, found, target)
        at = session.now
        position = context.provenance.position
        standing = ReportStatus(state=State.PUBLISHED, published_at=at, published_by=by, position=position)
        written = write(replace(context, standing=standing), template=template)
    data = written.markdown.encode()
    if found is not None:
        data = report_files.regenerate(
            target, found, written.parts, force=False, as_it_was=lambda: report.as_it_was(session, found)
        )
    claims = _claims(session, known, data, target)
    if claims and not (arguments.why and arguments.why.strip()):
        raise _findings(incident, claims)
    published = publication.publish(
        incident,
        data,
        by=by,
        at=at,
        position=position,
        template=template,
        zone_name=zone_name,
        findings=[each.key for each in claims],
        why=arguments.why,
    )
    incoming = Incoming(event=published, arrival=Arrival(via="typed"), payload=data)

    def decide(now: "Incident") -> list[Incoming]:
        publication.refuse_unpublishable(now)
        if len(publications(now)) > len(before):
            raise RefusedError(
                f"the report of {now.id} was published by someone else in the meantime",
                hint=f"tracker show {now.id}",
            )
        return [incoming]

    report_files.refuse_changed(target, found)
    recording = session.decide(incident.id, decide)
    report_files.write_report(target, data, written.pictures)
    handle = handle_of(recording.recorded[0])
    if not arguments.json:
        print(target)
    return answer(
        arguments,
        recording,
        f"{handle} published the report of {incident.id} as of log position {position}, at {utc(at)} by {by}\n"
        + (f"{_findings_counted(claims)} waived: {arguments.why}\n" if claims else "")
        + f"Next: send {target} to its readers; the published text is kept: tracker show {handle} --raw",
        {
            "incident": incident.id,
            "file": str(target),
            "position": position,
            "waived": [c.key for c in claims],
        },
    )


def _known(
    arguments: argparse.Namespace,
    session: Session,
    context: "Context",
    last: "Effective",
    target: Path,
    found: "ParsedReport | None",
    form: tuple[str, str],
) -> int | None:
    """Answer that it is published already; None where the form, or what people wrote by hand, is another."""
    event = last.event
    assert isinstance(event, ReportPublished)
    if (event.template, event.zone_name) != form:
        return None
    payload = _payload(session, last)
    if found is not None and (found.edited or found.prose != _apart(payload).prose):
        return None
    if found is None:
        then = report.gathered_again(session, _apart(payload), event.position)
        missing = {
            path: drawn for path, drawn in write(then).pictures.items() if not (target.parent / path).exists()
        }
        report_files.write_report(target, payload, missing)
    handle, name = last.handle, context.incident.id
    if not arguments.json:
        print(target)
    return answer(
        arguments,
        Recording(known=(last.id,)),
        f"{name} was already published at {utc(event.occurred_at)} by {event.decided_by} ({handle}), "
        f"and would say the same now\nNext: tracker show {handle} --raw",
        {
            "incident": name,
            "file": str(target),
            "position": event.position,
            "waived": list(event.waived),
        },
    )


def _refuse_lost_prose(
    session: Session, last: "Effective | None", found: "ParsedReport | None", target: Path
) -> None:
    """Refuse to publish without the prose that the last published report had, where no file is there to say that it went."""
    if last is None or found is not None:
        return
    by_hand = _apart(_payload(session, last)).by_hand
    if by_hand:
        raise RefusedError(
            f"{target} does not exist, and the last published report contains {report_files.hand_lines(by_hand)}",
            hint=f"Restore it first: tracker show {last.handle} --raw -o {word(target)}; then remove the unwanted lines",
        )


def _payload(session: Session, published: "Effective") -> bytes:
    position = published.recorded.position
    return session.log.payloads([position]).get(position, b"")


def _apart(payload: bytes) -> "ParsedReport":
    return parse(payload)


def _claims(session: Session, known: Dossier, data: bytes, target: Path) -> "list[Claim]":
    """Return what the log contradicts: in notes and messages, and in what stands in the file by hand."""
    found = _apart(data)
    claims = lint_claims(session, known)
    if found.by_hand:
        claims += lint_claims(session, known, text=found.prose_alone(), where=str(target))
    return claims


def _findings(incident: "Incident", claims: "list[Claim]") -> RefusedError:
    lines = [
        f"{each.where}  “{printable(each.claim)}”: {printable(each.log_says)}   ({each.key})"
        for each in claims
    ]
    file = next(
        (each.where.rpartition(":")[0] for each in claims if each.line is not None and ":" in each.where),
        None,
    )
    text = ("--text", file) if file else ()
    waive = command("tracker", "waive", incident.id, claims[0].key, *text, "--why", "…")
    return RefusedError(
        f"the log contradicts what is written about {incident.id}: {_findings_counted(claims)}; nothing was published",
        hint="\n  ".join(
            [
                *lines,
                f"Correct it: tracker review {incident.id}, or edit the file. To waive one: {waive}",
                f'Or publish anyway, with a reason: tracker publish {incident.id} --why "…"',
            ]
        ),
    )


def _findings_counted(claims: "list[Claim]") -> str:
    return "1 finding" if len(claims) == 1 else f"{len(claims)} findings"
