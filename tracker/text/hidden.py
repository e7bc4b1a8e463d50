"""Characters that turn, hide or join text, and control characters: shown as what they are, <U+202E>."""

import json
import unicodedata
from collections.abc import Iterator

from tracker.text.patterns import lazy_pattern

_BLANK = lazy_pattern("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing."""
_JOINERS = "\u200c\u200d"


def hides(text: str) -> bool:
    """Whether a text may have such a character; joiners are asked for their neighbours by `marked`."""
    return not text.isprintable() or _BLANK.search(text) is not None


def marked(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each character, and whether it is none that a reader sees as itself.

    A joiner within an emoji, or between letters of a script that needs it, hides nothing.
    """
    for at, char in enumerate(text):
        if char in _JOINERS:
            yield char, not (0 < at < len(text) - 1 and _joins(text[at - 1]) and _joins(text[at + 1]))
        else:
            yield char, hides(char)


def _joins(char: str) -> bool:
    return char == "\ufe0f" or unicodedata.category(char) in ("So", "Sk", "Lo", "Mn", "Mc")


def visible(text: str) -> str:
    """Return a text in which each hidden character is written as <U+XXXX>, and each kind of space is a space."""
    if (text.isascii() and text.isprintable()) or not hides(text):
        return text
    return "".join(_shown(char) if is_hidden else char for char, is_hidden in marked(text))


def _shown(char: str) -> str:
    return " " if char.isspace() else f"<U+{ord(char):04X}>"


def visible_json(document: str) -> str:
    """Write each hidden character of a JSON document as JSON itself escapes it; its values stay."""
    if not hides(document.replace("\n", "")):
        return document
    return "".join(
        json.dumps(char)[1:-1] if is_hidden and char != "\n" else char for char, is_hidden in marked(document)
    )
