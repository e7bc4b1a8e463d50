"""Commands for people to paste: every word that came from outside is quoted for a POSIX shell.

A character that a reader would not see is written as an escape in $'…', which bash, zsh and POSIX
of 2024 read: so a command is one line, and shows all that it says.
"""

import shlex

from tracker.text.hidden import hides, marked

_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'"}


def word(value: object) -> str:
    """Quote one value, so that a shell reads it as one word."""
    text = str(value)
    if not hides(text) or not any(is_hidden for _, is_hidden in marked(text)):
        return shlex.quote(text)
    return "$'" + "".join(_escaped(char, is_hidden) for char, is_hidden in marked(text)) + "'"


def _escaped(char: str, is_hidden: bool) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if not is_hidden:
        return char
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file's name that is not UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return (
        f"\\x{number:02x}"
        if number < 0x80
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


def command(*words: object) -> str:
    """Join words into one command line. Words that end a sentence to be filled in, such as `…`, are quoted too."""
    return " ".join(word(each) for each in words)
