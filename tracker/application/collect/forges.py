"""Pulling deployments from GitHub and GitLab for a span: what their webhooks missed, at its true time."""

from datetime import datetime
from typing import Protocol

from tracker.application.collect.result import Pulled
from tracker.application.session import Session
from tracker.errors import SettingsError, TrackerError
from tracker.events.base import Arrival, Incoming
from tracker.ingest.forges.github_api import GithubApi
from tracker.ingest.forges.gitlab_api import GitlabApi
from tracker.ingest.services import ServiceRules
from tracker.settings.loading import secret

FORGES = ("github", "gitlab")


class _Deploys(Protocol):
    def __call__(
        self, name: str, /, *, start: datetime, end: datetime, rules: "ServiceRules", arrival: Arrival
    ) -> list[Incoming]: ...


def repository_of(session: Session, forge: str, service: str) -> str | None:
    """Return the repository or project of a service at one of FORGES; None where tracker.toml names none."""
    configured = session.settings.services.get(service)
    if configured is None:
        return None
    return configured.github_repository if forge == "github" else configured.gitlab_project


def services_at(session: Session, forge: str) -> list[str]:
    """Name the services to ask one of FORGES for: one for each repository, whichever services share it."""
    found: dict[str, str] = {}
    for service in session.settings.services:
        repository = repository_of(session, forge, service)
        if repository:
            found.setdefault(repository.strip("/").lower(), service)
    return list(found.values())


def github(session: Session, service: str, start: datetime, end: datetime) -> Pulled:
    """Ask GitHub for the deployments of a service's repository, both ends in the span."""
    pulled = Pulled("github", service, "deployments")
    settings = session.settings.file.github
    try:
        repository = _configured(session, "github", service)
        token = secret(settings.token_env)
        api = GithubApi(settings.url, token=token, token_name=settings.token_env, now=session.now)
        with api:
            facts = _asked(session, api.deploys, repository, start, end)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    return _recorded(session, pulled, facts)


def gitlab(session: Session, service: str, start: datetime, end: datetime) -> Pulled:
    """Ask GitLab for the deployments of a service's project, both ends in the span."""
    pulled = Pulled("gitlab", service, "deployments")
    settings = session.settings.file.gitlab
    try:
        project = _configured(session, "gitlab", service)
        token = secret(settings.token_env)
        api = GitlabApi(settings.url, token=token, token_name=settings.token_env, now=session.now)
        with api:
            facts = _asked(session, api.deploys, project, start, end)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    return _recorded(session, pulled, facts)


def _configured(session: Session, forge: str, service: str) -> str:
    found = repository_of(session, forge, service)
    if not found:
        key = "github_repository" if forge == "github" else "gitlab_project"
        raise SettingsError(
            f"{session.settings.path or 'tracker.toml'} names no {key} of {service}",
            hint=f'Under [services.{service}]: {key} = "acme/{service}"',
        )
    return found


def _asked(
    session: Session, deploys: _Deploys, repository: str, start: datetime, end: datetime
) -> list[Incoming]:
    now = session.now
    arrival = Arrival(via="poll", received_at=now)
    return deploys(repository, start=start, end=min(end, now), rules=session.rules, arrival=arrival)


def _recorded(session: Session, pulled: Pulled, facts: list[Incoming]) -> Pulled:
    pulled.found = len(facts)
    session.record(facts, pulled.recording)
    return pulled
