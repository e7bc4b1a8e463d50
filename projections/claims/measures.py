"""How long things took by the log: the spans between instants, and from where people count."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from projections.claims.facts import Facts
from projections.claims.matching import own_stamps, topics_of
from projections.claims.stamps import Span, Stamp
from projections.claims.topics import Topic
from projections.claims.vocabulary import any_case

FROM = {
    "detected": ("started", "first error"),
    "alerted": ("started", "first error", "alerted"),
    "reported": ("started", "first error", "alerted", "detected"),
    "declared": ("started", "detected", "alerted", "reported"),
    "confirmed": ("started", "detected", "alerted", "reported", "declared"),
    "hypothesis": ("detected", "declared", "joined", "reopened", "alerted"),
    "cause": ("started", "detected", "alerted", "reported", "declared", "confirmed", "joined", "reopened"),
    "decided": ("started", "detected", "declared", "cause", "reported", "alerted"),
    "committed": ("cause", "declared", "detected", "reopened", "started"),
    "tested": (),
    "deploying": ("started", "detected", "declared", "cause", "committed", "alerted"),
    "deployed": ("started", "detected", "alerted", "reported", "reopened"),
    "fixed": ("started", "detected", "alerted", "reported", "reopened"),
    "deploy failed": ("deploying", "declared", "detected"),
    "rolling back": ("decided", "cause", "declared", "detected", "started", "deployed"),
    "rolled back": ("rolling back", "decided", "cause", "declared", "detected", "alerted", "reported", "started", "deployed", "reopened"),
    "recovered": ("started", "detected", "declared", "alerted", "reported", "deployed", "rolled back", "rolling back", "reopened"),
    "alert ended": ("alerted", "deployed", "rolled back", "resolved", "recovered"),
    "resolved": ("started", "detected", "alerted", "reported", "declared", "reopened"),
    "verified": ("recovered", "deployed", "rolled back"),
    "message": ("started", "detected", "declared", "alerted", "reported", "reopened", "message", "rolled back", "recovered", "resolved", "eta"),
    "merged": ("deployed", "resolved", "recovered", "committed"),
    "reopened": ("resolved", "recovered", "started", "declared"),
    "severity": ("declared", "detected", "started", "severity"),
    "joined": ("declared", "detected", "alerted"),
    "lead": ("declared", "reopened"),
}  # fmt: skip
"""From where people count how long something took; from the first of these to it, if nothing else is named."""
_NAMED = {
    "detected": ("time_to_detect",), "declared": ("time_to_declare",), "resolved": ("time_to_resolve",), "merged": ("merged_back_after",),
    "deployed": ("time_to_fix_deployed",), "recovered": ("downtime", "time_to_recover", "time_to_resolve"),
}  # fmt: skip
_ENDS_TOO = {"recovered": ("alert ended",), "verified": ("resolved",)}
_INCIDENT = any_case(r"\b(?:incident|total|overall|whole|entire|everything|all)\b")
_MOST_STAMPS = 60
"""Of more stamps than that, as a storm of alerts has, the spans between are not told apart one by one."""
_MOST_PAIRS = _MOST_STAMPS**2


def pairs_of(starts: Iterable[Stamp], ends: Iterable[Stamp], *, both: bool = False) -> list[Span]:
    """Return the spans from each of these to each later one of those, or the other way round as well."""
    early, late = list(starts), list(ends)
    if len(early) * len(late) > _MOST_PAIRS:
        early, late = _folded(early), _folded(late)
    found = []
    for start in early:
        for end in late:
            if end.latest >= start.at and end != start:
                found.append(Span.of(start, end))
            elif both and start.latest >= end.at and end != start:
                found.append(Span.of(end, start))
    return found


def _folded(stamps: Sequence[Stamp]) -> list[Stamp]:
    """Return a storm of stamps as a few, each as uncertain as what it stands for lasted: they fit whatever one of those does."""
    if len(stamps) <= _MOST_STAMPS:
        return list(stamps)
    ordered = sorted(stamps, key=lambda each: each.at)
    size = -(-len(ordered) // _MOST_STAMPS)
    groups = [ordered[first : first + size] for first in range(0, len(ordered), size)]
    return [replace(same[0], until=max(each.latest for each in same)) for same in groups]


def own_length(topic: Topic, text: str, facts: Facts) -> list[Span]:
    """Return how long a deploy or rollback itself took."""
    doing = {
        "deployed": "deploying",
        "rolled back": "rolling back",
        "deploying": "deploying",
        "rolling back": "rolling back",
    }.get(topic.point)
    if doing is None:
        return []
    done = own_stamps(
        replace(topic, point="deployed" if doing == "deploying" else "rolled back"), text, facts
    )
    return [Span.of(start, end) for end in done for start in facts.of(doing) if start.event == end.event]


def measures(topic: Topic, text: str, facts: Facts) -> list[Span]:
    """Return how long the log says that a topic took, from everywhere people count."""
    if topic.point in ("outage", "started"):
        if topic.which is not None and -len(facts.outages) <= topic.which < len(facts.outages):
            return pairs_of(*facts.outages[topic.which])
        spans = [span for starts, ends in facts.outages for span in pairs_of(starts, ends)]
        spans += recorded(("downtime", "time_to_recover"), facts)
        if _INCIDENT.search(text) or topic.words.lower() in ("duration", "impact", "lasted", "outage"):
            spans += pairs_of(facts.of("started", "detected", "declared", "reopened"), facts.of("resolved"))
        return spans
    if topic.point == "alert on":
        return pairs_of(facts.of("alerted"), facts.of("alert ended"))
    if topic.point == "calm":
        return pairs_of(
            facts.of("recovered", "resolved", "alert ended"), (*facts.of("reopened"), *facts.of("alerted"))
        )
    found = recorded(_NAMED.get(topic.point, ()), facts)
    ends = [*own_stamps(topic, text, facts), *facts.of(*_ENDS_TOO.get(topic.point, ()))]
    if topic.point == "message" and topic.which == 0:
        begins = (*facts.of("started", "declared")[:1], *facts.of("reopened"))
        firsts = [[m for m in facts.of("message") if m.at >= begin.at][:1] for begin in begins]
        ends = [each for first in firsts for each in first]
    elif topic.point == "message":
        found += [Span.of(m, e) for m in facts.of("message") for e in facts.of("eta") if m.event == e.event]
    if any(each.point == "verified" for each in topics_of(text, facts)):
        found += pairs_of(facts.of("recovered", "deployed", "rolled back"), ends)
    for point in FROM.get(topic.point, ()):
        found += pairs_of(facts.of(point), ends)
    return found


def recorded(names: Iterable[str], facts: Facts) -> list[Span]:
    found = []
    for name in names:
        held = facts.durations.get(name)
        if (
            held is None
            or held.state not in ("recorded", "uncertain")
            or held.from_ is None
            or held.to is None
        ):
            continue
        if not held.at_least or held.at_most is None:
            continue
        start, end = Stamp("started", held.from_, None), Stamp("recovered", held.to, None)
        start = next((s for s in facts.stamps if held.from_ in (s.at, s.until)), start)
        end = next((s for s in facts.stamps if held.to in (s.at, s.until)), end)
        found.append(Span(start, end, held.at_least, held.at_most))
    return found


def sum_of_outages(facts: Facts) -> Span | None:
    """Return the whole downtime of an incident with several outages."""
    if len(facts.outages) < 2 or not all(starts and ends for starts, ends in facts.outages):
        return None
    spans = [pairs_of(starts, ends) for starts, ends in facts.outages]
    if not all(spans):
        return None
    low, high = (
        sum(pick(getattr(s, end) for s in each) for each in spans)
        for pick, end in ((min, "low"), (max, "high"))
    )
    return Span(spans[0][0].start, spans[-1][-1].end, low, high)
