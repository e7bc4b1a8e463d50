"""What is said to have happened, or not to have: deploys, rollbacks, alerts, messages, reopenings, what was lost."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from projections.changes import ChangeRow
from projections.claims.amounts import durations_in
from projections.claims.claim import Finding
from projections.claims.clocks import clocks, zones_in
from projections.claims.facts import Facts, Stamp
from projections.claims.matching import own_stamps
from projections.claims.prose import Sentence
from projections.claims.text import content_words, stem, version_spans, versions_in
from projections.claims.topics import Topic, clause_of, denied, in_plans, is_claim, is_habit, is_past
from projections.claims.vocabulary import any_case, phrases, words_of
from projections.versions import plain_version

_HARMED = frozenset(
    stem(word) for word in ("affected", "impacted", "delayed", "late", "hit", "harmed", "concerned", "missed")
)
_BEFORE, _AFTER = (
    any_case(r"\b(?:before|until|prior to|ahead of)\b"),
    any_case(r"\b(?:after|since|following)\b"),
)
_NEW_VERSION = any_case(
    r"\b(?:releas\w+|deploy\w+|ship\w+|roll\w+ out) (?:of )?(?:a |the )?(?:new |fixed |patched )?(?:version|release|build) of (?:the )?(?P<service>[\w-]+)"
)
_TARGET = any_case(r"\b(?:to|at|on|back)\s+(?:the\s+)?(?:version\s+)?$")
_BEFORE_VERSION = any_case(r"([\w-]+)\s+(?:version\s+)?v?$")
_NEVER = any_case(r"\b(?:never|no|nobody|no one|none|nothing|neither|without)\b")
_NOT_THROUGH = any_case(r"^(?!.*\bfail)|^v?\d+\.\d+")
_NOT = any_case(r"(?:not|never|silent|\w*n't)$")
_ITS = any_case(r"\s*(?:was|were|had|has|did|is|remained|stayed|kept|team|system)?\s*")
_THING = r"\b(?:incident|outage|case|ticket|issue|problem|file|matter|it)\b"
_THING_BEFORE, _THING_AFTER = any_case(rf"{_THING}[^,;]{{0,24}}$"), any_case(rf"[^,;]{{0,20}}{_THING}")
_MERELY = frozenset(
    ("alerted", "message", "merged", "reopened", "rolled back", "rolling back", "deploy failed", "branched")
)
"""Points that a mere "not" denies; of others it is often about something else, and "never", "no" and "nobody" deny them."""
_DENIABLE = _MERELY | {
    "confirmed", "deployed", "committed", "cause", "resolved", "severity", "reported", "tested", "declared", "recovered", "alert ended", "hypothesis",
    "verified", "joined",
}  # fmt: skip


def check_statements(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find what is said to have happened and did not, and what is said not to have happened and did."""
    text = sentence.text
    if sentence.heading or facts.incident is None or text.endswith("?") or in_plans(sentence):
        return
    topics = facts.topics(text)
    yield from _versions(text, topics, facts)
    by_people = (
        facts.incident.detected_by in ("customer", "person")
        and not facts.of("alerted")
        and not phrases("telling/people").search(text)
    )
    for topic in topics:
        if not is_claim(text, topic.start, topic.end):
            continue
        if topic.negated:
            yield from _denied(text, topic, topics, facts)
        elif topic.point in ("rolled back", "rolling back") and not facts.of("rollback failed"):
            yield from _rolled_back(text, topic, facts)
        elif topic.point == "rollback failed" and facts.changes and not facts.of("rollback failed"):
            yield Finding("rollback", "rollback succeeded", text[:160], facts.of("rolled back")[-1:])
        elif (
            topic.point == "rolled back"
            and facts.of("rollback failed")
            and phrases("telling/at once").search(text)
        ):
            yield Finding("rollback", "rollback failed", text[:160], facts.of("rollback failed")[:1])
        elif topic.point == "deploy failed" and _NOT_THROUGH.search(topic.words):
            named = set(versions_in(topic.words))
            rows = [row for row in facts.changes if plain_version(row.version) in named]
            if rows and all(row.status == "finished" for row in rows):
                yield _about("version", "not failed", text, rows[-1:], rows[-1].version)
        elif topic.point == "alerted" and by_people:
            yield Finding("name", "no alert", text[:160], facts.of("detected")[:1])
        elif topic.point == "reopened" and not facts.of("reopened") and topic.words.lower().startswith("re"):
            yield Finding("rollback", "never reopened", text[:160], facts.of("resolved")[-1:])
    for match in phrases("telling/new incident").finditer(text) if facts.of("reopened") else ():
        if is_claim(text, *match.span()) and not denied(text, *match.span()):
            yield Finding("order", "reopened", text[:160], facts.of("reopened")[:1])
    yield from _deploys_of(text, facts)
    yield from _nothing_lost(text, facts)
    if (never := phrases("telling/no eta").search(text)) and is_claim(text, *never.span()):
        meant = {s.event for t in topics if t.point == "message" for s in own_stamps(t, text, facts)}
        promised = [s for s in facts.of("eta") if not meant or s.event in meant]
        if promised:
            yield Finding("message", "promised", text[:160], tuple(promised[:2]))
    yield from _changed(text, facts)


