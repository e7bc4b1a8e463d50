"""Read one source and record its events.

A feed (one file, one body, one repository, the range of one metric) is recorded as a whole or not
at all. Reading it again adds nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reports.wording.headlines import headline
from tracker.application.auto_declare import described, skipped_notices, would_have_declared
from tracker.application.clock_dates import dates_of
from tracker.application.collect import forges, sentry
from tracker.application.collect import sources as pulling
from tracker.application.refired import with_refirings
from tracker.application.secret_warnings import notices_of_feed
from tracker.application.session import Recording, Session
from tracker.cli.common import add_incident, add_json, add_zone, answer, say, write_json
from tracker.cli.progress import progress, waiting
from tracker.decisions.lifecycle import note
from tracker.errors import BadInputError, SettingsError, UsageError
from tracker.events.alerts import AlertsLeftOut
from tracker.events.base import Arrival, Incoming
from tracker.ingest import alertmanager, cdevents
from tracker.ingest.forges import github, gitlab
from tracker.ingest.notes import reading
from tracker.ingest.notes.days import DATE_ORDERS
from tracker.ingest.notes.placing import Place
from tracker.ingest.sentry import envelope, webhook
from tracker.settings.schema import UNITS, Metric
from tracker.text.shell import word
from tracker.text.terminal import printable
from tracker.times import date_of, utc

_WEEK = timedelta(days=7)

EXAMPLE = """\
examples:
  tracker ingest prometheus --service checkout --from 13:00Z --to 15:00Z
  tracker ingest alertmanager bodies.jsonl
  tracker ingest github --from 2h-ago
  tracker ingest sentry --from 2h-ago
  tracker ingest gitlab --from 2h-ago
  tracker ingest git ../checkout --service checkout
  tracker ingest events deploys.jsonl
  tracker ingest notes INC-42 slack.txt --at-tz Europe/Berlin"""


def arguments(parser: argparse.ArgumentParser) -> None:
    sources = parser.add_subparsers(dest="source", metavar="SOURCE", required=True)
    found = _source(sources, "prometheus", "samples of configured metrics, and alert history")
    found.add_argument("--service", metavar="S", help="only this service")
    found.add_argument("--from", dest="start", metavar="T", required=True, help="start of the time range")
    found.add_argument("--to", dest="end", metavar="T", required=True, help="end of the time range")
    found.add_argument("--query", metavar="PROMQL", help="run this query instead of the configured metrics")
    found.add_argument("--name", metavar="NAME", help="metric name for --query")
    found.add_argument("--unit", metavar="UNIT", help="unit of that metric: " + ", ".join(UNITS))
    _common(found, _prometheus)
    for name, said in (
        ("alertmanager", "webhook bodies; without FILE, the server's current alerts"),
        ("sentry", "envelopes or webhook bodies; without FILE, issues, releases and deploys from the API"),
        ("github", "webhook bodies; without FILE, deployments from the API"),
        ("gitlab", "webhook bodies; without FILE, deployments from the API"),
    ):
        found = _source(sources, name, said)
        found.add_argument(
            "file", metavar="FILE", nargs="?", help="one JSON document or JSON lines; - is stdin"
        )
        found.add_argument("--event", metavar="NAME", help="event type, as named by the webhook's header")
        found.add_argument("--project", metavar="NAME", help="project of an envelope that names none")
        found.add_argument(
            "--from",
            dest="start",
            metavar="T",
            help="start, without FILE (default: a day ago; forges: a week)",
        )
        found.add_argument("--to", dest="end", metavar="T", help="end, without FILE (default: now)")
        _common(found, _bodies)
    found = _source(sources, "git", "commits, merges, tags and branches of a local clone")
    found.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        help="a local clone (default: every configured repository, else the current folder)",
    )
    found.add_argument("--service", metavar="S", help="only this service")
    found.add_argument("--from", dest="start", metavar="T", help="default: the first commit")
    _common(found, _git)
    found = _source(sources, "events", "CloudEvents and CDEvents")
    found.add_argument("file", metavar="FILE", help="one JSON document or JSON lines; - is stdin")
    _common(found, _events)
    found = _source(
        sources, "notes", "notes and chats: lines `14:50 text`, a copied chat, an IRC log, or a JSON export"
    )
    add_incident(found)
    found.add_argument("file", metavar="FILE", help="text or JSON file; - is stdin")
    found.add_argument("--date", metavar="D", help="date of the first line: 2026-03-01")
    found.add_argument(
        "--date-order", choices=DATE_ORDERS, help="how the chat writes 5/3: dmy is 5 March, mdy is 3 May"
    )
    found.add_argument(
        "--users", metavar="FILE", help="the users.json of a Slack export, which names its users"
    )
    found.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    _common(found, _notes)


def _source(sources: Any, name: str, text: str) -> argparse.ArgumentParser:
    example = next(line.strip() for line in EXAMPLE.splitlines() if f"ingest {name} " in line)
    parser: argparse.ArgumentParser = sources.add_parser(
        name,
        help=text,
        description=f"Read {text}.",
        epilog=f"example:  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser


def _common(parser: argparse.ArgumentParser, read: Any) -> None:
    parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--store", metavar="FILE|URL", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    add_zone(parser)
    add_json(parser)
    parser.set_defaults(read=read)


def run(arguments: argparse.Namespace, session: Session) -> int:
    code: int = arguments.read(arguments, session)
    say(*notices_of_feed(session.secrets))
    session.log.seal(100)
    return code


def _bytes(name: str) -> bytes:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as wrong:
        raise BadInputError(
            f"{name}: cannot be read: {wrong.strerror}", hint=f"ls -l {word(name)}"
        ) from wrong
    if not data.strip():
        where, hint = (
            ("stdin", "Name a FILE, or pipe one in") if name == "-" else (name, f"ls -l {word(name)}")
        )
        raise BadInputError(f"{where} is empty", hint=hint)
    return data


def _answer(
    arguments: argparse.Namespace,
    recording: Recording,
    where: str,
    found: int,
    extra: dict[str, Any] | None = None,
) -> int:
    nothing = "" if found else "; nothing in it is of a kind that is recorded (docs/sources.md lists them)"
    return answer(arguments, recording, f"{where}: {recording.said()}{nothing}", extra)


def _bodies(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.file is None:
        if arguments.source in forges.FORGES:
            return _deployments(arguments, session)
        if arguments.source == "alertmanager":
            return _pulled(arguments, session, [pulling.alertmanager(session)])
        start, end = _span(arguments, session, timedelta(days=1))
        with waiting("sentry"):
            pulled = sentry.sentry(session, start, end)
        return _pulled(arguments, session, [pulled])
    data = _bytes(arguments.file)
    where = "stdin" if arguments.file == "-" else arguments.file
    arrival = Arrival(via="file", received_at=datetime.now(UTC))
    rules = session.rules
    with waiting(arguments.source):
        if arguments.source == "alertmanager":
            facts = alertmanager.read(data, where=where, rules=rules, arrival=arrival)
        elif arguments.source == "github":
            facts = github.read(data, where=where, rules=rules, arrival=arrival, event_name=arguments.event)
        elif arguments.source == "gitlab":
            facts = gitlab.read(data, where=where, rules=rules, arrival=arrival, event_name=arguments.event)
        elif envelope.is_envelope(data):
            facts = envelope.read(data, where=where, rules=rules, arrival=arrival, project=arguments.project)
        else:
            facts = webhook.read(data, where=where, rules=rules, arrival=arrival, event_name=arguments.event)
        facts = with_refirings(session, [facts])[0]
        recording = session.record(facts)
    undeclared = would_have_declared(session, facts)
    code = _answer(arguments, recording, where, len(facts), {"would_have_declared": described(undeclared)})
    say(*_left_out_notices(where, facts))
    if not arguments.json:
        say(*skipped_notices(undeclared))
    return code


def _left_out_notices(where: str, facts: Sequence[Incoming]) -> list[str]:
    """Say which alerts a body lacks by its sender's own account."""
    return [
        f"{where}: {printable(headline(fact.event))}; of the group {printable(fact.event.group)}"
        f" {fact.event.listed_count} are recorded. Set max_alerts: 0 in Alertmanager's webhook_configs"
        for fact in facts
        if isinstance(fact.event, AlertsLeftOut)
    ]


