"""The client of each source, made from tracker.toml: for collecting, and for `tracker doctor` to probe."""

from tracker.errors import SettingsError
from tracker.ingest.alertmanager_api import AlertmanagerClient
from tracker.ingest.forges.client import ForgeClient
from tracker.ingest.forges.github_api import GithubApi
from tracker.ingest.forges.gitlab_api import GitlabApi
from tracker.ingest.http import LIMITS, Limits
from tracker.ingest.prometheus import client as prometheus_client
from tracker.ingest.prometheus.api import PrometheusApi
from tracker.ingest.sentry import bugsink
from tracker.ingest.sentry.client import SentryClient
from tracker.settings.loading import secret
from tracker.settings.schema import Settings

FORGES: dict[str, type[ForgeClient]] = {"github": GithubApi, "gitlab": GitlabApi}


def not_configured(settings: Settings, what: str, hint: str) -> SettingsError:
    where = settings.path or "tracker.toml (there is none; tracker init writes one)"
    return SettingsError(f"{where} names no {what}", hint=hint)


def prometheus(settings: Settings, limits: Limits = prometheus_client.LIMITS) -> PrometheusApi:
    """Raises a SettingsError where none is configured, as the others do."""
    configured = settings.prometheus
    if not configured.url:
        raise not_configured(settings, "Prometheus", '[prometheus] url = "http://127.0.0.1:9090"')
    return PrometheusApi(
        configured.url,
        bearer_token=secret(configured.bearer_token_env),
        username=configured.username,
        password=secret(configured.password_env),
        ca_file=str(settings.folder / configured.ca_file) if configured.ca_file else None,
        limits=limits,
    )


def alertmanager(settings: Settings, limits: Limits = LIMITS) -> AlertmanagerClient:
    url = settings.file.alertmanager.url
    if not url:
        hint = '[alertmanager] url = "http://127.0.0.1:9093", or name a FILE of webhook bodies'
        raise not_configured(settings, "Alertmanager", hint)
    return AlertmanagerClient(url, limits=limits)


def require_bugsink(settings: Settings, client: SentryClient) -> None:
    """Refuse a server that is asked as a Bugsink and is none.

    Raises:
        SettingsError: If it is none: then [sentry] lacks an organization.
        SourceUnreachableError: If it does not answer, or rejects the token.
    """
    if not bugsink.speaks(client):
        raise SettingsError(
            f"{settings.path}: [sentry] names no organization, and {client.url} is not a Bugsink,"
            " or it rejects the token",
            hint='[sentry] organization = "acme"',
        )


def sentry(settings: Settings, limits: Limits = LIMITS) -> SentryClient:
    """Connect to Sentry, or to a Bugsink, which has no organization."""
    configured = settings.file.sentry
    if not (configured.url or configured.organization):
        hint = '[sentry] organization = "acme" and token_env = "SENTRY_TOKEN"'
        raise not_configured(settings, "Sentry", f"{hint}, or name a FILE of envelopes or webhook bodies")
    name = configured.token_env
    return SentryClient(
        configured.url or "https://sentry.io", token=secret(name), token_name=name, limits=limits
    )


def forge(name: str, settings: Settings, limits: Limits = LIMITS) -> ForgeClient:
    """Connect to one of FORGES."""
    configured = settings.file.github if name == "github" else settings.file.gitlab
    token_name = configured.token_env
    return FORGES[name](configured.url, token=secret(token_name), token_name=token_name, limits=limits)


def repository_of(settings: Settings, forge: str, service: str) -> str | None:
    """Return the repository or project of a service at one of FORGES; None where tracker.toml names none."""
    configured = settings.services.get(service)
    return getattr(configured, FORGES[forge].setting) if configured else None
