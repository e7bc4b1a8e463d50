"""What is logged of unauthorized requests: enough to mend the sender or the setting, at a bounded rate."""

import time
from collections.abc import Callable

from tracker.server.telemetry import log_line

SETTINGS = {
    "alertmanager": ("/hooks/alertmanager/…", "[alertmanager] token_env"),
    "sentry": ("/hooks/sentry/…", "[sentry] client_secret_env"),
    "envelope": ("/api/…/envelope/", "[sentry] dsn_key_env"),
    "github": ("/hooks/github", "[github] hook_secret_env"),
    "gitlab": ("/hooks/gitlab", "[gitlab] hook_token_env"),
    "events": ("/hooks/events", "[hooks] token_env"),
    "sentry-cli": ("/api/0/…", "[hooks] token_env"),
}
"""The path of each route that authenticates, and the setting that names its secret."""
_EVERY_SECONDS = 60.0
_MOST_LINES = 20


class Rejections:
    """Logs one line per route and sender a minute, and at most 20; the next line counts those left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = float("-inf")
        self._seen: set[tuple[str, str]] = set()
        self._left_out = 0

    def add(self, route: str, sender: str, *, has_secret: bool) -> None:
        """Count a request that was answered 401."""
        now = self._clock()
        if now - self._since >= _EVERY_SECONDS:
            self._since, self._seen = now, set()
        if (route, sender) in self._seen or len(self._seen) >= _MOST_LINES:
            self._left_out += 1
            return
        self._seen.add((route, sender))
        path, setting = SETTINGS[route]
        log_line(
            "unauthorized (HTTP 401)",
            30,
            route=path,
            sender=sender,
            why="its secret is not the one that is set" if has_secret else "no secret is set",
            setting=setting,
            left_out=self._left_out,
        )
        self._left_out = 0