def _deployments(arguments: argparse.Namespace, session: Session) -> int:
    """Reconcile with GitHub or GitLab: every configured repository, a week back unless --from says otherwise."""
    forge = arguments.source
    services = forges.services_at(session, forge)
    if not services:
        key = "github_repository" if forge == "github" else "gitlab_project"
        raise SettingsError(
            f"{session.settings.path or 'tracker.toml (there is none; tracker init writes one)'}"
            f" names no {key} of any service",
            hint=f'Under [services.NAME]: {key} = "acme/checkout", or name a FILE of webhook bodies',
        )
    start, end = _span(arguments, session, _WEEK)
    with waiting(forge):
        pulled = [forges.deployments(session, forge, service, start, end) for service in services]
    return _pulled(arguments, session, pulled)


def _span(arguments: argparse.Namespace, session: Session, back: timedelta) -> tuple[datetime, datetime]:
    """Read --from and --to; by default it is so long until now."""
    end = session.instant(arguments.end, option="--to").at if arguments.end else session.now
    start = session.instant(arguments.start, option="--from").at if arguments.start else end - back
    if end <= start:
        raise UsageError(f"ingest: --to ({utc(end)}) is not after --from ({utc(start)})", hint="Swap the two")
    return start, end


def _events(arguments: argparse.Namespace, session: Session) -> int:
    data = _bytes(arguments.file)
    where = "stdin" if arguments.file == "-" else arguments.file
    arrival = Arrival(via="file", received_at=datetime.now(UTC))
    with waiting("events"):
        facts = cdevents.read(data, where=where, rules=session.rules, arrival=arrival)
        recording = session.record(facts)
    return _answer(arguments, recording, where, len(facts))


