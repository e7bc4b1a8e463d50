"""Times as written, compared with those of the log."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from projections.claims.amounts import bound_of, durations_in
from projections.claims.claim import Finding
from projections.claims.clocks import Clock, clocks, dates_in, zones_in
from projections.claims.facts import Facts
from projections.claims.matching import own_stamps, retold, stamps_of, topics_of
from projections.claims.prose import Sentence
from projections.claims.stamps import Stamp
from projections.claims.text import content_words
from projections.claims.topics import Topic, clause_of, in_plans, is_claim
from projections.claims.vocabulary import any_case, phrases

_BY = any_case(r"\b(?:by|before|until|till|up to|no later than|ahead of)\s*(?:about |around )?$")
_NOT_UNTIL = any_case(
    r"\b(?:not|wait\w*|took|only|lasted|kept|lit|on|open|firing)\b[^,;]{0,24}?\b(?:until|till|before)\s*(?:about |around )?$"
)
_NEXT = any_case(r"[;,/→|·]\s*$")
_LATER = any_case(r"\s*(?:after|before|into|past)\b")
_FROM = any_case(r"\b(?:after|since|from|between|later than)\s*(?:about |around )?$")
_TO = any_case(r"(?:\b(?:and|to|until|till)|-|–|—)\s*(?:about |around )?$")
_SOFT = frozenset(("outage", "verified", "joined", "decided", "hypothesis", "tested", "alert on", "calm"))
"""Points that are often meant of something else: only what the log has of them is compared, and only in their own clause."""
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = any_case(rf"\b(?P<day>{'|'.join(_WEEKDAYS)})\b,?(?: the)?\s*$")


def zones_of(sentence: Sentence, clock: Clock, facts: Facts) -> Sequence[tzinfo]:
    """Return the zones of a time: its own, else those that its sentence names, else the text's."""
    return clock.zones or zones_in(sentence.text) or facts.zones


def instants_of(sentence: Sentence, clock: Clock, facts: Facts) -> list[datetime]:
    return clock.instants(zones_of(sentence, clock, facts), facts.days)


