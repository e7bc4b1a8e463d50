"""Text into markdown: what sources and people wrote must not become markup."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from tracker.text import shell
from tracker.text.hidden import visible

_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def text(raw: str) -> str:
    """Write a text on one line so that every character of it stands for itself."""
    line = " ".join(visible(raw).split())
    line = _MARKUP.sub(lambda match: "\\" + match[0], line)
    line = _ENTITY.sub("&amp;", line).replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"^([#+-])(?=\s|#|$)|^(\d+)([.)])(?=\s)", _escaped_start, line)


def _escaped_start(match: re.Match[str]) -> str:
    return f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}"


def paragraphs(raw: str) -> list[str]:
    """Write a text of several lines, keeping its paragraphs and its lists' lines apart."""
    lines = [text(line) for line in raw.splitlines()]
    return [line for line in lines if line] or [""]


def code(raw: str) -> str:
    """Write a text as code, whatever backticks it holds."""
    return _span(" ".join(visible(raw).split()))


def link(path: str) -> str:
    """Write a file's name as a link's target: what markdown or a browser would read otherwise is encoded."""
    return re.sub(r"[\s()<>\[\]#?%&\"'\\`*]", lambda match: quote(match[0]), path)


def command(*words: str) -> str:
    """Write a command of the tracker for the reader to paste."""
    return _span(shell.command("tracker", *words))


def _span(line: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Write a table; the cells are markdown already."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(" --- " for _ in head) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def listed_below(heading: str, items: Sequence[str]) -> list[str]:
    """Write a list below a line of its own; nothing where there is nothing to list."""
    return ["", heading, "", *(f"- {item}" for item in items)] if items else []
