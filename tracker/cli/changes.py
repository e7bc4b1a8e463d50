"""List deploys, rollbacks and merges of all services, newest first.

With an incident: those from one day before it until its end. Each candidate cause says why it is
one: how long before the start it went out, and which metrics moved. What a person recorded replaces
that: tracker link INC EVENT --as caused --why "…"
"""

import argparse
from datetime import timedelta

from projections.places import PRODUCTION
from projections.versions import UNKNOWN
from reports.wording.changes import suspicion, version_name
from tracker.application.changes import ListedChange, list_changes
from tracker.application.session import Session
from tracker.cli.common import add_display_zone, add_incident, add_reading, write_json
from tracker.cli.timeline import span_asked
from tracker.errors import UsageError
from tracker.text.terminal import printable, table
from tracker.times import duration_seconds, utc

_PART = {
    "caused": "caused",
    "fixed": "fixed",
    "suspect": "suspected of",
    "dismissed": "dismissed as the cause of",
}
EXAMPLE = "example:  tracker changes --from 2h-ago        tracker changes INC-42"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser, optional=True)
    parser.add_argument("--service", metavar="S", help="only changes of this service")
    parser.add_argument(
        "--from", dest="start", metavar="T", help="default: one day ago, or one day before the incident"
    )
    parser.add_argument("--to", dest="end", metavar="T", help="default: now, or the incident's end")
    parser.add_argument(
        "--within",
        metavar="DURATION",
        default="1h",
        help="how long before the incident's start a change counts as a candidate cause (default 1h)",
    )
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    if arguments.service:
        session.asked_service(arguments.service)
    incident = session.incident(arguments.incident, up_to) if arguments.incident else None
    now = session.now
    start, end = now - timedelta(days=1), now + timedelta(seconds=1)
    if incident is not None:
        start, end = incident.begins_at - timedelta(days=1), incident.ends_at or end
    if incident is not None:
        asked = span_asked(arguments, session, incident)
        start, end = asked[0] or start, asked[1] or end
    else:
        if arguments.start:
            start = session.instant(arguments.start, option="--from").at
        if arguments.end:
            end = session.instant(arguments.end, option="--to", allow_future=True).at
    if end <= start:
        raise UsageError(f"--to ({utc(end)}) is not after --from ({utc(start)})", hint="Swap the two")
    within = timedelta(seconds=duration_seconds(arguments.within))
    answer = list_changes(session, incident, start, end, up_to, within=within, service=arguments.service)
    if arguments.json:
        write_json({"from": start, "to": end, "changes": [_described(change) for change in answer]})
        return 0
    if not answer:
        whose = f" of {arguments.service}" if arguments.service else ""
        print(
            f"No deploy, rollback or merge{whose} between {utc(start)} and {utc(end)}; look further back with --from T."
        )
        print("Record some: tracker ingest git, tracker ingest events, tracker deploy, tracker run deploy")
        return 0
    lines = []
    for change in answer:
        row = change.row
        place = f" in {row.environment}" if row.place != PRODUCTION and row.environment else ""
        local = row.at.astimezone(session.shown_zone)
        before = f" (was {row.previous_version})" if row.previous_version and row.kind != "merge" else ""
        if row.is_again:
            before = " again"
        if len(row.tagged) > 1 and row.sha is None:
            commits = " or ".join(commit.sha[:7] for commit in row.tagged)
            before += f" (the tag was moved: {commits})"
        title = {"deploy": "deployed", "rollback": "rolled back to", "merge": ""}[row.kind]
        if row.status != "finished":
            title = f"{row.kind} {row.status}"
            unknown = {"started": ", no end recorded:", "interrupted": ", its end is unknown:"}
            title += unknown.get(row.status, "")
        title = f"{title} {printable(version_name(row.title))}{printable(place)}"
        lines.append(
            (
                row.handle,
                local.strftime("%Y-%m-%d %H:%M:%S"),
                row.service or "?",
                f"{title}{before}".strip(),
            )
        )
        said = [f"{_PART[str(link.role)]} {name}, says {link.by}: {link.why}" for name, link in change.roles]
        if change.of_another and not change.candidates:
            said.append("belongs to another incident")
        judged = {name for name, _ in change.roles}
        said += [
            f"candidate for {each.incident}: {suspicion(each)}"
            for each in change.candidates
            if each.incident not in judged
        ]
        lines += [("", "", "", f"  {printable(line)}") for line in said]
    print(table(lines), end="")
    return 0


def _described(change: ListedChange) -> dict[str, object]:
    row = change.row
    took = (row.finished_at - row.started_at).total_seconds() if row.finished_at and row.started_at else None
    return {
        "event": row.event,
        "kind": row.kind,
        "status": row.status,
        "service": row.service,
        "environment": row.environment,
        "place": row.place,
        "version": row.version if row.version != UNKNOWN else None,
        "previous_version": row.previous_version,
        "sha": row.sha,
        "tag_commits": [commit.sha for commit in row.tagged],
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "occurred_at": row.at,
        "duration_seconds": took,
        "title": row.title,
        "by": row.by,
        "sources": row.sources,
        "of_another_incident": change.of_another,
        "evidence": row.evidence,
        "candidate_for": [
            {
                "incident": suspect.incident,
                "seconds_before_start": suspect.seconds_before_start,
                "why": suspicion(suspect),
                "moved": suspect.moved,
            }
            for suspect in change.candidates
        ],
        "attribution": [
            {"incident": name, "as": link.role, "by": link.by, "why": link.why} for name, link in change.roles
        ],
    }
