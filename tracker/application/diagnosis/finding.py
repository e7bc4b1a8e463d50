"""What a look finds, and what all of them are given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tracker.errors import SettingsError, TrackerError
from tracker.settings.loading import secret
from tracker.settings.schema import Settings

STATUSES = ("ok", "warning", "broken", "not configured")


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what mends it.

    `exit_code` is what a broken one gives the command: that of the error's family.
    """

    check: str
    status: str
    says: str
    fix: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class Examination:
    """What is looked at: the settings, this instant, and where `tracker serve` listens."""

    settings: Settings
    now: Callable[[], datetime]
    serve_host: str
    serve_port: int


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", says)


def warning(check: str, says: str, fix: str) -> Finding:
    """It works, and will surprise somebody."""
    return Finding(check, "warning", says, fix)


def broken(check: str, trouble: TrackerError) -> Finding:
    """It does not work."""
    return Finding(check, "broken", trouble.message, trouble.hint, trouble.exit_code)


def wrong_setting(check: str, says: str, fix: str) -> Finding:
    """It does not work, and what is wrong stands in tracker.toml or in the environment."""
    return broken(check, SettingsError(says, hint=fix))


def not_configured(check: str) -> Finding:
    """Nobody asked for it."""
    return Finding(check, "not configured", "")


def usable_secret(environment_name: str | None) -> str | None:
    """Return a secret; None where the look at the secrets says already that it is missing."""
    try:
        return secret(environment_name)
    except SettingsError:
        return None


def lacks(environment_name: str | None) -> bool:
    """Whether a secret is named and cannot be had."""
    return environment_name is not None and not usable_secret(environment_name)
