"""Alert rules judged by what they led to: how often each fired, how often that was an incident, and how soon.

Precision is the share of a rule's firings that led to an incident, recall the share of its service's incidents in
which it fired, detection time how long after the start it fired, reset time how long after the end it went on: the
four measures of the Site Reliability Workbook, chapter 5. Alerts of one rule and service that overlap are one firing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from projections.alert_spans import AlertInterval
from projections.backtest import Backtest
from projections.incident_spans import MergedIncident, merged_incidents
from projections.lives import FACTS_BEFORE, STILL_FIRING
from tracker.events.samples import AlertRuleSeen
from tracker.incident import Incident
from tracker.text.patterns import lazy_pattern

_SELECTOR = lazy_pattern(r"\{[^{}]*\}|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]")
_GROUPING = lazy_pattern(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE)
_NAME = lazy_pattern(r"(?<![\w:.])[A-Za-z_:][\w:]*(?![\w:]|\s*\()")
_WORDS = frozenset(
    [
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "bool",
        "offset",
        "inf",
        "nan",
        "le",
    ]
)


@dataclass(frozen=True)
class Share:
    """`of` by `n`, with its 95 % interval by Wilson's method; None without any."""

    of: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class RuleJudged:
    """One rule of one service; seconds are medians over the incidents in which they are known.

    `after_customer` are incidents that a customer noticed before the rule fired. `firings` counts what the rule
    did until the last instant that is known; `is_defined` says whether its definition was read. Recall is over the
    incidents since `known_since`, the rule's first firing or the first reading of its definition.
    """

    rule: str
    service: str | None
    fired: int
    led_to_incident: int
    precision: Share
    recall: Share
    detection_seconds: float | None
    detection_n: int
    reset_seconds: float | None
    reset_n: int
    after_customer: tuple[str, ...]
    incidents: tuple[str, ...]
    is_defined: bool
    known_since: datetime


@dataclass(frozen=True)
class Proposal:
    """A rule for a metric that none watches; `tested` is what it would have done, None without samples."""

    service: str
    metric: str
    query: str
    operator: str
    threshold: float
    for_text: str
    tested: Backtest | None


@dataclass(frozen=True)
class _Firing:
    starts_at: datetime
    ends_at: datetime | None

    @property
    def until(self) -> datetime:
        return self.ends_at or STILL_FIRING


def judge_rules(
    intervals: Iterable[AlertInterval],
    defined: Iterable[AlertRuleSeen],
    incidents: Sequence[Incident],
    *,
    service: str | None = None,
) -> list[RuleJudged]:
    """Judge each rule that fired or whose definition was read, by name and service.

    Args:
        intervals: The occurrences of all alerts.
        defined: The definitions of rules that sources had loaded.
        incidents: All incidents, as they are known.
        service: Only rules of this service.
    """
    firings: dict[tuple[str, str | None], list[_Firing]] = {}
    for interval in intervals:
        event: Any = (interval.fired or interval.resolved)[0][0].event
        if interval.starts_at is not None:
            key = (event.name, event.service)
            firings.setdefault(key, []).append(_Firing(interval.starts_at, interval.ends_at))
    rules: dict[tuple[str, str | None], datetime] = {}
    for rule in sorted(defined, key=lambda rule: rule.occurred_at):
        rules.setdefault((rule.name, rule.service), rule.occurred_at)
    merged = [incident for incident in merged_incidents(incidents) if not incident.is_false_alarm]
    by_customer = {incident.id for incident in incidents if incident.detected_by == "customer"}
    return [
        _judged(
            name,
            owner,
            _joined(firings.get((name, owner), [])),
            rules.get((name, owner)),
            merged,
            by_customer,
        )
        for name, owner in sorted({*rules, *firings}, key=lambda key: (key[1] or "", key[0]))
        if service in (None, owner)
    ]


