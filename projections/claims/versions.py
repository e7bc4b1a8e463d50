"""Versions as written, compared with the deploys and rollbacks of the log."""

import re
from collections.abc import Iterator

from projections.changes import ChangeRow
from projections.claims.claim import Finding
from projections.claims.facts import ClaimFacts
from projections.claims.prose import Sentence, Text
from projections.claims.vocabulary import NOT_NOW, is_elsewhere, is_plan
from projections.versions import plain_version
from tracker.text.patterns import lazy_pattern


def _version(name: str) -> str:
    """Return the pattern of a version under this name of a group."""
    number = r"v\d{1,4}(?:\.\d{1,5}){1,3}(?:-[\w.]{1,20}\w)?|\d{1,4}\.\d{1,4}\.\d{1,5}(?:-[\w.]{1,20}\w)?"
    return rf"(?:version |release |tag |hotfix[/ -])?(?:[a-z][\w-]{{0,40}}@)?(?P<{name}>{number})(?![\w.]*\d)"


_DONE = (
    r"(?:(?:re-?)?deployed|rolled out|shipped|released|went live|is live|was live|live|in production|put out)"
)
_DEPLOYED = lazy_pattern(
    rf"\b{_DONE}\b[\s:]*\(?(?:(?:the|fix|hotfix|our|a|as|with|in|of)\s+){{0,3}}{_version('after')}"
    rf"|{_version('before')}\)?,?\s*(?:(?:was|is|has been|were|had been|got)\s+)?{_DONE}\b"
    rf"|\b(?:deploy(?:ment)?|rollout) of\s+{_version('of')}"
    rf"|\b(?:fixed|resolved) (?:in|by|with)\s+(?:the\s+)?{_version('fixed')}",
    re.IGNORECASE,
)
_ROLLED = lazy_pattern(
    rf"\broll(?:ed)?[ -]?back(?: (?:production|checkout|the service|it|[\w-]{{1,30}}))?(?: from {_version('left')})? to\s+(?:the\s+)?{_version('to')}"
    rf"|\b(?:rolled back|reverted)\s+{_version('undone')}"
    rf"|{_version('gone')}\s+was\s+(?:rolled back|reverted)",
    re.IGNORECASE,
)
_NEGATED = lazy_pattern(
    r"\b(?:no|not|never|without|n't|against|instead of|avoid\w*)\b[^,;.]{0,40}$", re.IGNORECASE
)


def check_versions(sentence: Sentence, facts: ClaimFacts, text: Text) -> Iterator[Finding]:
    """Find the versions in a sentence that were not deployed, or not put back."""
    if is_plan(sentence) or "." not in sentence.text or is_elsewhere(sentence.text, facts):
        return
    said = sentence.text
    taken: list[tuple[int, int]] = []
    for pattern, judge in ((_ROLLED, _rolled), (_DEPLOYED, _deployed)):
        for match in pattern.finditer(said):
            left, right = sentence.clause(match.start(), match.end())
            if NOT_NOW.search(said, left, right) or _NEGATED.search(said[left : match.start()]):
                continue
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            says = judge(match, facts)
            if says is not None:
                yield Finding("version", match[0].strip(" ("), says[0], says[1])


def told_of_rollback(said: str) -> bool:
    """Whether a sentence says which version was rolled back, or to which: that is read here."""
    return _ROLLED.search(said) is not None


def _changed(facts: ClaimFacts, kind: str | None = None) -> list[ChangeRow]:
    return [row for row in facts.changes if row.kind != "merge" and kind in (None, row.kind)]


def _listed(rows: list[ChangeRow], facts: ClaimFacts) -> str:
    done = {"deploy": "deployed", "rollback": "put back"}
    return ", ".join(
        f"{row.version} {done[row.kind] if row.status == 'finished' else f'({row.kind} {row.status})'} at {facts.clock(row.at)}"
        for row in rows[-4:]
    )


def _evidence(rows: list[ChangeRow]) -> tuple[str, ...]:
    return tuple(row.event for row in rows[-4:])


def _deployed(match: re.Match[str], facts: ClaimFacts) -> tuple[str, tuple[str, ...]] | None:
    version = next(value for value in match.groupdict().values() if value)
    plain = plain_version(version)
    rows = _changed(facts)
    if not rows:
        return (
            None
            if plain in facts.versions
            else (f"the log has no deploy at all, and nothing that names {version}", ())
        )
    same = [row for row in rows if plain_version(row.version) == plain]
    if any(row.status != "failed" for row in same):
        return None
    if same:
        return f"the deploy of {version} failed at {facts.clock(same[-1].at)}", _evidence(same)
    if any(row.previous_version and plain_version(row.previous_version) == plain for row in rows):
        return None
    elsewhere = [row for row in facts.elsewhere if plain_version(row.version) == plain]
    if elsewhere:
        places = " and ".join(dict.fromkeys(row.environment or row.place for row in elsewhere))
        return f"{version} went to {places}, not to production", _evidence(elsewhere)
    return f"the log has no deploy of {version}; it has {_listed(rows, facts)}", _evidence(rows)


def _rolled(match: re.Match[str], facts: ClaimFacts) -> tuple[str, tuple[str, ...]] | None:
    found = match.groupdict()
    to, left = found["to"], found["left"] or found["undone"] or found["gone"]
    rows = _changed(facts, "rollback")
    if not rows:
        if any(each.origin == "note" for each in facts.of("rolled back")) and not _changed(facts):
            return None
        others = _changed(facts)
        told = f"; it has {_listed(others, facts)}" if others else ""
        return f"the log has no rollback{told}", _evidence(others)
    if to and not any(plain_version(row.version) == plain_version(to) for row in rows):
        return f"the log has no rollback to {to}; it has {_listed(rows, facts)}", _evidence(rows)
    if left and not any(
        row.previous_version is None
        or plain_version(left) in (plain_version(row.previous_version), plain_version(row.version))
        for row in rows
    ):
        ran = ", ".join(f"{row.previous_version} to {row.version} at {facts.clock(row.at)}" for row in rows)
        return f"what was rolled back was {ran}", _evidence(rows)
    return None
