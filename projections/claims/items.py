"""Action items as written, compared with those of the log: who does it, by when, and whether it is done."""

import re
from collections.abc import Iterator

from projections.actions import ActionItem
from projections.claims.claim import Finding
from projections.claims.clocks import MONTHS, dates_in
from projections.claims.facts import Facts
from projections.claims.people import same_person
from projections.claims.prose import Sentence
from projections.claims.text import content_words
from projections.claims.topics import in_plans, is_claim
from projections.claims.vocabulary import any_case, phrases

_END_OF = any_case(rf"\b(?P<part>end|beginning|middle|mid) (?:of )?(?P<month>(?:{'|'.join(MONTHS)})[a-z]*)\b")
_ITEM_OF = any_case(r"\b(\w+)['’]s? (?:own )?(?P<item>(?:action )?item|task|action|todo|measure)?")


def check_items(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find an owner, a day or a state of an action item that the log contradicts."""
    text = sentence.text
    if sentence.heading or not facts.actions or text.endswith("?"):
        return
    there = in_plans(sentence) or sentence.box is not None
    if not there and sentence.under(
        "root cause", "resolution", "investigation", "detection", "impact", "background"
    ):
        return
    item = _item(text, facts) or _only_item_of(text, facts)
    if item is None or not (there or phrases("action").search(text)):
        return
    names = [
        part
        for part in facts.people
        if re.search(
            rf"\b{re.escape(part)}\b(?!['’]s (?:proposal|idea|suggestion|request|wish))", text, re.IGNORECASE
        )
    ]
    if (
        names
        and not any(same_person(name, item.owner) for name in names)
        and not re.search(rf"\b{re.escape(item.owner.split()[0])}\b", text, re.IGNORECASE)
    ):
        yield Finding("action", "owner", text[:160], values=(item.owner, item.text), events=(item.event,))
    years = sorted({item.due_on.year, *(day.year for day in facts.own_days)})
    days = [day for _, _, day in dates_in(text, years)]
    ends = [
        (match["part"].lower(), MONTHS.index(match["month"][:3].lower()) + 1)
        for match in _END_OF.finditer(text)
    ]
    done = item.done_at.date() if item.done_at is not None else None
    wrong = days and not any(day == item.due_on or (done and abs((day - done).days) <= 1) for day in days)
    wrong = wrong or any(
        month != item.due_on.month or (part == "end" and item.due_on.day < 20) for part, month in ends
    )
    if wrong:
        yield Finding(
            "action", "due", text[:160], values=(item.due_on.isoformat(), item.text), events=(item.event,)
        )
    if (
        there
        and item.done_at is None
        and (
            sentence.box in ("x", "X")
            or re.search(
                r"\b(?:is|was|are|were|been) (?:already )?(?:done|finished|completed|closed)\b", text
            )
        )
    ):
        yield Finding("action", "open", text[:160], values=(item.text,), events=(item.event,))

    late = phrases("telling/to do").search(text)
    if late and item.done_at is not None and is_claim(text, *late.span()):
        yield Finding("action", "done", text[:160], values=(item.text,), events=(item.event,))


def _item(text: str, facts: Facts) -> ActionItem | None:
    """Return the item of which a sentence has the words."""
    words = content_words(text)
    ranked = sorted(((len(words & own) / len(own), len(words & own), item) for item in facts.actions if (own := content_words(item.text))),
                    key=lambda each: each[:2], reverse=True)  # fmt: skip
    if not ranked or ranked[0][0] < 0.4 or (ranked[0][1] < 2 and len(content_words(ranked[0][2].text)) > 2):
        return None
    if len(ranked) > 1 and ranked[1][:2] == ranked[0][:2]:
        return None
    return ranked[0][2]


def _only_item_of(text: str, facts: Facts) -> ActionItem | None:
    """Return the one item of a person whose item or task a sentence names."""
    owner = _ITEM_OF.search(text)
    mine = [item for item in facts.actions if owner and same_person(item.owner, owner[1])]
    if len(mine) != 1 or owner is None:
        return None
    return mine[0] if owner["item"] or content_words(mine[0].text) & content_words(text) else None
