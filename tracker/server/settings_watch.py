"""Settings while the server runs: read again on SIGHUP and when the file changes."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tracker.application.channels.configured import channels
from tracker.application.session import Options
from tracker.errors import TrackerError
from tracker.server.secrets import Secrets
from tracker.server.telemetry import log_line
from tracker.settings.loading import load_again
from tracker.settings.schema import Settings

_LOOK_EVERY_SECONDS = 1.0
Stamp = tuple[int, int, int] | None


class SettingsWatch:
    """Reads tracker.toml again and hands on what it says; where it is not valid, what was read before stays."""

    def __init__(
        self, settings: Settings, options: Options, apply: Callable[[Settings, Secrets], None]
    ) -> None:
        self._settings, self._options, self._apply = settings, options, apply
        self._stamp = _stamp_of(settings.path)
        self._asked = threading.Event()

    def read_again(self, *_: object) -> None:
        """Read it at the next look, whether it changed or not: also a handler of a signal."""
        self._asked.set()

    def run(self, stopping: threading.Event) -> None:
        while not stopping.wait(_LOOK_EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """Read the file if somebody asked for it, or if it changed."""
        stamp = _stamp_of(self._settings.path)
        if not self._asked.is_set() and stamp == self._stamp:
            return
        self._asked.clear()
        self._stamp = stamp
        before = self._settings
        if before.path is None:
            log_line("there is no tracker.toml to read again", 30)
            return
        try:
            settings = load_again(before, self._options.config, self._options.store)
            secrets = Secrets.of(settings)
            channels(settings)
        except TrackerError as wrong:
            log_line("tracker.toml was not read again; what it said before stays", 30, why=wrong.message)
            return
        if settings.store != before.store:
            log_line(
                "the store cannot change while the server runs: restart it", 30, setting="[tracker] store"
            )
            settings = replace(settings, store=before.store)
        changed = [
            name
            for name in before.file.__struct_fields__
            if getattr(before.file, name) != getattr(settings.file, name)
        ]
        self._settings = settings
        self._apply(settings, secrets)
        log_line("tracker.toml was read again", changed=changed)


def _stamp_of(path: Path | None) -> Stamp:
    try:
        found = os.stat(path) if path is not None else None  # noqa: PTH116  (a path or none)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino, found.st_size) if found else None