def _about(kind: str, code: str, text: str, rows: Sequence[ChangeRow], *values: str) -> Finding:
    return Finding(kind, code, text[:160], values=values, events=tuple(row.event for row in rows))


def _versions(text: str, topics: Sequence[Topic], facts: Facts) -> Iterator[Finding]:
    """Compare the versions that are said to have been released, put back or to have fixed it; one finding is enough."""
    spans = version_spans(text)
    if not spans or is_habit(text) or not is_claim(text, ignore=("hypothetical",)):
        return
    for version, start, end in spans:
        if is_claim(text, start, end) and not denied(text, start, end):
            found = _version(version, start, text, topics, len(spans) == 1, facts)
            if found is not None:
                yield found
                return


def _version(
    version: str, start: int, text: str, topics: Sequence[Topic], alone: bool, facts: Facts
) -> Finding | None:
    rows = [row for row in facts.changes if row.kind != "merge"]
    names = tuple(row.version for row in rows[-4:])
    left, right = clause_of(text, start, start + len(version), wide=True)
    same = [row for row in rows if plain_version(row.version) == version]
    near = [t for t in topics if left <= t.start < right] or [t for t in topics if t.point == "deployed"]
    points = {topic.point for topic in near if not topic.negated}
    undone = [row for row in rows if row.kind == "rollback"]
    if "rolled back" in points and _TARGET.search(text[:start]):
        if undone and not any(plain_version(row.version) == version for row in undone):
            return _about("version", "rolled back to", text, undone[-1:], version, undone[-1].version)
        if (
            not undone
            and rows
            and version not in facts.versions
            and not phrases("rollback unsaid").search(text)
        ):
            return _about("rollback", "no rollback", text, rows[-3:], *names)
        return None
    if "rolled back" in points and rows and version not in facts.versions:
        return _about("version", "unknown", text, rows[-4:], version, *names)
    failed = any(topic.point == "deploy failed" for topic in topics)
    every = phrases("telling/all of them").search(text) and any(topic.point == "deployed" for topic in topics)
    live = (
        "deployed" in points
        or every
        or (not points and phrases("telling/released").search(text, left, right))
        or phrases("telling/by deploying").search(text)
    )
    if live and same and not failed and all(row.status == "failed" for row in same):
        return _about("version", "failed", text, same[-1:], version)
    away = [row for row in facts.elsewhere if plain_version(row.version) == version]
    if live and away and not same:
        places = dict.fromkeys(row.environment or row.place for row in away)
        return _about("version", "elsewhere", text, away, version, *places)
    ran = {plain_version(row.previous_version) for row in facts.changes if row.previous_version}
    if (
        live
        and not same
        and version not in ran
        and "deploy failed" not in points
        and version not in facts.versions
        and (rows or not facts.versions)
    ):
        return _about("version", "unknown", text, rows[-4:], version, *names)
    if (
        near
        and not live
        and same
        and re.match(r"\s+(?:was|were|is|had been|has been|got)\s", text[start + len(version) :])
    ):
        gone = {plain_version(row.previous_version) for row in undone if row.previous_version}
        if (
            "rolled back" in points
            and undone
            and version not in gone
            and all(row.status == "finished" for row in same)
        ):
            return _about("version", "not undone", text, undone[-1:], version, *sorted(gone))
    named = _BEFORE_VERSION.search(text[:start])
    own = {
        *words_of("common"),
        *(service.lower() for row in rows for service in [row.service] if service),
        "version",
        "release",
        "hotfix",
        "build",
        "fix",
        "patch",
    }
    if (
        (rows or facts.earlier)
        and not same
        and version not in facts.versions | ran
        and not failed
        and (named is None or named[1].lower() in own)
        and _is_next(version, (*facts.versions, *(plain_version(row.version) for row in facts.earlier)))
    ):
        return _about("version", "unknown", text, rows[-4:], version, *names)
    fixing = (
        phrases("telling/fixed for good").search(text, left, right)
        if alone and version in facts.versions
        else None
    )
    if (
        fixing
        and not denied(text, *fixing.span())
        and facts.fixed_versions
        and version not in facts.fixed_versions
    ):
        return _about("version", "not the fix", text, same[-1:], version, *sorted(facts.fixed_versions))
    return None


