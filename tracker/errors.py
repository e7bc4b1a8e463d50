"""Errors that the user can fix, each kind with its own exit code.

A bug is none of them: it keeps its traceback and exits with 1.
"""


class TrackerError(Exception):
    """What happened and where, in one line; `hint` is the next thing to type."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TrackerError):
    """The command line is not valid."""

    exit_code = 2


class SettingsError(TrackerError):
    """tracker.toml, or the environment, is not valid."""

    exit_code = 3


class LogNotWholeError(TrackerError):
    """Something in the log does not match its own proof."""

    exit_code = 5


class StoreError(TrackerError):
    """The store cannot be opened, read or written."""

    exit_code = 9


class StoreAwayError(StoreError):
    """The store does not answer; what was typed can be spooled."""


class SourceUnreachableError(TrackerError):
    """A source did not answer, or rejected the credentials."""

    exit_code = 10


class BadInputError(TrackerError):
    """A file, a body or a field is not what its format requires."""

    exit_code = 11


class RefusedError(TrackerError):
    """A decision that contradicts what is known; the message is the rule."""

    exit_code = 12
