"""Earlier incidents in the order of their nearness, and which of them were the same thing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from projections.similarity.corpus import EVIDENCE, Corpus
from projections.similarity.texts import IncidentText, Match
from projections.similarity.words import stem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SHOWN = 20
_WORDS_SHOWN = 5
_NAMES = {"alerts": "alert rule", "fingerprints": "error group", "files": "file", "versions": "version"}
_RARE_SHARE = 0.05
_SMALL = 20
"""Of fewer incidents, what two of them have may be what all will have."""
_CLAIMED_RARITY = 0.5
_COSINE_FLOOR = 0.15
_DEVIATIONS = 1.2
_RARE_WORDS = 3
_RARE_WORD_SHARE = 0.2

_prepared: list[Corpus] = []
"""The list that was asked about last, prepared."""


def rank(query: IncidentText, earlier: Sequence[IncidentText], *, first: int | None = None) -> list[Match]:
    """Return the earlier incidents that have something in common with this one, nearest first, at most 20.

    With `first` only the first so many may be matches; the others say what is usual. The incident itself may
    be among them and is none of them.
    """
    import numpy as np

    if not earlier:
        return []
    if not _prepared or not _prepared[0].holds(earlier):
        _prepared[:] = [Corpus(earlier)]
    corpus = _prepared[0]
    others = corpus.ids != query.id
    among = int(others.sum())
    if not among:
        return []
    weights = corpus.weights(query)
    cosines = corpus.cosines(weights).clip(0, 1)
    distance = 1 - cosines
    evidence = []
    for kind in EVIDENCE:
        for value in dict.fromkeys(getattr(query, kind)):
            having = corpus.having(kind, value)
            rarity = _rarity(int(others[having].sum()), among)
            evidence.append((-rarity, kind, value))
            distance[having] *= 1 - rarity
    evidence.sort()
    scores = np.where(others, 1 - distance, 0)[:first]
    from_cosine = _claimed_from(cosines[others])
    usual = max(2, _RARE_WORD_SHARE * among)
    matches, written = [], _Written(query)
    for at in map(int, np.lexsort((np.arange(len(scores)), -scores))[:_SHOWN]):
        if scores[at] <= 0:
            break
        other = corpus.incidents[at]
        common = corpus.common_words(weights, at)
        same = [one for one in evidence if one[2] in getattr(other, one[1])]
        by_evidence = bool(same) and -same[0][0] >= _CLAIMED_RARITY
        rare_words = sum(spread <= usual for _, spread in common)
        by_words = bool(cosines[at] >= from_cosine) and rare_words >= _RARE_WORDS
        reasons = [f"same {_NAMES[kind]}: {value}" for _, kind, value in same]
        if shown := _as_written([word for word, _ in common], written, other):
            reasons.append(f"words in both: {', '.join(shown)}")
        if reasons:
            matches.append(Match(other.id, round(float(scores[at]), 4), by_evidence or by_words, reasons))
    return matches


def _rarity(having: int, among: int) -> float:
    """Return what a value that both have is worth: 0.5 and more where few incidents have it.

    What every second incident has, and anything where only one is known, tells nothing.
    """
    if not having or 2 * having > among:
        return 0.0
    if having <= max(1 if among < _SMALL else 2, _RARE_SHARE * among):
        return 0.5 + 0.4 / having
    return 0.1 * (1 - 2 * having / among)


def _claimed_from(cosines: npt.NDArray[np.float64]) -> float:
    """Return from which cosine on texts are too near to be only of one company.

    How near unrelated ones are depends on how people write: it is measured on the incidents themselves, and
    the nearest of many is nearer by chance. Of two or three incidents nobody knows what is usual.
    """
    import numpy as np

    middle = float(np.median(cosines))
    deviation = 1.4826 * float(np.median(np.abs(cosines - middle)))
    floor = _COSINE_FLOOR * (1 + (3 / len(cosines)) ** 2)
    return max(floor, middle + _DEVIATIONS * deviation * math.sqrt(2 * math.log(1 + len(cosines))))


class _Written:
    """The text of an incident, asked for how it writes the words of stems."""

    def __init__(self, incident: IncidentText) -> None:
        self.text = f"{incident.title} {incident.text}".lower()
        self._words: dict[str, str] = {}

    def word(self, stemmed: str) -> str:
        """Return a word with this stem, or the stem where there is none."""
        if stemmed not in self._words:
            written = re.search(rf"\b{re.escape(stemmed)}\w*", self.text)
            is_one = written is not None and stem(written[0]) == stemmed
            self._words[stemmed] = written[0] if written is not None and is_one else stemmed
        return self._words[stemmed]


def _as_written(stems: Iterable[str], query: _Written, other: IncidentText) -> list[str]:
    """Return the words that both have as one of them writes them, if the other has the same letters."""
    there = f"{other.title} {other.text}".lower()
    shown = []
    for word in stems:
        whole = written if (written := query.word(word)) in there else word
        if whole in query.text and whole in there:
            shown.append(whole)
        if len(shown) == _WORDS_SHOWN:
            break
    return shown
