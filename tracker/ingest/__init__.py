"""Payloads in, events out: one module for each source.

A reader is pure. It asks nobody, knows no store and no clock, and refuses a
feed whole: half a feed in the log would look like all of it. What it makes of a
fact depends on the fact alone, so that a repeated delivery is the same event.
"""

from importlib import import_module
from typing import Protocol, cast

from tracker.events.base import Arrival, Incoming
from tracker.ingest.services import ServiceRules

SOURCES = {
    "alertmanager": "tracker.ingest.alertmanager:read",
    "events": "tracker.ingest.cdevents:read",
    "github": "tracker.ingest.forges.github:read",
    "gitlab": "tracker.ingest.forges.gitlab:read",
    "sentry": "tracker.ingest.sentry.webhook:read",
    "sentry-envelope": "tracker.ingest.sentry.envelope:read",
}
"""Where the reader of each source is found; looked up when it is needed."""


class Reader(Protocol):
    """What every source of payloads offers; some take more keywords."""

    def __call__(
        self,
        data: bytes,
        *,
        where: str,
        rules: ServiceRules,
        source: str = ...,
        arrival: Arrival = ...,
    ) -> list[Incoming]:
        """Read events from a file or a request's body.

        Raises:
            BadInputError: If a record is not what the source promises; nothing is read then.
        """


def reader(name: str) -> Reader:
    """Return the reader of a source; a name that SOURCES lacks is a KeyError."""
    module, function = SOURCES[name].split(":")
    return cast("Reader", getattr(import_module(module), function))
