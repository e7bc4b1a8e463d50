"""Alertmanager's API: the alerts that it has now, and whether it is ready."""

from collections.abc import Iterator

from tracker.ingest.findings import Finding, ok, warning
from tracker.ingest.http import LIMITS, HttpClient, Limits
from tracker.text.shell import word


class AlertmanagerClient(HttpClient):
    """One Alertmanager. It is asked without credentials: none can be configured."""

    def __init__(self, url: str, *, limits: Limits = LIMITS) -> None:
        super().__init__(
            url,
            name="Alertmanager",
            section="alertmanager",
            access_hint="Let the tracker's host in without a password, or name another address: [alertmanager] url",
            ready_path="/-/ready",
            limits=limits,
        )

    def alerts(self) -> bytes:
        """Return the list of alerts as `tracker.ingest.alertmanager` reads it."""
        answer = self.get("/api/v2/alerts")
        if answer.status != 200:
            raise self.refusal()
        return answer.body

    def probe(self, *, hook_url: str, token_name: str | None) -> Iterator[Finding]:
        """Check that it is ready. Whether it sends to `hook_url`, and with which token, it does not report."""
        self.get("/api/v2/status")
        status = self.object_with("versionInfo")
        version = status["versionInfo"].get("version") if isinstance(status["versionInfo"], dict) else None
        cluster = status["cluster"].get("status") if isinstance(status.get("cluster"), dict) else None
        if self.get(self.ready_path).status != 200:
            yield warning(
                "alertmanager",
                f"{self.url} is not ready yet",
                f"curl -i {word(self.url)}{word(self.ready_path)}",
            )
        if cluster not in (None, "ready", "disabled"):
            yield warning("alertmanager", f"its cluster is {cluster}", f"curl {word(self.url)}/api/v2/status")
        bearer = f" with the Bearer token of {token_name}" if token_name else ""
        yield ok(
            "alertmanager",
            f"{self.url} answers: version {version or 'unknown'}; whether it sends to the tracker cannot be seen:"
            f" its webhook_configs need url {hook_url}{bearer}",
        )
        if not token_name:
            yield warning(
                "alertmanager",
                "without a token anybody can send alerts in its name",
                '[alertmanager] token_env = "TRACKER_HOOK_TOKEN", and the same as credentials in its webhook_configs',
            )