def _is_next(version: str, known: Iterable[str]) -> bool:
    """Whether a version is newer than all that are known, and no other product's."""
    number, *others = ([int(part) for part in re.findall(r"\d+", v)] for v in (version, *known))
    newest = max(others, default=[])
    return bool(newest) and number > newest and number[0] <= newest[0] + 1


def _deploys_of(text: str, facts: Facts) -> Iterator[Finding]:
    """Find a release of a service that the log has no deploy of, and a fix that is said to have gone out where nothing did."""
    fix = next(
        (
            topic
            for topic in facts.topics(text)
            if topic.point == "deployed"
            and phrases("telling/fix").search(text, *clause_of(text, topic.start, topic.end))
        ),
        None,
    )
    during = [row for row in facts.changes if row.kind == "deploy" and row.at >= facts.begins]
    if fix and not during and facts.of("rolled back") and not version_spans(text) and is_past(text):
        if not fix.negated and is_claim(text, fix.start, fix.end):
            yield _about("version", "no deploy", text, facts.changes[-2:])
        return
    new = _NEW_VERSION.search(text)
    services = {
        *(facts.incident.services if facts.incident else ()),
        *(row.service or "" for row in facts.changes),
    }
    service = new["service"].lower() if new else ""
    if new is None or not facts.changes or service not in {each.lower() for each in services}:
        return
    deployed = any((row.service or "").lower() == service for row in facts.changes if row.at >= facts.begins)
    if not deployed and is_claim(text, *new.span()) and not denied(text, *new.span()):
        yield _about("version", "no deploy of", text, facts.changes[-2:], service)


def _rolled_back(text: str, topic: Topic, facts: Facts) -> Iterator[Finding]:
    """Find a rollback that the log has not."""
    left, right = clause_of(text, topic.start, topic.end)
    if (
        facts.of("rolled back", "rolling back", "rollback failed")
        or phrases("rollback unsaid").search(text, *clause_of(text, topic.start, topic.end, wide=True))
        or phrases("telling/no deploy").search(text, left, right)
    ):
        return
    wide = clause_of(text, topic.start, topic.end, wide=True)
    own = content_words(" ".join(facts.incident.services if facts.incident else ()))
    if not (facts.changes or phrases("telling/of a change").search(text, *wide) or content_words(text) & own):
        return
    if "roll" not in topic.words.lower() and "back" in topic.words.lower():
        services = {each.lower() for each in (facts.incident.services if facts.incident else ())}
        if not version_spans(text) and not {*services, "release", "version", "build", "we"} & {
            word.lower() for word in re.findall(r"\w+", text)
        }:
            return
    noun = topic.words.lower() in ("rollback", "rollbacks") and not phrases("telling/done").search(
        text, *wide
    )
    if not is_habit(text) and (is_past(text) or re.search(r"\d:\d\d", text)):
        others = [row for row in facts.changes if row.kind != "merge"][-3:]
        found = _about("rollback", "no rollback", text, others, *(row.version for row in others))
        yield replace(found, is_notice=noun)


