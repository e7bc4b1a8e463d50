"""All readers of claims over all texts of an incident: what they found, each with a key that stays.

Deterministic and by grammar: a sentence is a finding because of words that can be pointed at.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from projections.claims import (
    actions,
    agreement,
    counts,
    days,
    durations,
    etas,
    instants,
    peaks,
    people,
    rollback_claims,
    versions,
)
from projections.claims.claim import Claim, Finding
from projections.claims.claim_facts import from_rows
from projections.claims.clocks import clocks, zones_in
from projections.claims.facts import ClaimFacts
from projections.claims.prose import Sentence, Text, sentences, spoken_lines
from tracker.events.base import handle_of
from tracker.events.incidents import NoteAdded
from tracker.events.procedure import RULE_NAMES
from tracker.text.mojibake import find_mojibake

READERS: tuple[Callable[[Sentence, ClaimFacts, Text], Iterator[Finding]], ...] = (
    durations.check_durations,
    instants.check_times,
    days.check_days,
    versions.check_versions,
    counts.check_counts,
    rollback_claims.check_rollbacks,
    people.check_people,
    peaks.check_peaks,
    actions.check_action_items,
)
"""Each kind of claim; a new one is a module with `read(sentence, facts, text)` and a line here."""

_SECTIONS = {
    "prevention": ("prevention",),
    "lesson": ("lessons learned",),
    "root-cause": ("root cause",),
    "fix": ("fix",),
    "impact": ("impact",),
}
_RULES = {name.replace("_", " ") for name in RULE_NAMES}
"""How the rows of a report's procedure begin: what a rule asks for is not a claim."""
_KEY = "0123456789abcdefghijklmnopqrstuv"


def claims(texts: Sequence[Text], facts: ClaimFacts) -> list[Claim]:
    """Return what the log contradicts in these texts, in the order in which it is read."""
    found: list[Claim] = []
    for number, text in enumerate(texts):
        later = [each for each in texts[number + 1 :] if each.event is not None]
        found += _keyed(text, _found(text, facts, later))
    return found


def texts_of(facts: ClaimFacts) -> list[Text]:
    """Return the notes and sent messages of an incident, oldest first."""
    found = []
    # An incident that was imported under another number has other ids, and the same waivers.
    first = {
        step.id: origin.event
        for step in facts.incident.steps
        if (origin := step.recorded.arrival.origin) is not None
    }
    for note in facts.notes:
        event = note.event
        assert isinstance(event, NoteAdded)
        found.append(
            Text(
                event.text,
                note.handle,
                event.occurred_at,
                note.id,
                event.kind,
                by=event.decided_by,
                first_event=first.get(note.id),
            )
        )
    for message in facts.messages:
        event_id = message.sent_event or message.event
        found.append(
            Text(
                message.text,
                handle_of(event_id),
                message.sent_at,
                event_id,
                message.kind,
                message.eta,
                message.by,
                first_event=first.get(event_id),
            )
        )

    def order(each: Text) -> tuple[datetime, str]:
        assert isinstance(each.at, datetime)
        return each.at, each.event or ""

    return sorted(found, key=order)


def _found(text: Text, facts: ClaimFacts, later: list[Text]) -> list[Finding]:
    read = sentences(text.text, _SECTIONS.get(text.kind, ()) if text.event is not None else ())
    if text.event is None:
        facts = _in_own_zone(facts, read)
        facts = from_rows(facts, instants.rows(read, facts))
    found: list[Finding] = []
    base: datetime | None = None
    for each in read:
        if each.row and each.text.partition(" | ")[0] in _RULES:
            continue
        mine = [one for reader in READERS for one in reader(each, facts, text)]
        mine += etas.check_promises(each, facts, text, base)
        found += [replace(one, line=each.line_of(one.words)) for one in mine]
        base = _base(each, facts) or base
    found += agreement.check_agreement(read, facts, text)
    found += etas.of_message(facts, text, later)
    found += [
        Finding("garbled", _cut(line), f"{wrong}; type it again, or save the file as UTF-8", line=number)
        for number, line in spoken_lines(text.text)
        if (wrong := find_mojibake(line[:2000]))
    ]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda each: each.line)


def _in_own_zone(facts: ClaimFacts, read: Iterable[Sentence]) -> ClaimFacts:
    """Read times without a zone in those that the text names; where it names none, in those that were given."""
    named = list(dict.fromkeys(offset for each in read for offset in zones_in(each.text)))
    return replace(facts, zones=tuple(named[:6])) if named else facts


def _base(sentence: Sentence, facts: ClaimFacts) -> datetime | None:
    """Return the instant that a text gives before a promise: "Detected: 14:45 UTC" above "ETA: 15 minutes"."""
    if not sentence.text.lower().startswith(("detected", "declared", "started", "reported")):
        return None
    for clock in clocks(sentence.text):
        at = clock.instants(list(facts.zones), facts.days)
        near = [each for each in at if each >= facts.incident.begins_at.replace(second=0, microsecond=0)]
        if near:
            return min(near)
    return None


def _cut(line: str) -> str:
    line = line.strip()
    return line if len(line) <= 100 else line[:99] + "…"


def _keyed(text: Text, found: Iterable[Finding]) -> Iterator[Claim]:
    """Give each finding its key; equal words in one text are numbered.

    A file is named by its findings' words alone, so that the key stays when the file moves or lines are added.
    """
    seen: dict[tuple[str, str], int] = {}
    for each in found:
        words = " ".join(each.words.split())
        number = seen[each.kind, words] = seen.get((each.kind, words), 0) + 1
        named = "\x1f".join((text.first_event or text.event or "text", each.kind, words.lower(), str(number)))
        where = f"{text.where}:{each.line}" if text.event is None else text.where
        yield Claim(
            key=_key(named),
            claim=words,
            where=where,
            log_says=_sentence(each.says),
            evidence=each.evidence,
            line=each.line,
        )


def _sentence(says: str) -> str:
    """Begin with a capital, unless the first word is a name such as v1.2.1."""
    first = says.partition(" ")[0]
    return says[:1].upper() + says[1:] if first.isalpha() else says


def _key(named: str) -> str:
    digest = int.from_bytes(hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return "".join(_KEY[(digest >> (5 * place)) & 31] for place in range(7))
