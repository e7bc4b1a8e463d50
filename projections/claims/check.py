"""All checks over all texts of an incident: what they found, each with a key that stays.

Deterministic and by grammar: a sentence is a finding because of words that can be pointed at.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from projections.claims.agreement import check_agreement
from projections.claims.causes import check_causes
from projections.claims.claim import Finding
from projections.claims.clocks import clocks, zones_in
from projections.claims.counts import check_counts
from projections.claims.durations import check_durations, measured_in
from projections.claims.facts import Facts
from projections.claims.instants import check_days, check_instants, instants_of
from projections.claims.items import check_items
from projections.claims.matching import stamps_of
from projections.claims.order import check_order
from projections.claims.others import of_other_incident, of_stranger
from projections.claims.peaks import check_peaks
from projections.claims.people import check_people
from projections.claims.placeholders import check_placeholders
from projections.claims.promises import check_message, check_promises
from projections.claims.prose import Sentence, Text, sentences, spoken_lines
from projections.claims.stamps import Stamp
from projections.claims.statements import check_statements
from tracker.events.base import handle_of
from tracker.events.incidents import NoteAdded
from tracker.events.procedure import RULE_NAMES
from tracker.text.mojibake import find_mojibake

CHECKS: tuple[Callable[[Sentence, Facts], Iterator[Finding]], ...] = (
    check_instants,
    check_days,
    check_statements,
    check_order,
    check_people,
    check_counts,
    check_peaks,
    check_items,
    check_placeholders,
)
"""Each kind of claim about a sentence; a new one is a module and a line here."""
_ALONE = (check_days, check_placeholders)
_SECTIONS = {kind: (kind.replace("-", " "),) for kind in ("prevention", "root-cause", "fix", "impact")} | {
    "lesson": ("lessons learned",)
}
_RULES = {name.replace("_", " ") for name in RULE_NAMES}
"""How the rows of a report's procedure begin: what a rule asks for is not a claim."""
_OF_PERSONS = ("name", "action", "placeholder")
"""What is found of a sentence whose subject nobody knows: a person who was not there is one such."""
_KEY = "0123456789abcdefghijklmnopqrstuv"


def check_texts(texts: Sequence[Text], facts: Facts) -> list[Finding]:
    """Return what the log contradicts in these texts, in the order in which it is read."""
    found: list[Finding] = []
    for number, text in enumerate(texts):
        later = [each for each in texts[number + 1 :] if each.event is not None] if text.eta else []
        found += _keyed(text, _found(text, facts, later))
    return found


def texts_of(facts: Facts) -> list[Text]:
    """Return the notes and sent messages of an incident, oldest first."""
    # An incident that was imported under another number has other ids, and the same waivers.
    steps = facts.incident.steps if facts.incident else ()
    first = {step.id: origin.event for step in steps if (origin := step.recorded.arrival.origin) is not None}
    found = []
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
                first_event=first.get(event_id),
            )
        )

    def order(text: Text) -> tuple[datetime, str]:
        assert isinstance(text.at, datetime)
        return text.at, text.event or ""

    return sorted(found, key=order)


def _found(text: Text, facts: Facts, later: Sequence[Text]) -> list[Finding]:
    noted = text.event is not None
    read = sentences(text.text, _SECTIONS.get(text.kind, ()) if noted else ())
    if not noted:
        named = list(dict.fromkeys(offset for each in read for offset in zones_in(each.text)))
        facts = replace(facts, zones=tuple(named[:6])) if named else facts
        facts = replace(_with_rows(facts, read), written=_written(facts, read))
    known = facts
    if noted and text.at is not None:
        # What was not over yet when a note was written may be told as it was then.
        facts = facts.with_stamps((Stamp("resolved", text.at, None), *_as_of(facts, text)))
    checks = CHECKS if facts.incident is not None else _ALONE
    found: list[Finding] = []
    base: datetime | None = None
    context = _Context(facts)
    for number, each in enumerate(read):
        if (each.row and each.text.partition(" | ")[0] in _RULES) or of_other_incident(each.text, facts):
            continue
        if each.row and facts.row_of(each.text):
            # A row of the tracker's own table is what its event says; only its time may have been changed.
            found += [replace(one, line=each.line_of(one.words)) for one in check_instants(each, facts)]
            continue
        mine = [one for check in checks for one in check(each, facts)]
        mine += check_durations(each, facts, context)
        mine += check_promises(each, known, text.at, base)
        if mine and of_stranger(each.text, facts):
            mine = [one for one in mine if one.kind in _OF_PERSONS]
        found += [replace(one, line=each.line_of(one.words)) for one in _one_each(mine)]
        base = _base(each, facts) or base
        context.add(each, continues=number > 0 and read[number - 1].section == each.section)
    found += check_causes(read, facts) if facts.incident is not None else ()
    found += check_agreement(read, facts, is_file=not noted)
    found += [replace(one, line=1) for one in check_message(known, text, later)]
    found += [
        Finding("garbled", "mojibake", _cut(line), values=(wrong,), line=number)
        for number, line in spoken_lines(text.text)
        if (wrong := find_mojibake(line[:2000]))
    ]
    return sorted(dict.fromkeys(found), key=lambda each: each.line)


