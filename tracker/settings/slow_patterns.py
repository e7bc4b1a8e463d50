"""Finding regular expressions that take too long on a text that almost matches."""

import re
import time
from collections.abc import Iterator
from functools import cache
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_TEXT = 250
"""Branch names are cut to so many characters before they are matched."""
_MOST_SECONDS = 0.05
_MOST_PUMPS = 60
_MOST_VARIABLE = 12
_LONGEST_FIXED = 15


def matches(pattern: str, name: str) -> bool:
    """Whether a branch name is as a pattern has it, by its first LONGEST_TEXT characters."""
    return re.fullmatch(pattern, name[:LONGEST_TEXT]) is not None


@cache
def is_slow(pattern: str) -> bool:
    """Whether matching a text of LONGEST_TEXT characters may take longer than a blink.

    Each repetition is tried with more and more of what it repeats, followed by what cannot match; the
    first attempt that takes too long ends it, so that finding it out takes little longer.
    """
    compiled, parsed = re.compile(pattern), parser.parse(pattern)
    variable = _variable(parsed)
    if variable > _MOST_VARIABLE or (variable > 2 and parsed.getwidth()[0] > _LONGEST_FIXED):
        # What is shorter than it must be is refused at once, so that trying would find out too late.
        return True
    for before, pump in _pumps(parsed):
        for count in range(1, LONGEST_TEXT):
            text = before + pump * (count if count < 40 else count * count // 20)
            began = time.process_time()
            for other in "\x00", "\n":
                compiled.fullmatch(text[:LONGEST_TEXT] + other)
            if time.process_time() - began > _MOST_SECONDS:
                return True
            if len(text) > LONGEST_TEXT:
                break
    return False


def _variable(parsed: Any) -> int:
    """Count the repetitions of no fixed number, each as often as it is itself repeated by a number."""
    count = 0
    for kind, argument in parsed:
        inner = sum(_variable(part) for part in _inner(kind, argument))
        if kind in (code.MAX_REPEAT, code.MIN_REPEAT):
            least, most = argument[0], argument[1]
            inner = inner * (1 if most is code.MAXREPEAT else most) + (least != most)
        count += inner
    return count


def _pumps(parsed: Any) -> Iterator[tuple[str, str]]:
    """Yield what stands before each repetition, and texts that it repeats."""
    found = 0
    for before, body in _repetitions(parsed, ""):
        for pump in dict.fromkeys((*_samples(body), "".join(_samples(body)))):
            if pump:
                found += 1
                yield before, pump
            if found >= _MOST_PUMPS:
                return


def _repetitions(parsed: Any, before: str) -> Iterator[tuple[str, Any]]:
    for kind, argument in parsed:
        if kind in (code.MAX_REPEAT, code.MIN_REPEAT):
            yield before, argument[2]
        for inner in _inner(kind, argument):
            yield from _repetitions(inner, before)
        before += _samples([(kind, argument)])[0]


def _inner(kind: Any, argument: Any) -> list[Any]:
    """Return the parts that one node of a parsed pattern consists of."""
    if kind in (code.MAX_REPEAT, code.MIN_REPEAT):
        return [argument[2]]
    if kind is code.SUBPATTERN:
        return [argument[3]]
    if kind is code.BRANCH:
        return list(argument[1])
    if kind in (code.ASSERT, code.ASSERT_NOT):
        return [argument[1]]
    if kind is code.ATOMIC_GROUP:
        return [argument]
    return []


def _samples(parsed: Any) -> list[str]:
    """Return texts that match a part of a pattern, or nearly."""
    texts = [""]
    for kind, argument in parsed:
        if kind is code.LITERAL:
            own = [chr(argument)]
        elif kind is code.BRANCH:
            own = [_samples(branch)[0] for branch in argument[1]]
        elif kind is code.IN:
            own = [_member(argument)]
        elif kind in (code.ANY, code.NOT_LITERAL, code.CATEGORY):
            own = ["a"]
        else:
            own = [text for inner in _inner(kind, argument) for text in _samples(inner)] or [""]
        texts = [texts[0] + text for text in own] + [text + own[0] for text in texts[1:]]
    return texts[:8]


def _member(items: Any) -> str:
    """Return a character of a class."""
    excluded = {argument for kind, argument in items if kind is code.LITERAL}
    if items and items[0][0] is code.NEGATE:
        return next(char for char in "a0-/ b" if ord(char) not in excluded)
    for kind, argument in items:
        if kind is code.LITERAL:
            return chr(argument)
        if kind is code.RANGE:
            return chr(argument[0])
        if kind is code.CATEGORY:
            return {code.CATEGORY_DIGIT: "0", code.CATEGORY_SPACE: " ", code.CATEGORY_NOT_WORD: "-"}.get(
                argument, "a"
            )
    return "a"
