"""Marks around the generated regions of a report, so that it may be edited by hand and generated again.

A generated region is between two HTML comments, which no reader of the rendered report sees:

    <!-- tracker:begin timeline 5f0c1a2b3c4d -->
    …
    <!-- tracker:end timeline -->

The begin mark holds a hash of the region, so that an edit inside it is detected. What is outside
is prose by hand, and is kept byte for byte, whatever its encoding. Nothing here reads a file.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_HASH_LENGTH = 12
_BOM = b"\xef\xbb\xbf"
_ANY = b"<!-- tracker:"
_BEGIN = re.compile(rb"<!-- tracker:begin ([a-z0-9-]+) ([0-9a-f]{12})((?: [a-z]+=[^\s>]+)*) -->[ \t]*\r?\n?")
_END = re.compile(rb"<!-- tracker:end ([a-z0-9-]+) -->[ \t]*\r?\n?")


@dataclass(frozen=True)
class Part:
    """One generated region: markdown with LF line ends. `attributes` say how the report was made; the first region has them."""

    name: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def marked(self) -> str:
        """Write it between its marks."""
        attributes = "".join(f" {key}={value}" for key, value in self.attributes.items())
        return (
            f"<!-- tracker:begin {self.name} {short_hash(self.text.encode())}{attributes} -->\n"
            f"{self.text}<!-- tracker:end {self.name} -->\n"
        )


@dataclass(frozen=True)
class ParsedPart:
    """A generated region as a file has it, from one line to another; `marked_hash` is what its begin mark says."""

    name: str
    content: bytes
    marked_hash: str
    first_line: int
    last_line: int
    attributes: Mapping[str, str]

    @property
    def edited(self) -> bool:
        """Whether its content is no longer what was generated."""
        return short_hash(self.content) != self.marked_hash

    @property
    def text(self) -> str:
        """Its content, with LF line ends."""
        return _plain(self.content).decode("utf-8", "replace")


@dataclass(frozen=True)
class ParsedReport:
    """A parsed file: prose before, between and after its regions; one more piece of prose than regions."""

    prose: tuple[bytes, ...]
    parts: tuple[ParsedPart, ...]
    bom: bool
    newline: bytes
    whole: bytes

    @property
    def attributes(self) -> Mapping[str, str]:
        """How the report was made."""
        return self.parts[0].attributes if self.parts else {}

    @property
    def by_hand(self) -> int:
        """How many lines of prose are outside the regions."""
        return sum(bool(line.strip()) for piece in self.prose for line in piece.split(b"\n"))

    @property
    def edited(self) -> list[ParsedPart]:
        return [part for part in self.parts if part.edited]

    def part(self, name: str) -> ParsedPart | None:
        return next((part for part in self.parts if part.name == name), None)

    def prose_alone(self) -> str:
        """Return the prose with an empty line for every generated one, so that line numbers hold."""
        written = self.prose[0]
        for part, after in zip(self.parts, self.prose[1:], strict=True):
            written += b"\n" * (part.last_line - part.first_line + 1) + after
        return written.decode("utf-8", "replace")


def visible_text(text: str) -> str:
    """Return a report in which only unedited regions are still marked: what was typed into one is a person's word.

    So is what follows a mark without its end. Line numbers hold.
    """
    lines = text.split("\n")
    raw = [line.removeprefix("\ufeff").rstrip("\r").encode() + b"\n" for line in lines]
    for first, line in enumerate(raw):
        begins = _BEGIN.fullmatch(line)
        if begins is None:
            if line.lstrip().startswith(b"<!-- tracker:begin"):
                lines[first] = ""
            continue
        last = next(
            (n for n in range(first + 1, len(raw)) if _BEGIN.fullmatch(raw[n]) or _END.fullmatch(raw[n])),
            None,
        )
        ends = _END.fullmatch(raw[last]) if last is not None else None
        whole = ends is not None and ends[1] == begins[1]
        if last is None or not whole:
            lines[first] = ""
        elif short_hash(b"".join(raw[first + 1 : last])) != begins[2].decode():
            lines[first] = lines[last] = ""
    return "\n".join(lines)


class BrokenMarksError(Exception):
    """The marks of a report do not fit together; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def short_hash(content: bytes) -> str:
    """Return the hash in a begin mark: that of the content with LF line ends."""
    return hashlib.sha256(_plain(content)).hexdigest()[:_HASH_LENGTH]


