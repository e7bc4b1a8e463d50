"""How often and how many, as written, compared with what the log counts."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from projections.claims.claim import Finding
from projections.claims.clocks import clocks, dates_in
from projections.claims.facts import ClaimFacts
from projections.claims.numbers import NUMBER, number_of
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import HABIT, NOT_NOW, is_elsewhere, is_plan
from tracker.events.changes import CommitMade
from tracker.events.incidents import IncidentReopened
from tracker.text.patterns import lazy_pattern

_TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_OFTEN = rf"(?P<often>once|twice|thrice|(?:{NUMBER}) times)"
_MANY = rf"(?P<many>{NUMBER}|\ba single|\bno|\bonly one|\bonly a)"
_ADJECTIVES = r"(?:\s+(?:separate|different|production|small|minimal|single|successful|failed|fix|hotfix|more|further|of))*"
_BETWEEN = lazy_pattern(
    r"\b(?:between|-|–|to|or|at most|up to|at least|(?:no |not )?(?:more|fewer|less) than|over|under)\s*$",
    re.IGNORECASE,
)
_ELSEWHERE = lazy_pattern(
    r"^\W*(?:just |shortly |\w+ )?(?:before|earlier|ago|per|a day|a week|each|yesterday|last|at most|at least|or more|or fewer|max(?:imum)?)\b",
    re.IGNORECASE,
)
_PART = lazy_pattern(r"^\W*of (?:the |\d)", re.IGNORECASE)

_BUMP = lazy_pattern(r"\bbump\b|\bversion\b|^release\b", re.IGNORECASE)

Counted = tuple[set[int], str, tuple[str, ...]]


def _changes(facts: ClaimFacts, kind: str, loosely: datetime | None) -> Counted | None:
    """Count what was done since it began; a note may count what was known when it was written, also from before."""
    start = facts.incident.begins_at
    rows = [row for row in facts.changes if row.kind == kind and row.service in facts.incident.services]
    during = [row for row in rows if row.at >= start]
    done = [row for row in during if row.status == "finished"]
    everything = [row for row in facts.changes if row.kind == kind]
    if not everything and not any(row.kind != "merge" for row in facts.changes):
        return None
    named = ", ".join(f"{row.version} at {facts.clock(row.at)}" for row in during) or "none"
    end = facts.incident.ends_at or facts.now
    possible = {len(done), len(during), len([row for row in done if row.at <= end])}
    if loosely:
        possible |= {len([row for row in rows if row.at <= up_to]) for up_to in (loosely, end)}
        possible |= {len([row for row in during if row.at <= loosely]), len(everything)}
    return (
        possible,
        f"the log has {len(done)} {kind}{'' if len(done) == 1 else 's'} since it began: {named}",
        tuple(r.event for r in during),
    )


def _deploys(facts: ClaimFacts, loosely: datetime | None) -> Counted | None:
    return _changes(facts, "deploy", loosely)


def _rollbacks(facts: ClaimFacts, loosely: datetime | None) -> Counted | None:
    return _changes(facts, "rollback", loosely)


def _commits(facts: ClaimFacts, loosely: datetime | None) -> Counted | None:
    """Count the commits of the fix; merges and version bumps may be counted in or out."""
    if not facts.commits:
        return None
    start, end = facts.incident.begins_at, facts.incident.ends_at or facts.now
    made = [
        (each.id, each.event)
        for each in facts.commits
        if isinstance(each.event, CommitMade) and start <= each.event.occurred_at <= end
    ]
    plain = [(event_id, commit) for event_id, commit in made if not commit.is_merge]
    bumps = [commit for _, commit in plain if _BUMP.search(commit.subject_line)]
    named = ", ".join(f"{commit.sha[:7]} {commit.subject_line}" for _, commit in plain[:5]) or "none"
    return (
        {len(plain), len(plain) - len(bumps)},
        f"the log has {len(plain)} commit{'' if len(plain) == 1 else 's'} while it lasted, without merges: {named}",
        tuple(event_id for event_id, _ in plain),
    )


def _alerts(facts: ClaimFacts, loosely: datetime | None) -> Counted | None:
    if not facts.alerts:
        return None
    names = {getattr(each.event, "name", "") for each in facts.alerts}
    once = len({each.event.subject() for each in facts.alerts})
    start = facts.incident.begins_at
    during = [each for each in facts.alerts if each.event.occurred_at >= start]
    return (
        {once, len({each.event.subject() for each in during}), len(names)},
        f"the log has {once} alert{'' if once == 1 else 's'} that fired: {', '.join(sorted(names))}",
        tuple(each.id for each in facts.alerts),
    )


def _messages(facts: ClaimFacts, loosely: datetime | None) -> Counted | None:
    if not facts.messages:
        return None
    updates = [each for each in facts.messages if each.kind == "update"]
    return (
        {len(facts.messages), len(updates), len(facts.messages) - 1},
        f"the log has {len(facts.messages)} messages that were sent, {len(updates)} of them updates",
        tuple(each.sent_event or each.event for each in facts.messages),
    )


def _reopened(facts: ClaimFacts, loosely: datetime | None) -> Counted | None:
    times = [
        s for s in facts.incident.steps if isinstance(s.event, IncidentReopened) and s.retraction is None
    ]
    return {len(times)}, f"the log has it reopened {len(times)} times", tuple(each.id for each in times)


_COUNTS: tuple[tuple[str, str, Callable[[ClaimFacts, datetime | None], Counted | None]], ...] = (
    (r"(?:re-?)?deploy(?:ment)?s?|rollouts?", r"deployed", _deploys),
    (r"rollbacks?|roll-?backs?", r"rolled back|reverted", _rollbacks),
    (r"commits?", r"committed", _commits),
    (r"alerts?(?: fired)?", r"alerted|alert(?:s)? fired", _alerts),
    (r"(?:status )?(?:updates|messages)", r"updated the team", _messages),
    (r"reopenings?", r"reopened", _reopened),
)
_PATTERNS = tuple(
    (
        lazy_pattern(
            rf"(?<![\w.:/-]){_MANY}{_ADJECTIVES}\s+(?:{nouns})\b(?!\s+(?:failed|minutes?|hours?|seconds?|branch|alerts?|rate|rules?|threshold))",
            re.IGNORECASE,
        ),
        lazy_pattern(rf"\b(?:{verbs})\s+(?:it\s+|production\s+)?{_OFTEN}", re.IGNORECASE),
        count,
    )
    for nouns, verbs, count in _COUNTS
)

_PEOPLE_HIT = lazy_pattern(
    rf"(?P<about>~|≈|about |around |approximately |roughly |some |nearly |almost |over |more than |up to )?(?<![\w.,:/])(?P<many>{NUMBER})(?P<thousand>k\b)?\+?\s+"
    r"(?:\w+\s+){0,2}?(?P<what>transactions?|customers?|users?|orders?|requests?|payments?|accounts?|sessions?|checkouts?|tickets?|merchants?)\b"
    r"(?=(?P<rest>[^.;]{0,50}))",
    re.IGNORECASE,
)
_STATUS_BEFORE = lazy_pattern(r"\b(?:HTTP|status|code|return\w*|answer\w*|with|of 10|port) $", re.IGNORECASE)
_STATUS_AFTER = lazy_pattern(r"\s?(?:errors?|s\b|status|response|code|internal|%|ms\b)", re.IGNORECASE)
_HIT = lazy_pattern(
    r"\b(?:affected|impacted|failed|lost|hit|dropped|unable|could not|couldn't|saw|were not|not paid|errors?)\b",
    re.IGNORECASE,
)


def check_counts(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find the counts in a sentence that the log contradicts."""
    if sentence.heading or is_plan(sentence) or is_elsewhere(sentence.text, facts):
        return
    said = sentence.text
    for many, often, count in _PATTERNS:
        for match in (*many.finditer(said), *often.finditer(said)):
            left, right = sentence.clause(match.start(), match.end())
            if (
                NOT_NOW.search(said, left, right)
                or HABIT.search(said, left, right)
                or _BETWEEN.search(said[: match.start()])
            ):
                continue
            if _ELSEWHERE.match(said[match.end() : match.end() + 20]) or _PART.match(
                said[match.end() : match.end() + 12]
            ):
                continue
            stated = _number(match)
            counted = count(facts, text.at)
            if stated is None or counted is None or stated in counted[0]:
                continue
            if stated == 0 and 0 in counted[0]:
                continue
            yield Finding("count", match[0].strip(), counted[1], counted[2])
    yield from _affected(sentence, facts, text)


