"""Times of day as written, compared with those of the log."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from projections.claims.claim import Finding
from projections.claims.clocks import Clock, clocks
from projections.claims.facts import ClaimFacts, Stamp, events_of, same_time, versions_in
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import (
    NOT_NOW,
    Mention,
    is_elsewhere,
    is_plan,
    mentions,
    nearest,
    outside,
)
from projections.versions import plain_version
from tracker.text.patterns import lazy_pattern

_CORE = (
    "started", "detected", "alerted", "declared", "confirmed", "cause", "deployed", "rolled back", "recovered", "resolved"
)  # fmt: skip
_ALSO = {
    "first error": ("started",),
    "detected": ("reported",),
    "reported": ("detected",),
    "deployed": ("deploying",),
    "resolved": ("recovered",),
    "verified": ("recovered", "resolved"),
    "alerted": (),
}
_NAMES = {
    "started": "its start", "first error": "a first error", "reported": "the first report", "detected": "its detection", "alerted": "an alert",
    "alert ended": "the end of an alert", "declared": "its declaration", "confirmed": "its confirmation",
    "cause": "its cause", "deploying": "a deploy", "deployed": "a deploy", "rolled back": "a rollback",
    "recovered": "its recovery", "verified": "a verification", "resolved": "its resolution", "merged": "a merge",
}  # fmt: skip


def check_times(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find the times in a sentence at which what it names did not happen."""
    if sentence.heading or is_plan(sentence):
        return
    found = clocks(sentence.text)
    if is_elsewhere(sentence.text, facts) or not (found or any(each.isdigit() for each in sentence.text)):
        return
    edges = _span_of_downtime(sentence, found)
    if edges is not None:
        for clock, points in zip(edges, (_BEGINS, _ENDS), strict=True):
            yield from _edge(sentence, clock, points, facts, edges)
        return
    leading = bool(found) and found[0].start <= 2
    for number, clock in enumerate(found):
        if leading and number == 0 and sentence.row:
            yield from _row(sentence, clock, facts, found)
        else:
            yield from _inline(sentence, clock, facts)


_BEFORE_WORDS = lazy_pattern(r"(?:[\W_]|UTC\b)*")
_WORD = lazy_pattern(r"[^\W\d_]{4,}")


_BEGINS = ("started", "reported", "detected", "alerted", "declared")
_ENDS = ("recovered", "deployed", "rolled back", "resolved", "verified")
_DOWN = lazy_pattern(
    r"\bdown\b|\boutage\b|\bunavailable\b|\bdowntime\b|\bfail(?:ed|ing)\b|\baffected\b|\bimpacted\b|\bdisrupt\w+"
    r"|\bbroken\b|\bdegraded\b|\boffline\b|\binaccessible\b|\bunreachable\b|\binterrupt\w+|\blasted\b"
    r"|\b(?:could not|couldn't|unable to)\b",
    re.IGNORECASE,
)


def _span_of_downtime(sentence: Sentence, found: list[Clock]) -> tuple[Clock, Clock] | None:
    """Return the two times of "down from 14:45 to 15:10"; None where a sentence has no such pair."""
    said = sentence.text
    if len(found) != 2 or not _DOWN.search(said) or NOT_NOW.search(said):
        return None
    between = said[found[0].end : found[1].start]
    if not re.fullmatch(
        r"\s*(?:UTC|\([^)]*\))?\s*(?:to|until|till|and|-|–|—)\s*(?:about |around |\d{4}-\d\d-\d\d )?",
        between,
        re.IGNORECASE,
    ):
        return None
    return found[0], found[1]


def _edge(
    sentence: Sentence, clock: Clock, points: tuple[str, ...], facts: ClaimFacts, edges: tuple[Clock, Clock]
) -> Iterator[Finding]:
    stamps = [each for point in points for each in facts.of(point)]
    instants = clock.instants(list(facts.zones), facts.days)
    if not stamps or any(same_time(stamp, at, clock.grain) for stamp in stamps for at in instants):
        return
    words = sentence.text[edges[0].start : edges[1].end]
    near = (
        sorted(stamps, key=lambda each: min(abs((each.at - at).total_seconds()) for at in instants))[:3]
        if instants
        else []
    )
    there = facts.listed(sorted(near, key=lambda stamp: stamp.at), dated=clock.day is not None)
    what = "began" if points is _BEGINS else "ended"
    yield Finding("time", words, f"nothing in the log {what} at {clock.words}: {there}", events_of(near))


