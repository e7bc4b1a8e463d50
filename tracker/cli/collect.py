"""Fetch an incident's data from every configured source, before retention deletes it.

Enough to reconstruct an incident that was never tracked. Prints for each source what was fetched,
what has already expired, and when the rest will. Running it again adds only what is new.
"""

import argparse
from datetime import datetime, timedelta
from pathlib import Path

from tracker.application.auto_declare import described, skipped_notices, would_have_declared
from tracker.application.collect import forges, sentry, sources
from tracker.application.secret_warnings import notices_of_feed
from tracker.application.session import Recording, Session
from tracker.application.verdicts import record_verdicts
from tracker.cli.common import add_incident, add_json, say, write_json
from tracker.cli.progress import progress, waiting
from tracker.errors import SettingsError, TrackerError
from tracker.incident import Incident
from tracker.text.terminal import printable

EXAMPLE = "example:  tracker collect INC-42        tracker collect . --source prometheus"
HISTORY = timedelta(days=90)
"""So far back repositories are read, for where a branch began; forward they are read whole, for a late merge."""
SOURCES = ("prometheus", "alertmanager", "git", "sentry", *forges.FORGES)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the incident, and perhaps one source."""
    add_incident(parser)
    parser.add_argument("--source", choices=SOURCES, help="only this source")
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Pull them one after the other; one that fails does not keep the others from us."""
    incident = session.incident(arguments.incident)
    start = incident.begins_at - timedelta(days=1)
    end = (incident.ends_at or session.now) + timedelta(days=1)
    settings = session.settings
    wanted = SOURCES if arguments.source is None else (arguments.source,)
    pulled: list[sources.CollectResult] = []
    skipped: list[str] = []
    if "prometheus" in wanted:
        if settings.prometheus.url:
            pulled += _prometheus(session, incident, start, end)
        elif arguments.source:
            sources.prometheus_api(session)
        else:
            skipped.append("prometheus: not configured ([prometheus] url)")
    if "alertmanager" in wanted:
        if settings.file.alertmanager.url or arguments.source:
            pulled.append(sources.alertmanager(session))
        else:
            skipped.append("alertmanager: not configured ([alertmanager] url)")
    if "git" in wanted:
        found = [
            (settings.folder / Path(path).expanduser(), name)
            for name in incident.services
            if name in settings.services
            for path in settings.services[name].repositories
        ]
        with waiting("git"):
            pulled += [
                sources.repository(session, path, name, incident.begins_at - HISTORY, None)
                for path, name in found
            ]
        if not found:
            skipped.append(f"git: no repositories configured for {', '.join(incident.services)}")
    for forge in forges.FORGES:
        if forge not in wanted:
            continue
        at_it = [each for each in incident.services if forges.repository_of(session.settings, forge, each)]
        if not at_it and arguments.source:
            at_it = list(incident.services)
        with waiting(forge):
            pulled += [forges.deployments(session, forge, name, start, end) for name in at_it]
    if "sentry" in wanted:
        if sentry.configured(session) or arguments.source:
            with waiting("sentry"):
                pulled.append(sentry.sentry(session, start, min(end, session.now)))
        else:
            skipped.append("sentry: not configured ([sentry] organization)")
    judged = Recording()
    with waiting("verdicts"):
        record_verdicts(session, session.incident(incident.id), judged)
    say(*notices_of_feed(session.secrets))
    return _answer(arguments, session, incident.id, pulled, skipped, judged)


def _prometheus(
    session: Session, incident: "Incident", start: datetime, end: datetime
) -> list[sources.CollectResult]:
    pulled: list[sources.CollectResult] = []
    try:
        api = sources.prometheus_api(session)
    except TrackerError as trouble:
        return [sources.CollectResult("prometheus", None, "everything", problem=trouble)]
    with api, progress("prometheus") as update:
        pulled.append(sources.alert_history(session, api, start=start, end=end))
        if pulled[0].problem is not None and pulled[0].problem.exit_code == 10:
            return pulled
        pulled.append(sources.alert_rules(session, api))
        for service in incident.services:
            configured = session.settings.services.get(service)
            for name, metric in (configured.metrics if configured else {}).items():
                pulled.append(
                    sources.with_history(
                        session,
                        api,
                        service=service,
                        name=name,
                        metric=metric,
                        start=incident.begins_at,
                        end=end,
                        progress=update,
                    )
                )
        for warning in api.warnings:
            say(f"prometheus warns: {warning}")
    return pulled


def _answer(
    arguments: argparse.Namespace,
    session: Session,
    name: str,
    pulled: list[sources.CollectResult],
    skipped: list[str],
    judged: Recording,
) -> int:
    if not pulled and not arguments.json:
        raise SettingsError(
            f"nothing to collect for {name}: " + "; ".join(skipped),
            hint="Configure a source in tracker.toml: tracker init",
        )
    session.log.seal()
    total = Recording(judged.recorded, judged.known)
    for each in pulled:
        total.recorded += each.recording.recorded
        total.known += each.recording.known
    undeclared = would_have_declared(session, [fact for each in pulled for fact in each.facts])
    if arguments.json:
        write_json(
            {
                "incident": name,
                **total.json(),
                "sources": [each.json() for each in pulled],
                "skipped": skipped,
                "would_have_declared": described(undeclared),
            }
        )
        for each in pulled:
            if each.problem:
                say(f"tracker: {each.said()}")
    else:
        for each in pulled:
            print(printable(each.said()))
            if each.problem and each.problem.hint:
                print(f"  {printable(each.problem.hint)}")
        for missing in skipped:
            print(missing)
        if judged.recorded:
            windows = len(judged.recorded)
            print(
                f"verdicts: {windows} window{'s' * (windows != 1)} judged; see them: tracker compare {name}"
            )
        print(f"{name}: {total.said()}")
        say(*skipped_notices(undeclared))
        say(f"Next: tracker timeline {name}   ·   tracker report {name}")
    failed = [each.problem for each in pulled if each.problem]
    return failed[0].exit_code if failed else 0
