"""What Alertmanager sends to a webhook (version 4), and what its API lists.

Both report the same alerts by the same fingerprint and start, so both give the
same events. What differs from delivery to delivery is left out of them: receiver,
group, repeats, `updatedAt`, silences. The bytes keep it. Whether an alert fires again is for
`tracker.ingest.refired`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tracker.events.alerts import AlertFired, AlertResolved, AlertsLeftOut
from tracker.events.base import Arrival, Event, Incoming
from tracker.ingest.documents import MAX_BYTES, NO_ARRIVAL, Document, Moment, Record, documents
from tracker.ingest.prometheus.alerts import fingerprint
from tracker.ingest.services import ServiceRules

HINT = "Export it with: curl -s http://127.0.0.1:9093/api/v2/alerts"

_ABOUT_THE_BODY = ("groupKey", "receiver", "externalURL", "status", "truncatedAlerts")


def read(
    data: bytes, *, where: str, rules: ServiceRules, arrival: Arrival = NO_ARRIVAL, hook: str | None = None
) -> list[Incoming]:
    """Read webhook bodies, or lists of /api/v2/alerts, from one document or JSON lines.

    A firing alert is an `AlertFired` at its own start. A resolved one is both an `AlertFired` and an
    `AlertResolved`, as its firing may never have reached us; it is only the end where it names no start before it.
    A body whose list was cut (`truncatedAlerts`) is an `AlertsLeftOut` besides.
    Instants are taken to the microsecond, and trusted to the millisecond. `hook` is the webhook's own name.

    Raises:
        BadInputError: If an alert is not as Alertmanager words it; nothing is read then.
    """
    found: list[Incoming] = []
    for document in documents(data, where=where, hint=HINT):
        listed = [
            Incoming(event=event, arrival=arrival, payload=payload, updated_at=_updated_at(alert))
            for alert, payload in _alerts(document, hook)
            for event in _events(alert, rules)
        ]
        left_out = _left_out(document, [fact.event for fact in listed])
        found += [*listed, *(Incoming(event=event, arrival=arrival) for event in left_out)]
    return found


def _left_out(document: Document, listed: Sequence[Event]) -> list[AlertsLeftOut]:
    """Return, for each service of a body's alerts, how many others its sender left out."""
    if not document.is_object or "alerts" not in document.value:
        return []
    body = document.record(HINT)
    missing = body.whole("truncatedAlerts") or 0
    if missing <= 0:
        return []
    alerts = [event for event in listed if isinstance(event, AlertFired | AlertResolved)]
    found = []
    for service in dict.fromkeys(event.service for event in alerts):
        mine = [event for event in alerts if event.service == service]
        names = {event.name for event in mine}
        found.append(
            AlertsLeftOut(
                occurred_at=max(event.occurred_at for event in mine),
                source="alertmanager",
                service=service,
                group=body.maybe_text("groupKey") or "",
                status=body.maybe_text("status") or "firing",
                missing_count=missing,
                listed_count=len({event.fingerprint for event in alerts}),
                name=names.pop() if len(names) == 1 else None,
                labels=body.texts("groupLabels") or {},
            )
        )
    return found


def _alerts(document: Document, hook: str | None) -> Iterator[tuple[Record, bytes]]:
    """Yield each alert with the smallest piece of the document that reports it."""
    if isinstance(document.value, list):
        alerts = [element.record(HINT) for element in document.elements("alert")]
        about: dict[str, bytes] = {}
    else:
        body = document.record(HINT)
        is_one = "alerts" not in body.fields and "labels" in body.fields
        if not is_one and body.fields.get("alerts") is None:
            raise body.missing("list of alerts")
        alerts = [body] if is_one else body.records("alerts")
        fields = {} if is_one else dict(body.raw_fields())
        about = {name: fields[name] for name in _ABOUT_THE_BODY if name in fields}
        if hook is not None:
            about["hook"] = msgspec.json.encode(hook)
    # Each alert is kept with what is said of all: a long word before many alerts would have no end.
    repeated = sum(map(len, about.values())) * len(alerts)
    if repeated > MAX_BYTES:
        what = f"says the same of each of {len(alerts)} alerts, {repeated} bytes in all"
        raise document.record(HINT).problem(what)
    for alert in alerts:
        yield alert, _compact({"alert": alert.raw, **about})


def _compact(pieces: Mapping[str, bytes]) -> bytes:
    raw = {name: msgspec.Raw(piece) for name, piece in pieces.items()}
    return msgspec.json.format(msgspec.json.encode(raw), indent=-1)


def _events(alert: Record, rules: ServiceRules) -> list[AlertFired | AlertResolved]:
    labels = alert.texts("labels")
    if not labels:
        raise alert.missing("labels")
    started, ended = alert.moment("startsAt"), _end(alert)
    if started.at.year == 1:
        raise alert.wrong("startsAt", "an instant")
    common: dict[str, Any] = {
        "source": "alertmanager",
        "service": rules.for_alert(labels),
        "name": labels.get("alertname") or "unnamed alert",
        "fingerprint": alert.maybe_text("fingerprint") or fingerprint(labels),
        "severity": labels.get("severity"),
        "labels": labels,
        "annotations": alert.texts("annotations") or {},
    }
    fired = AlertFired(
        **_to_the_millisecond(started), **common, generator_url=alert.maybe_text("generatorURL")
    )
    if ended is None:
        return [fired]
    resolved = AlertResolved(**_to_the_millisecond(ended), **common, started_at=started.at)
    return [fired, resolved] if resolved.has_start else [resolved]


def _updated_at(alert: Record) -> datetime | None:
    updated = alert.maybe_moment("updatedAt") if isinstance(alert.fields.get("status"), dict) else None
    return updated.at if updated else None


def _to_the_millisecond(moment: Moment) -> dict[str, Any]:
    """Leave the precision to the event's own default: named, it would be stored, and the ids would change."""
    return {"occurred_at": moment.at, "utc_offset_minutes": moment.utc_offset_minutes}


def _end(alert: Record) -> Moment | None:
    """Return when an alert stopped firing, or None when it still fires.

    A webhook says so in words. The API lists what fires, with the end that it will have
    when nobody reports it again: only an end before the last update has come.
    """
    ended = alert.maybe_moment("endsAt")
    if ended and ended.at.year == 1:
        ended = None
    if isinstance(alert.fields.get("status"), dict):
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
