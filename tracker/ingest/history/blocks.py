"""A markdown file cut into lines that may say something, each with the headings above it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker.ingest.history.stamps import Stamp, StampError, read_stamp
from tracker.ingest.history.words import is_section, plain
from tracker.text.patterns import lazy_pattern

_ITEM = lazy_pattern(r"(?P<indent>\s*)(?:[-*+•]|\d{1,3}[.)])\s+(?:\[(?P<box>[ xX])\]\s+)?(?P<text>.*)")
_HEADING = lazy_pattern(r"\s{0,3}(#{1,6})\s+(?P<text>.*?)\s*#*\s*$")
_BOLD_LABEL = lazy_pattern(
    r"\s*(?:[-*+]\s+)?(?:\*\*|__)(?P<text>[^*_]{2,60}?):?(?:\*\*|__)\s*:?\s*(?P<rest>.*)$"
)


@dataclass
class Block:
    """One line that may say something: its text, or the cells of a table's row, under its heading."""

    number: int
    text: str
    section: str
    path: tuple[str, ...] = ()
    cells: list[str] | None = None
    header: list[str] | None = None
    indent: int = 0
    is_item: bool = False
    is_heading: bool = False
    is_code: bool = False


def blocks(lines: list[str], start: int) -> Iterator[Block]:
    """Cut a file into lines that may say something, each with the headings and the bold label above it."""
    path: list[tuple[int, str]] = []
    label, label_indent = "", -1
    header: list[str] | None = None
    fence = ""

    def block(number: int, text: str, **facts: Any) -> Block:
        names = [name for _, name in path] + ([label] if label else [])
        return Block(number, text, names[-1] if names else "", tuple(names), **facts)

    for number, line in enumerate(lines[start:], start + 1):
        stripped = line.strip()
        below = lines[number].strip() if number < len(lines) else ""
        if fence:
            fence = "" if stripped.startswith(fence) else fence
            yield block(number, stripped, is_code=True)
            continue
        mark = stripped[:3] if stripped[:3] in ("```", "~~~") and stripped[:3] not in stripped[3:] else ""
        if mark and any(later.strip().startswith(mark) for later in lines[number:]):
            fence = mark
            continue
        if not stripped or re.fullmatch(r"<!--.*-->|[-*_=]{3,}", stripped):
            header = None if not stripped else header
            continue
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        item = _ITEM.match(line)
        heading = _HEADING.match(line)
        underlined = not item and "|" not in line and re.fullmatch(r"={3,}|-{3,}", below)
        if heading or underlined:
            level = len(heading[1]) if heading else 1 if below[0] == "=" else 2
            name = heading["text"] if heading else stripped
            label, label_indent, header = "", -1, None
            if whole_day(name, None) is None:
                path = [*(one for one in path if one[0] < level), (level, plain(name))]
            yield block(number, name, is_heading=True)
            continue
        if stripped.startswith("|") or (header is not None and "|" in stripped):
            cells = [plain(cell.replace("\\|", "|")) for cell in re.split(r"(?<!\\)\|", stripped.strip("|"))]
            if all(re.fullmatch(r":?-{2,}:?", cell) for cell in cells if cell):
                continue
            if header is None:
                header = cells
                continue
            yield block(number, stripped, cells=cells, header=header, indent=indent, is_item=True)
            continue
        header = None
        if label and indent <= label_indent and item:
            label, label_indent = "", -1
        if (match := _BOLD_LABEL.match(line)) and stamp_of(match["text"]) is None:
            name = plain(match["text"])
            if not match["rest"] or is_section(name):
                label, label_indent = name, indent
                if match["rest"]:
                    yield block(number, match["rest"], indent=indent)
                continue
        yield block(number, item["text"] if item else stripped, indent=indent, is_item=bool(item))


def stamp_of(text: str) -> tuple[Stamp, str] | None:
    """Return the stamp that a text begins with, if there is one that can be read."""
    try:
        return read_stamp(text)
    except StampError:
        return None


def whole_day(text: str, order: str | None) -> date | None:
    """Return the day that a heading or line consists of."""
    try:
        read = read_stamp(plain(text).strip(" :"), order=order)
    except StampError:
        return None
    if read is None or read[1].strip() or read[0].has_clock or read[0].end is None:
        return None
    return read[0].day if read[0].end.date() == read[0].day else None
