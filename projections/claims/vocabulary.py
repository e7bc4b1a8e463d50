"""The vocabulary of the check of prose: `vocabulary.txt` read, and its phrases as expressions. Nothing here decides."""

import re
from functools import cache
from pathlib import Path

from tracker.text.patterns import lazy_pattern

_GROUP = re.compile(r"\{(\w+)\}")
_GAP = r"(?:(?!(?:before|after|until|when|while|and|but|because|so)\b)[\w'’.@%-]+,?[\s-]+){0,3}?"
_BLANK = r"[\s-]+"


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


def any_case(text: str) -> re.Pattern[str]:
    """Return an expression, capitals or not, compiled when it is first used."""
    return lazy_pattern(text, re.IGNORECASE)


@cache
def phrases(name: str) -> re.Pattern[str]:
    """Return the expression of the phrases of a section."""
    return re.compile(rf"(?<![\w-])(?:{_expression(listed(name))})(?!\w)", re.IGNORECASE)


@cache
def each_of(name: str) -> dict[str, re.Pattern[str]]:
    """Return the expressions of the sections below a name, in their order."""
    return {key.partition("/")[2]: phrases(key) for key in _sections() if key.startswith(f"{name}/")}


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
        elif re.fullmatch(r"\([^()]*(?:\([^()]*\))?[^()]*\)", word):
            made += f"(?:{blank}{_token(word[1:-1])})?" if made else f"(?:{_token(word[1:-1])}{_BLANK})?"
        else:
            group = _GROUP.fullmatch(word)
            made += blank + (f"(?:{_expression(listed(f'words/{group[1]}'))})" if group else _token(word))
            blank = _BLANK
    return made
