"""Alertmanager: ready, and which version; where it sends to it keeps to itself."""

from collections.abc import Iterator

from tracker.application.diagnosis.asking import Answer, ask, unexpected_response
from tracker.application.diagnosis.finding import Examination, Finding, broken, not_configured, ok, warning
from tracker.errors import SourceUnreachableError, TrackerError


def look(examination: Examination) -> Iterator[Finding]:
    """Look at it."""
    configured = examination.settings.file.alertmanager
    if not configured.url:
        yield not_configured("alertmanager")
        return
    url = configured.url.rstrip("/")
    try:
        answer = _asked(f"{url}/api/v2/status")
        if answer.status in (401, 403):
            raise SourceUnreachableError(
                f"Alertmanager at {url} does not let us in: HTTP {answer.status}",
                hint="Let the tracker's host in without a password, or name another address: [alertmanager] url",
            )
        told = answer.json if answer.status == 200 else None
        if not isinstance(told, dict) or not isinstance(told.get("versionInfo"), dict):
            raise unexpected_response(answer, name="Alertmanager", url=url, section="alertmanager")
        version = told["versionInfo"].get("version") or "not told"
        cluster = told["cluster"].get("status") if isinstance(told.get("cluster"), dict) else None
        if _asked(f"{url}/-/ready").status != 200:
            yield warning("alertmanager", f"{url} is not ready yet", f"curl -i {url}/-/ready")
        if cluster not in (None, "ready", "disabled"):
            yield warning("alertmanager", f"its cluster is {cluster}", f"curl {url}/api/v2/status")
    except TrackerError as trouble:
        yield broken("alertmanager", trouble)
        return
    hook = f"http://{examination.serve_host}:{examination.serve_port}/hooks/alertmanager/prod"
    bearer = f" with the Bearer token of {configured.token_env}" if configured.token_env else ""
    yield ok(
        "alertmanager",
        f"{url} answers: version {version}; whether it sends to us cannot be seen: its webhook_configs want url {hook}{bearer}",
    )
    if not configured.token_env:
        yield warning(
            "alertmanager",
            "without a token nobody can tell its alerts from anybody's",
            '[alertmanager] token_env = "TRACKER_HOOK_TOKEN", and the same as credentials in its webhook_configs',
        )


def _asked(url: str) -> Answer:
    return ask(url, name="Alertmanager", section="alertmanager")
