"""Files of notes as the tests give them: of one incident, of 1 March, read on the 2nd."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tracker.errors import BadInputError
from tracker.events.incidents import NoteAdded
from tracker.ingest.notes import reading
from tracker.ingest.notes.placing import Place

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
DAY = date(2026, 3, 1)


def read_file(text: str | bytes, users: bytes | None = None, **given: Any) -> reading.ReadNotes:
    options: dict[str, Any] = {
        "date": DAY,
        "date_order": None,
        "zone": UTC,
        "now": NOW,
        "earliest": None,
        "latest": None,
    }
    raw = text.encode() if isinstance(text, str) else text
    place = Place(**(options | given))
    return reading.read(raw, where="notes.txt", incident="INC-1", by="Ann", times=place, users=users)


def read(text: str | bytes, **given: Any) -> list[NoteAdded]:
    events = [one.event for one in read_file(text, **given).notes]
    assert all(isinstance(event, NoteAdded) for event in events)
    return [event for event in events if isinstance(event, NoteAdded)]


def refused(text: str | bytes, **given: Any) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        read(text, **given)
    return caught.value


def at(clock: str, day: int = 1) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02d}T{clock}+00:00")
