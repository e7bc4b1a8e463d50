"""Which instants of the log a sentence speaks of: those of a point, narrowed by the version, alert, order or person named."""

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from projections.claims.facts import Facts
from projections.claims.stamps import Stamp
from projections.claims.text import content_words, versions_in
from projections.claims.topics import Topic, clause_of, denied
from projections.claims.vocabulary import any_case, each_of, phrases

ALSO = {
    "started": ("first error",),
    "detected": ("alerted", "reported"),
    "reported": ("detected",),
    "alerted": ("detected",),
    "deployed": ("deploying",),
    "rolled back": ("rolling back",),
    "rolling back": ("rolled back",),
    "deploying": ("deployed",),
    "deploy failed": ("deploying",),
    "recovered": ("alert ended",),
    "resolved": ("recovered",),
    "cause": ("hypothesis",),
    "decided": ("note",),
    "hypothesis": ("note",),
    "joined": ("note",),
    "declared": ("reopened",),
    "confirmed": ("detected",),
    "lead": ("declared",),
    "merged": ("committed",),
}
"""What a word for a point may be taken for besides."""
_MEANS = {"alert on": ("alerted", "alert ended"), "calm": ("recovered", "resolved", "reopened")}
"""Points that are a span, by those that it lies between."""
_FIRST_LEAD = any_case(r"\b(?:lead|took charge|takes charge)\b")
_FIX = any_case(r"\b(?:hot)?fix|\bpatch")
_CLAUSE = any_case(r"[^,;|()]+")


def own_stamps(topic: Topic, text: str, facts: Facts) -> list[Stamp]:
    """Return the instants of a topic alone, of the version or alert that its clause names, of its number among several."""
    found = list(facts.of(*_MEANS.get(topic.point, (topic.point,))))
    if topic.point == "lead" and len(found) > 1 and not _FIRST_LEAD.search(topic.words):
        found = found[1:]
    if topic.point == "fixed":
        found = [s for s in facts.of("fixed", "deployed", "rolled back", "recovered") if s.at >= facts.begins]
    return _narrowed(found, topic, text, facts)


def stamps_of(topic: Topic, text: str, facts: Facts) -> list[Stamp]:
    """Return the instants that a topic may mean, with those that people call by the same words."""
    if topic.point == "outage":
        return [stamp for starts, ends in facts.outages for stamp in (*starts, *ends)]
    found = list(facts.of(*_MEANS.get(topic.point, (topic.point, *ALSO.get(topic.point, ())))))
    if topic.point == "message":
        found += facts.of("eta")
    if topic.words.lower() == "alerted":
        # A team is alerted by a message, too.
        found += facts.of("message")
    if topic.point == "fixed":
        return [*own_stamps(topic, text, facts), *facts.of("resolved")]
    if topic.point == "started" and facts.incident is not None:
        found += [stamp for starts, _ in facts.outages for stamp in starts]
    if topic.point == "reported" and facts.incident is not None and facts.incident.detected_by == "alert":
        found = [each for each in found if each.point == "reported"]
    return _narrowed(found, topic, text, facts)


def _narrowed(found: list[Stamp], topic: Topic, text: str, facts: Facts) -> list[Stamp]:
    versions = set(versions_in(text[slice(*clause_of(text, topic.start, topic.end, wide=True))])) or set(
        versions_in(text)
    )
    if versions and topic.point in (
        "deployed",
        "deploying",
        "deploy failed",
        "rolled back",
        "rolling back",
        "committed",
        "merged",
    ):
        named = [each for each in found if each.names & versions]
        found = named or (found if topic.point.startswith("roll") else [])
    if (
        topic.point in ("deployed", "deploying")
        and not versions
        and _FIX.search(text, *clause_of(text, topic.start, topic.end))
    ):
        found = [each for each in found if each.at >= facts.begins] or found
    if topic.point in ("alerted", "alert ended"):
        words = text.lower()
        named = [each for each in found if any(len(name) > 5 and name in words for name in each.names)]
        found = named or found
    if topic.point in ("lead", "joined", "hypothesis", "decided", "cause"):
        named = [
            each for each in found if each.by and re.search(rf"\b{re.escape(each.by.split()[0])}\b", text)
        ]
        found = named or found
    if topic.point == "severity":
        found = [each for each in found if any(name in text.lower() for name in each.names)] or found
    if topic.point == "merged":
        branches = {word for word in ("develop", "main", "master") if word in text.lower()}
        others = {"develop", "main", "master"} - branches if branches else set()
        found = [each for each in found if each.names & branches] or [
            s for s in found if not s.names & others
        ]
    if topic.point == "message":
        left, right = clause_of(text, topic.start, topic.end, wide=True)
        near = [each for each in facts.topics(text) if each.point == "message" and each.start != topic.start]
        left = max([left, *(each.end for each in near if each.end <= topic.start)])
        right = min([right, *(each.start for each in near if each.start >= topic.end)])
        kinds = {kind for kind, words in each_of("message kinds").items() if words.search(text, left, right)}
        if all(each.point != "rollback failed" for each in facts.topics(text)):
            found = [each for each in found if each.names & kinds] or found
    if topic.which is not None and topic.point == "message":
        bounds = [
            facts.begins - timedelta(days=1),
            *(s.at for s in facts.of("reopened")),
            facts.now + timedelta(days=1),
        ]
        parts = [found, *([s for s in found if low <= s.at < high] for low, high in pairwise(bounds))]
        numbered = [
            sorted(part, key=lambda s: s.at)[topic.which]
            for part in parts
            if -len(part) <= topic.which < len(part)
        ]
        found = numbered or found
    if topic.which is not None and topic.point in (
        "alerted",
        "deployed",
        "committed",
        "recovered",
        "outage",
        "started",
        "resolved",
    ):
        ordered = sorted(
            (each for each in found if each.at >= facts.begins or topic.point != "deployed"),
            key=lambda each: each.at,
        )
        if ordered and -len(ordered) <= topic.which < len(ordered):
            chosen = ordered[topic.which]
            found = [each for each in ordered if abs((each.at - chosen.at).total_seconds()) < 60]
    return found


def topics_of(text: str, facts: Facts, section: Sequence[str] = ()) -> list[Topic]:
    """Return the points that a sentence names; the outage is one of them where it has words of the incident's title.

    Where it names none, its heading says what it is about.
    """
    found = list(facts.topics(text))
    if (
        section
        and not any(each.point not in ("outage", "started") for each in found)
        and phrases("heading of messages").search(section[-1])
    ):
        found = [each for each in found if each.point == "started"]
        found.append(Topic("message", len(text) - 1, len(text), ""))
    if not any(each.point == "outage" for each in found):
        for match in _CLAUSE.finditer(text):
            if len(content_words(match[0]) & facts.about) >= 2:
                found.append(
                    Topic(
                        "outage",
                        match.end() - 1,
                        match.end(),
                        match[0],
                        denied(text, match.start(), match.end()),
                    )
                )
                break
    return sorted(found, key=lambda each: each.start)


def retold(text: str, facts: Facts) -> list[Stamp]:
    """Return the events whose own words a sentence repeats."""
    words = content_words(text) - facts.general
    best: list[tuple[float, Stamp]] = []
    for stamp, own in facts.texts:
        own = own - facts.general
        common = len(words & own)
        if common >= 3 or (common == 2 and len(own) <= 4):
            best.append((common / min(len(own), len(words)), stamp))
    top = max((share for share, _ in best), default=0.0)
    return [stamp for share, stamp in best if share >= max(0.5, top - 0.01)]
