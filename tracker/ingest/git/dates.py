"""Instants as git writes them."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(rb"(-?\d+) ([+-])(\d{2,})(\d{2})")


def instant(date: bytes) -> tuple[datetime, int] | None:
    """Read git's raw date, seconds since 1970 and an offset; None if it is not one."""
    match = _DATE.fullmatch(date)
    if match is None:
        return None
    try:
        at = EPOCH + timedelta(seconds=int(match[1]))
    except (OverflowError, ValueError):
        return None
    minutes = int(match[3][-4:]) * 60 + int(match[4])
    if minutes >= 24 * 60:
        minutes = 0
    return at, -minutes if match[2] == b"-" else minutes