def _number(match: re.Match[str]) -> float | None:
    found = match.groupdict()
    if found.get("often"):
        word = found["often"].lower()
        return _TIMES[word] if word in _TIMES else number_of(word.removesuffix(" times"))
    many = found["many"].lower()
    if many == "no":
        return 0.0
    return 1.0 if many.startswith(("a", "only")) else number_of(many)


def _affected(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find numbers of affected users or requests that no note in the log has."""
    if text.event is not None and text.kind not in ("initial", "update", "resolved", "rollback"):
        return
    dated = [(start, end) for start, end, _ in dates_in(sentence.text)]
    dated += [(each.start, each.end) for each in clocks(sentence.text)]
    for match in _PEOPLE_HIT.finditer(sentence.text):
        left, right = sentence.clause(match.start(), match.start("rest"))
        if (
            not _HIT.search(sentence.text, max(left - 30, 0), min(right + 30, len(sentence.text)))
            and "impact" not in sentence.text.lower()
        ):
            continue
        if NOT_NOW.search(sentence.text, left, right):
            continue
        if any(start <= match.start("many") < end for start, end in dated):
            continue
        number = number_of(match["many"]) * (1000 if match["thousand"] else 1)
        if number < 2 or any(_near(number, held, bool(match["about"])) for held in _noted(facts)):
            continue
        words = sentence.text[match.start() : match.start("rest")].strip()
        yield Finding(
            "count",
            words,
            f"the log has no such number: no note says how many {match['what'].rstrip('s')}s were hit",
        )


def _near(stated: float, held: float, about: bool) -> bool:
    return abs(stated - held) <= (0.1 * held if about else 0.0)


def _noted(facts: ClaimFacts) -> set[float]:
    texts = [getattr(note.event, "text", "") for note in facts.notes]
    texts += [facts.incident.impact or "", facts.incident.title]
    texts += [str(getattr(step.event, "impact", "") or "") for step in facts.incident.steps[:50]]
    found = set()
    for each in texts:
        for match in re.finditer(rf"({NUMBER})(k\b)?", each[:5000], re.IGNORECASE):
            if _STATUS_BEFORE.search(each[max(match.start() - 14, 0) : match.start()]) or _STATUS_AFTER.match(
                each[match.end() : match.end() + 12]
            ):
                continue
            found.add(number_of(match[1]) * (1000 if match[2] else 1))
    return found
