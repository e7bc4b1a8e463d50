"""Spans of time as written, compared with those between the instants that their sentence names."""

from collections.abc import Callable, Iterator, Sequence

from projections.claims.amounts import Amount, durations_in
from projections.claims.claim import Finding
from projections.claims.clocks import clocks
from projections.claims.facts import Facts
from projections.claims.instants import instants_of
from projections.claims.matching import own_stamps, stamps_of, topics_of
from projections.claims.measures import measures, own_length, pairs_of, sum_of_outages
from projections.claims.prose import Sentence
from projections.claims.stamps import Span, Stamp
from projections.claims.text import content_words
from projections.claims.topics import Topic, clause_of, in_plans, is_claim, is_habit, is_past, is_setting
from projections.claims.vocabulary import any_case, phrases

_FROM_THERE = ("after", "following", "from", "since", "past", "into", "of", "before", "ahead of", "prior to")
_MAY_BE_DENIED = ("outage", "alerted", "detected", "reported", "recovered")
_RELATION = any_case(
    r"\s*(?:\([^)]*\)\s*|or so\s*|(?:pass(?:ed)?|went by|elapsed|lay)\s*)?(?P<how>after|following|from|since|past|into|of|before|ahead of|prior to|in\b|later|earlier|until|between|and|with)\b"
)
_TOOK = any_case(r"\b(?:took|lasted|dragged on|ran|went on|needed)\b(?: for| up)?\s*(?:[\w]+ ){0,3}$")
_SOFT = frozenset(
    ("joined", "severity", "lead", "tested", "service added", "decided", "hypothesis", "branched", "verified")
)
_BETWEEN = any_case(r"\b(?:between|from)\b")
_AUXILIARY = any_case(r"(?:was|were|is|been|being|went)\s+$")
_METRIC = any_case(r"[a-z0-9]+(?:_[a-z0-9]+)+$")
"""A row that begins with the name of a metric says how it was over some window."""
_IN_IT = any_case(r"\s*in\b\s*(?:[.,;:]|$|we\b|the (?:incident|outage))")
_BY = any_case(r"\b(?:by|early|late|ahead)\s*(?:about |some )?$")
_COMPARED = any_case(r"\s*(?:more|less|longer|shorter|fewer|sooner|faster|slower|too)\b")
_RATE = any_case(r"\d(?:\s+[a-z][\w-]*){1,3}\s+an? $")
_FIELD = any_case(
    r"\W*(?:(?:mean )?time to \w+|M?TT[A-Z]|(?:total )?(?:duration|downtime)|outage)\s*(?:of [\w ]+)?[:|]"
)
_HOURS_ONLY = any_case(r"\b(?:support|office|business|working|opening|service) (?:hours|days|time)\b")
_WAITED = any_case(
    r"\b(?:(?:it|that|this|there|another)\s+(?:was|took|were|had been|lasted)|let|wait\w*|needed|took|pass|passed|spent)\b"
)
_FOR = any_case(
    r"\bfor (?:\w+ ){0,3}?(?:[\d.,]+|an?|one|two|three|four|five|six|seven|eight|nine|ten|half|hours|days)\b"
)
_PART = any_case(r"\b(?:pods?|nodes?|replicas?|instances?|hosts?|containers?|shards?|workers?|brokers?)\b")


def measured_in(text: str) -> bool:
    """Whether a text is a field of a measure: "Time to detection: 20 minutes"."""
    return _FIELD.match(text) is not None


