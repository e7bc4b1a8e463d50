"""The vocabulary of the check of prose: `vocabulary.txt` read, and its phrases as expressions. Nothing here decides."""

import re
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import cast

from tracker.text.patterns import lazy_pattern

_GROUP = re.compile(r"\{(\w+)\}")
_GAP = r"(?:(?!(?:before|after|until|when|while|and|but|because|so)\b)[\w'’.@%-]+,?[\s-]+){0,3}?"
_BLANK = r"[\s-]+"
_MOST_LETTERS = 5
_BEGINNING = re.compile(rf"(?<![\w-])(?=([a-z0][a-z0'.]{{0,{_MOST_LETTERS - 1}}}))")
_LETTERS = re.compile(rf"[a-z']{{1,{_MOST_LETTERS}}}(?![?{{])")
_NUMBER = re.compile(r"\d+")
_OPTIONAL = re.compile(r"\([^()]*(?:\([^()]*\))?[^()]*\)")
_NEXT = re.compile(r"\|(?![^(]*\))")
_LOOKING = re.compile(r"^(?:\^|\(\?<[!=][^()]*\))")


@cache
def _sections() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
        elif line and not line.startswith("#"):
            found[name] = (*found.get(name, ()), *filter(None, map(str.strip, line.split(";"))))
    return found


def listed(name: str) -> tuple[str, ...]:
    """Return the phrases of a section."""
    return _sections()[name]


@cache
def words_of(name: str) -> frozenset[str]:
    """Return the single words of a section."""
    return frozenset(" ".join(listed(name)).split())


@cache
def _every_word() -> tuple[frozenset[str], tuple[str, ...]]:
    words = re.findall(r"[a-z]{3,}\*?", " ".join(" ".join(lines) for lines in _sections().values()).lower())
    return frozenset(words), tuple({word[:-1] for word in words if word.endswith("*") and len(word) > 4})


def is_word(word: str) -> bool:
    """Whether any phrase has a word."""
    words, beginnings = _every_word()
    return word in words or word.startswith(beginnings)


def any_case(text: str) -> re.Pattern[str]:
    """Return an expression, capitals or not, compiled when it is first used."""
    return lazy_pattern(text, re.IGNORECASE)


@lru_cache(maxsize=1024)
def beginnings(text: str) -> frozenset[str]:
    """Return the first letters of the words of a text, from one to five; a number is 0."""
    # These two match an ASCII letter where capitals do not matter.
    read = _NUMBER.sub("0", text.lower().replace("ſ", "s").replace("ı", "i"))
    found = set(_BEGINNING.findall(read))
    return frozenset(each[:letters] for each in found for letters in range(1, len(each) + 1))


class _Phrases:
    """Behaves as the expression of a section's phrases does, and asks it only of a text that has a word they begin with.

    A note of a storm has none of most sections: comparing beginnings takes a thousandth of the time.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _begins(self) -> frozenset[str] | None:
        found = [_first_letters(line) for line in listed(self._name)]
        return None if None in found else frozenset[str]().union(*filter(None, found))

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-])(?:{_expression(listed(self._name))})(?!\w)", re.IGNORECASE)

    def _may_have(self, text: str) -> bool:
        return self._begins is None or not self._begins.isdisjoint(beginnings(text))

    def search(self, text: str, *span: int) -> re.Match[str] | None:
        return self._compiled.search(text, *span) if self._may_have(text) else None

    def finditer(self, text: str, *span: int) -> Iterator[re.Match[str]]:
        return self._compiled.finditer(text, *span) if self._may_have(text) else iter(())

    def match(self, text: str, *span: int) -> re.Match[str] | None:
        return self._compiled.match(text, *span) if self._may_have(text) else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self._compiled.fullmatch(text) if self._may_have(text) else None


@cache
def phrases(name: str) -> re.Pattern[str]:
    """Return the expression of the phrases of a section."""
    return cast("re.Pattern[str]", _Phrases(name))


@cache
def each_of(name: str) -> dict[str, re.Pattern[str]]:
    """Return the expressions of the sections below a name, in their order."""
    return {key.partition("/")[2]: phrases(key) for key in _sections() if key.startswith(f"{name}/")}


def _first_letters(line: str) -> frozenset[str] | None:
    """Return the letters with which a phrase can begin, as `beginnings` has them; None where that is not one of a few."""
    found: set[str] = set()
    for word in line.split():
        optional = _OPTIONAL.fullmatch(word)
        group = _GROUP.fullmatch(word)
        begins = (
            [_first_letters(each) for each in listed(f"words/{group[1]}")]
            if group
            else [_letters(each) for each in _NEXT.split(word[1:-1] if optional else word)]
        )
        if None in begins:
            return None
        found.update(*filter(None, begins))
        if not optional:
            return frozenset(found)
    return None


def _letters(token: str) -> frozenset[str] | None:
    """Return with which letters one alternative of a word can begin."""
    token = _LOOKING.sub("", token)
    if token.startswith(r"\d"):
        return frozenset(("0.0",)) if token.startswith(r"\d+\.\d") else frozenset("0")
    token = token.lower()
    if maybe := re.match(r"([a-z])\?|\(([a-z]+)\)", token):
        rest = _letters(token[maybe.end() :])
        return rest and rest | {((maybe[1] or maybe[2]) + each)[:_MOST_LETTERS] for each in rest}
    letters = _LETTERS.match(token)
    return frozenset((letters[0],)) if letters else None


def _token(word: str) -> str:
    word = re.sub(r"\((?!\?)([^()]*)\)", r"(?:\1)?", word.replace("*", r"[\w']*"))
    word = word.replace("_", _BLANK)
    return f"(?:{word})" if "|" in word else word


@cache
def _expression(lines: tuple[str, ...]) -> str:
    """Return the alternatives; those that begin alike share their beginning, which compiles three times faster."""
    shared: dict[str, list[str]] = {}
    for line in lines:
        begin, gap, rest = line.partition(" … ")
        alike = bool(gap) and _GROUP.fullmatch(begin) is not None
        shared.setdefault(begin if alike else line, []).append(rest if alike else "")
    return "|".join(
        _line(begin) + (f"{_BLANK}{_GAP}(?:{'|'.join(map(_line, rests))})" if any(rests) else "")
        for begin, rests in shared.items()
    )


def _line(line: str) -> str:
    made, blank = "", ""
    for word in line.split():
        if word == "…":
            made, blank = made + _BLANK + _GAP, ""
        elif _OPTIONAL.fullmatch(word):
            made += f"(?:{blank}{_token(word[1:-1])})?" if made else f"(?:{_token(word[1:-1])}{_BLANK})?"
        else:
            group = _GROUP.fullmatch(word)
            made += blank + (f"(?:{_expression(listed(f'words/{group[1]}'))})" if group else _token(word))
            blank = _BLANK
    return made
