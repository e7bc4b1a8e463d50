"""What people wrote about an incident as one file to edit, and such a file read back.

Each note is an item with its handle; a continued line is indented. What comes out of an
unchanged file is what went in. Nothing here reads a store, a file or a clock.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tracker.events.base import handle_of
from tracker.events.incidents import IncidentDeclared, NoteAdded
from tracker.incident import Incident
from tracker.text.patterns import lazy_pattern

SECTIONS = (
    ("Impact", "impact", "Who was affected, how, from when to when? With numbers, and where they come from."),
    (
        "Root Cause",
        "root-cause",
        "What was wrong, and why did it become wrong just then? The system, not a person.",
    ),
    ("Fix", "fix", "What was changed, and why does that help?"),
    ("Prevention", "prevention", "What would have kept it from happening, or from lasting as long?"),
    (
        "Lessons Learned",
        "lesson",
        "What should the next ones know? Begin with “went well:”, “went wrong:” or “lucky:” to have it under that heading.",
    ),
)
"""Heading, kind of note, and what to think of."""

DEFAULT_WHY = "review"
_FIRST = "<!-- tracker review {incident}, as of log position {position} -->"
_FIRST_LINE = lazy_pattern(
    r"<!-- tracker review (?P<incident>\S+), as of log position (?P<position>\d+) -->\s*"
)
_HELP = """<!--
Change a note, remove it, or write a new one: a line that begins with "- ", or a paragraph, below
its heading. Further lines of a note are indented. Leave the [handles] as they are. Save and close:
what changed is recorded, with the reason below. To give up, let the editor fail (vim: :cq).
-->"""
_ITEM = lazy_pattern(r"(?:[-*+]|\d+[.)])(?:\s+(?P<rest>.*)|$)")
_HANDLE = lazy_pattern(r"\[(?P<handle>[0-9a-v]{24}|[0-9a-v]{7})(?P<mine>!?)\](?:\s(?P<rest>.*)|$)")


@dataclass(frozen=True)
class Held:
    """A note as the log has it; or what the declaration said of the impact, which is no note of its own."""

    id: str
    kind: str
    text: str
    by: str
    declared: bool = False


@dataclass(frozen=True)
class Item:
    """A note as it stands in the file. `mine`: it counts whatever others made of it meanwhile."""

    kind: str
    text: str
    line: int
    handle: str | None = None
    mine: bool = False


@dataclass(frozen=True)
class Sheet:
    """A file read back."""

    incident: str
    position: int
    why: str
    items: tuple[Item, ...]


class BrokenSheetError(Exception):
    """The file cannot be read back; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def held_of(incident: Incident) -> dict[str, Held]:
    """Return what people wrote of the five kinds, by the handle that the file gives it, in the order of the report."""
    kinds = {kind for _, kind, _ in SECTIONS}
    found: list[tuple[object, Held]] = []
    for step in incident.steps:
        event = step.event
        if step.retraction is not None or getattr(event, "incident", None) != incident.id:
            continue
        if isinstance(event, NoteAdded) and event.kind in kinds:
            found.append((step.order, Held(step.id, event.kind, event.text, event.decided_by)))
        elif isinstance(event, IncidentDeclared) and event.impact:
            found.append((step.order, Held(step.id, "impact", event.impact, event.decided_by, declared=True)))
    found.sort(key=lambda each: each[0])  # type: ignore[arg-type, return-value]
    handles = [handle_of(held.id) for _, held in found]
    return {
        (held.id if handles.count(handle_of(held.id)) > 1 else handle_of(held.id)): held for _, held in found
    }


def plain(said: str) -> str:
    """Return a text as the file can hold it: no blanks at the ends of lines, no empty lines around it."""
    return "\n".join(line.rstrip() for line in said.replace("\r\n", "\n").split("\n")).strip("\n").strip()


def write(incident: Incident, position: int) -> str:
    """Write the file."""
    held = held_of(incident)
    lines = [
        _FIRST.format(incident=incident.id, position=position),
        _HELP,
        "",
        f"why: {DEFAULT_WHY}",
        "",
    ]
    for heading, kind, guidance in SECTIONS:
        lines += [f"## {heading}", "", f"<!-- {guidance} -->", ""]
        for handle, note in held.items():
            if note.kind == kind:
                lines += [*_item(handle, note.text), ""]
    return "\n".join(lines)


def _item(handle: str, said: str) -> list[str]:
    first, *others = plain(said).split("\n")
    return [f"- [{handle}] {first}", *(f"  {line}" if line else "" for line in others)]