def rows(sentences: list[Sentence], facts: ClaimFacts) -> list[tuple[str, datetime]]:
    """Return the rows of a text's timeline: what each says, and the instant it is likeliest to mean."""
    told = []
    for each in sentences:
        found = clocks(each.text) if each.row else []
        if not found or found[0].start > 2:
            continue
        instants = found[0].instants(list(facts.zones), facts.days)
        if instants:
            begins = facts.incident.begins_at
            told.append(
                (each.text[found[0].end :].lstrip(" :|–-"), min(instants, key=lambda at: abs(at - begins)))
            )
    return told


def _row(sentence: Sentence, clock: Clock, facts: ClaimFacts, others: list[Clock]) -> Iterator[Finding]:
    """Read a row of a timeline: the time in front is of what the row names, or of the note whose words it repeats."""
    said = sentence.text
    stop = others[1].start if len(others) > 1 else len(said)
    begin = clock.end + len(_BEFORE_WORDS.match(said[clock.end :])[0])  # type: ignore[index]  # it matches nothing too
    told = facts.told_of(said[clock.end :])
    if told:
        yield from _own(sentence, clock, facts, told)
        return
    named = mentions(said, begin, stop) if begin < stop else []
    if NOT_NOW.search(said, begin, stop):
        return
    if not named:
        yield from _repeated(sentence, clock, facts, begin)
        return
    if len(others) > 1 and named[0].start > begin + 3:
        return
    if re.search(r"\b(?:after|before)\b", said[begin : named[0].start], re.IGNORECASE):
        return
    yield from _held(sentence, clock, named, facts, 0, min(len(said), clock.start + 90))


def _own(sentence: Sentence, clock: Clock, facts: ClaimFacts, told: list[Stamp]) -> Iterator[Finding]:
    """Compare the time of a row with that of the event or commit that it names by handle or hash."""
    days = {each.at.astimezone(zone).date() for each in told for zone in facts.zones}
    instants = clock.instants(list(facts.zones), sorted({*facts.days, *days}))
    if any(same_time(stamp, at, clock.grain) for stamp in told for at in instants) or not instants:
        return
    row = sentence.text[: clock.start + 90].strip(" |")
    yield _in_the_log(row, told, clock, facts, most=3)


def _repeated(sentence: Sentence, clock: Clock, facts: ClaimFacts, begin: int) -> Iterator[Finding]:
    """Compare the time of a row that names no point with that of the note with nearly the same words."""
    words = _words(sentence.text[begin:])
    if len(words) < 3:
        return
    alike = [
        (len(words & theirs) / len(words | theirs), note)
        for note in facts.notes
        if (theirs := _words(getattr(note.event, "text", "")[:1000]))
    ]
    best = max((share for share, _ in alike), default=0.0)
    if best < 0.6:
        return
    notes = [note for share, note in alike if share == best]
    instants = clock.instants(list(facts.zones), facts.days)
    stamps = [Stamp(note.event.occurred_at, "that was noted", note.id) for note in notes]
    if any(same_time(stamp, at, clock.grain) for stamp in stamps for at in instants) or not instants:
        return
    row = sentence.text[: clock.start + 90].strip(" |")
    yield _in_the_log(row, stamps, clock, facts, most=3)


def _words(text: str) -> set[str]:
    return {each.lower() for each in _WORD.findall(text)}


def _inline(sentence: Sentence, clock: Clock, facts: ClaimFacts) -> Iterator[Finding]:
    said = sentence.text
    left, right = sentence.clause(clock.start, clock.end)
    if NOT_NOW.search(said, left, right):
        return
    if _ranges(said, clock):
        yield from _by(sentence, clock, facts)
        return
    before = _in_parentheses(said, clock)
    if before:
        stop = min(clock.end + 1, len(said))
        yield from _held(sentence, clock, [before], facts, before.start, stop)
        return
    for begin, end in outside(sentence, clock.start, clock.end):
        named = nearest(mentions(said, begin, end), clock.start, clock.end)
        if named is not None:
            if (begin, end) != (left, right) and len(clocks(said[begin:end])) > 1:
                return
            start, stop = min(named.start, clock.start), max(named.end, clock.end)
            if NOT_NOW.search(said, max(start - 20, 0), stop):
                return
            yield from _held(sentence, clock, [named], facts, start, stop)
            return


