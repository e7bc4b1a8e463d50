"""Earlier incidents, prepared once for many questions: words as weights in postings, evidence by its value."""

from __future__ import annotations

import math
import operator
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from projections.similarity.texts import IncidentText
from projections.similarity.words import words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EVIDENCE = ("alerts", "fingerprints", "files", "versions")
_TITLE = 3
"""A word of the title counts as often."""


class Corpus:
    """What is computed of a list of incidents, whichever incident is compared with them."""

    def __init__(self, incidents: Sequence[IncidentText]) -> None:
        import numpy as np

        self.incidents = tuple(incidents)
        self.ids = np.array([each.id for each in self.incidents])
        self._by_value: dict[tuple[str, str], list[int]] = defaultdict(list)
        texts: list[int] = []
        stems: list[int] = []
        counts: list[int] = []
        self._numbers: dict[str, int] = {}
        self._counted: dict[int, Counter[str]] = {}
        for at, incident in enumerate(self.incidents):
            for kind in EVIDENCE:
                for value in dict.fromkeys(getattr(incident, kind)):
                    self._by_value[kind, value].append(at)
            self._counted[id(incident)] = counted = _counted(incident)
            for word, count in counted.items():
                texts.append(at)
                stems.append(self._numbers.setdefault(word, len(self._numbers)))
                counts.append(count)
        order = np.argsort(np.array(stems, np.int64), kind="stable")
        numbers = np.array(stems, np.int64)[order]
        self._texts = np.array(texts, np.int64)[order]
        self._first = np.searchsorted(numbers, np.arange(len(self._numbers) + 1))
        #: In how many incidents a word stands.
        self._spread = np.diff(self._first)
        idf = np.log((1 + len(self.incidents)) / np.maximum(self._spread, 1))
        weights = (1 + np.log(np.array(counts, np.float64)[order])) * idf[numbers]
        norms = np.sqrt(np.bincount(self._texts, weights**2, len(self.incidents)))
        self._weights = weights / np.where(norms > 0, norms, 1)[self._texts]
        #: By incident what each of its words weighs.
        self._own: list[dict[str, float]] = [{} for _ in self.incidents]
        names = list(self._numbers)
        for at, number, weight in zip(
            self._texts.tolist(), numbers.tolist(), self._weights.tolist(), strict=True
        ):
            self._own[at][names[number]] = weight

    def holds(self, incidents: Sequence[IncidentText]) -> bool:
        """Whether it was made of these very incidents."""
        return incidents is self.incidents or (
            len(incidents) == len(self.incidents) and all(map(operator.is_, incidents, self.incidents))
        )

    def cosines(self, weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
        """Return how near each incident's words are to these, from 0 to 1."""
        import numpy as np

        scores = np.zeros(len(self.incidents))
        for word, weight in weights.items():
            number = self._numbers[word]
            part = slice(self._first[number], self._first[number + 1])
            scores[self._texts[part]] += weight * self._weights[part]
        return scores

    def having(self, kind: str, value: str) -> npt.NDArray[np.int64]:
        """Return which incidents have a value of evidence."""
        import numpy as np

        return np.array(self._by_value.get((kind, value), ()), np.int64)

    def common_words(self, weights: Mapping[str, float], at: int) -> list[tuple[str, int]]:
        """Return those of these stems that an incident has, those that weigh most first, with the number of incidents that have each."""
        own = self._own[at]
        found = sorted((-weight * own[word], word) for word, weight in weights.items() if word in own)
        return [(word, int(self._spread[self._numbers[word]])) for _, word in found]

    def weights(self, incident: IncidentText) -> dict[str, float]:
        """Return what each word of an incident weighs that others have; the squares of all its words sum up to 1."""
        size = 1 + len(self.incidents)
        known: dict[str, float] = {}
        squares = 0.0
        counted = self._counted.get(id(incident)) or _counted(incident)
        for word, count in counted.items():
            number = self._numbers.get(word)
            # A word that nobody else has makes the text another one all the same.
            idf = math.log(size / self._spread[number]) if number is not None else math.log(size)
            weight = (1 + math.log(count)) * idf
            squares += weight * weight
            if number is not None:
                known[word] = weight
        norm = math.sqrt(squares) or 1.0
        return {word: weight / norm for word, weight in known.items()}


def _counted(incident: IncidentText) -> Counter[str]:
    counted = Counter(word for word, _ in words(incident.text))
    for word, _ in words(incident.title):
        counted[word] += _TITLE
    return counted
