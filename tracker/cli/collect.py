"""Fetch an incident's data from every configured source, before retention deletes it.

Enough to reconstruct an incident that was never tracked. Prints for each source what was fetched,
what has already expired, and when the rest will. Running it again adds only what is new.
"""

import argparse

from projections.incident_windows import Part
from projections.likely_deploys import likely_deploys
from tracker.application.auto_declare import described, skipped_notices, would_have_declared
from tracker.application.collect.incident import SOURCES, collect_incident
from tracker.application.dossier import dossier
from tracker.application.json_values import plain
from tracker.application.secret_warnings import notices_of_feed
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_json, say, write_json
from tracker.cli.progress import PROGRESS
from tracker.errors import SettingsError
from tracker.text.shell import command, word
from tracker.text.terminal import printable
from tracker.times import utc

EXAMPLE = "example:  tracker collect INC-42        tracker collect . --source prometheus"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("--source", choices=SOURCES, help="only this source")
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    incident = session.incident(arguments.incident)
    name = incident.id
    collected = collect_incident(session, incident, only=arguments.source, progress=PROGRESS)
    say(*notices_of_feed(session.secrets))
    if not collected.results and not arguments.json:
        raise SettingsError(
            f"nothing to collect for {name}: " + "; ".join(collected.skipped),
            hint="Configure a source in tracker.toml: tracker init",
        )
    parts = Part.STORY | Part.WORK
    likely = likely_deploys(dossier(session, session.incident(name), parts=parts))
    failed = [result for result in collected.results if result.problem]
    undeclared = would_have_declared(session, [fact for result in collected.results for fact in result.facts])
    if arguments.json:
        write_json(
            {
                "incident": name,
                **collected.total.json(),
                "sources": [result.json() for result in collected.results],
                "skipped": collected.skipped,
                "would_have_declared": described(undeclared),
                "likely_deploys": [plain(each) for each in likely],
            }
        )
        say(*(f"tracker: {result.said()}" for result in failed))
    else:
        for result in collected.results:
            print(printable(result.said()))
            if result.problem and result.problem.hint:
                print(f"  {printable(result.problem.hint)}")
        for missing in collected.skipped:
            print(missing)
        if count := len(collected.judged.recorded):
            print(
                f"verdicts: {count} window{'s' * (count != 1)} judged; see them: tracker compare {word(name)}"
            )
        print(f"{name}: {collected.total.said()}")
        if likely:
            print("No deploy of that time is known. Likely ones that nobody recorded, if one was:")
        for each in likely:
            deploy = command(
                "tracker",
                "deploy",
                "finish",
                each.service,
                each.version,
                "--sha",
                each.sha,
                "--at",
                utc(each.at),
            )
            print(printable(f"  {each.kind} {each.version} of {utc(each.at)}: {deploy}"))
        say(
            *skipped_notices(undeclared),
            f"Next: tracker timeline {word(name)}   ·   tracker report {word(name)}",
        )
    return failed[0].problem.exit_code if failed and failed[0].problem else 0
