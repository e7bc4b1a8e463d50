"""What is said to have happened, or not to have: deploys, rollbacks, alerts, messages, reopenings, what was lost."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from projections.changes import ChangeRow
from projections.claims.claim import Finding
from projections.claims.denials import changed, denied_findings, nothing_lost
from projections.claims.facts import Facts
from projections.claims.matching import own_stamps
from projections.claims.prose import Sentence
from projections.claims.text import content_words, version_spans, versions_in
from projections.claims.topics import Topic, clause_of, denied, in_plans, is_claim, is_habit, is_past
from projections.claims.vocabulary import any_case, phrases, words_of
from projections.versions import plain_version

_NEW_VERSION = any_case(
    r"\b(?:releas\w+|deploy\w+|ship\w+|roll\w+ out) (?:of )?(?:a |the )?(?:new |fixed |patched )?(?:version|release|build) of (?:the )?(?P<service>[\w-]+)"
)
_TARGET = any_case(r"\b(?:to|at|on|back)\s+(?:the\s+)?(?:version\s+)?$")
_BEFORE_VERSION = any_case(r"([\w-]+)\s+(?:version\s+)?v?$")
_NOT_THROUGH = any_case(r"^(?!.*\bfail)|^v?\d+\.\d+")


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
            yield from denied_findings(text, topic, topics, facts)
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
    yield from nothing_lost(text, facts)
    if (never := phrases("telling/no eta").search(text)) and is_claim(text, *never.span()):
        meant = {s.event for t in topics if t.point == "message" for s in own_stamps(t, text, facts)}
        promised = [s for s in facts.of("eta") if not meant or s.event in meant]
        if promised:
            yield Finding("message", "promised", text[:160], tuple(promised[:2]))
    yield from changed(text, facts)


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