def _joined(found: list[_Firing]) -> list[_Firing]:
    """Join what overlaps: many instances of one alert are one firing of its rule."""
    joined: list[_Firing] = []
    for firing in sorted(found, key=lambda one: one.starts_at):
        if joined and firing.starts_at <= joined[-1].until:
            last = joined[-1]
            ends = None if None in (last.ends_at, firing.ends_at) else max(last.until, firing.until)
            joined[-1] = _Firing(last.starts_at, ends)
        else:
            joined.append(firing)
    return joined


def _judged(
    rule: str,
    service: str | None,
    firings: list[_Firing],
    seen_at: datetime | None,
    merged: Sequence[MergedIncident],
    by_customer: set[str],
) -> RuleJudged:
    # An incident that was over before anything is known of the rule says nothing about it.
    known_since = min([*(firing.starts_at for firing in firings[:1]), *([seen_at] if seen_at else [])])
    own = [
        incident
        for incident in merged
        if service in incident.services and (incident.ends_at is None or incident.ends_at >= known_since)
    ]
    led: set[int] = set()
    caught: dict[str, _Firing] = {}
    detection, reset, after_customer = [], [], []
    for incident in own:
        meets = [number for number, firing in enumerate(firings) if _meets(firing, incident)]
        if not meets:
            continue
        led.update(meets)
        first, last = firings[meets[0]], firings[meets[-1]]
        caught[incident.id] = first
        if incident.started_at is not None:
            detection.append((first.starts_at - incident.started_at).total_seconds())
        if incident.ends_at is not None and last.ends_at is not None:
            reset.append((last.ends_at - incident.ends_at).total_seconds())
        if incident.id in by_customer and incident.knew_at < first.starts_at:
            after_customer.append(incident.id)
    return RuleJudged(
        rule=rule,
        service=service,
        fired=len(firings),
        led_to_incident=len(led),
        precision=share(len(led), len(firings)),
        recall=share(len(caught), len(own)),
        detection_seconds=median(detection) if detection else None,
        detection_n=len(detection),
        reset_seconds=median(reset) if reset else None,
        reset_n=len(reset),
        after_customer=tuple(after_customer),
        incidents=tuple(caught),
        is_defined=seen_at is not None,
        known_since=known_since,
    )


def _meets(firing: _Firing, incident: MergedIncident) -> bool:
    """Whether a firing is an incident's: begun in the hour before it, or while it lasted, and on during it."""
    begins, ends = incident.begins_at, incident.ends_at
    return (
        firing.starts_at >= begins - FACTS_BEFORE
        and (ends is None or firing.starts_at <= ends)
        and firing.until >= begins
    )


def share(of: int, n: int) -> Share:
    """Return a share with its 95 % interval."""
    if n == 0:
        return Share(of, n, None, None, None)
    from scipy.stats import binomtest

    interval = binomtest(of, n).proportion_ci(method="wilson")
    return Share(of, n, of / n, float(interval.low), float(interval.high))


def unwatched(metrics: Mapping[str, Mapping[str, Any]], defined: Iterable[AlertRuleSeen]) -> list[str]:
    """Return the metrics with a threshold whose query no rule's expression mentions.

    A rule mentions a query that stands in its expression, or whose metric names all do.
    """
    expressions = [rule.expression for rule in defined]
    return [
        name
        for name, metric in metrics.items()
        if metric.get("threshold") is not None
        and not any(_mentions(expression, str(metric["query"])) for expression in expressions)
    ]


def _mentions(expression: str, query: str) -> bool:
    if "".join(query.split()) in "".join(expression.split()):
        return True
    names = metric_names(query)
    return bool(names) and names <= metric_names(expression)


def metric_names(expression: str) -> set[str]:
    """Return the names of metrics in an expression, without labels, functions and words of the language."""
    plain = _GROUPING.sub(" ", _SELECTOR.sub(" ", expression))
    return {name for name in _NAME.findall(plain) if name.lower() not in _WORDS}
