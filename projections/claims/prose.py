"""Text as sentences: markdown taken off, generated and quoted parts left out, every sentence with its line.

Nothing here knows what a claim is.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from projections.claims.vocabulary import any_case
from tracker.text.patterns import lazy_pattern

_LONGEST = 1_000
"""Longer sentences are cut."""

_FENCE = lazy_pattern(r"[ \t]{0,3}(```+|~~~+)[ \t]*([\w-]*)")
_HEADING = lazy_pattern(r"[ \t]{0,3}(#{1,6})(?:[ \t]+|$)(.*)")
_BOLD_HEADING = lazy_pattern(r"[ \t]{0,3}(?:\*\*|__)([^*_]{2,60})(?:\*\*|__):?[ \t]*$")
_PLAIN_HEADING = any_case(
    r"(?:summary|timeline|root cause|fix|prevention|action items|lessons learned|impact|resolution):?[ \t]*$"
)
_UNDERLINE = lazy_pattern(r"[ \t]{0,3}(?:=+|-+)[ \t]*$")
_ITEM = lazy_pattern(r"[ \t]*(?:[-*+•–]|\d{1,3}[.)])[ \t]+(?:\[(?P<box>[ xX])\][ \t]*)?")
_RULE_OF_TABLE = lazy_pattern(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*$")
_GENERATED_BEGIN = lazy_pattern(r"[ \t]*<!--[ \t]*tracker:begin\b")
_GENERATED_END = lazy_pattern(r"[ \t]*<!--[ \t]*tracker:end\b")
_LINK = lazy_pattern(
    r"!?\[([^\[\]]{0,300})\](?:\([^()\s]{0,500}(?:[ \t]+\"[^\"]{0,200}\")?\)|\[[^\[\]]{0,100}\])"
)
_TAG = lazy_pattern(r"</?[A-Za-z][^<>]{0,300}>")
_MARKUP = lazy_pattern(r"\*\*|__|`|(?<![\w*])\*(?=\w)|(?<=[\w.)!?])\*(?![\w*])|~~")
_KEYED = lazy_pattern(r"[ \t]*[^\w\s(]{0,4}\W?[ \t]*[A-Z][\w /-]{1,40}(?:\*\*|__)?:(?:\*\*|__)?(?:[ \t]|$)")
_SYMBOL = lazy_pattern(r"[ \t]*(?:[^\w\s\"'(\[<@#$&*_`-]|[ðâÃğïÂ][^\x00-\x7f])")
_CLOCK_FIRST = lazy_pattern(r"[ \t]*(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d")
_STOP = lazy_pattern(r"[.!?]+[\"')\]]*(?=\s+[\"'(\[]?[A-Z0-9])")
_ABBREVIATED = lazy_pattern(
    r"(?:\b(?:[ap]\.m|e\.g|i\.e|approx|ca|vs|no|etc|resp|min|max|sec|hrs?|Dr|Mr|Ms|St)|(?<![\w:.,])\d{1,2}|(?:^|[\s–—-])[A-HJ-Z])\.$"
)
_CUT = lazy_pattern(r"[;|()\[\]]|,(?=\s)|:(?=\s|$)|\s[-–—→]+>?\s|\b(?:and|but|while|whereas|then|so|which)\b")

_UNIT = any_case(r"(?:^|[(\[\s])(minutes?|mins?|hours?|hrs?|seconds?|secs?|[hms])[)\]]?$")

_CLOCKED = "(h:mm"

HUMAN_FENCES = ("markdown", "md")


@dataclass(frozen=True)
class Text:
    """What somebody wrote: a file, a note or a message.

    `where` is the file, or the handle of the event. `at` is when it was said, and `event` its id,
    where it lies in the log; `kind` is the note's or the message's. `eta` is what a message promises.
    `first_event` is the id that it had in the log where it was written, which is where claims got their keys.
    """

    text: str
    where: str
    at: datetime | None = None
    event: str | None = None
    kind: str = "text"
    eta: datetime | None = None
    by: str = ""
    first_event: str | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence without its markup. `section` is the headings above it, in small letters, outermost first.

    `row` says that it is an item of a list or a row of a table; `box` is the state of its check box.
    """

    text: str
    line: int
    section: tuple[str, ...] = ()
    row: bool = False
    box: str | None = None
    heading: bool = False
    breaks: tuple[tuple[int, int], ...] = ()

    def line_of(self, words: str) -> int:
        """Return the line on which these words begin."""
        at = self.text.find(words)
        return max((line for offset, line in self.breaks if offset <= at), default=self.line)

    @cached_property
    def cuts(self) -> list[int]:
        """Where one clause ends and the next begins."""
        return sorted({0, len(self.text), *(end for m in _CUT.finditer(self.text) for end in m.span())})

    def clause(self, start: int, end: int) -> tuple[int, int]:
        """Return the clause around a piece of the sentence."""
        cuts = self.cuts
        left = cuts[max(bisect_right(cuts, start) - 1, 0)]
        right = next((cut for cut in cuts[bisect_right(cuts, start) :] if cut >= end), len(self.text))
        return left, right

    def segment(self, start: int, end: int) -> tuple[int, int]:
        """Return what stands around a piece up to the next semicolon on either side."""
        left = self.text.rfind(";", 0, start) + 1
        right = self.text.find(";", end)
        return left, right if right >= 0 else len(self.text)

    def under(self, *names: str) -> bool:
        """Whether a heading above it has one of these words."""
        headings = self.section[1:] or self.section
        return any(name in heading for heading in headings for name in names)


@dataclass
class _Block:
    parts: list[tuple[int, str]]
    section: tuple[str, ...]
    row: bool = False
    box: str | None = None
    heading: bool = False


