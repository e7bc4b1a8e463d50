"""Which reader understands what waits in the inbox: one line for each route."""

import base64
from collections.abc import Callable, Mapping
from urllib.parse import unquote

import msgspec

from tracker.events.base import Arrival, Incoming
from tracker.inbox.queue import QueuedDelivery
from tracker.ingest import alertmanager, cdevents
from tracker.ingest.forges import github, gitlab
from tracker.ingest.sentry import cli, envelope, webhook
from tracker.ingest.services import ServiceRules
from tracker.times import from_us

KEPT_HEADERS = (
    "content-type",
    "content-encoding",
    "user-agent",
    "x-github-event",
    "x-github-delivery",
    "x-gitlab-event",
    "x-gitlab-event-uuid",
    "idempotency-key",
    "sentry-hook-resource",
    "sentry-hook-timestamp",
    "request-id",
    "x-sentry-auth-client",
)
"""What of a request's headers is kept with it, and every `ce-…`; never what authenticated it."""

KEY_HEADERS = ("x-github-delivery", "idempotency-key", "x-gitlab-event-uuid", "request-id", "ce-id")
"""Where senders name a delivery themselves."""

METHOD, PATH = ":method", ":path"
"""Under these names a delivery keeps its request's method and path, where its reader needs them."""


def facts_of(held: QueuedDelivery, rules: ServiceRules) -> list[Incoming]:
    """Turn one delivery into events; what is authentic and of no kind that we record gives none.

    Raises:
        BadInputError: If it is not what its source promises.
    """
    delivery = held.delivery
    arrival = Arrival(via="webhook", received_at=from_us(delivery.received_us))
    return READERS[delivery.route](held, rules, arrival)


def _alertmanager(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    return alertmanager.read(
        held.delivery.body, where=_where(held), rules=rules, arrival=arrival, hook=held.delivery.source
    )


def _sentry(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    resource = held.delivery.headers.get("sentry-hook-resource")
    return webhook.read(
        held.delivery.body, where=_where(held), rules=rules, arrival=arrival, event_name=resource
    )


def _envelope(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    return envelope.read(
        held.delivery.body,
        where=_where(held),
        rules=rules,
        arrival=arrival,
        project=held.delivery.source,
        content_encoding=held.delivery.headers.get("content-encoding"),
    )


def _events(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    body = structured(held.delivery.body, held.delivery.headers)
    return cdevents.read(body, where=_where(held), rules=rules, arrival=arrival)


def structured(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Turn a CloudEvent in binary mode, its attributes in `ce-…` headers, into one document; others stay as they are."""
    attributes = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if "type" not in attributes:
        return body
    kind = headers.get("content-type", "application/json")
    if "json" in kind and body.strip():
        return msgspec.json.encode({**attributes, "datacontenttype": kind, "data": msgspec.Raw(body.strip())})
    return msgspec.json.encode(
        {**attributes, "datacontenttype": kind, "data_base64": base64.b64encode(body).decode()}
    )


def _github(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    event = held.delivery.headers.get("x-github-event")
    return github.read(held.delivery.body, where=_where(held), rules=rules, arrival=arrival, event_name=event)


def _gitlab(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    event = held.delivery.headers.get("x-gitlab-event")
    return gitlab.read(held.delivery.body, where=_where(held), rules=rules, arrival=arrival, event_name=event)


def _sentry_cli(held: QueuedDelivery, rules: ServiceRules, arrival: Arrival) -> list[Incoming]:
    headers = held.delivery.headers
    return cli.read(
        held.delivery.body,
        where=_where(held),
        rules=rules,
        arrival=arrival,
        method=headers[METHOD],
        path=headers[PATH],
    )


def _where(held: QueuedDelivery) -> str:
    return f"delivery {held.number}"


READERS: dict[str, Callable[[QueuedDelivery, ServiceRules, Arrival], list[Incoming]]] = {
    "alertmanager": _alertmanager,
    "sentry": _sentry,
    "envelope": _envelope,
    "events": _events,
    "github": _github,
    "gitlab": _gitlab,
    "sentry-cli": _sentry_cli,
}
