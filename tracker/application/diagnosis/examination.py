"""What all checks of `tracker doctor` are given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tracker.application.running_server import RunningServer
from tracker.errors import SettingsError
from tracker.settings.loading import secret
from tracker.settings.schema import Settings


@dataclass(frozen=True)
class Examination:
    """The settings, the clock, where `tracker serve` listens, and the one that runs on this log."""

    settings: Settings
    now: Callable[[], datetime]
    serve_host: str
    serve_port: int
    server: RunningServer | None = None


def lacks(environment_name: str | None) -> bool:
    """Whether a secret is named and is missing or empty, which the check of the secrets reports."""
    try:
        return environment_name is not None and not secret(environment_name)
    except SettingsError:
        return True
