"""Collecting deployments from GitHub and GitLab for a span: what their webhooks missed, at its true time."""

from datetime import datetime

from tracker.application.collect import clients
from tracker.application.collect.clients import FORGES, repository_of
from tracker.application.collect.result import CollectResult, recorded
from tracker.application.session import Session
from tracker.events.base import Arrival, Incoming

__all__ = ["FORGES", "deployments", "repository_of", "services_at"]


def services_at(session: Session, forge: str) -> list[str]:
    """Name the services to ask one of FORGES for: one for each repository, whichever services share it."""
    services: dict[str, str] = {}
    for service in session.settings.services:
        repository = repository_of(session.settings, forge, service)
        if repository:
            services.setdefault(repository.strip("/").lower(), service)
    return list(services.values())


def deployments(session: Session, forge: str, service: str, start: datetime, end: datetime) -> CollectResult:
    """Ask one of FORGES for the deployments of a service's repository, both ends in the span."""

    def read() -> list[Incoming]:
        repository = repository_of(session.settings, forge, service)
        if not repository:
            key = FORGES[forge].setting
            hint = f'Under [services.{service}]: {key} = "acme/{service}"'
            raise clients.not_configured(session.settings, f"{key} of {service}", hint)
        now = session.now
        with clients.forge(forge, session.settings) as client:
            return client.deploys(
                repository,
                start=start,
                end=min(end, now),
                rules=session.rules,
                arrival=Arrival(via="poll", received_at=now),
            )

    return recorded(session, CollectResult(forge, service, "deployments"), read)
