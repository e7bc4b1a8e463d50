"""Small pieces that every sentence is made of."""

from collections.abc import Iterable


def counted(number: int, thing: str) -> str:
    """Write a number of things: 1 commit, 2 commits."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def dotted(*parts: object) -> str | None:
    """Join the parts that say something; None if none does."""
    return " · ".join(str(part) for part in parts if part) or None


def listed(names: Iterable[str], at_most: int | None = None) -> str:
    """Join names with commas; beyond `at_most` say how many more there are."""
    known = list(names)
    shown = known[:at_most]
    more = len(known) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def capitalized(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]


def and_listed(names: Iterable[str]) -> str:
    """Join names as a sentence does: errors, latency and pool."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def sentence(line: str) -> str:
    return line if line.endswith((".", "!", "?")) else f"{line}."
