"""Words as they are compared: without endings and without those that every text has; and versions."""

from functools import lru_cache

from projections.claims.vocabulary import words_of
from tracker.text.patterns import lazy_pattern

_WORD = lazy_pattern(r"[A-Za-z][\w'’-]+")
_VERSION = lazy_pattern(
    r"(?<![\w.:/-])(?:[a-z][\w-]{0,40}@|hotfix/)?"
    r"(v\d{1,4}(?:\.\d{1,5}){1,3}(?:-[\w.]{1,20}\w)?|\d{1,4}\.\d{1,4}\.\d{1,5}(?:-[\w.]{1,20}\w)?)(?![\w]|\.\d)"
)
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "ly", "e")


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """Cut a word to what its forms have in common."""
    word = word.lower().replace("’", "'").removesuffix("'s").strip("'-")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


@lru_cache(maxsize=16_384)
def content_words(text: str) -> frozenset[str]:
    """Return the stems of a text's words, without those that every text has."""
    common = words_of("common")
    words = set(_WORD.findall(text.replace("-", " ")))
    return frozenset([stem(word) for word in words if word.lower() not in common]) - {""}


def plain(version: str) -> str:
    return version.lower().removeprefix("v")


def versions_in(text: str) -> list[str]:
    """Return the versions that a text names, without what is put around them."""
    return [plain(match[1]) for match in _VERSION.finditer(text)]


def version_spans(text: str) -> list[tuple[str, int, int]]:
    """Return the versions that a text names, with where they stand."""
    return [(plain(match[1]), match.start(1), match.end()) for match in _VERSION.finditer(text)]
