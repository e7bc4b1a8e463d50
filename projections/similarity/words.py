"""A text as the words that tell one incident from another."""

import re
from collections.abc import Iterator
from functools import lru_cache

_URL = re.compile(r"https?://\S+")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
#: Three digits are an HTTP status; other numbers are times and amounts, which are always others.
_WORD = re.compile(r"[^\W\d_]\w*(?:[-_.]\w+)*|(?<![\w.:-])[1-5]\d\d(?![\w.:-])")
_ENDINGS = (
    "ations", "ation", "ingly", "ings", "ing", "edly", "ed", "ies", "ments", "ment", "ions", "ion", "ers", "er",
    "es", "ly", "s", "e",
)  # fmt: skip
_SHORTEST_STEM = 4
_LONGEST_KEPT = 40
_FREQUENT = (
    "a an the and or but if of to in on at by for from with without as is are was were be been being it its this that"
    " these those there their they them we our us i you your he she his her not no nor do does did done have has had"
    " having will would can could should may might must than then so such when while where which who whom what why how"
    " all any both each few more most other some only own same too very just also into over under again after before"
    " during out up down off about between through because until against further once here"
)
_STOP_WORDS = frozenset(_FREQUENT.split())


def words(text: str) -> Iterator[tuple[str, str]]:
    """Give the words of a text in their order, each as its stem and as it is written."""
    plain = _URL.sub(" ", _FRONT_MATTER.sub(" ", text)).lower()
    for word in _WORD.findall(plain):
        if len(word) > 1 and word not in _STOP_WORDS:
            yield stem(word), word


def stem(word: str) -> str:
    """Cut the ending of an English word; names with digits stay whole."""
    # What is no word may be long: that is not kept.
    return _kept_stem(word) if len(word) <= _LONGEST_KEPT else _stem(word)


def _stem(word: str) -> str:
    if word.isalpha():
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
                return word.removesuffix(ending)
    return word


_kept_stem = lru_cache(maxsize=50_000)(_stem)
