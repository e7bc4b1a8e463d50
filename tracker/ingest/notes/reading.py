"""A file of notes or of a chat, read whole or refused whole, with every wrong line named."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from tracker.errors import BadInputError
from tracker.events.base import Arrival, Incoming, event_id
from tracker.events.incidents import NoteAdded
from tracker.ingest.notes.chat import read_chat
from tracker.ingest.notes.exports import is_export, read_export
from tracker.ingest.notes.irc import is_irc, read_irc
from tracker.ingest.notes.lines import read_lines
from tracker.ingest.notes.messages import Chat, WrongLineError, refusal
from tracker.ingest.notes.placing import Place, place
from tracker.text.mojibake import find_mojibake as garbled
from tracker.times import utc

_UTF8_HINT = "Save the file as UTF-8, and give it again"


@dataclass(frozen=True)
class ReadNotes:
    """The notes of a file in the order in which they were written, and what is worth saying of it.

    `left_out` counts what is no statement of a person: joins, deleted messages, messages without a text.
    """

    notes: list[Incoming]
    left_out: int = 0
    newest_first: bool = False


def read(
    text: bytes, *, where: str, incident: str, by: str, times: Place, users: bytes | None = None
) -> ReadNotes:
    """Read the notes of a file: lines that begin with a time, a copied chat, an IRC log, or a JSON export.

    A chat's notes are by their writers; `by` read the file, and wrote the lines that name nobody.

    Raises:
        BadInputError: If a line is wrong; all of them are named, and none is taken.
    """
    if is_export(text):
        export = read_export(text, where, users)
        late = [
            f"  {one.where}: {utc(one.at)} is in the future" for one in export.messages if one.at > times.now
        ]
        if late:
            raise BadInputError(
                "\n".join([f"{where}: none was recorded", *late[:10]]), hint="Check the clock: date"
            )
        notes = [
            NoteAdded(occurred_at=one.at, decided_by=one.author, incident=incident, text=one.text)
            for one in export.messages
        ]
        return ReadNotes(_incoming(notes, by), export.left_out, export.newest_first)
    chat = _read_text(text)
    placed = place(chat.messages, times)
    if wrong := [*chat.wrong, *placed.wrong]:
        raise refusal(where, wrong)
    notes = [
        NoteAdded(
            occurred_at=typed.at,
            precision_seconds=typed.precision_seconds,
            utc_offset_minutes=typed.utc_offset_minutes,
            decided_by=message.author or by,
            incident=incident,
            text=message.text,
            kind=message.kind,
        )
        for message, typed in zip(chat.messages, placed.instants, strict=True)
    ]
    if placed.newest_first:
        notes.reverse()
    return ReadNotes(_incoming(_numbered(notes), by), chat.left_out, placed.newest_first)


def _incoming(notes: list[NoteAdded], by: str) -> list[Incoming]:
    arrival = Arrival(via="file", reported_by=by)
    return [Incoming(event=note, arrival=arrival) for note in notes]


def _numbered(notes: list[NoteAdded]) -> list[NoteAdded]:
    """Number equal notes: two lines "ok" of one minute are two, and the same two when the file is read again."""
    seen: Counter[str] = Counter()
    numbered = []
    for note in notes:
        identity = event_id(note)
        numbered.append(replace(note, again=seen[identity]))
        seen[identity] += 1
    return numbered


def _read_text(text: bytes) -> Chat:
    lines: list[tuple[int, str]] = []
    wrong: list[tuple[int, WrongLineError]] = []
    for number, raw in _lines(text):
        try:
            lines.append((number, _decoded(raw)))
        except WrongLineError as problem:
            wrong.append((number, problem))
    if is_irc(lines):
        chat = read_irc(lines)
    else:
        chat = read_lines(lines)
        if chat.wrong and (copied := read_chat(lines)) is not None:
            chat = copied
    chat.wrong += wrong
    return chat


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    text = text.removeprefix(b"\xef\xbb\xbf")
    return enumerate(re.split(rb"\r\n|\n|\r", text), start=1)


def _decoded(raw: bytes) -> str:
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise WrongLineError(f"byte {wrong.start + 1} is not UTF-8", _UTF8_HINT) from wrong
    if "\0" in line:
        raise WrongLineError("it holds a zero byte, as UTF-16 and pictures do", _UTF8_HINT)
    if damage := garbled(line):
        raise WrongLineError(damage, _UTF8_HINT)
    return line