def check_instants(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find the times at which what a sentence names did not happen."""
    text = sentence.text
    if sentence.heading or text.endswith("?") or in_plans(sentence):
        return
    found = clocks(text)
    topics = topics_of(text, facts, sentence.section) if found else []
    if sentence.under("background", "context"):
        # What others sent and announced is told there, too.
        topics = [each for each in topics if each.point != "message"]
    for number, clock in enumerate(found):
        promise = phrases("promise").search(text) is not None and any(
            each.point == "message" for each in topics
        )
        if not is_claim(text, clock.start, clock.end, ignore=("plan", "hypothetical") if promise else ()):
            continue
        instants = instants_of(sentence, clock, facts)
        if instants and (
            wrong := _wrong(sentence, clock, instants, topics, facts, len(found), found[:number])
        ):
            yield wrong


def _wrong(
    sentence: Sentence,
    clock: Clock,
    instants: list[datetime],
    topics: Sequence[Topic],
    facts: Facts,
    many: int,
    earlier: Sequence[Clock],
) -> Finding | None:
    text = sentence.text
    grain = clock.grain if bound_of(text, clock.start, clock.end) != "about" else max(clock.grain, 360.0)
    before = text[max(clock.start - 24, 0) : clock.start]
    by = _BY.search(before) is not None and not _NOT_UNTIL.search(before)
    row = facts.row_of(text[clock.end :]) if sentence.row else []
    if row:
        days = [each.at.date() + timedelta(days=n) for each in row for n in (-1, 0, 1)]
        there = clock.instants(zones_of(sentence, clock, facts), days)
        good = any(each.fits(at, grain) for each in row for at in there)
        return None if good else Finding("instant", "row", clock.words, tuple(row[:2]))
    if any(0 <= clock.start - each.end < 32 and _LATER.match(text, each.end) for each in durations_in(text)):
        return None
    at_all = facts.fitting(instants, grain)
    left, right = clause_of(text, clock.start, clock.end)
    leads = sentence.row and clock.start <= 2
    if sentence.row and many > 1:
        following = min((each.start for each in clocks(text) if each.start > clock.start), default=len(text))
        left, right, leads = (
            (clock.start, following, False)
            if leads or (clocks(text)[0].start <= 2 and (left <= 2 or _NEXT.search(text[: clock.start])))
            else (left, min(right, following), False)
        )
    mine = [each for each in topics if left <= each.start < right or leads]
    if not mine and right - left - (clock.end - clock.start) < 14:
        mine = [each for each in topics if 0 <= clock.start - each.end < 40][-1:]
    if not mine and (_FROM.search(before) or (earlier and _TO.search(before))):
        mine = [each for each in topics if each.point == "outage"]
    if not mine and many == 1:
        points = {each.point for each in topics} - _SOFT
        if not mine and len(points) == 1 and not durations_in(text):
            mine = [each for each in topics if each.point in points and -60 < each.start - clock.end < 60]
    if phrases("promise").search(text) and any(each.point == "message" for each in topics):
        mine, topics = (
            [each for each in topics if each.point == "message"],
            [each for each in topics if each.point == "message"],
        )
        stamps = _promised(sentence, mine[0], clock, facts)
        kept = facts.of("deployed", "rolled back", "recovered", "resolved", "alert ended") if many > 1 else ()
        if any(each.fits(at, grain) for each in (*stamps, *kept) for at in instants):
            return None
        return Finding("message", "promised", clock.words, tuple(stamps[:4])) if stamps else None
    if (
        mine
        and many == 1
        and all(each.point in ("outage", "started") for each in mine)
        and not _FROM.search(before)
        and not _TO.search(before)
    ):
        mine = [each for each in topics if each.point not in _SOFT] or mine
    if any(each.point == "outage" for each in mine) and not any(
        each.point not in ("outage", "started") for each in mine
    ):
        return _of_outage(text, clock, instants, before, grain, facts, earlier)
    known: list[Stamp] = []
    for topic in mine if mine else topics:
        if topic.negated and topic.point not in ("outage",):
            return None
        stamps = stamps_of(topic, text, facts)
        if any(each.fits(at, grain) for each in stamps for at in instants):
            return None
        calm = topic.point == "recovered" and phrases("telling/calm").search(topic.words)
        if calm and any(each.at <= at for each in stamps for at in instants):
            return None
        if by and any(
            each.point != "hypothesis"
            and each.at
            <= min(instants, key=lambda at: abs((each.at - at).total_seconds()))
            + timedelta(seconds=min(grain, 60.0))
            for each in stamps
        ):
            return None
        if topic in mine and own_stamps(topic, text, facts):
            known += stamps
    others = [s for topic in topics for s in stamps_of(topic, text, facts)]
    if many != len(mine) and any(each.fits(at, grain) for each in others for at in instants):
        return None
    if _FROM.search(before) and not by and many == 1:
        return None
    told = retold(text, facts)
    if any(each.fits(at, grain) for each in told for at in instants):
        return None
    words = content_words(text) - facts.general
    if any(_speaks(each, words, text, facts) for each in at_all):
        return None
    if at_all and any(not each.words for each in mine):
        return None
    hard = [each for each in mine if each.point not in _SOFT]
    if known and (hard or leads):
        nearest = sorted(known, key=lambda s: min(abs((s.at - at).total_seconds()) for at in instants))
        return Finding(
            "instant", "elsewhere", _words(text, clock, (hard or mine)[0]), tuple(dict.fromkeys(nearest))[:3]
        )
    if told and leads:
        return Finding("instant", "elsewhere", clock.words, tuple(told[:2]))
    if not at_all and hard:
        return Finding("instant", "nothing", clock.words, is_notice=True)
    return None


def _words(text: str, clock: Clock, topic: Topic) -> str:
    """Quote a time with the words for what is said to have happened then, where they stand near."""
    start, end = min(clock.start, topic.start), max(clock.end, topic.end)
    return text[start:end] if end - start < 100 else clock.words


def _promised(sentence: Sentence, topic: Topic, clock: Clock, facts: Facts) -> list[Stamp]:
    """Return what the messages promised; and when they were sent, as a promise names both."""
    sent = stamps_of(topic, sentence.text, facts)
    others = [each for each in clocks(sentence.text) if each != clock]
    said = {at for each in others for at in instants_of(sentence, each, facts)}
    named = [s for s in facts.of("message") if any(s.fits(at, 60.0) for at in said)]
    # Two messages in one sentence: either may be the one that promised.
    both = sum(each.point == "message" for each in facts.topics(sentence.text)) > 1
    events = {each.event for each in (facts.of("message") if both else named or sent)}
    etas = [each for each in facts.of("eta") if each.event in events]
    own = [
        s
        for s in facts.of("message")
        if others and any(s.fits(at, 60.0) for at in instants_of(sentence, clock, facts))
    ]
    if own:
        return own
    return [*(etas or facts.of("eta")), *(() if named else sent)]


def _speaks(stamp: Stamp, words: frozenset[str], text: str, facts: Facts) -> bool:
    """Whether a sentence has words of an event, or the one who did it."""
    own = next((said for each, said in facts.texts if each.event == stamp.event), frozenset())
    if len(own & words) >= 2 or (stamp.origin == "note" and own & words):
        return True
    if stamp.by and any(
        len(part) > 2 and re.search(rf"\b{re.escape(part)}\b", text, re.IGNORECASE)
        for part in stamp.by.split()
    ):
        return len(own & words) >= 1
    return any(len(name) > 4 and name in text.lower() for name in stamp.names) and stamp.point != "message"


def _of_outage(
    text: str,
    clock: Clock,
    instants: list[datetime],
    before: str,
    grain: float,
    facts: Facts,
    earlier: Sequence[Clock],
) -> Finding | None:
    """Compare the two ends of "from … to …" with those of the outages; a single time may be any within one."""
    slack = timedelta(seconds=max(grain, 60.0))
    if _FROM.search(before) and not _TO.search(before.removesuffix(before)):
        ends = [stamp for starts, _ in facts.outages for stamp in starts]
    elif (earlier and _TO.search(before)) or _BY.search(before):
        ends = [stamp for _, over in facts.outages for stamp in over]
    else:
        return None
    near = [each for each in (*ends, *facts.of("noted", "alerted", "detected", "reported", "resolved")) for at in instants
            if each.at - slack <= at <= each.latest + slack]  # fmt: skip
    if near or not ends:
        return None
    return Finding("instant", "elsewhere", clock.words, tuple(ends[:3]))


def check_days(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find days of the incident that are not its days, and those of another day of the week."""
    text = sentence.text
    if sentence.heading:
        return
    years = sorted({day.year for day in facts.own_days})
    for start, end, day in dates_in(text, years if len(years) == 1 else ()):
        named = _WEEKDAY.search(text[:start])
        if named and _WEEKDAYS[day.weekday()] != named["day"].lower():
            yield Finding(
                "instant", "weekday", text[named.start() : end], values=(_WEEKDAYS[day.weekday()].title(),)
            )
            continue
        if (
            any(clock.day == day for clock in clocks(text))
            or facts.incident is None
            or not is_claim(text, start, end)
        ):
            continue
        if re.match(r"^\W*(?:incident )?date\b", text, re.IGNORECASE) and day not in facts.own_days:
            yield Finding("instant", "date", text[:end].strip(), facts.of("started", "declared")[:1])
            continue
        for topic in facts.topics(text):
            stamps = stamps_of(topic, text, facts)
            close = 0 < start - topic.end < 25 or 0 < topic.start - end < 25
            if not close or topic.negated or topic.point in _SOFT or not stamps or in_plans(sentence):
                continue
            if not any(
                s.at.astimezone(z).date() <= day <= s.latest.astimezone(z).date()
                for s in stamps
                for z in facts.zones
            ):
                yield Finding(
                    "instant", "day", text[min(topic.start, start) : max(topic.end, end)], tuple(stamps[:3])
                )
                break