def _denied(text: str, topic: Topic, topics: Sequence[Topic], facts: Facts) -> Iterator[Finding]:
    """Find "nobody was told before the rollback" where somebody was."""
    point = "rolled back" if topic.point == "rolling back" else topic.point
    held = [each for each in facts.of(point) if each.at >= facts.begins - timedelta(minutes=1)]
    if version_spans(text):
        held = [each for each in own_stamps(topic, text, facts) if each in held]
    left, right = clause_of(text, topic.start, topic.end, wide=True)
    negation = next(phrases("negation").finditer(text, left, right), None)
    if negation is None or not held or point not in _DENIABLE or topic.start - negation.end() > 40:
        return
    if point not in _MERELY and not _NEVER.fullmatch(negation[0]):
        return
    if topic.which is not None and topic.which >= len(held):
        return
    if point == "message" and content_words(topic.words) & facts.general:
        # Where messages are what failed, "never arrived" is said of those.
        return
    if phrases("telling/no denial").search(text, negation.end(), max(topic.start, negation.end())):
        return
    if (
        point == "resolved"
        and not _THING_BEFORE.search(text, left, topic.start)
        and not _THING_AFTER.match(text, topic.end)
    ):
        return
    if negation.start() >= topic.end and not (
        _NOT.match(negation[0]) and _ITS.fullmatch(text[topic.end : negation.start()])
    ):
        return
    clause = text[left:right]
    if (
        point in ("deployed", "recovered") and phrases("telling/no trouble").search(text, negation.start())
    ) or (point == "alerted" and not phrases("telling/of an alert").search(topic.words)):
        return
    if point in ("rolled back", "merged") and phrases("rollback unsaid").search(text):
        if (
            point == "rolled back"
            and phrases("telling/no way back").search(text)
            and not phrases("telling/limited").search(text)
        ):
            yield Finding("negation", f"was {point}", text[:160], tuple(held[:2]))
        return
    if point == "severity":
        held = _moves(text, facts)
    limits = [s for each in topics if each.point != topic.point for s in own_stamps(each, text, facts)]
    if phrases("telling/to the end").search(text):
        pass
    elif "between" in text.lower():
        return
    elif _BEFORE.search(text[topic.end :]) or _BEFORE.search(text[: topic.start]):
        limits += _limits(text, facts)
        first = min((s.at for s in limits), default=facts.begins)
        held = [each for each in held if each.at < first - timedelta(seconds=59)]
    elif _AFTER.search(text):
        span, limits = next(iter(durations_in(text)), None), _limits(text, facts) or limits
        length = timedelta(seconds=span.high - span.grain) if span else facts.ends - facts.begins
        held = [
            each
            for each in held
            if any(s.at + timedelta(minutes=0 if span else 2) < each.at < s.at + length for s in limits)
        ]
    elif durations_in(text) or phrases("telling/only then").search(clause):
        return
    if held:
        yield Finding("negation", f"was {point}", text[:160], tuple(held[:2]))


def _limits(text: str, facts: Facts) -> list[Stamp]:
    """Return the times that a sentence names, while it lasted."""
    zones = zones_in(text) or facts.zones
    return [
        Stamp("written", at, None, origin="text")
        for clock in clocks(text)
        for at in clock.instants(clock.zones or zones, facts.days)
        if facts.begins <= at <= facts.ends
    ]


def _moves(text: str, facts: Facts) -> list[Stamp]:
    """Return when the severity changed in the way that a sentence names."""
    levels = ("minor", "major", "critical")
    found = []
    for one, other in pairwise(facts.of("severity")):
        old, new = (
            max((levels.index(name) for name in s.names if name in levels), default=0) for s in (one, other)
        )
        ups, downs = phrases("telling/raised").search(text), phrases("telling/lowered").search(text)
        if (new > old and not downs) or (new < old and not ups) or (ups and downs and new != old):
            found.append(other)
    return found


