"""Commands for people to paste: every word that came from outside is quoted for a POSIX shell.

A character that a reader would not see is written as an escape in $'…', which bash, zsh and POSIX
of 2024 read: so a command is one line, and shows all that it says.
"""

import re
import shlex
from pathlib import PurePath

from tracker.text.hidden import hides, marked

_OPTION = re.compile(r"--[a-z][a-z-]*|-[A-Za-z]")
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'"}


def word(value: object) -> str:
    """Quote one value, so that a shell reads it as one word; no path is read as an option."""
    text = str(value)
    if isinstance(value, PurePath) and text.startswith("-"):
        text = f"./{text}"
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
    """Join words into one command line. Words that end a sentence to be filled in, such as `…`, are quoted too.

    A value that begins with a dash, and is no option's name, is joined to its option with =, or stands last after --.
    """
    line: list[str] = []
    last: list[str] = []
    before = ""
    for each in words:
        text, quoted = str(each), word(each)
        if not _is_like_an_option(text) or text == "--" or quoted.startswith("./"):
            line.append(quoted)
        elif before.startswith("--") and _OPTION.fullmatch(before):
            line[-1] += f"={quoted}"
        elif "--" in map(str, words):
            line.append(quoted)
        else:
            last.append(quoted)
        before = text
    return " ".join([*line, *(["--", *last] if last else [])])


def _is_like_an_option(text: str) -> bool:
    """Whether a command would read a word as an option though it is none; with a blank in it none does."""
    return text[:1] == "-" and text != "-" and not _OPTION.fullmatch(text) and " " not in text
