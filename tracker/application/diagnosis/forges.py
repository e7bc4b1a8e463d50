"""GitHub and GitLab: does the token work, and is each service's repository found?"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from tracker.application.diagnosis.asking import Answer, ask, unexpected_response
from tracker.application.diagnosis.finding import (
    Examination,
    Finding,
    broken,
    lacks,
    not_configured,
    ok,
    usable_secret,
    warning,
)
from tracker.errors import SettingsError, SourceUnreachableError, TrackerError


@dataclass(frozen=True)
class _Forge:
    name: str
    section: str
    url: str
    token_env: str | None
    headers: dict[str, str]
    path: str
    whoami: str
    setting: str
    repositories: dict[str, str]


def look(examination: Examination) -> Iterator[Finding]:
    """Look at both."""
    for forge in (_github(examination), _gitlab(examination)):
        check = forge.section
        if not forge.repositories and not forge.token_env:
            yield not_configured(check)
            continue
        if lacks(forge.token_env):
            yield warning(check, "not asked: its secret is missing", "See above")
            continue
        try:
            yield from _asked(forge)
        except TrackerError as trouble:
            yield broken(check, trouble)


def _github(examination: Examination) -> _Forge:
    settings = examination.settings
    token = usable_secret(settings.file.github.token_env)
    return _Forge(
        name="GitHub",
        section="github",
        url=settings.file.github.url.rstrip("/"),
        token_env=settings.file.github.token_env,
        headers={
            "Accept": "application/vnd.github+json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        },
        path="/repos/{}",
        whoami="/rate_limit",
        setting="github_repository",
        repositories={
            name: quote(service.github_repository)
            for name, service in settings.services.items()
            if service.github_repository
        },
    )


def _gitlab(examination: Examination) -> _Forge:
    settings = examination.settings
    token = usable_secret(settings.file.gitlab.token_env)
    return _Forge(
        name="GitLab",
        section="gitlab",
        url=settings.file.gitlab.url.rstrip("/"),
        token_env=settings.file.gitlab.token_env,
        headers={"PRIVATE-TOKEN": token} if token else {},
        path="/api/v4/projects/{}",
        whoami="/api/v4/version",
        setting="gitlab_project",
        repositories={
            name: quote(service.gitlab_project, safe="")
            for name, service in settings.services.items()
            if service.gitlab_project
        },
    )


def _asked(forge: _Forge) -> Iterator[Finding]:
    found = []
    for service, repository in forge.repositories.items():
        url = forge.url + forge.path.format(repository)
        answer = ask(url, headers=forge.headers, name=forge.name, section=forge.section)
        _refuse(forge, answer)
        told = answer.json
        if answer.status == 404 and isinstance(told, dict):
            sees = (
                f"the token in {forge.token_env} sees" if forge.token_env else "anybody without a token sees"
            )
            yield broken(
                forge.section,
                SettingsError(
                    f"{forge.name} has no repository {repository.replace('%2F', '/')} that {sees}",
                    hint=f"Correct [services.{service}] {forge.setting}, or give the token access to it",
                ),
            )
            continue
        if answer.status != 200 or not isinstance(told, dict) or "id" not in told:
            raise unexpected_response(answer, name=forge.name, url=url, section=forge.section)
        found.append(repository.replace("%2F", "/"))
    if not forge.repositories:
        answer = ask(forge.url + forge.whoami, headers=forge.headers, name=forge.name, section=forge.section)
        _refuse(forge, answer)
        if answer.status != 200 or not isinstance(answer.json, dict):
            raise unexpected_response(answer, name=forge.name, url=forge.url, section=forge.section)
        yield warning(
            forge.section,
            f"the token in {forge.token_env} works, and no service names a repository there",
            f'[services.NAME] {forge.setting} = "acme/checkout"',
        )
    if found:
        yield ok(forge.section, f"{forge.url} answers: {', '.join(found)} found")


def _refuse(forge: _Forge, answer: Answer) -> None:
    if answer.status == 401:
        named = f"the token in {forge.token_env}" if forge.token_env else "a question without a token"
        raise SourceUnreachableError(
            f"{forge.name} at {forge.url} refuses {named}",
            hint=f"Make a new one, and export {forge.token_env or 'what [' + forge.section + '] token_env names'}",
        )
    if answer.status in (403, 429):
        spent = answer.headers.get("X-RateLimit-Remaining", answer.headers.get("RateLimit-Remaining"))
        if spent == "0" or answer.status == 429:
            raise SourceUnreachableError(
                f"{forge.name} at {forge.url} takes no more questions for now",
                hint="Wait an hour"
                if forge.token_env
                else f"Name a token: [{forge.section}] token_env; without one there are 60 an hour",
            )
        raise SourceUnreachableError(
            f"{forge.name} at {forge.url} does not let the token in {forge.token_env} read it",
            hint="Give it read access to the repository and its deployments",
        )
