"""`tracker report INC --diff published`: what the report would say now that it did not say when it was published."""

import argparse
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from projections.review import as_published, publications
from reports.generated_regions import ParsedReport, parse
from reports.post_incident import write
from tracker.application import report, report_files
from tracker.application.session import Session
from tracker.cli.common import say, write_json
from tracker.cli.progress import waiting
from tracker.errors import LogNotWholeError, RefusedError, UsageError
from tracker.events.reviews import ReportPublished
from tracker.incident import Incident
from tracker.text.shell import word
from tracker.text.terminal import printable
from tracker.times import utc

BY_HAND = "by hand"


@dataclass(frozen=True)
class Changed:
    """What differs below one heading."""

    section: str
    diff: str


def run(arguments: argparse.Namespace, session: Session, incident: Incident, up_to: int | None) -> int:
    name = incident.id
    published = publications(incident)
    if not published:
        raise RefusedError(
            f"the report of {name} was never published" + (" by then" if up_to is not None else ""),
            hint=f"tracker publish {word(name)}",
        )
    last = published[-1]
    then = as_published(last)
    template, zone_name = then.template or "guide", then.zone_name or "UTC"
    for given, held, option in (
        (arguments.template, template, "--template"),
        (arguments.tz, zone_name, "--tz"),
    ):
        if given not in (None, held):
            raise UsageError(
                f"report: it was published with {option} {held}; with another value every line would differ",
                hint=f"tracker report {word(name)} --diff published",
            )
    payload = session.log.payloads([last.recorded.position]).get(last.recorded.position, b"")
    assert isinstance(last.event, ReportPublished)
    if not payload:
        raise RefusedError(
            f"the published text ({last.handle}) is no longer in the log",
            hint=f"See why: tracker history {last.handle}",
        )
    if hashlib.sha256(payload).digest() != last.event.sha256:
        raise LogNotWholeError(
            f"the published text ({last.handle}) was changed in the log",
            hint=f"tracker history {last.handle}; tracker verify",
        )
    before = parse(payload)
    with waiting("report"):
        context = report.gathered(
            session,
            incident,
            up_to,
            zone_name=zone_name,
            pictures=before.attributes.get("pictures", "svg"),
            folder=unquote(before.attributes.get("folder", "")),
        )
        now = write(replace(context, standing=then), template=template, with_pictures=False)
    target = Path(arguments.output if arguments.output not in (None, "-") else f"{name}.md")
    found = report_files.existing_report(target, name) if up_to is None else None
    changed = _sections(before, {part.name: part.text for part in now.parts})
    if found is not None and found.attributes["template"] == template and found.by_hand:
        changed += _prose(before, found)
    if arguments.json:
        write_json(
            {
                "incident": name,
                "published": {
                    "event": last.id,
                    "published_at": then.published_at,
                    "published_by": then.published_by,
                    "position": then.position,
                },
                "position": context.provenance.position,
                "same": not changed,
                "changed": changed,
            }
        )
        return 0
    since = (
        f"{utc(then.published_at)} by {then.published_by} ({last.handle})"
        if then.published_at
        else last.handle
    )
    if not changed:
        print(f"Nothing changed since it was published at {since}.")
        return 0
    for each in changed:
        print("\n".join(printable(line) for line in each.diff.split("\n")))
    say(
        f"Published at {since}; {len(changed)} {'section differs' if len(changed) == 1 else 'sections differ'} now"
    )
    say(f"Next: tracker publish {word(name)}")
    return 0


def _sections(before: "ParsedReport", now: dict[str, str]) -> list[Changed]:
    names = [*now, *(each.name for each in before.parts if each.name not in now)]
    found = []
    for name in names:
        held = before.part(name)
        was, is_now = held.text if held else "", now.get(name, "")
        if name not in report.NEVER_SAME and was != is_now:
            found.append(Changed(name, _shown(was, is_now, name)))
    return found


def _prose(before: "ParsedReport", found: "ParsedReport") -> list[Changed]:
    was, is_now = (
        "\n".join(line for line in each.prose_alone().replace("\r\n", "\n").split("\n") if line.strip())
        for each in (before, found)
    )
    return [Changed(BY_HAND, _shown(was, is_now, BY_HAND))] if was != is_now else []


def _shown(was: str, is_now: str, name: str) -> str:
    return "\n".join(report_files.diff(was, is_now, f"{name}: as published", f"{name}: now"))
