"""Judge the alert rules by what they led to, and name the metrics that no rule watches.

Alerts of one rule and service that overlap are one firing. It led to an incident if it began in the hour
before it or while it lasted. Precision is the share of firings that led to one, recall the share of the
service's incidents in which the rule fired; each with its 95 % interval. --propose prints a Prometheus
rule file for the metrics that no rule watches, each rule tested on the samples in the log.
"""

import argparse

from projections.alert_rules import RuleJudged
from reports.rule_file import rule_file
from reports.wording.alert_rules import figures, says
from tracker.application.alert_rules import RulesAnswer, judged_rules, proposals
from tracker.application.session import Session
from tracker.cli.common import add_reading, say, write_json
from tracker.text.terminal import printable, table
from tracker.times import spoken

EXAMPLE = "example:  tracker rules        tracker rules --propose > proposed.yml && promtool check rules proposed.yml"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", metavar="S", help="only rules of this service")
    parser.add_argument("--propose", action="store_true", help="print a rule file for what no rule watches")
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    service = session.asked_service(arguments.service) if arguments.service else None
    answer = judged_rules(session, service, up_to)
    if arguments.propose and not arguments.json:
        proposed = proposals(session, answer, up_to)
        if not proposed:
            say("Nothing to propose: no metric with a threshold and a better direction is without a rule")
        print(rule_file(proposed), end="")
        return 0
    if arguments.json:
        extra = {"rule_file": rule_file(proposals(session, answer, up_to))} if arguments.propose else {}
        write_json({**_json(answer), **extra})
        return 0
    _print(answer)
    return 0


def _json(answer: RulesAnswer) -> dict[str, object]:
    return {
        "rules": [figures(rule) for rule in answer.rules],
        "metrics_without_rule": [
            {"service": service, "metric": metric} for service, metric in answer.unwatched
        ],
        "definitions": answer.definitions,
    }


def _print(answer: RulesAnswer) -> None:
    if answer.rules:
        head = ("RULE", "SERVICE", "FIRED", "INCIDENTS", "PRECISION", "RECALL", "DETECTION", "RESET")
        print(table([head, *map(_row, answer.rules)]), end="")
        print()
        for rule in answer.rules:
            print(f"{printable(rule.rule)}: {says(rule)}")
    else:
        print(
            "No alert and no alert rule is recorded. Read them: tracker ingest prometheus --from 7d-ago --to now"
        )
    for service, metric in answer.unwatched:
        print(f"No rule watches {printable(service)}'s {printable(metric)}, which has a threshold")
    if answer.unwatched and not answer.definitions:
        print("(No rule definition was read, so none is known to watch it: tracker ingest prometheus …)")
    elif answer.unwatched:
        print("Next: tracker rules --propose")


def _row(rule: RuleJudged) -> tuple[str, ...]:
    return (
        printable(rule.rule),
        printable(rule.service or "-"),
        str(rule.fired),
        f"{rule.led_to_incident}",
        _percent(rule.precision.value),
        _percent(rule.recall.value),
        "-" if rule.detection_seconds is None else spoken(rule.detection_seconds),
        "-" if rule.reset_seconds is None else spoken(rule.reset_seconds),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
