"""What a check of a source finds: one line for each thing that was looked at.

Each source's client has a `probe` that yields them as it goes, so that one that hangs loses only the rest.
"""

from dataclasses import dataclass

from tracker.errors import SettingsError, TrackerError


@dataclass(frozen=True)
class Finding:
    """What was checked, how it is (ok, warning, broken or not configured), and what fixes it.

    `exit_code` is what a broken one gives the command: that of the error's family.
    """

    check: str
    status: str
    says: str
    fix: str = ""
    exit_code: int = 0


def ok(check: str, says: str) -> Finding:
    return Finding(check, "ok", says)


def warning(check: str, says: str, fix: str) -> Finding:
    """It works, and may give unexpected results."""
    return Finding(check, "warning", says, fix)


def broken(check: str, problem: TrackerError) -> Finding:
    return Finding(check, "broken", problem.message, problem.hint, problem.exit_code)


def wrong_setting(check: str, says: str, fix: str) -> Finding:
    """It does not work because of tracker.toml or the environment."""
    return broken(check, SettingsError(says, hint=fix))


def not_configured(check: str) -> Finding:
    return Finding(check, "not configured", "")
