"""Instants as notebooks give them: aware datetimes, pandas Timestamps or RFC 3339 texts."""

from datetime import UTC, datetime

from tracker.errors import UsageError


def instant(value: object, name: str) -> datetime:
    """Read an instant that names its zone.

    Raises:
        UsageError: If it names none, or is not an instant.
    """
    suggestion = "2026-03-01T14:45Z"
    parsed = value
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise UsageError(f"{name}: {value!r} is not an instant", hint=f'Type "{suggestion}"') from error
        suggestion = f"{parsed.isoformat(timespec='minutes' if not parsed.second else 'auto')}Z"
    elif value != value:
        raise UsageError(f"{name} is {value}", hint="Give an instant, or drop the rows without one")
    if not isinstance(parsed, datetime):
        kind = type(value).__name__
        raise UsageError(f"{name}: {value!r} is {kind}, not an instant", hint=f'Type "{suggestion}"')
    if parsed.utcoffset() is None:
        hint = f'Type "{suggestion}" for UTC'
        if not isinstance(value, str):
            hint = f'Give it one: .replace(tzinfo=UTC), or type "{parsed:%Y-%m-%dT%H:%M:%S}Z"'
        raise UsageError(f"{name}: {str(value)!r} has no time zone", hint=hint)
    moved = parsed.astimezone(UTC)
    # A pandas Timestamp is a datetime with nanoseconds, which instants here do not have.
    return datetime.combine(moved.date(), moved.time(), tzinfo=UTC)
