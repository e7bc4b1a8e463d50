"""The rules of a log, judged; and rules proposed for metrics that none watches, each tested on past samples."""

from dataclasses import dataclass
from typing import Any

from projections.alert_expression import parse
from projections.alert_rules import Proposal, RuleJudged, judge_rules, unwatched
from projections.alert_spans import spans
from projections.backtest import Backtest
from projections.deduplication import deduplicate
from tracker.application.all_incidents import AllIncidents
from tracker.application.backtest import backtest_alert
from tracker.application.metric_settings import configured_metrics
from tracker.application.session import Session
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.samples import AlertRuleSeen

_FOR = ("2m", "5m", "10m")
_OPERATORS = {"lower": ">", "higher": "<"}


@dataclass(frozen=True)
class RulesAnswer:
    """The rules, and the metrics with a threshold that none of them mentions, by service.

    `definitions` counts the rules whose definition was read: without any it is unknown what is watched.
    """

    rules: list[RuleJudged]
    unwatched: list[tuple[str, str]]
    definitions: int


def judged_rules(session: Session, service: str | None, up_to: int | None) -> RulesAnswer:
    """Judge the rules of one service or of all, as of a position."""
    known = AllIncidents(session.log, up_to)
    rules, defined = rules_of(known, service)
    newest = {(rule.name, rule.service): rule for rule in defined}
    missing = [
        (name, metric)
        for name in session.settings.services
        if service in (None, name)
        for metric in unwatched(_metrics(session, name, up_to), newest.values())
    ]
    return RulesAnswer(rules, missing, len(newest))


def rules_of(known: AllIncidents, service: str | None = None) -> tuple[list[RuleJudged], list[AlertRuleSeen]]:
    """Return the rules of one service or of all, judged, and the definitions that were read, oldest first."""
    seen = sorted(known.observed(AlertRuleSeen), key=lambda fact: fact.recorded.position)
    defined = [fact.event for fact in seen if isinstance(fact.event, AlertRuleSeen)]
    alerts = known.observed(AlertFired, AlertResolved)
    return judge_rules(spans(deduplicate(alerts)), defined, known.incidents, service=service), defined


def _metrics(session: Session, service: str, up_to: int | None) -> dict[str, Any]:
    """Return a service's metrics: as the log has them, else as tracker.toml does."""
    recorded, _ = configured_metrics(session, service, up_to)
    if recorded or up_to is not None:
        return dict(recorded.get("metrics", {}))
    return dict(session.settings.facts()[service]["metrics"])


def proposals(session: Session, answer: RulesAnswer, up_to: int | None) -> list[Proposal]:
    """Propose a rule for each metric that none watches.

    Of the durations that are tried, that one is taken which catches most incidents, then fires least for nothing.
    """
    found = []
    for service, name in answer.unwatched:
        metric = _metrics(session, service, up_to)[name]
        operator = _OPERATORS.get(str(metric.get("better")))
        if operator is None:
            continue
        threshold = float(metric["threshold"])
        tested = [_tested(session, service, name, operator, threshold, length, up_to) for length in _FOR]
        known = [(result, length) for result, length in zip(tested, _FOR, strict=True) if result is not None]
        best, length = min(
            known,
            key=lambda pair: (-pair[0].caught_count, pair[0].for_nothing_count),
            default=(None, _FOR[1]),
        )
        found.append(Proposal(service, name, str(metric["query"]), operator, threshold, length, best))
    return found


def _tested(
    session: Session,
    service: str,
    metric: str,
    operator: str,
    threshold: float,
    length: str,
    up_to: int | None,
) -> Backtest | None:
    alert = parse(f"{metric} {operator} {threshold!r} for {length}")
    tested, _ = backtest_alert(session, alert, service, up_to)
    return tested if tested.sample_count else None
