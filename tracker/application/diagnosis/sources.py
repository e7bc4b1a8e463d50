"""Prometheus, Alertmanager, Sentry, GitHub, GitLab and the channels for messages: each client probes its own server.

Here is only what tracker.toml has to say before there is a client.
"""

from collections.abc import Callable, Iterator

from tracker.application.channels.configured import MAKERS, names
from tracker.application.collect import clients
from tracker.application.diagnosis.examination import Examination, lacks
from tracker.errors import TrackerError
from tracker.ingest.findings import Finding, broken, not_configured, warning, wrong_setting
from tracker.ingest.http import QUICK
from tracker.ingest.sentry import bugsink


def _probed(
    check: str, secrets: tuple[str | None, ...], probe: Callable[[], Iterator[Finding]]
) -> Iterator[Finding]:
    if any(lacks(name) for name in secrets):
        yield warning(check, "not checked: its secret is missing", "See above")
        return
    try:
        yield from probe()
    except TrackerError as problem:
        yield broken(check, problem)


def prometheus(examination: Examination) -> Iterator[Finding]:
    settings = examination.settings
    configured = settings.prometheus
    queries = {
        f"{service}/{name}": metric.query
        for service, its in settings.services.items()
        for name, metric in its.metrics.items()
    }
    if not configured.url and queries:
        says = "metrics are configured, and no Prometheus to ask for them"
        yield wrong_setting("prometheus", says, '[prometheus] url = "http://127.0.0.1:9090"')
        return
    if not configured.url:
        yield not_configured("prometheus")
        return

    def probe() -> Iterator[Finding]:
        with clients.prometheus(settings, QUICK) as api:
            yield from api.probe(queries, examination.now)

    yield from _probed("prometheus", (configured.bearer_token_env, configured.password_env), probe)


def alertmanager(examination: Examination) -> Iterator[Finding]:
    configured = examination.settings.file.alertmanager
    if not configured.url:
        yield not_configured("alertmanager")
        return
    hook_url = f"http://{examination.serve_host}:{examination.serve_port}/hooks/alertmanager/prod"

    def probe() -> Iterator[Finding]:
        with clients.alertmanager(examination.settings, QUICK) as client:
            yield from client.probe(hook_url=hook_url, token_name=configured.token_env)

    yield from _probed("alertmanager", (), probe)


def sentry(examination: Examination) -> Iterator[Finding]:
    settings = examination.settings
    configured = settings.file.sentry
    if not (configured.url or configured.organization):
        yield not_configured("sentry")
        return
    if not configured.token_env:
        yield wrong_setting("sentry", "url without token_env", '[sentry] token_env = "SENTRY_TOKEN"')
        return
    projects = {
        project: service for service, its in settings.services.items() for project in its.sentry_projects
    }

    def probe() -> Iterator[Finding]:
        with clients.sentry(settings, QUICK) as client:
            if configured.organization:
                yield from client.probe(configured.organization, projects)
            else:
                clients.require_bugsink(settings, client)
                yield from bugsink.probe(client, projects)

    yield from _probed("sentry", (configured.token_env,), probe)


def forges(examination: Examination) -> Iterator[Finding]:
    settings = examination.settings
    for forge, token_name in (
        ("github", settings.file.github.token_env),
        ("gitlab", settings.file.gitlab.token_env),
    ):
        named = {name: clients.repository_of(settings, forge, name) for name in settings.services}
        repositories = {name: repository for name, repository in named.items() if repository}
        if not repositories and not token_name:
            yield not_configured(forge)
            continue

        def probe(forge: str = forge, repositories: dict[str, str] = repositories) -> Iterator[Finding]:
            with clients.forge(forge, settings, QUICK) as client:
                yield from client.probe(repositories)

        yield from _probed(forge, (token_name,), probe)


def channels(examination: Examination) -> Iterator[Finding]:
    """Each channel for messages: its address and token, whether its host can be reached, and what failed of late."""
    settings = examination.settings
    for name, make in MAKERS.items():
        if name not in names(settings):
            yield not_configured(name)
            continue
        table = getattr(settings.file, name)
        variables = [getattr(table, key) for key in table.__struct_fields__ if key.endswith("_env")]
        yield from _probed(name, tuple(variables), lambda make=make: iter([make(settings).probe()]))  # type: ignore[misc]