def sentences(text: str, section: tuple[str, ...] = ()) -> list[Sentence]:
    """Split a text into its sentences, in their order."""
    found: list[Sentence] = []
    for block in _blocks(text, section):
        found += _sentences(block)
    return found


def lines_of(text: str) -> list[str]:
    """Split a text into lines, whatever ends them; a mark of the byte order is no part of the first."""
    return re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))


def spoken_lines(text: str) -> Iterator[tuple[int, str]]:
    """Return the lines that a person is answerable for: no generated parts, comments, code or quotations."""
    fence: str | None = None
    generated = comment = human = False
    for number, line in enumerate(lines_of(text), start=1):
        line = line[:20_000]
        if generated:
            generated = _GENERATED_END.match(line) is None
            continue
        if fence is not None:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
                yield number, ""
            elif human:
                yield number, line
            continue
        if not comment and _GENERATED_BEGIN.match(line):
            generated = True
            yield number, ""
            continue
        line, comment = _without_comments(line, comment)
        if opened := _FENCE.match(line):
            fence, human = opened[1], opened[2].lower() in HUMAN_FENCES
            yield number, ""
        elif line.lstrip().startswith(">"):
            yield number, ""
        else:
            yield number, line


def _without_comments(line: str, inside: bool) -> tuple[str, bool]:
    kept: list[str] = []
    while line:
        if inside:
            _, closed, line = line.partition("-->")
            if not closed:
                return "".join(kept), True
            inside = False
        before, opened, line = line.partition("<!--")
        kept.append(before)
        inside = bool(opened)
    return "".join(kept), inside


def _blocks(text: str, section: tuple[str, ...]) -> Iterator[_Block]:
    headings: list[tuple[int, str]] = [(0, name) for name in section]
    block: _Block | None = None
    units: list[str] = []
    row_before = -1
    for number, line in spoken_lines(text):
        path = tuple(name for _, name in headings)
        if not line.strip():
            if block:
                yield block
            block = None
            continue
        heading = _HEADING.match(line)
        bold = None if heading else _BOLD_HEADING.match(line) or _PLAIN_HEADING.match(line)
        underlined = (
            block is not None
            and len(block.parts) == 1
            and not block.row
            and _UNDERLINE.match(line)
            and len(line.strip()) > 2
        )
        if underlined:
            assert block is not None
            headings = [*[each for each in headings if each[0] == 0], (1, block.parts[0][1].strip().lower())]
            block = None
            continue
        if heading or bold:
            if block:
                yield block
            block = None
            said = (heading[2] if heading else bold.group(bold.lastindex or 0)).strip(" #:*_")  # type: ignore[union-attr]
            level = len(heading[1]) if heading else 7
            headings = [each for each in headings if each[0] < level] + [(level, said.lower())]
            yield _Block([(number, said)], path, heading=True)
            continue
        if _RULE_OF_TABLE.match(line) and "|" in line:
            row_before = number if number == row_before + 1 else row_before
            continue
        item = _ITEM.match(line)
        if "|" in line and line.strip().startswith("|"):
            if block:
                yield block
            block = None
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            units = units if number == row_before + 1 else [_unit(cell) for cell in cells]
            row_before = number
            cells = [
                "" if u == _CLOCKED else f"{c} {u}" if u and c.replace(".", "").isdigit() else c
                for c, u in zip(cells, [*units, *[""] * len(cells)], strict=False)
            ]
            yield _Block([(number, " | ".join(cell for cell in cells if cell))], path, row=True)
            continue
        starts = (
            item or block is None or _KEYED.match(line) or _SYMBOL.match(line) or _CLOCK_FIRST.match(line)
        )
        if starts:
            if block:
                yield block
            rest = line[item.end() :] if item else line
            clock = _CLOCK_FIRST.match(line) is not None
            block = _Block([(number, rest)], path, row=bool(item) or clock, box=item["box"] if item else None)
        else:
            assert block is not None
            block.parts.append((number, line))
    if block:
        yield block


def _unit(heading: str) -> str:
    """Return the unit of time that a column's heading names; "0:25:00" is then no time of day."""
    if _CLOCKED in heading.lower():
        return _CLOCKED
    match = _UNIT.search(heading)
    return {"s": "seconds", "m": "minutes", "h": "hours"}[match[1][0].lower()] if match else ""


def _sentences(block: _Block) -> Iterator[Sentence]:
    joined, starts, numbers = "", [], []
    for number, part in block.parts:
        said = plain(part).strip()
        starts.append(len(joined))
        numbers.append(number)
        joined += said + " "
    begin = 0
    for end in [*_ends(joined), len(joined)]:
        piece = joined[begin:end]
        lead = len(piece) - len(piece.lstrip())
        for cut in range(0, max(len(piece), 1), _LONGEST):
            said = piece[cut : cut + _LONGEST].strip()
            if said:
                at = begin + lead + cut
                first = bisect_right(starts, at) - 1
                last = bisect_right(starts, at + len(said))
                breaks = tuple((starts[n] - at, numbers[n]) for n in range(first + 1, last))
                yield Sentence(
                    said, numbers[first], block.section, block.row, block.box, block.heading, breaks
                )
        begin = end


def _ends(text: str) -> Iterator[int]:
    for stop in _STOP.finditer(text):
        if not _ABBREVIATED.search(text[max(stop.start() - 8, 0) : stop.start() + 1]):
            yield stop.end()


def plain(line: str) -> str:
    """Take the markup off a line; the text of a link stays."""
    if "[" in line:
        line = _LINK.sub(r"\1", line)
    if "<" in line:
        line = _TAG.sub(" ", line)
    return (
        _MARKUP.sub("", line)
        .replace("\\", "")
        .replace("&nbsp;", " ")
        .replace("\xa0", " ")
        .replace("\u202f", " ")
    )
