"""What the log says instead of what somebody wrote, and why both cannot be true: one sentence for each code."""

from collections.abc import Callable
from datetime import UTC, datetime

from projections.claims.claim import Claim, Finding
from projections.claims.stamps import Span, Stamp
from tracker.times import spoken

POINTS = {
    "started": "it started", "first error": "the first error was seen", "reported": "the first report came", "detected": "it was detected",
    "alerted": "the alert fired", "alert ended": "the alert stopped firing", "declared": "it was declared", "confirmed": "it was confirmed",
    "cause": "its root cause was noted", "hypothesis": "a hypothesis was noted", "deploying": "the deploy began", "deployed": "it was deployed",
    "deploy failed": "the deploy failed", "rolling back": "the rollback began", "rolled back": "it was rolled back", "rollback failed": "the rollback failed",
    "recovered": "it recovered", "resolved": "it was resolved", "reopened": "it was reopened", "message": "a message was sent", "eta": "a message promised news for",
    "merged": "it was merged", "committed": "a commit was made", "branched": "the branch was at", "tested": "tests passed", "verified": "the metrics were judged",
    "severity": "its severity was set", "lead": "the lead was set", "service added": "a service was added", "note": "a note was written", "noted": "a note names",
    "joined": "somebody joined", "decided": "it was decided", "stage": "its stage changed", "fixed": "it was fixed", "written": "this text names", "promised": "promised was",
}  # fmt: skip
_COUNTS = {
    "deploys": "deploys since it began", "rollbacks": "rollbacks since it began", "commits": "commits while it lasted, without merges", "alerts": "alerts that fired",
    "messages": "messages that were sent", "reopenings": "reopenings", "outages": "outages", "hypotheses": "hypotheses", "items": "action items", "services": "services",
}  # fmt: skip
_AGAINST = "what is written fits none of them"


def clock(at: datetime) -> str:
    """Write an instant to the minute, or to the second where it has some, in UTC."""
    at = at.astimezone(UTC)
    return f"{at:%H:%M} UTC" if not at.second else f"{at:%H:%M:%S} UTC"


def stamp(one: Stamp, *, dated: bool = False) -> str:
    """Say what happened and when: v1.2.1 was deployed at 15:10 UTC."""
    what = POINTS.get(one.point, one.point)
    names = ", ".join(sorted(name for name in one.names if name and name[0].isdigit() and "." in name))
    if names and what.startswith("it was"):
        what = f"v{names}{what[2:]}"
    day = f"{one.at.astimezone(UTC):%Y-%m-%d} " if dated else ""
    by = (
        f" by {one.by}" if one.by and one.point in ("rolled back", "declared", "resolved", "reopened") else ""
    )
    return f"{what}{by} at {day}{clock(one.at)}"


def length(span: Span) -> str:
    """Write how long it was: 25 min, 20 min to 25 min."""
    low, high = spoken(span.low), spoken(span.high)
    return low if low == high else f"{low} to {high}"


def _stamps(one: Finding, *, dated: bool = False) -> str:
    return "; ".join(dict.fromkeys(stamp(each, dated=dated) for each in one.stamps))


def _levels(one: Finding) -> str:
    return ", then ".join(
        f"{stamp.by if stamp.point == 'lead' else ', '.join(sorted(stamp.names))} at {clock(stamp.at)}"
        for stamp in one.stamps
    )


def _span(one: Finding) -> str:
    span = one.spans[0]
    return f"it was {length(span)}: {stamp(span.start)}, {stamp(span.end)}"


def _order(one: Finding) -> str:
    first, second = one.stamps[0], one.stamps[-1]
    return f"{stamp(first)}, before {stamp(second)}: the order is the other way round"


def _named(one: Finding, what: str) -> str:
    return f"{what} {' and '.join(one.values)}"


def _mechanism(one: Finding) -> str:
    said, _, held = " ".join(f"{each}," for each in one.values).partition("/,")
    return f"the log's root cause is about {held.strip(' ,')}, and this is about {said.strip(' ,')}"


