"""Deploys that name only their release, as `sentry-cli deploys new` without -p does: they are of its projects."""

from collections.abc import Iterable, Sequence

import msgspec

from tracker.application.session import Session
from tracker.events.base import Incoming, Window
from tracker.events.changes import DeployFinished, DeployStarted, Release

_Key = tuple[str, str]
"""The source and the version of a release."""


def with_release_services(session: Session, deliveries: Sequence[list[Incoming]]) -> list[list[Incoming]]:
    """Return deliveries, in the order in which they came, with each such deploy once for each service of its release."""
    deploys = [event for delivery in deliveries for fact in delivery if (event := _without_service(fact))]
    wanted = {(event.source, event.version) for event in deploys}
    if not wanted:
        return list(deliveries)
    services = _recorded(session, wanted)
    result: list[list[Incoming]] = []
    for delivery in deliveries:
        named: list[Incoming] = []
        for fact in delivery:
            if isinstance(fact.event, Release):
                _add(services, fact.event)
            deploy = _without_service(fact)
            own = services[deploy.source, deploy.version] if deploy is not None else []
            named += [_of_service(fact, service) for service in own] or [fact]
        result.append(named)
    return result


def _without_service(fact: Incoming) -> DeployStarted | DeployFinished | None:
    """Return a deploy that a release tool reported without a project that is known."""
    event = fact.event
    if not isinstance(event, DeployStarted | DeployFinished) or event.service is not None:
        return None
    return event if event.source.startswith("sentry:") else None


def _of_service(fact: Incoming, service: str) -> Incoming:
    event = fact.event
    assert isinstance(event, DeployStarted | DeployFinished)
    return msgspec.structs.replace(fact, event=msgspec.structs.replace(event, service=service))


def _recorded(session: Session, wanted: Iterable[_Key]) -> dict[_Key, list[str]]:
    windows = [
        Window(f"version:{service}@{version}")
        for service in session.settings.services
        for version in sorted({version for _, version in wanted})
    ]
    services: dict[_Key, list[str]] = {key: [] for key in wanted}
    for record in session.log.select(windows):
        if isinstance(record.event, Release):
            _add(services, record.event)
    return services


def _add(services: dict[_Key, list[str]], release: Release) -> None:
    own = services.get((release.source, release.version))
    if own is not None and release.service is not None and release.service not in own:
        own.append(release.service)