def check_durations(
    sentence: Sentence, facts: Facts, context: Callable[[], Sequence[Stamp]]
) -> Iterator[Finding]:
    """Find the spans in a sentence that fit nothing between the instants that it names."""
    text = sentence.text
    if sentence.heading or text.endswith("?") or in_plans(sentence):
        return
    amounts = durations_in(text)
    if not amounts:
        return
    topics = topics_of(text, facts, sentence.section)
    if any(each.point == "outage" and each.which is not None for each in topics):
        topics = [each for each in topics if each.point != "outage" or each.which is not None]
    first, bar, _ = text.partition(" | ")
    if bar and (_METRIC.match(first) or (text.count(" | ") > 2 and len(amounts) > 1)):
        return
    if bar and any(each.end <= len(first) for each in topics):
        topics = [each for each in topics if each.end <= len(first)]
    for amount in amounts:
        if any(clock.start <= amount.start < clock.end and ":" not in amount.words for clock in clocks(text)):
            continue
        if _COMPARED.match(text, amount.end) or _RATE.search(text[: amount.start + 2]):
            continue
        field = measured_in(text)
        if (amount.high >= 3 * 86400 and not field) or is_setting(text, amount.start, amount.end):
            continue
        if not is_claim(text, amount.start, amount.end) or is_habit(text):
            continue
        spans, about = _spans(sentence, amount, topics, facts, context)
        spans = [each for each in spans if each.high >= 0]
        unknown = facts.incident is None or all(each.origin != "log" for each in facts.of("started"))
        if field and (unknown or not spans):
            stamps = [Stamp("written", at, None, origin="text") for at in facts.written]
            # Where the log has when it was repaired, a measure of that ends there; when it was detected is less certain.
            repaired = [t for t in topics if t.point in ("fixed", "recovered")]
            ends = [s for topic in repaired for s in own_stamps(topic, text, facts) if s.origin == "log"]
            between = pairs_of(stamps, ends or stamps)
            if not amount.high or any(amount.fits(each.low, each.high) for each in between):
                continue
            spans = spans or between
        if not spans and any(not _is_recorded(each, text, facts) for each in topics) and facts.incident:
            yield Finding("duration", "nothing", amount.words, is_notice=True)
        if not spans and not topics and facts.incident and _is_harm(text, facts):
            # Nothing that the incident did can have lasted longer than all of it.
            spans = pairs_of(facts.of("started", "detected"), facts.of("resolved"))
            spans = spans if spans and amount.low > max(each.high for each in spans) else []
        if not spans or any(amount.fits(each.low, each.high) for each in spans):
            continue
        total = sum_of_outages(facts)
        if (
            total
            and any(each.point == "outage" and each.which is None for each in about)
            and amount.fits(total.low, total.high)
        ):
            continue
        left = min([amount.start, *(each.start for each in about if each.start < amount.start)])
        left -= len(verb[0]) if (verb := _AUXILIARY.search(text[:left])) else 0
        middle, asks = (amount.low + amount.high) / 2, _HOURS_ONLY.search(text, amount.end) is not None
        spans.sort(key=lambda each: abs((each.low + each.high) / 2 - middle))
        yield Finding(
            "duration",
            "hours" if asks else "span",
            text[left : amount.end + (text[amount.end : amount.end + 1] == ")")].strip(" ,;:|"),
            spans=tuple(spans[:2]),
            asks=asks,
        )


def _is_harm(text: str, facts: Facts) -> bool:
    """Whether a sentence says for how long what the incident is about did not work."""
    return bool(_FOR.search(text) and phrases("negation").search(text) and content_words(text) & facts.about)


def _spans(
    sentence: Sentence,
    amount: Amount,
    topics: Sequence[Topic],
    facts: Facts,
    context: Callable[[], Sequence[Stamp]],
) -> tuple[list[Span], Sequence[Topic]]:
    """Return the spans that an amount may be of, and the topics that say so; none where one that it needs is not recorded."""
    text = sentence.text
    left, right = clause_of(text, amount.start, amount.end, wide=True)
    unknown = [each for each in topics if not _is_recorded(each, text, facts)]
    topics = [each for each in topics if each not in unknown]
    near = [each for each in topics if left <= each.start < right]
    if any(left <= each.start < right for each in unknown):
        return [], []
    if not near and text[left - 1 : left] == "(":
        near = (
            []
            if any(each.end <= left for each in unknown)
            else [each for each in topics if each.end <= left][-1:]
        )
    elif not near and (right - left - (amount.end - amount.start) < 14 or not is_past(text[left:right])):
        near = list(topics)
    if _BY.search(text[: amount.start]) and phrases("promise").search(text) and facts.of("eta"):
        came = facts.of("deployed", "rolled back", "recovered", "resolved", "message", "cause", "alert ended")
        return pairs_of(facts.of("eta"), came, both=True), topics
    relation = _RELATION.match(text, amount.end)
    how = relation["how"].lower() if relation else ""
    if relation and how in _FROM_THERE:
        return _from_there(sentence, how, relation.end(), topics, facts)
    if how in ("later", "earlier", "in"):
        left, right = clause_of(text, amount.start, amount.end)
        last = [each for each in topics if left <= each.start < right] or _nearest(near, amount)
        early = [each for each in topics if each not in last and each.end <= amount.start]
        if how == "in":
            starts = [s for begins, _ in facts.outages for s in begins] + list(
                facts.of("detected", "declared")
            )
            return (
                (pairs_of(starts, _all(last, text, facts)), last)
                if _IN_IT.match(text, amount.end)
                else ([], [])
            )
        starts = [*_all(early, text, facts), *_clock_stamps(sentence, facts, 0, amount.start)] or list(
            context()
        )
        return pairs_of(starts, _all(last, text, facts)), last
    return _plain(sentence, amount, near, topics, facts)


