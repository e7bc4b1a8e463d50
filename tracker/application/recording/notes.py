"""Notes of people, and files kept with an incident."""

import hashlib

from tracker.application.clock_dates import near
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import AddNote, AttachFile, RecordImpact
from tracker.application.session import Session
from tracker.decisions import lifecycle
from tracker.errors import BadInputError
from tracker.events.base import Arrival, Incoming
from tracker.events.incidents import FileAttached, file_scope
from tracker.text.shell import word

MAXIMUM_BYTES = 20_000_000


def add_note(session: Session, request: AddNote) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    recording = session.decide(
        incident.id,
        lambda known: [lifecycle.note(known, request.text, by=request.by, at=at, kind=request.kind)],
    )
    return Outcome(recording, {"incident": incident.id}, at.at)


def record_impact(session: Session, request: RecordImpact) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    # People are hit before the declaration as well as after it.
    assert incident.declared_at is not None
    around = near(incident.declared_at)
    start, end = (
        session.instant(typed, incident, option=option, around=around) if typed else None
        for typed, option in ((request.affected_from, "--from"), (request.affected_to, "--to"))
    )
    recording = session.decide(
        incident.id,
        lambda known: [
            lifecycle.impact(
                known,
                request.text,
                by=request.by,
                at=at,
                affected=request.affected,
                affected_from=start,
                affected_to=end,
            )
        ],
    )
    return Outcome(recording, {"incident": incident.id}, at.at)


def attach_file(session: Session, request: AttachFile) -> Outcome:
    """Keep a file with an incident; the bytes of equal files are kept once.

    Raises:
        BadInputError: If it is empty or too large.
    """
    data, name = request.content, request.name
    if not data:
        raise BadInputError(f"{name} is empty: there is nothing to attach", hint=f"ls -l {word(name)}")
    if len(data) > MAXIMUM_BYTES:
        raise BadInputError(
            f"{name} has {len(data)} bytes; the limit is {MAXIMUM_BYTES}",
            hint=f"Compress it: gzip -k {word(name)}",
        )
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    attached = FileAttached(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        decided_by=request.by,
        incident=incident.id,
        name=name,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).digest(),
        by_hash=True,
    )
    known = session.log.latest(file_scope(attached.sha256))
    incoming = Incoming(event=attached, arrival=Arrival(via="file"), payload=data)
    recording = session.decide(incident.id, lambda _: [incoming])
    keys = {"incident": incident.id, "sha256": attached.sha256.hex()}
    return Outcome(recording, keys, at.at, {"same_bytes_as": known.handle if known else None})
