"""Finding regular expressions that take too long on a text that almost matches: by counting, not by a clock.

A match that fails has tried every way to read the text. How many ways there are is the same on every machine.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_TEXT = 250
"""Branch names are cut to so many characters before they are matched."""
_MOST_STEPS = 1_000_000
"""About a twentieth of a second."""
_MOST_PUMPS = 60
_REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT)

Ways = Counter[int]
"""In how many ways each position of the text is reached."""


def matches(pattern: str, name: str) -> bool:
    """Whether a branch name is as a pattern has it, by its first LONGEST_TEXT characters."""
    return re.fullmatch(pattern, name[:LONGEST_TEXT]) is not None


@cache
def is_slow(pattern: str) -> bool:
    """Whether a text of LONGEST_TEXT characters may be tried in more than _MOST_STEPS steps.

    Each repetition is tried with as much as fits of what it repeats, followed by what cannot match.
    """
    if sum(map(pattern.count, "*+?{|")) < 2:
        return False  # the text is tried once from each position at most, and most patterns are such
    compiled, parsed = re.compile(pattern), parser.parse(pattern)
    for before, pump in _pumps(parsed):
        text = (before + pump * LONGEST_TEXT)[:LONGEST_TEXT]
        for other in "\x00", "\n":
            try:
                _Attempt(text + other).after(parsed, Counter({0: 1}), compiled.flags)
            except (_TooManyStepsError, RecursionError):
                return True
    return False


class _TooManyStepsError(Exception):
    pass


class _Attempt:
    """The steps of trying to match one text, counted without trying each: equal ways go on together."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._steps = 0
        self._fits: dict[tuple[Any, ...], frozenset[int]] = {}

    def after(self, parsed: Any, ways: Ways, flags: int) -> Ways:
        """Return the ways to where a part of a pattern ends, from those to where it begins."""
        for kind, argument in parsed:
            ways = self._after_node(kind, argument, ways, flags)
            self._steps += ways.total()
            if self._steps > _MOST_STEPS:
                raise _TooManyStepsError
        return ways

    def _after_node(self, kind: Any, argument: Any, ways: Ways, flags: int) -> Ways:
        if kind in _REPEATS:
            least, most, body = argument
            if kind is not code.POSSESSIVE_REPEAT:
                return self._repeated(body, least, most, ways, flags)
            return self._longest(ways, lambda one: self._repeated(body, least, most, one, flags))
        if kind is code.SUBPATTERN:
            return self.after(argument[3], ways, (flags | argument[1]) & ~argument[2])
        if kind is code.BRANCH:
            return sum((self.after(branch, ways, flags) for branch in argument[1]), Counter())
        if kind is code.GROUPREF_EXISTS:
            return sum((self.after(branch, ways, flags) for branch in argument[1:] if branch), Counter())
        if kind is code.ATOMIC_GROUP:
            return self._longest(ways, lambda one: self.after(argument, one, flags))
        if kind in (code.ASSERT, code.ASSERT_NOT):
            self.after(argument[1], ways, flags)
            return ways
        if kind is code.GROUPREF:
            self._steps += len(ways) * len(self._text)
            return Counter({end: n for at, n in ways.items() for end in range(at, len(self._text) + 1)})
        if kind is code.AT:
            first = argument in (code.AT_BEGINNING, code.AT_BEGINNING_STRING)
            return Counter({at: n for at, n in ways.items() if not first or at == 0})
        return self._one_character(kind, argument, ways, flags)

    def _one_character(self, kind: Any, argument: Any, ways: Ways, flags: int) -> Ways:
        key = (kind, id(argument) if kind is code.IN else argument, flags)
        if key not in self._fits:
            node = parser.SubPattern(parser.State(), [(kind, argument)])
            one = compiler.compile(node, flags & ~re.DEBUG)
            fitting = {char for char in set(self._text) if one.fullmatch(char)}
            self._fits[key] = frozenset(at for at, char in enumerate(self._text) if char in fitting)
        fits = self._fits[key]
        return Counter({at + 1: n for at, n in ways.items() if at in fits})

    def _repeated(self, body: Any, least: int, most: Any, ways: Ways, flags: int) -> Ways:
        ends: Ways = Counter()
        count = 0
        while ways and count <= most:
            if count >= least:
                ends += ways
            # What repeats nothing is not repeated again.
            ways = self._onward(body, ways, flags) if count >= least else self.after(body, ways, flags)
            count += 1
        return ends

    def _longest(self, ways: Ways, after: Callable[[Ways], Ways]) -> Ways:
        """Keep one end for each beginning: what was taken is not given back."""
        found: Ways = Counter()
        for at, n in ways.items():
            if ends := after(Counter({at: 1})):
                found[max(ends)] += n
        return found

    def _onward(self, body: Any, ways: Ways, flags: int) -> Ways:
        if body.getwidth()[0]:
            return self.after(body, ways, flags)
        found: Ways = Counter()
        for at, n in ways.items():
            ends = self.after(body, Counter({at: n}), flags)
            del ends[at]
            found += ends
        return found


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
        if kind in _REPEATS:
            yield before, argument[2]
        for inner in _inner(kind, argument):
            yield from _repetitions(inner, before)
        before += _samples([(kind, argument)])[0]


def _inner(kind: Any, argument: Any) -> list[Any]:
    """Return the parts that one node of a parsed pattern consists of."""
    if kind in _REPEATS:
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