def _in_parentheses(said: str, clock: Clock) -> Mention | None:
    """Return what a time in parentheses is of: "deployed v1.2.1 (15:10 UTC)"."""
    opened = said[: clock.start].rstrip()
    if not opened.endswith("(") or ")" not in said[clock.end - 1 : clock.end + 1]:
        return None
    begin = max(opened.rfind(mark) for mark in (",", ";", ")", " and ")) + 1
    named = mentions(said, begin, len(opened) - 1)
    return named[-1] if len(named) == 1 else None


_PROMISED = lazy_pattern(r"\b(?:promis|hop|due|deadline|eta|schedul|estimat|announc|told)", re.IGNORECASE)


def _by(sentence: Sentence, clock: Clock, facts: ClaimFacts) -> Iterator[Finding]:
    """Find what was not done by then: "back up by 15:00"."""
    said = sentence.text
    left, _ = sentence.clause(clock.start, clock.end)
    named = nearest(mentions(said, left, clock.start), clock.start, clock.end)
    if (
        named is None
        or not re.fullmatch(r"[^,;]{0,20}\bby (?:about |around )?", said[named.end : clock.start])
        or _PROMISED.search(said)
    ):
        return
    stamps = stamps_of(named, sentence, facts)
    instants = clock.instants(list(facts.zones), facts.own_days)
    grain = timedelta(seconds=min(clock.grain, 300))
    if not stamps or not instants or any(each.at < at + grain for each in stamps for at in instants):
        return
    yield _in_the_log(said[named.start : clock.end], stamps, clock, facts)


def _ranges(said: str, clock: Clock) -> bool:
    """Whether it is an edge of something else: "no reports since 15:13", "by 15:00"."""
    before = said[max(clock.start - 16, 0) : clock.start].lower().rstrip()
    return before.endswith(
        ("since", "until", "till", "before", "after", "by", "eta", "eta:", "eta of", "for")
    )


def _held(
    sentence: Sentence, clock: Clock, named: list[Mention], facts: ClaimFacts, start: int, stop: int
) -> Iterator[Finding]:
    instants = clock.instants(list(facts.zones), facts.days)
    if not instants:
        return
    known: list[Stamp] = []
    unknown: list[Mention] = []
    for each in named:
        stamps = stamps_of(each, sentence, facts)
        if any(same_time(stamp, at, clock.grain) for stamp in stamps for at in instants):
            return
        known += stamps
        if not stamps:
            unknown.append(each)
    at_all = [stamp for at in instants for stamp in facts.at_minute(at, clock.grain)]
    if unknown and (at_all or not any(each.point in _CORE for each in unknown)):
        return
    words = sentence.text[start:stop].strip(" ,;:|")
    if known:
        yield _in_the_log(words, sorted(known, key=lambda stamp: stamp.at), clock, facts)
    else:
        yield Finding(
            "time",
            words,
            f"the log has no instant of {_NAMES[unknown[0].point]}, and nothing at {clock.words}",
        )


def _in_the_log(
    words: str, stamps: Sequence[Stamp], clock: Clock, facts: ClaimFacts, *, most: int = 4
) -> Finding:
    there = facts.listed(stamps[:most], dated=clock.day is not None)
    return Finding("time", words, f"in the log {there}", events_of(stamps[:most]))


def stamps_of(mention: Mention, sentence: Sentence, facts: ClaimFacts) -> list[Stamp]:
    """Return the instants that the log has of a point; of the version's own where the sentence names one."""
    point = mention.point
    found = [each for name in (point, *_ALSO.get(point, ())) for each in facts.of(name)]
    if point in ("deployed", "deploying", "rolled back"):
        versions = {plain_version(each) for each in versions_in(sentence.text)}
        mine = {
            row.event
            for row in facts.changes
            if row.kind != "merge" and plain_version(row.version) in versions
        }
        if versions and mine:
            found = [each for each in found if each.event in mine]
    if point == "reported" and facts.incident.detected_by == "alert":
        found = [each for each in found if each.origin == "note"]
    return found
