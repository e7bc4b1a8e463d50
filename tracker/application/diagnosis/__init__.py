"""What `tracker doctor` checks: all at once, each check in a thread of its own.

A check yields findings as it makes them, so that one that hangs loses only the rest.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tracker.application.diagnosis import itself, repositories, secrets, server, sources, store, waiting
from tracker.application.diagnosis.examination import Examination
from tracker.errors import SourceUnreachableError
from tracker.ingest.findings import Finding, broken, ok, warning
from tracker.settings.schema import Settings

DEADLINE_SECONDS = 20.0
"""No check takes longer; what it found by then is kept."""

CHECKS: dict[str, Callable[[Examination], Iterator[Finding]]] = {
    "secrets": secrets.check,
    "store": store.check,
    "serve": server.check,
    "waiting": waiting.check,
    "prometheus": sources.prometheus,
    "alertmanager": sources.alertmanager,
    "sentry": sources.sentry,
    "forges": sources.forges,
    "repositories": repositories.check,
    "channels": sources.channels,
    "itself": itself.check,
}
"""In the order of their findings."""


@dataclass
class _Running:
    name: str
    thread: threading.Thread
    findings: list[Finding] = field(default_factory=list)
    bug: BaseException | None = None


def diagnose(examination: Examination) -> list[Finding]:
    """Run every check; one that is not done at the deadline is reported, and not waited for."""
    give_up = time.monotonic() + DEADLINE_SECONDS
    findings = [_of_settings(examination.settings)]
    for running in [_start(name, examination) for name in CHECKS]:
        running.thread.join(max(0.0, give_up - time.monotonic()))
        is_late = running.thread.is_alive()
        findings += list(running.findings)
        if running.bug:
            raise running.bug
        if is_late:
            problem = SourceUnreachableError(
                f"not done after {DEADLINE_SECONDS:g} s; its findings so far are above",
                hint="It answers slowly: ask it yourself with curl",
            )
            findings.append(broken(running.name, problem))
    return findings


def _start(name: str, examination: Examination) -> _Running:
    def work() -> None:
        try:
            for finding in CHECKS[name](examination):
                running.findings.append(finding)
        except BaseException as bug:  # noqa: BLE001 - it is raised again by whoever waits for this check
            running.bug = bug

    running = _Running(name, threading.Thread(target=work, name=f"doctor-{name}", daemon=True))
    running.thread.start()
    return running


def _of_settings(settings: Settings) -> Finding:
    if settings.path is None:
        says = "there is no tracker.toml, only a store was named: the defaults apply"
        return warning("settings", says, "tracker init")
    if not settings.services:
        fix = f"Uncomment [services.checkout] in {settings.path}"
        return warning("settings", f"{settings.path} names no service", fix)
    metrics = sum(len(service.metrics) for service in settings.services.values())
    services = counted(len(settings.services), "service")
    return ok("settings", f"{settings.path}: {services}, {counted(metrics, 'metric')}")


def counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
