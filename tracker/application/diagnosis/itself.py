"""The tracker itself: its own errors' destination, and the zones of times."""

import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from tracker.application.diagnosis.examination import Examination
from tracker.errors import SettingsError, UsageError
from tracker.ingest.findings import Finding, broken, ok, wrong_setting
from tracker.times import zone


def check(examination: Examination) -> Iterator[Finding]:
    """Look at both."""
    yield from _dsn(examination)
    typed = os.environ.get("TRACKER_TZ")
    if typed:
        try:
            zone(typed)
        except UsageError as unknown:
            yield broken("time zone", SettingsError(f"TRACKER_TZ: {unknown.message}", hint=unknown.hint))
            return
    taken = f"are taken as {typed}" if typed else "are refused (TRACKER_TZ is not set)"
    shown = examination.settings.tracker.time_zone
    yield ok("time zone", f"times are shown in {shown}; those typed without a zone {taken}")


def _dsn(examination: Examination) -> Iterator[Finding]:
    dsn = os.environ.get("TRACKER_SENTRY_DSN")
    if not dsn:
        return
    wanted = "export TRACKER_SENTRY_DSN=https://KEY@HOST/1, or unset it"
    try:
        parts = urlsplit(dsn)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and bool(parts.username)
    except ValueError:
        usable, port = False, 0
    if not usable or not parts.path.strip("/"):
        yield wrong_setting("own errors", "TRACKER_SENTRY_DSN is no DSN", wanted)
    elif port == examination.serve_port and _is_us(parts.hostname or "", examination.serve_host):
        yield wrong_setting(
            "own errors",
            f"TRACKER_SENTRY_DSN points at tracker serve itself ({parts.hostname}:{port}): its errors would make errors",
            "Name another Sentry, or: unset TRACKER_SENTRY_DSN",
        )
    else:
        yield ok("own errors", f"go to {parts.hostname}:{port}")


def _is_us(host: str, serve_host: str) -> bool:
    names = {"localhost", "0.0.0.0", "::", "::1", serve_host, socket.gethostname()}
    return host in names or host.startswith("127.")
