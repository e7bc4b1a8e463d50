"""Test a proposed alert rule: when would it have fired in past incidents, and how often falsely? HYPOTHETICAL.

EXPRESSION is METRIC > NUMBER for DURATION: a metric of tracker.toml, one of > >= < <= == !=, and
how long it must hold. It is evaluated at each sample in the log, as Prometheus would; no server is
queried, and nothing is recorded.
"""

import argparse
from collections.abc import Iterable
from datetime import datetime, tzinfo

from projections.alert_expression import AlertExpression, parse
from projections.backtest import Backtest, ForNothing, IncidentAnswer
from reports.numbers import rounded_with_unit
from tracker.application.backtest import backtest_alert
from tracker.application.json_values import plain
from tracker.application.session import Session
from tracker.cli.common import add_display_zone, add_reading, write_json
from tracker.text.terminal import printable, table
from tracker.times import spoken

EXAMPLE = "example:  tracker backtest 'error_ratio > 0.01 for 2m'        tracker backtest 'latency_seconds > 500ms for 5m' --service checkout"
SHOWN_FOR_NOTHING = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "expression", metavar="EXPRESSION", nargs="+", help="in quotes: 'error_ratio > 0.01 for 2m'"
    )
    parser.add_argument(
        "--service", metavar="S", help="only this service (default: every service that has the metric)"
    )
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    alert = parse(" ".join(arguments.expression))
    up_to = session.position_limit()
    answer, known_at = backtest_alert(session, alert, arguments.service, up_to)
    if not arguments.json:
        print("\n".join(_lines(alert, answer, arguments.service, session.shown_zone)))
        return 0
    write_json(
        {
            "hypothetical": True,
            "expression": alert.text,
            "metric": alert.metric,
            "operator": alert.operator,
            "metrics": [alert.metric],
            "for_seconds": alert.for_seconds,
            "service": arguments.service,
            "known_at": known_at if up_to is not None else None,
            **plain(answer),
        }
    )
    return 0


def _lines(alert: AlertExpression, answer: Backtest, service: str | None, zone: tzinfo) -> list[str]:
    return [
        "HYPOTHETICAL: this alert did not exist, and nothing of this was recorded.",
        f"{printable(alert.text)}{_samples(answer, zone)}",
        *_cautions(alert, answer),
        "",
        *_incidents(answer, service, zone),
        "",
        *_for_nothing(answer, zone),
    ]


def _samples(answer: Backtest, zone: tzinfo) -> str:
    if answer.samples_from is None or answer.samples_to is None:
        return ": the log has no samples of it, so nothing is known"
    services = ", ".join(service or "(no service)" for service in answer.services)
    series = "1 series" if answer.series_count == 1 else f"{answer.series_count} series"
    steps = _any_of([spoken(spacing.step_seconds) for spacing in answer.spacings])
    every = f", a sample every {steps}" if steps else ""
    return (
        f", on {_hours(answer.hours_of_samples)} of samples of {printable(services)} ({series}{every})\n"
        f"from {_clock(answer.samples_from, zone)} to {_clock(answer.samples_to, zone)}"
        f" {answer.samples_to.astimezone(zone).tzname() or ''}"
    )


def _cautions(alert: AlertExpression, answer: Backtest) -> Iterable[str]:
    if answer.unit == "ratio" and answer.threshold is not None and abs(answer.threshold) > 1:
        yield f"{alert.metric} is a ratio from 0 to 1: did you mean {alert.operator} {answer.threshold:g}%?"
    if coarse := [spacing for spacing in answer.spacings if spacing.is_coarse]:
        share = sum(spacing.share for spacing in coarse)
        time = "All" if share > 0.995 else _percent(share)
        steps = _any_of([spoken(spacing.step_seconds) for spacing in coarse])
        rounded = ", and 'for' is rounded up to it" if alert.for_seconds else ""
        yield f"{time} of that time has one sample every {steps}: anything shorter is not seen there{rounded}."
    if several := [service for service, count in answer.query_counts.items() if count > 1]:
        yield f"{printable(', '.join(several))} has samples of several queries under this name; each is evaluated alone."


def _incidents(answer: Backtest, service: str | None, zone: tzinfo) -> Iterable[str]:
    if answer.incidents:
        rows = table([_incident(one, zone) for one in answer.incidents]).splitlines()
        for one, row in zip(answer.incidents, rows, strict=True):
            yield row
            yield from (f"    {printable(remark)}" for remark in _remarks(one, answer))
        yield ""
        yield from _summary(answer)
    else:
        whose = f" of {service}" if service else ""
        yield f"There is no incident{whose} to compare with: every firing counts as a false alarm. See: tracker list"
    if answer.not_looked_at:
        yield f"Left out, because their services have no such metric: {', '.join(answer.not_looked_at)}"
    if answer.open_incidents:
        yield f"Still open: {', '.join(answer.open_incidents)}; every firing since its start is attributed to it"


