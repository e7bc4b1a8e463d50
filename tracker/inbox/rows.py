"""Rows of the inbox's table, the same in both stores."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tracker.inbox.queue import Delivery, Held, Parked

COLUMNS = "number, route, source, key, received_us, headers, body, attempts"
PARKED_COLUMNS = "number, route, source, key, received_us, parked, attempts, length(body)"
_LONGEST_REASON = 1_000


def held_of(row: Sequence[Any]) -> Held:
    """Turn a row of the table into a delivery."""
    number, route, source, key, received_us, headers, body, attempts = row
    delivery = Delivery(
        route=route,
        source=source,
        key=key,
        received_us=received_us,
        headers=msgspec.json.decode(headers, type=dict[str, str]),
        body=bytes(body),
    )
    return Held(number=number, delivery=delivery, attempts=attempts)


def parked_of(row: Sequence[Any]) -> Parked:
    """Turn a row of PARKED_COLUMNS into what is told of it."""
    number, route, source, key, received_us, reason, attempts, size_bytes = row
    return Parked(
        number=number,
        route=route,
        source=source,
        key=key,
        received_us=received_us,
        reason=reason,
        attempts=attempts,
        size_bytes=size_bytes,
    )


def plain(reason: str) -> str:
    """Shorten a reason, and leave out what no store keeps as text."""
    return reason.replace("\0", "�").encode("utf-8", "replace").decode()[:_LONGEST_REASON]
