"""The cause as written, compared with the root cause that was noted, the changes that people linked, and what was only suspected."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from projections.claims.claim import Finding
from projections.claims.facts import Facts
from projections.claims.prose import Sentence
from projections.claims.text import content_words, version_spans, versions_in
from projections.claims.topics import in_plans, is_claim
from projections.claims.vocabulary import any_case, each_of, phrases
from tracker.events.changes import CommitMade

_SUBJECT = any_case(
    r"\W*(?:the )?(?:(?:release|version|deploy|deployment) )?(?:of )?(?:[\w-]+[ @])?v?\d+\.\d+(?:\.\d+)?\s+(?:had |has )?"
)
_NOT_IT = any_case(r"\b(?:not|never|no|n't|neither|nor)\b")


class Cause:
    """What the log says of the cause: in words, by mechanism, and what was suspected in vain."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        links = facts.incident.links.values() if facts.incident else ()
        texts = [*facts.root_cause_texts, *(link.why for link in links if link.role in ("caused", "fixed"))]
        commits = (each.event for each in facts.commits)
        texts += [
            c.subject_line for c in commits if isinstance(c, CommitMade) and c.occurred_at >= facts.begins
        ]
        self.text = " ".join(texts)
        dismissed = {link.target for link in links if link.role in ("dismissed", "unrelated")}
        self.dismissed = {
            (row.service or "").lower() for row in facts.changes if dismissed & {row.event, *row.evidence}
        }
        self.words = content_words(self.text)
        self.mechanisms = mechanisms(self.text)
        self.events = tuple(each.event for each in facts.of("cause") if each.event)

    @cached_property
    def suspected(self) -> frozenset[str]:
        """The words of what was only suspected."""
        return content_words(" ".join(self.facts.texts_of("hypothesis"))) - self.words - self.facts.general

    @cached_property
    def others(self) -> frozenset[str]:
        """The words of what else people wrote."""
        return content_words(" ".join(self.facts.noted_texts)) - self.suspected


def mechanisms(text: str) -> set[str]:
    """Return the kinds of cause that a text names."""
    return {name for name, words in each_of("mechanisms").items() if words.search(text)}


def check_causes(sentences: Sequence[Sentence], facts: Facts) -> Iterator[Finding]:
    """Find where a text names another cause than the log, or two different ones."""
    cause: Cause | None = None
    own = [each for each in sentences if each.under("root cause", "cause") and not each.heading]
    written = mechanisms(" ".join(each.text for each in own))
    for sentence in sentences:
        text, inside = sentence.text, sentence in own
        if (
            sentence.heading
            or in_plans(sentence)
            or sentence.under("lessons")
            or phrases("telling/hedged").search(text)
        ):
            continue
        marker = phrases("caused").search(text)
        marker = (
            marker or phrases("telling/breaking").search(text) or phrases("telling/came with").search(text)
        )
        if not (marker or inside) or not is_claim(text, ignore=("elsewhere",)):
            continue
        if marker and _NOT_IT.search(text, max(marker.start() - 40, 0), marker.end() + 5):
            continue
        alone = inside and len(own) == 1
        cause = cause or Cause(facts)
        wrong = _wrong(text, cause, facts, marker, alone, sentence.under("cause")) if cause.words else None
        words = text[marker.start() :] if marker and not alone else text
        if wrong is not None:
            yield Finding(
                "cause", wrong[0], words[:160], values=wrong[1], events=cause.events, line=sentence.line
            )
        elif marker and not inside and written and (named := mechanisms(words)) and not named & written:
            yield Finding(
                "cause", "own cause", words[:120].strip(), values=(str(own[0].line),), line=sentence.line
            )


def _wrong(
    text: str, cause: Cause, facts: Facts, marker: re.Match[str] | None, alone: bool, titled: bool
) -> tuple[str, tuple[str, ...]] | None:
    """Return why it cannot be the cause, as a code and its values."""
    blamed = phrases("telling/blamed").search(text) is not None
    versions = set(versions_in(text))
    others = (
        versions
        and facts.causing_versions
        and versions <= facts.versions
        and not versions & facts.causing_versions
    )
    subject = _SUBJECT.match(text)
    came = phrases("telling/came with").search(text)
    broke = subject and phrases("telling/breaking").match(text, subject.end())
    if others and (broke or (came and came.end() < min(start for _, start, _ in version_spans(text)))):
        return "caused version", tuple(sorted(facts.causing_versions))
    if blamed and marker and others and not phrases("fixed").search(text):
        return "caused version", tuple(sorted(facts.causing_versions))
    if blamed and (marker or alone) and cause.dismissed & {word.lower() for word in re.findall(r"\w+", text)}:
        return "dismissed", tuple(sorted(cause.dismissed))
    words = content_words(text) - facts.general
    common, suspected, named = words & cause.words, words & cause.suspected, mechanisms(text)
    if len(suspected) >= 2 and len(suspected) > len(common) and not named & cause.mechanisms:
        return "suspected", ()
    if versions & facts.causing_versions:
        return None
    if (
        named
        and not named & cause.mechanisms
        and (cause.mechanisms or (not common and alone))
        and len(common) <= (1 if marker else 0)
    ):
        return "mechanism", (*sorted(named), "/", *sorted(cause.mechanisms))
    told = alone or (
        marker is not None and (titled or phrases("telling/strong cause").search(text) is not None)
    )
    told = told and (marker is not None or bool(named)) and not phrases("telling/found").search(text)
    if told and not common and len(words) >= 3 and not words & cause.others:
        return "no word", ()
    return None
