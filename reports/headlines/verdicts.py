"""Verdicts and checks, in words."""

from reports.headlines.base import detail, headline
from tracker.events import verdicts
from tracker.times import spoken

_WINDOWS = {"10m": "10 minutes", "1h": "1 hour", "1d": "1 day"}
_WORST_FIRST = ("regressed", "still_degraded", "partly_recovered", "shifted", "not_enough_data")


@headline.register
def _(event: verdicts.VerdictsGiven) -> str:
    healthy = [each for each in event.verdicts if each.baseline == "healthy"]
    groups: dict[str, list[str]] = {}
    ranks = {verdict: rank for rank, verdict in enumerate(_WORST_FIRST)}
    for each in sorted(healthy or event.verdicts, key=lambda one: ranks.get(one.verdict, len(ranks))):
        groups.setdefault(each.verdict.replace("_", " "), []).append(each.metric)
    told = "; ".join(f"{', '.join(metrics)} {said}" for said, metrics in groups.items())
    return f"{_WINDOWS.get(event.window, event.window)} after {event.version}: {told}"


@detail.register
def _(event: verdicts.VerdictsGiven) -> str | None:
    return "provisional" if event.window == "10m" else None


@headline.register
def _(event: verdicts.CheckMade) -> str:
    return f"Checked {spoken(event.due_seconds)} after the change"


@detail.register
def _(event: verdicts.CheckMade) -> str | None:
    parts = [
        f"{said}: {', '.join(metrics)}"
        for said, metrics in (
            ("normal", event.normal),
            ("not normal", event.not_normal),
            ("no data", event.unknown),
        )
        if metrics
    ]
    return " · ".join(parts) or None
