"""Sentry's API: does the token work, is the organization there, are the projects?"""

from collections.abc import Iterator
from urllib.parse import quote

from tracker.application.diagnosis.asking import ask, unexpected_response
from tracker.application.diagnosis.finding import (
    Examination,
    Finding,
    broken,
    lacks,
    not_configured,
    ok,
    usable_secret,
    warning,
    wrong_setting,
)
from tracker.errors import SettingsError, SourceUnreachableError, TrackerError


def look(examination: Examination) -> Iterator[Finding]:
    """Look at it."""
    configured = examination.settings.file.sentry
    if not configured.url:
        yield not_configured("sentry")
        return
    if not configured.organization or not configured.token_env:
        missing = "organization" if not configured.organization else "token_env"
        example = {"organization": '"acme"', "token_env": '"SENTRY_TOKEN"'}[missing]
        yield wrong_setting("sentry", f"url without {missing}", f"[sentry] {missing} = {example}")
        return
    if lacks(configured.token_env):
        yield warning("sentry", "not asked: its secret is missing", "See above")
        return
    try:
        yield from _asked(
            examination, configured.url.rstrip("/"), configured.organization, configured.token_env
        )
    except TrackerError as trouble:
        yield broken("sentry", trouble)


def _asked(examination: Examination, url: str, organization: str, token_env: str) -> Iterator[Finding]:
    headers = {"Authorization": f"Bearer {usable_secret(token_env)}"}
    home = f"{url}/api/0/organizations/{quote(organization, safe='')}/"
    answer = ask(home, headers=headers, name="Sentry", section="sentry")
    if answer.status == 401:
        raise SourceUnreachableError(
            f"Sentry at {url} does not know the token in {token_env}",
            hint=f"Make one (Settings, Custom Integrations: issue, event, release, organization read), and export {token_env}",
        )
    if answer.status == 403:
        raise SourceUnreachableError(
            f"the token in {token_env} may not read the organization {organization}",
            hint="Give its integration organization:read, and read on issues and releases",
        )
    told = answer.json
    if answer.status == 404 and isinstance(told, dict):
        raise SettingsError(
            f"Sentry at {url} has no organization {organization!r} that this token sees",
            hint=f"[sentry] organization = the short name in {url}/organizations/NAME/",
        )
    if answer.status != 200 or not isinstance(told, dict) or "slug" not in told:
        raise unexpected_response(answer, name="Sentry", url=home, section="sentry")
    yield ok("sentry", f"{url} answers: the token in {token_env} reads the organization {told['slug']}")
    yield from _projects(examination, f"{home}projects/", headers)


def _projects(examination: Examination, url: str, headers: dict[str, str]) -> Iterator[Finding]:
    """Compare names where the answer is the whole list; a server without it tells nothing."""
    answer = ask(url, headers=headers, name="Sentry", section="sentry")
    told = answer.json
    more = 'results="true"' in answer.headers.get("Link", "").partition('rel="next"')[2]
    if answer.status != 200 or not isinstance(told, list) or more:
        return
    there = {str(each.get(key)) for each in told if isinstance(each, dict) for key in ("slug", "id")}
    for service, settings in examination.settings.services.items():
        for project in settings.sentry_projects:
            if project not in there:
                yield warning(
                    "sentry",
                    f"there is no project {project!r}, which is {service}'s",
                    f"[services.{service}] sentry_projects: one of {', '.join(sorted(there - _numbers(there))[:8])}",
                )


def _numbers(names: set[str]) -> set[str]:
    return {each for each in names if each.isdigit()}