def read(data: bytes) -> Sheet:
    """Read a file back.

    Raises:
        BrokenSheetError: If its first line, a heading or a comment is not as it was, or it is not UTF-8.
    """
    try:
        said = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        raise BrokenSheetError(data[: wrong.start].count(b"\n") + 1, "that is not UTF-8") from wrong
    reader = _Reader(said.split("\n"))
    reader.read()
    return Sheet(
        reader.incident,
        reader.position,
        reader.why or DEFAULT_WHY,
        tuple(each for each in reader.items if each.text or each.handle),
    )


class _Reader:
    """Line by line; `_begun` is the note that goes on, `_blank` whether an empty line came after its last."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.why = ""
        self.items: list[Item] = []
        self._kind: str | None = None
        self._begun: list[str] | None = None
        self._line = 0
        self._handle: str | None = None
        self._mine = False
        self._blank = False
        found = _FIRST_LINE.fullmatch(lines[0])
        if found is None:
            raise BrokenSheetError(
                1, "the first line, which says which incident and position this is, is gone"
            )
        self.incident, self.position = found["incident"], int(found["position"])

    def read(self) -> None:
        comment = 0
        for number, line in enumerate(self._lines[1:], start=2):
            if comment and line.startswith(("<!--", "## ")):
                break  # else the notes up to the next --> would be taken for removed
            if comment:
                comment = 0 if "-->" in line else comment
            elif line.startswith("<!--"):
                self._end()
                comment = 0 if "-->" in line else number
            else:
                self._take(number, line)
        if comment:
            raise BrokenSheetError(comment, "a comment begins here and has no -->")
        self._end()

    def _take(self, number: int, line: str) -> None:
        if not line.strip():
            self._blank = True
        elif re.match(r"#{1,6}\s", line):
            self._end()
            self._kind = _kind_of(number, line)
        elif self._kind is None:
            self._before(number, line)
        elif line[0] in " \t" and self._begun is not None:
            self._go_on(line[1:] if line[0] == "\t" else line[2:] if line.startswith("  ") else line[1:])
        elif (item := _ITEM.fullmatch(line.strip())) and line[0] not in " \t":
            self._begin(number, item["rest"] or "")
        elif self._begun is not None and not self._blank:
            self._go_on(line.strip())
        else:
            self._begin(number, line.strip())

    def _before(self, number: int, line: str) -> None:
        key, colon, rest = line.partition(":")
        if key.strip().lower() != "why" or not colon:
            raise BrokenSheetError(
                number, "this stands above the first heading, where it belongs to no section"
            )
        self.why = rest.strip()

    def _go_on(self, line: str) -> None:
        assert self._begun is not None
        if self._blank:
            self._begun.append("")
            self._blank = False
        self._begun.append(line)

    def _begin(self, number: int, rest: str) -> None:
        self._end()
        found = _HANDLE.fullmatch(rest)
        self._line, self._begun = number, [(found["rest"] or "") if found else rest]
        self._handle, self._mine = (found["handle"], bool(found["mine"])) if found else (None, False)

    def _end(self) -> None:
        if self._begun is not None and self._kind is not None:
            said = plain("\n".join(self._begun))
            self.items.append(Item(self._kind, said, self._line, self._handle, self._mine))
        self._begun, self._blank = None, False


def _kind_of(number: int, line: str) -> str:
    said = " ".join(line.lstrip("#").split()).lower()
    for heading, kind, _ in SECTIONS:
        if line.startswith("## ") and said == heading.lower():
            return kind
    names = ", ".join(heading for heading, _, _ in SECTIONS)
    raise BrokenSheetError(number, f"{line.strip()!r} is none of the headings: {names}")


def by_handle(sheet: Sheet, held: Mapping[str, Held]) -> dict[str, Item]:
    """Return the items that were in the file from the start.

    Raises:
        BrokenSheetError: If a handle is none of the file's, or stands twice, or its note cannot move there.
    """
    found: dict[str, Item] = {}
    for item in sheet.items:
        if item.handle is None:
            continue
        note = held.get(item.handle)
        if note is None:
            raise BrokenSheetError(
                item.line,
                f"there is no note [{item.handle}] here; a new one has no handle, nor begins with such a word in brackets",
            )
        if item.handle in found:
            raise BrokenSheetError(
                item.line,
                f"[{item.handle}] stands here a second time; the first is in line {found[item.handle].line}",
            )
        if note.declared and item.kind != note.kind:
            raise BrokenSheetError(
                item.line, f"[{item.handle}] was said on declaring, and stays under Impact"
            )
        found[item.handle] = item
    return found
