"""Pulling deployments from GitHub and GitLab for a span: what their webhooks missed, at its true time."""

from datetime import datetime
from typing import Protocol

from tracker.application.collect.result import Pulled
from tracker.application.session import Workspace
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


def repository_of(workspace: Workspace, forge: str, service: str) -> str | None:
    """Return the repository or project of a service at one of FORGES; None where tracker.toml names none."""
    configured = workspace.settings.services.get(service)
    if configured is None:
        return None
    return configured.github_repository if forge == "github" else configured.gitlab_project


def services_at(workspace: Workspace, forge: str) -> list[str]:
    """Name the services to ask one of FORGES for: one for each repository, whichever services share it."""
    found: dict[str, str] = {}
    for service in workspace.settings.services:
        repository = repository_of(workspace, forge, service)
        if repository:
            found.setdefault(repository.strip("/").lower(), service)
    return list(found.values())


def github(workspace: Workspace, service: str, start: datetime, end: datetime) -> Pulled:
    """Ask GitHub for the deployments of a service's repository, both ends in the span."""
    pulled = Pulled("github", service, "deployments")
    settings = workspace.settings.file.github
    try:
        repository = _configured(workspace, "github", service)
        token = secret(settings.token_env)
        api = GithubApi(settings.url, token=token, token_name=settings.token_env, now=workspace.now)
        with api:
            facts = _asked(workspace, api.deploys, repository, start, end)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    return _recorded(workspace, pulled, facts)


def gitlab(workspace: Workspace, service: str, start: datetime, end: datetime) -> Pulled:
    """Ask GitLab for the deployments of a service's project, both ends in the span."""
    pulled = Pulled("gitlab", service, "deployments")
    settings = workspace.settings.file.gitlab
    try:
        project = _configured(workspace, "gitlab", service)
        token = secret(settings.token_env)
        api = GitlabApi(settings.url, token=token, token_name=settings.token_env, now=workspace.now)
        with api:
            facts = _asked(workspace, api.deploys, project, start, end)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    return _recorded(workspace, pulled, facts)


def _configured(workspace: Workspace, forge: str, service: str) -> str:
    found = repository_of(workspace, forge, service)
    if not found:
        key = "github_repository" if forge == "github" else "gitlab_project"
        raise SettingsError(
            f"{workspace.settings.path or 'tracker.toml'} names no {key} of {service}",
            hint=f'Under [services.{service}]: {key} = "acme/{service}"',
        )
    return found


def _asked(
    workspace: Workspace, deploys: _Deploys, repository: str, start: datetime, end: datetime
) -> list[Incoming]:
    now = workspace.now
    arrival = Arrival(via="poll", received_at=now)
    return deploys(repository, start=start, end=min(end, now), rules=workspace.rules, arrival=arrival)


def _recorded(workspace: Workspace, pulled: Pulled, facts: list[Incoming]) -> Pulled:
    pulled.found = len(facts)
    workspace.record(facts, pulled.recording)
    return pulled
