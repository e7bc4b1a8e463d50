"""What people wrote about an incident as one file to edit, and such a file parsed.

Each note is an item with its handle; a continued line is indented. What comes out of an
unchanged file is what went in. Nothing here reads a store, a file or a clock.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
class RecordedNote:
    """A note as the log has it; or the impact of the declaration (`declared`), which is not a note of its own."""

    id: str
    kind: str
    text: str
    by: str
    declared: bool = False


@dataclass(frozen=True)
class Item:
    """A note as the file has it. `mine`: it counts whatever others changed in the meantime."""

    kind: str
    text: str
    line: int
    handle: str | None = None
    mine: bool = False


@dataclass(frozen=True)
class ReviewFile:
    """A parsed file."""

    incident: str
    position: int
    why: str
    items: tuple[Item, ...]


class BrokenReviewFileError(Exception):
    """The file cannot be parsed; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def recorded_notes(incident: Incident) -> dict[str, RecordedNote]:
    """Return the notes of the five kinds by their handles in the file, in the order of the report."""
    kinds = {kind for _, kind, _ in SECTIONS}
    notes: list[tuple[Any, RecordedNote]] = []
    for step in incident.steps:
        event = step.event
        if step.retraction is not None or getattr(event, "incident", None) != incident.id:
            continue
        if isinstance(event, NoteAdded) and event.kind in kinds:
            notes.append((step.order, RecordedNote(step.id, event.kind, event.text, event.decided_by)))
        elif isinstance(event, IncidentDeclared) and event.impact:
            impact = RecordedNote(step.id, "impact", event.impact, event.decided_by, declared=True)
            notes.append((step.order, impact))
    ordered = [note for _, note in sorted(notes, key=lambda pair: pair[0])]
    handles = [handle_of(note.id) for note in ordered]
    return {
        note.id if handles.count(handle) > 1 else handle: note
        for handle, note in zip(handles, ordered, strict=True)
    }


def normalized(text: str) -> str:
    """Return a text as the file can hold it: no blanks at the ends of lines, no empty lines around it."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip("\n").strip()


def write(incident: Incident, position: int) -> str:
    notes = recorded_notes(incident)
    lines = [
        _FIRST.format(incident=incident.id, position=position),
        _HELP,
        "",
        f"why: {DEFAULT_WHY}",
        "",
    ]
    for heading, kind, guidance in SECTIONS:
        lines += [f"## {heading}", "", f"<!-- {guidance} -->", ""]
        for handle, note in notes.items():
            if note.kind == kind:
                lines += [*_item(handle, note.text), ""]
    return "\n".join(lines)


def _item(handle: str, text: str) -> list[str]:
    first, *others = normalized(text).split("\n")
    return [f"- [{handle}] {first}", *(f"  {line}" if line else "" for line in others)]


def parse(data: bytes) -> ReviewFile:
    """Parse an edited file.

    Raises:
        BrokenReviewFileError: If its first line, a heading or a comment is not as it was, or it is not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        raise BrokenReviewFileError(data[: wrong.start].count(b"\n") + 1, "this is not UTF-8") from wrong
    parser = _Parser(text.split("\n"))
    parser.parse()
    items = tuple(item for item in parser.items if item.text or item.handle)
    return ReviewFile(parser.incident, parser.position, parser.why or DEFAULT_WHY, items)


class _Parser:
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
        first = _FIRST_LINE.fullmatch(lines[0])
        if first is None:
            raise BrokenReviewFileError(
                1, "the first line, which names the incident and the position, is missing"
            )
        self.incident, self.position = first["incident"], int(first["position"])

    def parse(self) -> None:
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
            raise BrokenReviewFileError(comment, "a comment begins here and has no -->")
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
            raise BrokenReviewFileError(
                number, "this is above the first heading, so it belongs to no section"
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
        handle = _HANDLE.fullmatch(rest)
        self._line, self._begun = number, [(handle["rest"] or "") if handle else rest]
        self._handle, self._mine = (handle["handle"], bool(handle["mine"])) if handle else (None, False)

    def _end(self) -> None:
        if self._begun is not None and self._kind is not None:
            text = normalized("\n".join(self._begun))
            self.items.append(Item(self._kind, text, self._line, self._handle, self._mine))
        self._begun, self._blank = None, False


def _kind_of(number: int, line: str) -> str:
    typed = " ".join(line.lstrip("#").split()).lower()
    for heading, kind, _ in SECTIONS:
        if line.startswith("## ") and typed == heading.lower():
            return kind
    names = ", ".join(heading for heading, _, _ in SECTIONS)
    raise BrokenReviewFileError(number, f"{line.strip()!r} is not one of the headings: {names}")


def by_handle(file: ReviewFile, notes: Mapping[str, RecordedNote]) -> dict[str, Item]:
    """Return the items that were in the file from the start.

    Raises:
        BrokenReviewFileError: If a handle is unknown, or comes twice, or its note cannot move there.
    """
    kept: dict[str, Item] = {}
    for item in file.items:
        if item.handle is None:
            continue
        note = notes.get(item.handle)
        if note is None:
            raise BrokenReviewFileError(
                item.line,
                f"there is no note [{item.handle}] here; a new note has no handle, and does not begin with one word in brackets",
            )
        if item.handle in kept:
            first = kept[item.handle].line
            raise BrokenReviewFileError(
                item.line, f"[{item.handle}] is here a second time; the first is in line {first}"
            )
        if note.declared and item.kind != note.kind:
            raise BrokenReviewFileError(
                item.line, f"[{item.handle}] is the impact as it was declared, and stays under Impact"
            )
        kept[item.handle] = item
    return kept
