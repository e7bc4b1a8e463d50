"""Test a proposed alert rule: when would it have fired in past incidents, and how often falsely? HYPOTHETICAL.

EXPRESSION is METRIC > NUMBER for DURATION: a metric of tracker.toml, one of > >= < <= == !=, and
how long it must hold. Comparisons can be joined by 'and' and 'or'; 'and' binds tighter, and one
'for' at the end applies to the whole. It is evaluated at each sample in the log, as Prometheus
would; no server is queried, and nothing is recorded.
"""

import argparse
import difflib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from projections.alert_expression import AlertExpression, typed
from projections.backtest import backtest
from projections.backtest_answer import Backtest, ForNothing, IncidentAnswer
from projections.composite_alert import CompositeAlert, read, watch_all
from projections.firings import WatchedMetric
from reports.numbers import said
from tracker.application.session import Session
from tracker.cli.common import add_display_zone, add_reading, plain, printable, table, write_json
from tracker.errors import UsageError
from tracker.events.samples import MetricSampled
from tracker.times import spoken

EXAMPLE = "example:  tracker backtest 'error_ratio > 0.01 for 2m'        tracker backtest 'error_ratio > 1% and latency_seconds > 500ms for 5m'"
ALL_TIME = datetime(1970, 1, 3, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
SHOWN_FOR_NOTHING = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the alert, and perhaps one service."""
    parser.add_argument(
        "expression", metavar="EXPRESSION", nargs="+", help="in quotes: 'error_ratio > 0.01 for 2m'"
    )
    parser.add_argument(
        "--service", metavar="S", help="only this service (default: every service that has the metric)"
    )
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Read one service's samples after the other, and print what would have been."""
    alert = read(" ".join(arguments.expression))
    up_to = session.position_limit()
    services = _services_of_all(session, alert, arguments.service, up_to)
    zone = session.shown_zone
    watched: list[WatchedMetric] = []
    for service in services:
        held = {metric: session.samples(service, metric, *ALL_TIME, up_to) for metric in alert.metrics}
        if all(held.values()):
            units = {metric: _configured_units(session, metric).get(service) for metric in held}
            watched.append(watch_all(alert, service or None, held, units=units))
    position = session.log.position if up_to is None else up_to
    known_at = session.log.recorded_at(position) or session.now
    answer = backtest(
        alert.comparisons[0] if alert.is_single else alert.holding,
        watched,
        session.incidents(up_to),
        until=known_at,
        services=[service for service in services if service],
        only_service=arguments.service is not None,
    )
    if not alert.is_single:
        answer = replace(answer, threshold=None)
    if arguments.json:
        write_json(_described(alert, answer, arguments.service, known_at if up_to is not None else None))
    else:
        print("\n".join(_said(alert, answer, arguments.service, zone)))
    return 0


def _configured_units(session: Session, metric: str) -> dict[str, str | None]:
    configured = session.settings.services
    return {name: each.metrics[metric].unit for name, each in configured.items() if metric in each.metrics}


def _services_of_all(
    session: Session, alert: "CompositeAlert", asked: str | None, up_to: int | None
) -> list[str]:
    """Return the services that have every metric of an alert.

    Raises:
        UsageError: If none has; names a metric that there is not, or who has which.
    """
    having = {each.metric: _services(session, each, asked, up_to) for each in alert.comparisons}
    common = set.intersection(*map(set, having.values()))
    if not common:
        whose = "; ".join(
            f"{metric}: {', '.join(each or '(no service)' for each in services)}"
            for metric, services in having.items()
        )
        raise UsageError(
            f"no service has all of {', '.join(having)}", hint=f"Who has which: {printable(whose)}"
        )
    return sorted(common)


def _services(
    session: Session, expression: "AlertExpression", asked: str | None, up_to: int | None
) -> list[str]:
    """Return the services that have the metric, in the log or in tracker.toml.

    Raises:
        UsageError: If none has; names the metrics that there are.
    """
    metric = expression.metric
    held = _held(session, up_to)
    configured = _configured_units(session, metric)
    having = sorted({service for service, name in held if name == metric} | set(configured))
    if asked is not None:
        session.asked_service(asked)
        if asked in having:
            return [asked]
    if having and asked is not None:
        own = sorted({name for service, name in held if service == asked})
        raise UsageError(
            f"{asked} has no metric {metric}; there is one of: {', '.join(each or '(no service)' for each in having)}",
            hint=f"The log has of {asked}: {', '.join(own)}"
            if own
            else f"Leave --service out: {typed(expression.text)}",
        )
    if having:
        return having
    known = sorted(
        {name for _, name in held}
        | {name for each in session.settings.services.values() for name in each.metrics}
    )
    if not known:
        raise UsageError(
            f"there are no samples of {metric} in this log, nor of anything else",
            hint="Fetch some: tracker collect INC, or: tracker ingest prometheus --from 7d-ago --to now",
        )
    near = difflib.get_close_matches(metric, known, n=1)
    better = expression.text.replace(metric, near[0], 1) if near else ""
    meant = f"{typed(better)} · t" if near else "T"
    raise UsageError(
        f"there is no metric {metric!r} in this log", hint=f"{meant}here are: {', '.join(known)}"
    )


def _held(session: Session, up_to: int | None) -> list[tuple[str, str]]:
    """Return service and metric of all samples that the log has: the name of a place may be cut, an event's is not."""
    found = (session.log.latest(scope, up_to) for scope in session.log.scope_names("samples:"))
    return [
        (each.event.service or "", each.event.metric)
        for each in found
        if each and isinstance(each.event, MetricSampled)
    ]


def _described(
    alert: "CompositeAlert", answer: "Backtest", service: str | None, known_at: datetime | None
) -> dict[str, Any]:
    return {
        "hypothetical": True,
        "expression": alert.text,
        "metric": alert.metrics[0] if alert.is_single else None,
        "operator": alert.comparisons[0].operator if alert.is_single else None,
        "metrics": alert.metrics,
        "for_seconds": alert.for_seconds,
        "service": service,
        "known_at": known_at,
        **plain(answer),
    }


# ── for people ───────────────────────────────────────────────────────────────


def _said(alert: "CompositeAlert", answer: "Backtest", service: str | None, zone: tzinfo) -> list[str]:
    lines = [
        "HYPOTHETICAL: this alert did not exist, and nothing of this was recorded.",
        f"{printable(alert.text)}{_samples(answer, zone)}",
        *_cautions(alert, answer),
        "",
    ]
    lines += _incidents(answer, service, zone)
    lines += ["", *_for_nothing(answer, zone)]
    return lines


def _samples(answer: "Backtest", zone: tzinfo) -> str:
    if answer.samples_from is None or answer.samples_to is None:
        return ": the log has no samples of it, so nothing can be said"
    services = ", ".join(each or "(no service)" for each in answer.services)
    count = "1 series" if answer.series_count == 1 else f"{answer.series_count} series"
    steps = _any_of([spoken(each.step_seconds) for each in answer.spacings])
    every = f", a sample every {steps}" if steps else ""
    return (
        f", on {_hours(answer.hours_of_samples)} of samples of {printable(services)} ({count}{every})\n"
        f"from {_clock(answer.samples_from, zone)} to {_clock(answer.samples_to, zone)} {_zone(answer.samples_to, zone)}"
    )


def _cautions(alert: "CompositeAlert", answer: "Backtest") -> list[str]:
    found = []
    threshold = answer.threshold
    if answer.unit == "ratio" and threshold is not None and abs(threshold) > 1:
        only = alert.comparisons[0]
        found.append(f"{only.metric} is a ratio from 0 to 1: did you mean {only.operator} {threshold:g}%?")
    coarse = [each for each in answer.spacings if each.is_coarse]
    if coarse:
        steps = _any_of([spoken(each.step_seconds) for each in coarse])
        rounded = ", and 'for' is rounded up to it" if alert.for_seconds else ""
        share = sum(each.share for each in coarse)
        found.append(
            f"{'All' if share > 0.995 else _percent(share)} of that time has one sample every {steps}:"
            f" what lasts shorter is not seen there{rounded}."
        )
    edited = [name for name, count in answer.query_counts.items() if count > 1]
    if edited:
        found.append(
            f"{', '.join(edited)} has samples of more than one query under this name: each is looked at for itself."
        )
    return found


def _incidents(answer: "Backtest", service: str | None, zone: tzinfo) -> list[str]:
    lines = []
    if not answer.incidents:
        whose = f" of {service}" if service else ""
        lines.append(
            f"There is no incident{whose} to hold it against: whatever fired counts as for nothing. See: tracker list"
        )
    else:
        rows = table([_row(each, zone) for each in answer.incidents]).splitlines()
        for each, row in zip(answer.incidents, rows, strict=True):
            lines += [row, *(f"    {printable(aside)}" for aside in _asides(each, answer))]
        lines += ["", *_summary(answer)]
    if answer.not_looked_at:
        names = ", ".join(answer.not_looked_at)
        lines.append(f"Not looked at, because their services have no such metric: {names}")
    if answer.open_incidents:
        names = ", ".join(answer.open_incidents)
        lines.append(f"Still open: {names}; every firing since its start counts as its own")
    return lines


def _row(each: "IncidentAnswer", zone: tzinfo) -> tuple[str, ...]:
    knew = f"{each.detected_from} {_clock(each.detected_at, zone)}"
    fires = f"would fire {_clock(each.would_fire_at, zone)}" if each.would_fire_at else "would not have fired"
    if each.verdict == "no_samples":
        fires = "cannot tell"
    elif each.firing_since and not each.firings:
        fires = f"firing since {_clock(each.firing_since, zone)}"
    return each.incident, each.service, knew, fires, _verdict(each)


def _verdict(each: "IncidentAnswer") -> str:
    if each.verdict == "no_samples":
        few = f"only {_percent(each.samples_share)} of it has samples" if each.samples_share else "no samples"
        return f"{few} of {each.service} then: tracker collect {each.incident}"
    if each.gained_seconds is None:
        return ""
    return _gained(each.gained_seconds)


def _asides(each: "IncidentAnswer", answer: "Backtest") -> Iterable[str]:
    if each.series and answer.series_count > 1:
        yield _labels(each.series)
    if each.firings:
        peak = f", at its worst {_value(each.peak, answer.unit)}" if each.peak is not None else ""
        yield f"{'fired once' if each.firings == 1 else f'fired {each.firings} times'}{peak}"
    if each.firing_since and not each.firings:
        yield "it was on long before the incident, so nobody would have learned of it"
    if each.unseen_seconds >= 60 and each.would_fire_at:
        yield f"{spoken(each.unseen_seconds)} before that have no samples: it may have fired sooner"
    elif each.unseen_seconds >= 60 and each.verdict == "not_at_all":
        yield f"but {spoken(each.unseen_seconds)} of it have no samples: tracker collect {each.incident}"


def _summary(answer: "Backtest") -> list[str]:
    told = answer.incident_count - answer.cannot_tell_count
    lines = []
    middle, longest = answer.median_gained_seconds, answer.longest_gained_seconds
    names = ", ".join(
        dict.fromkeys(each.incident for each in answer.incidents if each.verdict != "no_samples")
    )
    if told == 1 and middle is not None:
        lines.append(f"It would have caught {names}, {_gained(middle)}.")
    elif told and middle is not None and longest is not None:
        lines.append(
            f"It would have caught {answer.caught_count} of {told} incidents ({_percent(answer.caught_share or 0)}),"
            f" {answer.caught_earlier_count} of them before we knew;"
            f" in the median {_by(middle)}, at best {_by(longest)}."
        )
    elif told:
        none = f"not have caught {names}" if told == 1 else f"have caught none of {told} incidents"
        lines.append(f"It would {none}.")
    if answer.cannot_tell_count:
        lines.append(
            f"Of {answer.cannot_tell_count} incident{'s' if answer.cannot_tell_count > 1 else ''} nothing can be said: the log has too few samples."
        )
    if answer.incident_samples_share is not None:
        lines.append(f"Samples cover {_percent(answer.incident_samples_share)} of the incidents' time.")
    return lines


def _for_nothing(answer: "Backtest", zone: tzinfo) -> list[str]:
    hours = answer.hours_of_samples
    if not hours:
        return ["For nothing: cannot tell without samples."]
    if not answer.for_nothing:
        return [f"For nothing: never, in {_hours(hours)} of samples."]
    count = answer.for_nothing_count
    rate = ""
    if answer.for_nothing_per_week is not None and answer.for_nothing_per_day is not None:
        weekly = answer.for_nothing_per_week
        daily = answer.for_nothing_per_day
        often = f"{_few(weekly)} a week" if weekly < 14 else f"{_few(daily)} a day"
        many = " for one service" if len(answer.services) > 1 else ""
        rate = f", or {often}{many}"
    share = answer.for_nothing_share or 0
    on = f"; it would have been on for {_percent(share)} of the time" if share >= 0.05 else ""
    lines = [
        f"For nothing: {count} {'time' if count == 1 else 'times'} in {_hours(hours)} of samples{rate}{on}."
    ]
    shown = answer.for_nothing[:SHOWN_FOR_NOTHING]
    lines += table([_nothing(each, answer, zone) for each in shown], indent="  ").splitlines()
    if count > len(shown):
        lines.append(f"  … and {count - len(shown)} more: --json lists them")
    return lines


def _nothing(each: "ForNothing", answer: "Backtest", zone: tzinfo) -> tuple[str, ...]:
    lasted = spoken((each.to - each.from_).total_seconds())
    end = {"resolved": f"for {lasted}", "stale": f"for {lasted}, then no samples"}.get(
        each.ending, f"for {lasted}, to the last sample"
    )
    why = {"false_alarm": f"  in {each.incident}, a false alarm", "no_incident": ""}.get(
        each.reason, f"  long before {each.incident}, and still then"
    )
    # Of several metrics no one value is the peak.
    none = "no number" if answer.threshold is not None else ""
    peak = f"peak {_value(each.peak, answer.unit)}" if each.peak is not None else none
    labels = f"  {_labels(each.labels)}" if answer.series_count > 1 and each.labels else ""
    return _clock(each.from_, zone), end, each.service or "(no service)", f"{peak}{why}{labels}"


def _labels(labels: dict[str, str]) -> str:
    shown = [f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__"]
    return "{" + ", ".join(shown) + "}"


def _gained(seconds: float) -> str:
    return f"{_by(seconds)} than we knew" if seconds else _by(seconds)


def _by(seconds: float) -> str:
    if seconds == 0:
        return "at the moment we knew"
    return f"{spoken(abs(seconds))} {'earlier' if seconds > 0 else 'later'}"


def _any_of(words: list[str]) -> str:
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part) if words else ""


def _percent(share: float) -> str:
    # What is not quite whole is not called whole.
    return "100 %" if share > 0.995 else f"{min(99, max(1, round(100 * share)))} %" if share else "0 %"


def _hours(hours: float) -> str:
    if hours < 72:
        return f"{hours:.1f} hours".replace(".0 ", " ")
    return f"{hours / 24:.1f} days".replace(".0 ", " ")


def _few(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"


def _value(peak: float, unit: str | None) -> str:
    # Three digits are enough for how bad it was.
    return said(float(f"{peak:.3g}"), unit)


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _zone(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).tzname() or ""