_SAYS: dict[tuple[str, str], Callable[[Finding], str]] = {
    ("instant", "elsewhere"): lambda one: f"in the log {_stamps(one)}",
    ("instant", "row"): lambda one: f"that event is not of this time: {_stamps(one)}",
    ("instant", "day"): lambda one: f"in the log {_stamps(one, dated=True)}",
    ("instant", "date"): lambda one: f"it was on another day: {_stamps(one, dated=True)}",
    ("instant", "weekday"): lambda one: _named(one, "that day is a"),
    ("instant", "nothing"): lambda one: "the log has nothing at that time",
    ("duration", "span"): _span,
    ("duration", "hours"): lambda one: f"does this count such hours only? As a whole {_span(one)}",
    ("message", "promised"): lambda one: f"the messages promised and were sent otherwise: {_stamps(one)}",
    ("order", "order"): _order,
    ("order", "reopened"): lambda one: f"the same incident was opened again: {_stamps(one)}",
    ("name", "lead"): lambda one: f"{' and '.join(one.values)} led it",
    ("name", "doer"): lambda one: f"by the log that was {' and '.join(one.values)}: {_stamps(one)}",
    ("name", "author"): lambda one: _named(one, "the commits are by"),
    ("name", "detector"): lambda one: f"it was detected by {'an' if one.values[0][0] in 'aeiou' else 'a'} {one.values[0]}: {_stamps(one)}",
    ("name", "severity"): lambda one: _named(one, "its severity was"),
    ("name", "no alert"): lambda one: f"the log has no alert, and it was not detected by one: {_stamps(one)}",
    ("negation", "counted"): lambda one: _named(one, "people noted the opposite, with a number:"),
    ("negation", "false alarm"): lambda one: f"it was resolved as a false alarm: {_stamps(one)}",
    ("negation", "changed"): lambda one: f"it changed: {_levels(one)}",
    ("negation", "not changed"): lambda one: f"it went otherwise: {_levels(one)}",
    ("count", "noted"): lambda one: _named(one, "the numbers that were noted are"),
    ("count", "nothing"): lambda one: "nobody noted such a number",
    ("duration", "nothing"): lambda one: "the log does not say when that was",
    ("count", "nobody"): lambda one: "the log says that nobody was affected",
    ("peak", "share"): lambda one: f"{one.values[0]} was at most {one.values[1]} while it lasted",
    ("peak", "height"): lambda one: f"{one.values[0]} was at most {one.values[1]} while it lasted",
    ("version", "unknown"): lambda one: f"the log has no deploy of {one.values[0]}" + (f"; it has {', '.join(one.values[1:])}" if one.values[1:] else ", and no deploy at all"),
    ("version", "elsewhere"): lambda one: f"{one.values[0]} went to {' and '.join(one.values[1:])}, not to production",
    ("version", "failed"): lambda one: f"the deploy of {one.values[0]} failed",
    ("version", "rolled back to"): lambda one: f"the log has no rollback to {one.values[0]}; it has one to {one.values[1]}",
    ("version", "not the fix"): lambda one: f"{one.values[0]} did not fix it; by the log {' and '.join(one.values[1:])} did",
    ("version", "not undone"): lambda one: f"{one.values[0]} was not rolled back; {' and '.join(one.values[1:]) or 'another version'} was",
    ("version", "not failed"): lambda one: f"{one.values[0]} was deployed, and nothing took it back",
    ("version", "no deploy"): lambda one: "nothing was deployed while it lasted",
    ("version", "no deploy of"): lambda one: f"no version of {one.values[0]} was deployed while it lasted",
    ("rollback", "no rollback"): lambda one: "the log has no rollback" + (f"; it has deploys of {', '.join(one.values)}" if one.values else ""),
    ("rollback", "rollback succeeded"): lambda one: f"no rollback failed{': ' + _stamps(one) if one.stamps else '; the log has none'}",
    ("rollback", "rollback failed"): lambda one: f"a rollback failed first: {_stamps(one)}",
    ("rollback", "never reopened"): lambda one: f"it was never reopened{': ' + _stamps(one) if one.stamps else ''}",
    ("cause", "mechanism"): _mechanism,
    ("cause", "own cause"): lambda one: f"under Root Cause (line {one.values[0]}) it is another one: name one cause in both places",
    ("cause", "caused version"): lambda one: _named(one, "by the log it was caused by"),
    ("cause", "dismissed"): lambda one: _named(one, "by the log this was not the cause:"),
    ("cause", "suspected"): lambda one: "that was a hypothesis; the root cause that was noted is another",
    ("cause", "no word"): lambda one: "the root cause that was noted has none of this",
    ("action", "owner"): lambda one: f"the owner of “{one.values[1]}” is {one.values[0]}",
    ("action", "due"): lambda one: f"“{one.values[1]}” is due on {one.values[0]}",
    ("action", "done"): lambda one: f"“{one.values[0]}” was done",
    ("action", "open"): lambda one: f"“{one.values[0]}” is not done yet",
    ("open", "placeholder"): lambda one: "this placeholder was never filled in; fill it in or delete it",
    ("owner", "no person"): lambda one: "that is not a person: an action item needs one owner",
    ("owner", "no owner"): lambda one: "this action item names no owner and no date: write who does it, and until when",
    ("due", "moving day"): lambda one: f"that depends on the day on which it is read; write a date, such as {one.values[0]}",
    ("eta", "late"): lambda one: f"{stamp(one.stamps[0])}, {spoken((one.stamps[0].at - one.stamps[1].at).total_seconds())} after {clock(one.stamps[1].at)}",
    ("eta", "nothing came"): lambda one: f"nothing was deployed, put back or resolved by {clock(one.stamps[0].at)}, as far as the log knows",
    ("contradiction", "detection"): lambda one: f"line {one.values[0]} says the opposite: {one.values[1]!r}; keep the one that holds",
    ("verdict", "verdict"): lambda one: f"the judge says that {one.values[0]} {one.values[1].replace('_', ' ')} over {one.values[2]} after the change",
    ("garbled", "mojibake"): lambda one: f"{one.values[0]}; type it again, or save the file as UTF-8",
}  # fmt: skip


def says(one: Finding) -> str:
    """Say what holds instead, as a sentence."""
    if (one.kind, one.code) in _SAYS:
        text = _SAYS[one.kind, one.code](one)
    elif one.code.startswith("count "):
        text = f"the log has {one.values[0]} {_COUNTS[one.code.removeprefix('count ')]}"
    elif one.code.startswith("was "):
        text = f"but {_stamps(one)}"
    else:
        start = (
            f", from {one.stamps[0].at.astimezone(UTC):%Y-%m-%d} {clock(one.stamps[0].at)} on"
            if one.stamps
            else ""
        )
        text = f"{one.code} is named in the whole timeline; the log's times are in UTC{start}: write it above the rows"
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def claim(one: Finding) -> Claim:
    """Put a finding in words."""
    return Claim(one.key, one.words, one.where, says(one), one.evidence, one.line, one.asks)
