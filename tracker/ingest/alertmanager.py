"""What Alertmanager sends to a webhook (version 4), and what its API lists.

Both tell of the same alerts by the same fingerprint and start, so both give the
same events. What differs from delivery to delivery is left out of them: receiver,
group, repeats, `updatedAt`, silences. The bytes keep it.
"""

from collections.abc import Iterator, Mapping

import msgspec

from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Arrival, Incoming
from tracker.ingest.documents import MAX_BYTES, MAX_RECORDS, Document, Moment, Record, documents
from tracker.ingest.prometheus.alerts import fingerprint
from tracker.ingest.services import ServiceRules

HINT = "Export it with: curl -s http://127.0.0.1:9093/api/v2/alerts"

_ABOUT_THE_BODY = ("groupKey", "receiver", "externalURL", "status", "truncatedAlerts")


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    source: str = "alertmanager",
    arrival: Arrival = Arrival(),  # noqa: B008  (it is frozen)
) -> list[Incoming]:
    """Read webhook bodies, or lists of /api/v2/alerts, from one document or JSON lines.

    A firing alert is an `AlertFired` at its own start. A resolved one is both an
    `AlertFired` and an `AlertResolved`: its firing may never have reached us.
    Instants are taken to the microsecond, and trusted to the millisecond.

    Raises:
        BadInputError: If an alert is not as Alertmanager words it; nothing is read then.
    """
    found: list[Incoming] = []
    for document in documents(data, where=where, hint=HINT):
        for alert, payload in _alerts(document):
            events = _events(alert, rules, source)
            found.extend(Incoming(event=event, arrival=arrival, payload=payload) for event in events)
    return found


def _alerts(document: Document) -> Iterator[tuple[Record, bytes]]:
    """Give each alert with the smallest piece of the document that tells of it."""
    if isinstance(document.value, list):
        for element in document.elements("alert"):
            yield element.record(HINT), _compact({"alert": msgspec.Raw(element.raw)})
        return
    body = document.record(HINT)
    if "alerts" not in body.fields and "labels" in body.fields:
        yield body, _compact({"alert": msgspec.Raw(document.raw)})
        return
    if not isinstance(body.fields.get("alerts"), list):
        raise body.missing("list of alerts")
    raw_body = msgspec.json.decode(document.raw, type=dict[str, msgspec.Raw])
    about = {name: raw_body[name] for name in _ABOUT_THE_BODY if name in raw_body}
    if len(body.fields["alerts"]) > MAX_RECORDS:
        raise body.problem(f"has {len(body.fields['alerts'])} alerts, more than {MAX_RECORDS}")
    # Each alert is kept with what is said of all: a long word before many alerts would have no end.
    repeated = sum(len(bytes(piece)) for piece in about.values()) * len(body.fields["alerts"])
    if repeated > MAX_BYTES:
        raise body.problem(
            f"says the same of each of {len(body.fields['alerts'])} alerts, {repeated} bytes in all"
        )
    pieces = msgspec.json.decode(raw_body["alerts"], type=list[msgspec.Raw])
    for number, (value, piece) in enumerate(zip(body.fields["alerts"], pieces, strict=True), 1):
        alert = Record.of(value, place=f"{document.place.removesuffix(': it')}: alert {number}", hint=HINT)
        yield alert, _compact({"alert": piece, **about})


def _compact(pieces: Mapping[str, msgspec.Raw]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(pieces), indent=-1)


def _events(alert: Record, rules: ServiceRules, source: str) -> Iterator[AlertFired | AlertResolved]:
    labels = alert.texts("labels")
    if not labels:
        raise alert.missing("labels")
    annotations = alert.texts("annotations") or {}
    started = alert.moment("startsAt")
    if started.at.year == 1:
        raise alert.wrong("startsAt", "an instant")
    known = alert.maybe_text("fingerprint") or fingerprint(labels)
    name = labels.get("alertname") or "unnamed alert"
    service = rules.for_alert(labels)
    severity = labels.get("severity")
    yield AlertFired(
        occurred_at=started.at,
        utc_offset_minutes=started.utc_offset_minutes,
        source=source,
        service=service,
        name=name,
        fingerprint=known,
        severity=severity,
        labels=labels,
        annotations=annotations,
        generator_url=alert.maybe_text("generatorURL"),
    )
    ended = _end(alert)
    if ended:
        yield AlertResolved(
            occurred_at=ended.at,
            utc_offset_minutes=ended.utc_offset_minutes,
            source=source,
            service=service,
            name=name,
            fingerprint=known,
            started_at=started.at,
            severity=severity,
            labels=labels,
            annotations=annotations,
        )


def _end(alert: Record) -> Moment | None:
    """Say when an alert stopped firing, or None when it still fires.

    A webhook says so in words. The API lists what fires, with the end that it will have
    when nobody tells of it again: only an end before the last update has come.
    """
    ended = alert.maybe_moment("endsAt")
    if ended and ended.at.year == 1:
        ended = None
    status = alert.fields.get("status")
    if isinstance(status, dict):
        updated = alert.maybe_moment("updatedAt")
        return ended if ended and updated and ended.at <= updated.at else None
    status = alert.maybe_text("status")
    if status == "firing":
        return None
    if status != "resolved":
        raise alert.wrong("status", "firing or resolved")
    if ended is None:
        raise alert.problem("is resolved and has no endsAt")
    return ended
