"""Marks around what was generated, so that a report may be edited by hand and be generated again.

A generated part stands between two HTML comments, which no reader of the rendered report sees:

    <!-- tracker:begin timeline 5f0c1a2b3c4d -->
    …
    <!-- tracker:end timeline -->

The begin mark holds a hash of the part, so that an edit inside it is seen. What stands outside
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
    """One generated part: markdown with LF at every line's end. `attributes` say how the report was made; the first part has them."""

    name: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def fenced(self) -> str:
        """Write it between its marks."""
        said = "".join(f" {key}={value}" for key, value in self.attributes.items())
        return (
            f"<!-- tracker:begin {self.name} {short_hash(self.text.encode())}{said} -->\n"
            f"{self.text}<!-- tracker:end {self.name} -->\n"
        )


@dataclass(frozen=True)
class FoundPart:
    """A generated part as it stands in a file, from one line to another; `edited` says whether it is what its mark says."""

    name: str
    content: bytes
    marked: str
    first_line: int
    last_line: int
    attributes: Mapping[str, str]

    @property
    def edited(self) -> bool:
        """Whether somebody typed into it."""
        return short_hash(self.content) != self.marked

    @property
    def text(self) -> str:
        """What stands there, with LF at every line's end."""
        return _plain(self.content).decode("utf-8", "replace")


@dataclass(frozen=True)
class ParsedReport:
    """A file taken apart: prose before, between and after its parts; one more piece of prose than parts."""

    prose: tuple[bytes, ...]
    parts: tuple[FoundPart, ...]
    bom: bool
    newline: bytes
    whole: bytes

    @property
    def attributes(self) -> Mapping[str, str]:
        """How the report was made."""
        return self.parts[0].attributes if self.parts else {}

    @property
    def by_hand(self) -> int:
        """How many lines of prose stand outside the parts."""
        return sum(len([line for line in each.split(b"\n") if line.strip()]) for each in self.prose)

    @property
    def edited(self) -> list[FoundPart]:
        """The parts that somebody typed into."""
        return [each for each in self.parts if each.edited]

    def part(self, name: str) -> FoundPart | None:
        """Return the part of this name."""
        return next((each for each in self.parts if each.name == name), None)

    def prose_alone(self) -> str:
        """Return the prose with an empty line for every generated one, so that line numbers hold."""
        written = self.prose[0]
        for found, after in zip(self.parts, self.prose[1:], strict=True):
            written += b"\n" * (found.last_line - found.first_line + 1) + after
        return written.decode("utf-8", "replace")


def visible_text(text: str) -> str:
    """Return a report in which only untouched parts are still marked: what was typed into one is a person's word.

    So is what follows a mark without its end. Line numbers hold.
    """
    lines = text.split("\n")
    said = [line.removeprefix("\ufeff").rstrip("\r").encode() + b"\n" for line in lines]
    for first, line in enumerate(said):
        begins = _BEGIN.fullmatch(line)
        if begins is None:
            if line.lstrip().startswith(b"<!-- tracker:begin"):
                lines[first] = ""
            continue
        last = next(
            (n for n in range(first + 1, len(said)) if _BEGIN.fullmatch(said[n]) or _END.fullmatch(said[n])),
            None,
        )
        ends = _END.fullmatch(said[last]) if last is not None else None
        whole = ends is not None and ends[1] == begins[1]
        if last is None or not whole:
            lines[first] = ""
        elif short_hash(b"".join(said[first + 1 : last])) != begins[2].decode():
            lines[first] = lines[last] = ""
    return "\n".join(lines)