def _notes(arguments: argparse.Namespace, session: Session) -> int:
    incident = session.incident(arguments.incident)
    where = "stdin" if arguments.file == "-" else arguments.file
    earliest, latest = dates_of(incident)
    data = _bytes(arguments.file)
    with waiting("notes"):
        read = reading.read(
            data,
            where=where,
            incident=incident.id,
            by=session.author,
            times=Place(
                date=date_of(arguments.date) if arguments.date else None,
                date_order=arguments.date_order,
                zone=session.typed_zone,
                now=session.now,
                earliest=earliest,
                latest=latest,
            ),
            users=_bytes(arguments.users) if arguments.users else None,
        )
        at = session.instant(None)
        if read.notes:
            note(incident, "x", by=session.author, at=at)
        recording = session.decide(incident.id, lambda held: read.notes)
    remarks = [
        *(["newest first, so read from its end"] if read.newest_first else []),
        *([f"{read.left_out} left out (joins, deleted messages and the like)"] if read.left_out else []),
    ]
    text = "; ".join([f"{where}: {len(read.notes)} notes on {incident.id}, {recording.said()}", *remarks])
    return answer(arguments, recording, text, {"left_out": read.left_out, "newest_first": read.newest_first})


def _git(arguments: argparse.Namespace, session: Session) -> int:
    start = session.instant(arguments.start, option="--from").at if arguments.start else None
    service = session.service(arguments.service) if arguments.service else None
    configured = [
        (session.settings.folder / Path(path).expanduser(), name)
        for name, each in session.settings.services.items()
        for path in each.repositories
    ]
    if arguments.path:
        path = Path(arguments.path).resolve()
        owner = next((name for place, name in configured if place.resolve() == path), None)
        targets = [(path, service or owner)]
    else:
        targets = [each for each in configured if service in (None, each[1])] or [(Path.cwd(), service)]
    with waiting("git"):
        pulled = [pulling.repository(session, path, name, start, None) for path, name in targets]
    return _pulled(arguments, session, pulled)


def _prometheus(arguments: argparse.Namespace, session: Session) -> int:
    start = session.instant(arguments.start, option="--from").at
    end = session.instant(arguments.end, option="--to", allow_future=True).at
    if end <= start:
        raise UsageError(f"ingest: --to ({end}) is not after --from ({start})", hint="Swap the two")
    if bool(arguments.query) != bool(arguments.name):
        raise UsageError("ingest: --query and --name go together", hint="--query 'up' --name up")
    if arguments.unit and arguments.unit not in UNITS:
        raise UsageError(f"ingest: {arguments.unit!r} is not a unit", hint="One of " + ", ".join(UNITS))
    names = [session.service(arguments.service)] if arguments.service else list(session.settings.services)
    if not names:
        raise UsageError("ingest: which service?", hint="--service NAME, or configure [services.NAME]")
    if arguments.query and len(names) != 1:
        raise UsageError("ingest: a --query belongs to one service", hint="--service NAME")
    wanted = [
        (name, metric_name, metric)
        for name in names
        for metric_name, metric in (
            {arguments.name: Metric(query=arguments.query, unit=arguments.unit)}
            if arguments.query
            else session.settings.services[name].metrics
            if name in session.settings.services
            else {}
        ).items()
    ]
    pulled = []
    with pulling.prometheus_api(session) as api, progress("prometheus") as update:
        for service, name, metric in wanted:
            pulled.append(
                pulling.samples(
                    session,
                    api,
                    service=service,
                    name=name,
                    metric=metric,
                    start=start,
                    end=end,
                    progress=update,
                )
            )
        if not arguments.query:
            pulled.append(pulling.alert_history(session, api, start=start, end=end))
        for warning in api.warnings:
            say(f"Prometheus warning: {warning}")
    return _pulled(arguments, session, pulled)


def _pulled(arguments: argparse.Namespace, session: Session, pulled: list[pulling.CollectResult]) -> int:
    total = Recording()
    for each in pulled:
        total.recorded += each.recording.recorded
        total.known += each.recording.known
    failed = [each.problem for each in pulled if each.problem]
    if len(failed) == len(pulled) == 1:
        raise failed[0]
    undeclared = would_have_declared(session, [fact for each in pulled for fact in each.facts])
    if arguments.json:
        write_json(
            {
                **total.json(),
                "sources": [each.json() for each in pulled],
                "would_have_declared": described(undeclared),
            }
        )
        for each in pulled:
            if each.problem:
                say(f"tracker: {each.said()}")
    else:
        for each in pulled:
            say(each.said())
            if each.problem and each.problem.hint:
                say(f"  {each.problem.hint}")
        say(*skipped_notices(undeclared))
    return failed[0].exit_code if failed else 0