def _changed(text: str, facts: Facts) -> Iterator[Finding]:
    """Find that the severity or the lead stayed as it was where it changed, or went the way that it did not."""
    severity, lead = phrases("telling/severity").search(text), phrases("telling/lead").search(text)
    same = phrases("telling/unchanged").search(text)
    limited = phrases("telling/limited").search(text)
    severities = facts.of("severity")
    if severity and same and not limited and len({s.names for s in severities}) > 1 and is_claim(text):
        yield Finding("negation", "changed", text[:160], severities)
    elif lead and same and not limited and len({s.by for s in facts.of("lead")}) > 1 and is_claim(text):
        yield Finding("negation", "changed", text[:160], facts.of("lead"))
    elif lead and len({s.by for s in facts.of("lead")}) > 1 and not limited and is_claim(text):
        handed = phrases("telling/handover").search(text)
        if handed and denied(text, *handed.span()):
            yield Finding("negation", "changed", text[:160], facts.of("lead"))
    way = phrases("telling/lowered").search(text) or phrases("telling/raised").search(text)
    about = phrases("telling/of severity").search(text)
    if (
        about
        and way
        and severities
        and not _moves(text, facts)
        and is_claim(text, *way.span())
        and not denied(text, *way.span())
    ):
        yield Finding("negation", "not changed", text[:160], severities)


def _nothing_lost(text: str, facts: Facts) -> Iterator[Finding]:
    """Find "no order was lost" beside a note that counts some, and harm in what was a false alarm."""
    impact = facts.notes_of("impact")
    assert facts.incident is not None
    harm = (
        phrases("telling/harm").search(text) or phrases("telling/alert right").search(text)
        if facts.incident.resolution == "false-alarm"
        else None
    )
    if (
        harm
        and facts.incident.resolved_at
        and not phrases("telling/seemed").search(text)
        and not is_habit(text)
    ):
        if is_claim(text, *harm.span()) and not denied(text, *harm.span()):
            yield Finding("negation", "false alarm", text[:160], facts.of("resolved")[-1:])
        return
    most = max((n for n, _ in facts.impact_counts), default=0.0)
    untouched = phrases("telling/untouched").search(text)
    if (
        untouched
        and most >= 2
        and is_claim(text, *untouched.span())
        and facts.incident.resolution != "false-alarm"
    ):
        yield Finding("negation", "counted", untouched[0], values=(f"{most:,.0f}",), events=impact)
        return
    if _all_well(text, facts):
        yield Finding("negation", "counted", text[:160], values=(f"{most:,.0f}",), events=impact)
        return
    for match in phrases("nothing lost").finditer(text):
        left, right = clause_of(text, match.start(), match.end(), wide=True)
        words = content_words(text[match.end() : right])
        for amount, noted in facts.impact_counts if is_claim(text, *match.span()) else ():
            common, rest = words & noted, words - noted
            if amount >= 1 and (
                (len(common) >= 2 and len(rest) <= 2)
                or (common and rest <= _HARMED and (rest or match[0].lower().startswith("no")))
            ):
                yield Finding(
                    "negation",
                    "counted",
                    text[left:right].strip(" ,;"),
                    values=(f"{amount:,.0f}",),
                    events=impact,
                )
                return


def _all_well(text: str, facts: Facts) -> bool:
    """Whether a sentence says that everybody could what a note counts some who could not."""
    every = phrases("telling/everybody").search(text)
    if every is None or every.start() > 12 or _AFTER.search(text) or phrases("negation").search(text):
        return False
    if not is_claim(text, *every.span()):
        return False
    words = content_words(text[every.end() :]) - facts.general
    if stem("failed") in words:
        return False
    enough = 1 if phrases("telling/always").search(text, every.end()) else 2
    if phrases("telling/all well").search(text, every.end()) and content_words(text) & facts.general:
        words, enough = words | {stem("failed")}, 1
    for clause in (c for each in facts.impact_texts for c in re.split(r"[;.,]\s", each)):
        noted = content_words(clause)
        counted = any(noted == of and amount >= 1 for amount, of in facts.impact_counts)
        bad = counted and (phrases("negation").search(clause) or stem("failed") in noted)
        if bad and (len(words & noted) >= enough or (words and words <= noted)):
            return True
    return False
