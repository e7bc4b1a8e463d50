"""Durations in words: the value, and the formula that gave it."""

from datetime import datetime

from projections.duration import Duration
from projections.durations import time_open
from projections.points import Point
from tracker.incident import Incident
from tracker.times import in_minutes, spoken, utc, whole_seconds

_ENDS = {
    "started": "started",
    "detected": "detected",
    "declared": "declared",
    "fix_deployed": "fix deployed",
    "recovered": "recovered",
    "resolved": "resolved",
    "integrated": "on the integration branch",
}
_END_MISSING = {
    "started": "it started",
    "detected": "it was detected",
    "declared": "it was declared",
    "fix_deployed": "a fix was deployed",
    "recovered": "everything was back to normal",
    "resolved": "it was resolved",
    "integrated": "the fix reached it",
}
_POINTS = {
    **_ENDS,
    "first_alert": "the first alert's start",
    "first_metric": "the first metric out of normal",
    "last_metric": "the last metric back to normal",
}
REMARKS = {
    "false_alarm": "it was a false alarm",
    "merged_into": "it was merged into {incident}",
    "went_away": "it went away by itself, so no fix was needed",
    "one_trunk": "there is one trunk, so nothing is merged back",
    "end_not_recorded": "when {end} is not recorded",
    "no_detection": "no detection was recorded, so it lies between the start and the declaration",
    "no_recovery": "no recovery was recorded, so it ended some time before it was resolved",
    "not_back": "{metrics} not back to normal when it was resolved",
    "no_fix_deployed": "no deploy of a fix is recorded",
    "fix_not_proven": "{version} is deployed, but is not confirmed as the fix yet",
    "to_last_recovery": "it was reopened, so it runs to the last recovery",
    "to_last_resolution": "it was reopened, so it runs to the last resolution, including the quiet time before that",
    "summed": "the sum of {outages} outages, without the time between resolved and reopened",
    "outage_without_recovery": "an outage without a recorded recovery ended some time before it was resolved",
    "fix_was_rollback": "the fix was a rollback, so there is nothing to merge",
    "no_merge": "no merge of it is recorded",
    "no_merge_nor_commit": "no merge of it is recorded, and its deploy names no commit",
    "integrated_before_deploy": "it was on that branch before it was deployed",
    "known_to_the_hour": "known to the hour",
    "known_to_the_minute": "known to the minute",
}


def value(duration: Duration) -> str:
    """Write how long it was, and no more exactly than its ends are known."""
    if duration.state == "recorded" and duration.seconds is not None:
        return in_minutes(duration.seconds) if duration.is_blurred else in_words(duration.seconds)
    if duration.state == "uncertain" and duration.at_most is not None:
        return _between(duration.at_least or 0.0, duration.at_most)
    if duration.state == "uncertain" and duration.at_least:
        return f"at least {in_minutes(duration.at_least)}"
    if duration.state == "invalid" and duration.from_ and duration.to:
        return f"invalid: {utc(duration.to)} lies before {utc(duration.from_)}"
    return "unknown" if duration.state == "uncertain" else duration.state.replace("_", " ")


def in_words(seconds: float) -> str:
    """Write a measured duration: in seconds below a minute, from there on in minutes as all others are."""
    return spoken(seconds) if 0 < whole_seconds(abs(seconds)) < 60 else in_minutes(seconds)


def open_for(incident: Incident, until: datetime | None = None) -> str:
    """Write how long an incident was open, or is until now; nothing where it ended before it began."""
    duration = time_open(incident, until)
    return "" if duration.state == "invalid" else value(duration)


def exactly(duration: Duration) -> str:
    """Write it to the second; a span where its ends are known no better."""
    low, high = duration.at_least, duration.at_most
    if high is None or duration.state not in ("recorded", "uncertain"):
        return "–"
    if duration.state == "recorded" and duration.seconds is not None and not duration.is_blurred:
        return _clock(duration.seconds)
    return f"{_clock(low or 0.0)} to {_clock(high)}"


def _between(low: float, high: float) -> str:
    """Write a span with its unit once: 42 to 44 min, 40 to 90 s, 55 min to 1 h 05 min."""
    if high < 120:
        least, most = spoken(low), spoken(high)
    else:
        least, most = in_minutes(low), in_minutes(high)
    if not low:
        return f"at most {most}"
    if least == most:
        return f"about {most}"
    number, _, unit = least.partition(" ")
    return f"{number if unit == most.partition(' ')[2] else least} to {most}"


def _clock(seconds: float) -> str:
    total = whole_seconds(seconds)
    return f"{total // 3600}:{total // 60 % 60:02d}:{total % 60:02d}"


def formula(duration: Duration) -> str:
    """Write what was subtracted from what, and how well that is known."""
    return "; ".join(
        [" → ".join(_ENDS[end] for end in duration.ends) + _ends_taken(duration), *_remarks(duration)]
    )


def _ends_taken(duration: Duration) -> str:
    """Name the instants that were taken for the ends, where the formula alone does not."""
    start, end = duration.start, duration.end
    if start is None:
        return ""
    if end is None:
        return f": {_point(start)}"
    if start == end:
        return f": only {_point(start)} is recorded"
    taken = (_point(start), _point(end))
    return "" if taken == tuple(_ENDS[name] for name in duration.ends) else f": {' → '.join(taken)}"


def _point(point: Point) -> str:
    if point.what != "fix":
        return _POINTS.get(point.what, point.what)
    version = point.facts["version"]
    done = f"rollback to {version}" if point.facts["kind"] == "rollback" else f"{version} deployed"
    return f"{done}, {'linked as fixed' if point.facts['linked'] else 'the last deploy before recovery'}"


def _remarks(duration: Duration) -> list[str]:
    return [
        REMARKS[remark.code].format(**{**remark.facts, "end": _END_MISSING.get(remark.facts.get("end", ""))})
        for remark in duration.remarks
    ]