def _incident(one: IncidentAnswer, zone: tzinfo) -> tuple[str, ...]:
    fires, verdict = "would not have fired", ""
    if one.verdict == "no_samples":
        few = f"only {_percent(one.samples_share)} of it has samples" if one.samples_share else "no samples"
        fires, verdict = "unknown", f"{few} of {one.service} then: tracker collect {one.incident}"
    elif one.would_fire_at and one.gained_seconds is not None:
        fires, verdict = f"would fire {_clock(one.would_fire_at, zone)}", _than_we_knew(one.gained_seconds)
    elif one.firing_since:
        fires = f"firing since {_clock(one.firing_since, zone)}"
    return one.incident, one.service, f"{one.detected_from} {_clock(one.detected_at, zone)}", fires, verdict


def _remarks(one: IncidentAnswer, answer: Backtest) -> Iterable[str]:
    if one.series and answer.series_count > 1:
        yield _labels(one.series)
    if one.firings:
        peak = f", at its worst {rounded_with_unit(one.peak, answer.unit)}" if one.peak is not None else ""
        yield f"{'fired once' if one.firings == 1 else f'fired {one.firings} times'}{peak}"
    elif one.firing_since:
        yield "it was firing long before the incident, so it would have alerted nobody"
    if one.unseen_seconds >= 60 and one.would_fire_at:
        yield f"{spoken(one.unseen_seconds)} before that have no samples: it may have fired earlier"
    elif one.unseen_seconds >= 60 and one.verdict == "not_at_all":
        yield f"but {spoken(one.unseen_seconds)} of it have no samples: tracker collect {one.incident}"


def _summary(answer: Backtest) -> Iterable[str]:
    known = answer.incident_count - answer.cannot_tell_count
    middle, longest = answer.median_gained_seconds, answer.longest_gained_seconds
    only = next((one.incident for one in answer.incidents if one.verdict != "no_samples"), "")
    if known and (middle is None or longest is None):
        yield f"It would {f'not have caught {only}' if known == 1 else f'have caught none of {known} incidents'}."
    elif known == 1 and middle is not None:
        yield f"It would have caught {only}, {_than_we_knew(middle)}."
    elif known and middle is not None and longest is not None:
        yield (
            f"It would have caught {answer.caught_count} of {known} incidents ({_percent(answer.caught_share or 0)}),"
            f" {answer.caught_earlier_count} of them before their detection; median {_by(middle)}, best {_by(longest)}."
        )
    if count := answer.cannot_tell_count:
        yield f"{count} incident{'s' if count > 1 else ''} cannot be judged: the log has too few samples."
    if answer.incident_samples_share is not None:
        yield f"Samples cover {_percent(answer.incident_samples_share)} of the incidents' time."


def _for_nothing(answer: Backtest, zone: tzinfo) -> Iterable[str]:
    hours, count = _hours(answer.hours_of_samples), answer.for_nothing_count
    weekly, daily = answer.for_nothing_per_week, answer.for_nothing_per_day
    if weekly is None or daily is None:
        yield "False alarms: unknown without samples."
    elif not count:
        yield f"False alarms: none in {hours} of samples."
    else:
        rate = f"{_few(weekly)} a week" if weekly < 14 else f"{_few(daily)} a day"
        each = " for one service" if len(answer.services) > 1 else ""
        share = answer.for_nothing_share or 0
        on = f"; it would have been firing for {_percent(share)} of the time" if share >= 0.05 else ""
        times = "1 time" if count == 1 else f"{count} times"
        yield f"False alarms: {times} in {hours} of samples, or {rate}{each}{on}."
        shown = answer.for_nothing[:SHOWN_FOR_NOTHING]
        yield from table([_firing(one, answer, zone) for one in shown], indent="  ").splitlines()
        if count > len(shown):
            yield f"  … and {count - len(shown)} more: --json lists them"


def _firing(one: ForNothing, answer: Backtest, zone: tzinfo) -> tuple[str, ...]:
    until = {"resolved": "", "stale": ", then no samples"}.get(one.ending, ", to the last sample")
    why = {"no_incident": "", "false_alarm": f"  in {one.incident}, a false alarm"}.get(
        one.reason, f"  long before {one.incident}, and still then"
    )
    peak = f"peak {rounded_with_unit(one.peak, answer.unit)}" if one.peak is not None else "no number"
    labels = f"  {_labels(one.labels)}" if answer.series_count > 1 and one.labels else ""
    lasted = spoken((one.to - one.from_).total_seconds())
    return (
        _clock(one.from_, zone),
        f"for {lasted}{until}",
        one.service or "(no service)",
        f"{peak}{why}{labels}",
    )


def _labels(labels: dict[str, str]) -> str:
    shown = [f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__"]
    return "{" + ", ".join(shown) + "}"


def _than_we_knew(seconds: float) -> str:
    return f"{_by(seconds)} than its detection" if seconds else _by(seconds)


def _by(seconds: float) -> str:
    if seconds == 0:
        return "at the time of its detection"
    return f"{spoken(abs(seconds))} {'earlier' if seconds > 0 else 'later'}"


def _any_of(words: list[str]) -> str:
    return " or ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _percent(share: float) -> str:
    # What is not quite whole is not called whole.
    return "100 %" if share > 0.995 else f"{min(99, max(1, round(100 * share)))} %" if share else "0 %"


def _hours(hours: float) -> str:
    number, unit = (hours, "hours") if hours < 72 else (hours / 24, "days")
    return f"{number:.1f} {unit}".replace(".0 ", " ")


def _few(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
