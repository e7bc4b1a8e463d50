"""`tracker serve`: whether one runs on this log, with these settings, and answers."""

from collections.abc import Iterator
from datetime import timedelta

from tracker.application.diagnosis.examination import Examination
from tracker.application.running_server import RunningServer, digest_of
from tracker.errors import SourceUnreachableError, TrackerError
from tracker.ingest.findings import Finding, broken, ok, warning
from tracker.ingest.http import QUICK, HttpClient
from tracker.settings.schema import Settings
from tracker.text.shell import word
from tracker.times import utc

_NOTICED_WITHIN = timedelta(seconds=5)
"""A server reads a changed tracker.toml again within a second or two."""


def check(examination: Examination) -> Iterator[Finding]:
    """Report where it listens and what it has read; one that is needed and does not run is a warning."""
    server, settings = examination.server, examination.settings
    if server is None:
        needs = _needs_server(settings)
        if needs:
            says = f"not running on this log as far as this user can see; {needs} in tracker.toml need it"
            yield warning("serve", says, "tracker serve")
        else:
            yield ok("serve", "not running on this log; nothing in tracker.toml needs it")
        return
    here = str(settings.path) if settings.path else None
    where = f"{server.address}, process {server.pid}, since {utc(server.started_at)}"
    if server.settings != here:
        says = f"{where}, reads {server.settings or 'no tracker.toml'}, which is not the one that counts here"
        yield warning(
            "serve",
            says,
            f"tracker doctor --config {word(server.settings)}" if server.settings else "Restart it",
        )
    elif _is_stale(server, settings, examination):
        says = f"{where}, has not read {here} since it was last changed"
        yield warning("serve", says, f"See why in its log, or: kill -HUP {server.pid}")
    else:
        yield ok("serve", f"{where}, with {here or 'no tracker.toml'}")
    yield from _answers(server)


def _needs_server(settings: Settings) -> str:
    """Name what tracker.toml has that only a server does."""
    file = settings.file
    hooks = (
        file.alertmanager.token_env,
        file.sentry.client_secret_env,
        file.sentry.dsn_key_env,
        file.github.hook_secret_env,
        file.gitlab.hook_token_env,
        file.hooks.token_env,
    )
    parts = ["webhooks"] if any(hooks) else []
    announced = [
        (file.slack.webhook_url_env, file.slack.announce),
        (file.teams.webhook_url_env, file.teams.announce),
        (file.webhook.url_env, file.webhook.announce),
    ]
    parts += ["announce"] if any(name and announce for name, announce in announced) else []
    parts += ["auto_declare"] if any(service.auto_declare for service in settings.services.values()) else []
    return ", ".join(parts[:-1]) + " and " + parts[-1] if parts[1:] else "".join(parts)


def _is_stale(server: RunningServer, settings: Settings, examination: Examination) -> bool:
    if settings.path is None or digest_of(settings.path) == server.digest:
        return False
    changed = settings.path.stat().st_mtime
    return examination.now().timestamp() - changed > _NOTICED_WITHIN.total_seconds()


def _answers(server: RunningServer) -> Iterator[Finding]:
    try:
        with HttpClient(server.address, name="tracker serve", section="serve", limits=QUICK) as client:
            answer = client.get("/readyz")
    except TrackerError as away:
        yield broken("serve", SourceUnreachableError(away.message, hint=f"See its log; process {server.pid}"))
        return
    if answer.status != 200:
        yield warning("serve", f"is not ready: {answer.body.decode(errors='replace').strip()}", "See its log")
