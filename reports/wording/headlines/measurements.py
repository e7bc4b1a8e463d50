"""What was sampled and collected, judged and checked, and which sources were silent."""

from collections.abc import Callable
from typing import Any

from reports.wording.text import dotted
from reports.wording.verdict_phrases import recorded_confounders, recorded_span
from tracker.events import samples, silence, verdicts
from tracker.text.shortening import short
from tracker.times import spoken, utc

_WORST_FIRST = ("regressed", "still_degraded", "partly_recovered", "shifted", "not_enough_data")


def _verdicts(event: verdicts.VerdictsGiven) -> str:
    healthy = [verdict for verdict in event.verdicts if verdict.baseline == "healthy"]
    ranks = {verdict: rank for rank, verdict in enumerate(_WORST_FIRST)}
    groups: dict[str, list[str]] = {}
    for verdict in sorted(healthy or event.verdicts, key=lambda one: ranks.get(one.verdict, len(ranks))):
        groups.setdefault(verdict.verdict.replace("_", " "), []).append(verdict.metric)
    answer = "; ".join(f"{', '.join(metrics)} {verdict}" for verdict, metrics in groups.items())
    return f"{recorded_span(event)}: {answer}"


def _check(event: verdicts.CheckMade) -> str | None:
    groups = (("normal", event.normal), ("not normal", event.not_normal), ("no data", event.unknown))
    return dotted(*(f"{state}: {', '.join(metrics)}" for state, metrics in groups if metrics))


def _source(event: silence.SourceSilent | silence.SourceReturned) -> str:
    return f"{event.what} from {short(event.source, 60)}" if event.what else short(event.source, 60)


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    samples.MetricSampled: lambda e: f"{e.count} samples of {e.metric} until {utc(e.last_at)}",
    samples.SourceCollected: lambda e: f"{e.what} collected until {utc(e.until)}: {e.found} found",
    silence.SourceSilent: lambda e: f"{_source(e)} silent",
    silence.SourceReturned: lambda e: f"{_source(e)} heard again",
    verdicts.VerdictsGiven: _verdicts,
    verdicts.CheckMade: lambda e: f"Checked {spoken(e.due_seconds)} after the change",
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    silence.SourceSilent: lambda e: dotted(
        not e.heard_before and "never heard from since the tracker started to listen", short(e.reason, 160)
    ),
    silence.SourceReturned: lambda e: f"after {spoken((e.occurred_at - e.silent_since).total_seconds())}",
    verdicts.VerdictsGiven: lambda e: dotted(recorded_confounders(e), e.window == "10m" and "provisional"),
    verdicts.CheckMade: _check,
}