def _from_there(
    sentence: Sentence, how: str, end: int, topics: Sequence[Topic], facts: Facts
) -> tuple[list[Span], Sequence[Topic]]:
    """Return the spans of "ten minutes after A, B", "before A", "from A until B"."""
    text = sentence.text
    beyond = [each for each in topics if each.end > end]
    _, stop = clause_of(text, end, end + 1, wide=True)
    first = [each for each in beyond if each.start < stop]
    if how == "from" and len(first) > 1:
        return pairs_of(_all(first[:1], text, facts), _all(first[1:], text, facts)), first
    first = first if first and len(first) < len(topics) else beyond[:1]
    others = [each for each in topics if each not in first]
    if how in ("before", "ahead of", "prior to") and first and not others and _WAITED.search(text):
        return measures(first[0], text, facts), first
    others = others or [each for each in first if each.point == "message"]
    if how == "of" and first and first[0].point in ("outage", "started"):
        return measures(first[0], text, facts), first
    starts = [*_all(first, text, facts), *_clock_stamps(sentence, facts, end, end + 8)]
    rest = _all(others, text, facts)
    swapped = how in ("before", "ahead of", "prior to")
    return (pairs_of(rest, starts) if swapped else pairs_of(starts, rest)), [*first, *others]


def _plain(
    sentence: Sentence, amount: Amount, near: Sequence[Topic], topics: Sequence[Topic], facts: Facts
) -> tuple[list[Span], Sequence[Topic]]:
    """Return the spans between any two points that a sentence names, else how long the one took."""
    text = sentence.text
    left, right = clause_of(text, amount.start, amount.end, wide=True)
    between = _BETWEEN.search(text[: amount.start])
    ends = [each for each in topics if between and between.end() <= each.start < amount.start]
    if len({each.point for each in ends}) > 1:
        return pairs_of(_all(ends[:1], text, facts), _all(ends[1:], text, facts), both=True), ends
    named = [each for each in near if each.point not in _SOFT]
    if (
        not named
        and (changed := [each for each in near if each.point == "severity"])
        and _TOOK.search(text, left, amount.start)
    ):
        return measures(changed[0], text, facts), changed
    if not named or (_BETWEEN.search(text[: amount.end]) and len({each.point for each in topics}) < 2):
        return [], []
    if any(each.negated and each.point not in _MAY_BE_DENIED for each in named):
        return [], []
    hard = [each for each in named if each.point != "outage"]
    if len(hard) < len(named) and _PART.search(text, left, right):
        return [], []
    if _TOOK.search(text, left, amount.start) and (own := own_length(named[0], text, facts)):
        return own, named[:1]
    away = [each for each in topics if each not in named and each.point not in ("outage", *_SOFT)]
    pairs = [(one, other) for number, one in enumerate(hard) for other in hard[number + 1 :]]
    pairs = [(one, other) for one, other in pairs if (one.point, one.which) != (other.point, other.which)]
    pairs += [(one, other) for one in hard for other in away if one.point != other.point]
    found = [
        span
        for one, other in pairs
        for span in pairs_of(_all([one], text, facts), _all([other], text, facts), both=True)
    ]
    times = _clock_stamps(sentence, facts, 0, len(text))
    found += pairs_of(times, times) if len(times) > 1 else []
    if len({each.point for each in hard}) < 2 or not found:
        found += [span for topic in named for span in measures(topic, text, facts)]
    if hard and len(hard) < len(named):
        found += [
            s for starts, _ in facts.outages for s in pairs_of(starts, _all(hard, text, facts), both=True)
        ]
    return found, named


def _all(topics: Sequence[Topic], text: str, facts: Facts) -> list[Stamp]:
    return [stamp for topic in topics for stamp in stamps_of(topic, text, facts)]


def _is_recorded(topic: Topic, text: str, facts: Facts) -> bool:
    """Whether something is known of a topic itself, and not only of what may be meant besides."""
    if topic.point == "calm":
        return bool(facts.of("reopened"))
    return topic.point in ("outage", "started", "detected") or bool(own_stamps(topic, text, facts))


def _nearest(topics: Sequence[Topic], amount: Amount) -> list[Topic]:
    return sorted(topics, key=lambda each: min(abs(each.start - amount.end), abs(amount.start - each.end)))[
        :1
    ]


def _clock_stamps(sentence: Sentence, facts: Facts, start: int, end: int) -> list[Stamp]:
    """Return the times that are written in a piece of a sentence, near the incident."""
    found = []
    for clock in clocks(sentence.text):
        if start <= clock.start < end:
            near = [
                at
                for at in instants_of(sentence, clock, facts)
                if (facts.begins - at).total_seconds() < 86400
            ]
            found += [Stamp("written", at, None, origin="text") for at in near[:3]]
    return found