class BrokenFencesError(Exception):
    """The marks of a report do not fit together; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def short_hash(content: bytes) -> str:
    """Return what a begin mark says of a part, whatever its lines end with."""
    return hashlib.sha256(_plain(content)).hexdigest()[:_HASH_LENGTH]


def _plain(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def render(parts: Sequence[Part]) -> str:
    """Write a report that nobody edited."""
    return "\n".join(part.fenced() for part in parts)


def is_fenced(data: bytes) -> bool:
    """Whether there is any mark of ours in it."""
    return _ANY in data


def parse(data: bytes) -> ParsedReport:
    """Take a file apart.

    Raises:
        BrokenFencesError: If a mark is missing, stands twice, inside another part, or has text on its line.
    """
    whole, bom = data, data.startswith(_BOM)
    data = data.removeprefix(_BOM)
    prose: list[list[bytes]] = [[]]
    parts: list[FoundPart] = []
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
                raise BrokenFencesError(
                    number, f"the end of {_name(ends[1])} stands here without its beginning"
                )
            elif _ANY in line:
                raise BrokenFencesError(number, "a mark of tracker is broken here, or has text on its line")
            else:
                prose[-1].append(line)
            continue
        name, marked, first, attributes = inside
        if ends and ends[1] == name:
            parts.append(FoundPart(name.decode(), b"".join(content), marked, first, number, attributes))
            prose.append([])
            inside = None
        elif begins or ends or line.startswith(_ANY):
            raise BrokenFencesError(
                number, f"{_name(name)}, which begins in line {first}, has no end before this mark"
            )
        else:
            content.append(line)
    if inside is not None:
        raise BrokenFencesError(inside[2], f"{_name(inside[0])} begins here and has no end")
    found = ParsedReport(tuple(b"".join(each) for each in prose), tuple(parts), bom, _newline(data), whole)
    _refuse_removed(found)
    return found


def _lines(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _name(name: bytes) -> str:
    return f"the part “{name.decode()}”"


def _attributes(said: bytes) -> Mapping[str, str]:
    return dict(each.split("=", 1) for each in said.decode("utf-8", "replace").split())


def _newline(data: bytes) -> bytes:
    windows = data.count(b"\r\n")
    return b"\r\n" if windows * 2 > data.count(b"\n") else b"\n"


def _refuse_second(name: bytes, parts: Sequence[FoundPart], number: int) -> None:
    for each in parts:
        if each.name == name.decode():
            raise BrokenFencesError(
                number, f"{_name(name)} stands here a second time; the first is in line {each.first_line}"
            )


def _refuse_removed(found: ParsedReport) -> None:
    """Refuse a report of which the marks of a part were removed: its text would be taken for prose, and written again."""
    if not found.parts:
        return
    named = found.attributes.get("parts")
    if named is None:
        raise BrokenFencesError(
            found.parts[0].first_line, "the marks of the report's head are gone above here"
        )
    last = 1
    for name in named.split(","):
        part = found.part(name)
        if part is None:
            raise BrokenFencesError(
                last, f"the marks of {_name(name.encode())} are gone; they stood below here"
            )
        last = part.last_line


@dataclass(frozen=True)
class Renewed:
    """A file with its parts written anew; `conflicts` are those that somebody typed into, which were not."""

    data: bytes
    conflicts: tuple[FoundPart, ...]


def renewed(found: ParsedReport, parts: Sequence[Part], *, force: bool = False) -> Renewed:
    """Put new parts in the place of the old; prose stays where it is.

    A part that somebody typed into is a conflict, unless it says what the new one says; with
    `force` the new one takes its place. A part that is new comes behind the one it follows; one that is no more goes.
    """
    fresh = {part.name: part for part in parts}
    conflicts = tuple(
        each for each in found.parts if each.edited and not force and not _says(each, fresh.get(each.name))
    )
    pieces: list[bytes] = [found.prose[0]]
    written = set()
    order = [part.name for part in parts]
    for each, after in zip(found.parts, found.prose[1:], strict=True):
        if each.name in fresh:
            pieces.append(_as(found, fresh[each.name].fenced()))
            written.add(each.name)
            for follower in order[order.index(each.name) + 1 :]:
                if found.part(follower) is not None:
                    break
                pieces += [found.newline, _as(found, fresh[follower].fenced())]
                written.add(follower)
            pieces.append(after)
        else:
            pieces.append(b"" if not after.strip() else after)
    assert written == set(order) or not found.parts
    data = b"".join(pieces)
    return Renewed(_BOM + data if found.bom else data, conflicts)


def _says(found: FoundPart, part: Part | None) -> bool:
    return part is not None and _plain(found.content) == part.text.encode()


def _as(found: ParsedReport, text: str) -> bytes:
    return text.encode().replace(b"\n", found.newline)
