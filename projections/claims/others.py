"""Which sentences are about something else: another incident, another day, a company or system that the log does not know."""

import re

from projections.claims.clocks import dates_in
from projections.claims.facts import Facts
from projections.claims.text import stem
from projections.claims.vocabulary import any_case, is_word
from tracker.text.patterns import lazy_pattern

_DAY = any_case(r"\b((?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:'s)?\b")
_SUBJECT = lazy_pattern(
    r"\W*(?:(?i:the|at|over at|our friends at|people at|even|when|while|like|unlike)\s+)*"
    r"(?P<name>[A-Z][A-Za-z]{2,})(?:['’]s?(?:\s+[a-z]+){1,2}|\s+itself)?,?\s+"
    r"(?:was|were|had|has|is|went|lost|took|needed|suffered|once|also|recovered)\b"
)
_PLACED = lazy_pattern(r"\b(?:at|with|like|unlike)\s+(?P<name>[A-Z][a-z]{2,})(?=\s*(?:[,.;]|$|[a-z]))")
_NOUN = lazy_pattern(r".*(?:ion|ment|ness|ing|ity|ance|ence|[^s]s|age|er)$")
"""How plain nouns end, which begin a sentence with a capital; no company is told from them."""


def of_other_incident(text: str, facts: Facts) -> bool:
    """Whether a sentence is about another incident, or a day of the week on which this one was not."""
    if facts.incident is None:
        return False
    prefix, _, _ = facts.incident.id.rpartition("-")
    if f"{prefix}-".lower() in text.lower():
        ids = {
            match[0].upper() for match in re.finditer(rf"\b{re.escape(prefix)}-\d+\b", text, re.IGNORECASE)
        }
        if ids and facts.incident.id not in ids:
            return True
    named = {match[1].lower() for match in _DAY.finditer(text)} if "day" in text.lower() else set()
    return bool(named) and not named & facts.own_weekdays and not dates_in(text, (2000,))


def of_stranger(text: str, facts: Facts) -> bool:
    """Whether a sentence contains a name that is neither in the log nor in the vocabulary; persons are checked elsewhere."""
    if facts.incident is None:
        return False
    found = [match["name"] for match in (_SUBJECT.match(text), _PLACED.search(text)) if match]
    return any(not _is_plain(name) and not is_named(name, facts) for name in found)


def _is_plain(name: str) -> bool:
    """Whether a word with a capital can be one of the language; names with capitals inside are those of companies."""
    inside = not name[1:].islower() and not name.isupper()
    return not inside and (name.isupper() or _NOUN.match(name) is not None or is_word(name.lower()))


def is_named(name: str, facts: Facts) -> bool:
    """Whether the log has a name anywhere: as a person, a service, an alert, or in words of a note."""
    word = name.lower()
    return (
        word in facts.people
        or stem(word) in facts.general
        or any(word in each for each in facts.alert_names)
        or any(re.search(rf"\b{re.escape(word)}\b", each, re.IGNORECASE) for each in facts.noted_texts)
    )