def _plain(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def render(parts: Sequence[Part]) -> str:
    """Write a report that is not edited."""
    return "\n".join(part.marked() for part in parts)


def parse(data: bytes) -> ParsedReport:
    """Split a file into prose and generated regions.

    Raises:
        BrokenMarksError: If a mark is missing, comes twice, inside another region, or has text on its line.
    """
    whole, bom = data, data.startswith(_BOM)
    data = data.removeprefix(_BOM)
    prose: list[list[bytes]] = [[]]
    parts: list[ParsedPart] = []
    inside: tuple[bytes, str, int, Mapping[str, str]] | None = None
    content: list[bytes] = []
    for number, line in enumerate(_lines(data), start=1):
        begins, ends = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if inside is None:
            if begins:
                _refuse_second(begins[1], parts, number)
                inside = (begins[1], begins[2].decode(), number, _attributes(begins[3]))
                content = []
            elif ends:
                raise BrokenMarksError(number, f"{_name(ends[1])} ends here without a begin mark")
            elif _ANY in line:
                raise BrokenMarksError(number, "a tracker mark is broken here, or has text on its line")
            else:
                prose[-1].append(line)
            continue
        name, marked, first, attributes = inside
        if ends and ends[1] == name:
            parts.append(ParsedPart(name.decode(), b"".join(content), marked, first, number, attributes))
            prose.append([])
            inside = None
        elif begins or ends or line.startswith(_ANY):
            raise BrokenMarksError(
                number, f"{_name(name)}, which begins in line {first}, has no end mark before this mark"
            )
        else:
            content.append(line)
    if inside is not None:
        raise BrokenMarksError(inside[2], f"{_name(inside[0])} begins here and has no end mark")
    pieces = tuple(b"".join(lines) for lines in prose)
    report = ParsedReport(pieces, tuple(parts), bom, _newline(data), whole)
    _refuse_removed(report)
    return report


def _lines(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _name(name: bytes) -> str:
    return f"the part “{name.decode()}”"


def _attributes(raw: bytes) -> Mapping[str, str]:
    return dict(pair.split("=", 1) for pair in raw.decode("utf-8", "replace").split())


def _newline(data: bytes) -> bytes:
    windows = data.count(b"\r\n")
    return b"\r\n" if windows * 2 > data.count(b"\n") else b"\n"


def _refuse_second(name: bytes, parts: Sequence[ParsedPart], number: int) -> None:
    for part in parts:
        if part.name == name.decode():
            raise BrokenMarksError(
                number, f"{_name(name)} is here a second time; the first is in line {part.first_line}"
            )


def _refuse_removed(report: ParsedReport) -> None:
    """Refuse a report of which the marks of a region were removed: its text would be taken for prose, and written again."""
    if not report.parts:
        return
    named = report.attributes.get("parts")
    if named is None:
        raise BrokenMarksError(
            report.parts[0].first_line, "the marks of the report's head are missing above this line"
        )
    last = 1
    for name in named.split(","):
        part = report.part(name)
        if part is None:
            raise BrokenMarksError(last, f"the marks of {_name(name.encode())} are missing below this line")
        last = part.last_line


@dataclass(frozen=True)
class Regenerated:
    """A file with its regions generated again; `conflicts` are those that were edited, and left as they are."""

    data: bytes
    conflicts: tuple[ParsedPart, ...]


def replace_regions(report: ParsedReport, parts: Sequence[Part], *, force: bool = False) -> Regenerated:
    """Put new regions in the place of the old; prose stays where it is.

    An edited region is a conflict, unless it equals the new one; with `force` the new one takes its place.
    A new region comes behind the one that it follows; one that no longer exists is removed.
    """
    fresh = {part.name: part for part in parts}
    conflicts = tuple(
        part for part in report.parts if part.edited and not force and not _equals(part, fresh.get(part.name))
    )
    ordered = _in_new_order if _was_not_moved(report) else _in_its_own_order
    data = b"".join(ordered(report, fresh))
    return Regenerated(_BOM + data if report.bom else data, conflicts)


def _was_not_moved(report: ParsedReport) -> bool:
    """Whether the regions are in the order in which they were generated: then they may take that of a new version."""
    return ",".join(part.name for part in report.parts[1:]) == report.attributes.get("parts")


def _in_new_order(report: ParsedReport, fresh: Mapping[str, Part]) -> list[bytes]:
    """Move each region with the prose behind it; that of a region that is gone goes behind the one before."""
    behind: dict[str, list[bytes]] = {}
    first, last = [report.prose[0]], None
    for old, after in zip(report.parts, report.prose[1:], strict=True):
        if old.name in fresh:
            behind[old.name] = [after]
            last = old.name
        elif after.strip():
            (behind[last] if last else first).append(after)
    pieces = first
    for name, part in fresh.items():
        pieces += [_encoded(report, part), *behind.get(name, [report.newline])]
    return pieces


def _in_its_own_order(report: ParsedReport, fresh: Mapping[str, Part]) -> list[bytes]:
    """Leave each region where people moved it; a new one comes behind the one that it follows."""
    pieces: list[bytes] = [report.prose[0]]
    order = list(fresh)
    for old, after in zip(report.parts, report.prose[1:], strict=True):
        if old.name not in fresh:
            pieces.append(after if after.strip() else b"")
            continue
        pieces.append(_encoded(report, fresh[old.name]))
        for follower in order[order.index(old.name) + 1 :]:
            if report.part(follower) is not None:
                break
            pieces += [report.newline, _encoded(report, fresh[follower])]
        pieces.append(after)
    return pieces


def _equals(old: ParsedPart, new: Part | None) -> bool:
    return new is not None and _plain(old.content) == new.text.encode()


def _encoded(report: ParsedReport, part: Part) -> bytes:
    return part.marked().encode().replace(b"\n", report.newline)