def _as_of(facts: Facts, text: Text) -> Iterable[Stamp]:
    assert text.at is not None
    yield Stamp("recovered", text.at, text.event, origin="note")


def _one_each(found: Iterable[Finding]) -> list[Finding]:
    """Keep one finding of the same words: the first check is the most exact."""
    kept: dict[str, Finding] = {}
    for each in found:
        kept.setdefault(each.words, each)
    return list(kept.values())


def _with_rows(facts: Facts, read: Sequence[Sentence]) -> Facts:
    """Add from a text's own timeline the points that the log does not have."""
    added = []
    for sentence in read:
        found = clocks(sentence.text)
        if not found or not sentence.row or found[0].start > 12:
            continue
        near = [
            at
            for at in instants_of(sentence, found[0], facts)
            if facts.incident is None or facts.begins <= at <= facts.ends
        ]
        missing = [t for t in facts.topics(sentence.text) if near and not t.negated and not facts.of(t.point)]
        added += [Stamp(topic.point, near[0], None, origin="text") for topic in missing]
    return facts.with_stamps(added) if added else facts


def _written(facts: Facts, read: Sequence[Sentence]) -> tuple[datetime, ...]:
    """Return the instants that a text names with their day; if it names none so, those that its rows begin with."""
    found = [
        (sentence, clock)
        for sentence in read
        if not measured_in(sentence.text)
        for clock in clocks(sentence.text)
    ]
    dated = [each for each in found if each[1].day is not None]
    rows = dated or [each for each in found if each[0].row and each[1].start < 12]
    instants = (at for sentence, clock in rows[:60] for at in instants_of(sentence, clock, facts)[:3])
    return tuple(sorted(dict.fromkeys(instants)))


class _Context:
    """The instants that "two minutes later" in the next sentence can count from; looked for where a sentence says so."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._unread: list[tuple[Sentence, bool]] = []
        self._stamps: list[Stamp] = []

    def add(self, sentence: Sentence, *, continues: bool) -> None:
        """Go on to a sentence; one without an instant that `continues` its section leaves those before it."""
        self._unread.append((sentence, continues))

    def __call__(self) -> Sequence[Stamp]:
        for sentence, continues in reversed(self._unread):
            found = _stamps_in(sentence, self._facts)
            if found or not continues:
                self._stamps = found
                break
        self._unread.clear()
        return self._stamps


def _stamps_in(sentence: Sentence, facts: Facts) -> list[Stamp]:
    """Return the instants that a sentence names, by their points or by the clock."""
    found = [
        s
        for topic in facts.topics(sentence.text)
        if not topic.negated
        for s in stamps_of(topic, sentence.text, facts)
    ]
    for clock in clocks(sentence.text):
        near = [
            at
            for at in instants_of(sentence, clock, facts)
            if abs((facts.begins - at).total_seconds()) < 2 * 86400
        ]
        found += [Stamp("written", at, None, origin="text") for at in near]
    return found


def _base(sentence: Sentence, facts: Facts) -> datetime | None:
    """Return the instant that a text gives before a promise: "Detected: 14:45 UTC" above "ETA: 15 minutes"."""
    if not sentence.text.lower().startswith(("detected", "declared", "started", "reported")):
        return None
    for clock in clocks(sentence.text):
        near = [
            at
            for at in instants_of(sentence, clock, facts)
            if at >= facts.begins.replace(second=0, microsecond=0)
        ]
        if near:
            return min(near)
    return None


def _cut(line: str) -> str:
    line = line.strip()
    return line if len(line) <= 100 else line[:99] + "…"


def _keyed(text: Text, found: Iterable[Finding]) -> Iterator[Finding]:
    """Give each finding its key; equal words in one text are numbered.

    A file is named by its findings' words alone, so that the key stays when the file moves or lines are added.
    """
    seen: dict[tuple[str, str], int] = {}
    for each in found:
        words = " ".join(each.words.split())
        number = seen[each.kind, words] = seen.get((each.kind, words), 0) + 1
        named = "\x1f".join((text.first_event or text.event or "text", each.kind, words.lower(), str(number)))
        where = f"{text.where}:{each.line}" if text.event is None else text.where
        yield replace(each, words=words, key=_key(named), where=where)


def _key(named: str) -> str:
    digest = int.from_bytes(hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return "".join(_KEY[(digest >> (5 * place)) & 31] for place in range(7))
