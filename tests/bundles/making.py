"""Logs, bundles of their incidents, and bundles that no tracker writes."""

import hashlib
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reports.post_incident import Document
from tests import builders as b
from tests.reports.histories import salts
from tracker.application.bundle_contents import evidence
from tracker.application.report import document
from tracker.application.session import Options, Session
from tracker.bundles.importing import import_bundle
from tracker.bundles.reading import Bundle, read
from tracker.bundles.writing import bundled
from tracker.decisions.redaction import redact
from tracker.events.base import Event, Incoming, event_id
from tracker.log import Appended, Log
from tracker.log.rows import StoredEvent


def told(store: str, events: Iterable[Event | Incoming], *, seal_every: int = 0) -> str:
    """Record events in this order, an hour after they happened at the latest."""
    clock = [b.at(-20_000)]
    with Log(store, now=lambda: clock[0], salts=salts) as log:
        for number, each in enumerate(events, 1):
            event = each.event if isinstance(each, Incoming) else each
            clock[0] = max(clock[0], event.occurred_at)
            incident = getattr(event, "incident", None)
            if incident is None:
                log.append([each])
            else:
                log.decide(incident, lambda held, each=each: [each])  # type: ignore[misc]
            if seal_every and number % seal_every == 0:
                log.seal()
    return store


def redact_in(store: str, *events: Event | str, by: str = "dora", minute: float = 100) -> None:
    """Remove the text of these events for good, as `tracker redact` does, but for cleaning the files."""
    with Log(store, now=lambda: b.at(20_000), salts=salts) as log:
        found = log.by_ids([each if isinstance(each, str) else event_id(each) for each in events])
        payloads = log.payloads([each.position for each in found])
        log.redact(
            [
                redact(
                    each,
                    by=by,
                    now=b.at(minute),
                    why="a password was typed into it",
                    payload=payloads.get(each.position, b""),
                )
                for each in found
            ]
        )


def session(log: Log) -> Session:
    return Session(Options(store=log.store), log=log)


def bundle_of(store: str, incident: str = "INC-1", up_to: int | None = None) -> bytes:
    """Write an incident's bundle as `tracker bundle` does."""
    with Log(store, now=lambda: b.at(20_000)) as log:
        asked = session(log)
        _, recorded = evidence(asked, asked.incident(incident, up_to), up_to)
        return bundled(log, incident, recorded)[0]


def checked(data: bytes) -> Bundle:
    return read(io.BytesIO(data), "INC-1.bundle")


def bring(store: str, data: bytes, *, prefix: str = "INC") -> tuple[Any, Appended]:
    """Import a bundle as `tracker import` does."""
    with Log(store, now=lambda: b.at(30_000)) as log:
        return import_bundle(log, checked(data), prefix=prefix, by="carol")


def report(store: str, incident: str = "INC-1", up_to: int | None = None) -> Document:
    with Log(store, now=lambda: b.at(40_000)) as log:
        asked = session(log)
        return document(asked, asked.incident(incident, up_to), up_to)


def fold(store: str, incident: str = "INC-1") -> Any:
    with Log(store) as log:
        return session(log).incident(incident)


def parts_of(data: bytes) -> dict[str, bytes]:
    """Take a bundle apart, whatever its hashes say."""
    found = {}
    at = data.index(b"\n") + 1
    while said := re.match(rb"(\w+) (\d+) [0-9a-f]{64}\n", data[at : at + 200]):
        start = at + said.end()
        at = start + int(said[2])
        found[said[1].decode()] = data[start:at]
    return found


def rewritten(event: StoredEvent, **changes: Any) -> StoredEvent:
    """Change an event as somebody would who knows how digests are made."""
    from tracker.log.rows import body_sha256, digest_of

    changed = event._replace(**changes)
    assert changed.state is not None
    assert changed.salt is not None
    body = body_sha256(
        changed.originator_id,
        changed.originator_version,
        changed.topic,
        changed.state,
        changed.arrival,
        changed.salt,
        changed.payload,
    )
    return changed._replace(digest=digest_of(body, changed.position, changed.recorded_us))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
