"""Errors of a storm, folded while they are read: of each error only those are decoded that an answer may show.

Those are the first and the last to happen and to be recorded, and every one of which something else is said: that was
corrected, linked, redacted or imported, that another event repeats, or whose clock was ahead.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec

from tracker.events.alerts import ErrorSeen
from tracker.events.base import Recorded, decode, origin_of
from tracker.events.repeats import ErrorKey, Repeats, Stored
from tracker.times import from_us

_Row = Sequence[Any]
_FEWEST = 5
"""Of fewer all are the first or the last of something."""


class _Head(msgspec.Struct, frozen=True, gc=False):
    """What tells errors apart."""

    occurred_at: datetime
    project: str
    error_id: str
    service: str | None = None
    group: str | None = None


_HEADS = msgspec.msgpack.Decoder(list[_Head])
_ARRAY_32 = b"\xdd"


class Folding:
    """The errors that were read so far, as rows of `selection.COLUMNS`."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def without_errors(self, rows: Iterable[_Row]) -> list[_Row]:
        """Keep the errors among these rows, and return the others."""
        rows = list(rows)
        self._rows |= {row[1]: row for row in rows if row[4] == ErrorSeen.TOPIC}
        return [row for row in rows if row[4] != ErrorSeen.TOPIC]

    @property
    def ids(self) -> list[str]:
        return list(self._rows)

    def folded(self, corrected: set[str]) -> tuple[list[_Row], list[Repeats]]:
        """Return the rows that are events as any other, and what is left of each error."""
        rows = [row for row in self._rows.values() if row[6] is not None]
        apart = [row for row in self._rows.values() if row[6] is None]
        try:
            heads = _HEADS.decode(
                b"".join((_ARRAY_32, len(rows).to_bytes(4, "big"), *(row[6] for row in rows)))
            )
        except msgspec.MsgspecError:
            # The one that cannot be read says so where it is decoded.
            return [*apart, *rows], []
        subjects = Counter([(head.project, head.error_id) for head in heads])
        again = (
            {subject for subject, times in subjects.items() if times > 1} if len(subjects) < len(rows) else ()
        )
        alike: dict[ErrorKey, list[Stored]] = {}
        recorded_us, recorded_at = 0, from_us(0)
        for head, row in zip(heads, rows, strict=True):
            position, identity, _, _, _, us, _, arrival, _ = row
            if us != recorded_us:
                recorded_us, recorded_at = us, from_us(us)
            if (
                not head.group
                or head.occurred_at > recorded_at
                or identity in corrected
                or (arrival and origin_of(arrival) is not None)
                or (again and (head.project, head.error_id) in again)
            ):
                apart.append(row)
                continue
            key = head.service, head.project, head.group
            stored = head.occurred_at, identity, position, row
            if key in alike:
                alike[key].append(stored)
            else:
                alike[key] = [stored]
        repeats = []
        for key, every in alike.items():
            kept, left = _parted(every)
            apart += [row for _, _, _, row in kept]
            repeats += [Repeats(key, left, _read)] if left else []
        return apart, repeats


def _parted(every: list[Stored]) -> tuple[list[Stored], list[Stored]]:
    """Part the first and last to happen, and to be recorded, from the others."""
    if len(every) < _FEWEST:
        return every, []
    by_position = itemgetter(2)
    ends = {each[1]: each for each in (min(every, key=by_position), max(every, key=by_position))}
    every.sort(key=itemgetter(0, 1))
    ends |= {each[1]: each for each in (every[0], every[-1])}
    return list(ends.values()), [each for each in every if each[1] not in ends]


def _read(row: Sequence[Any]) -> Recorded:
    position, identity, version, _, topic, recorded_us, state, arrival, digest = row
    return Recorded(
        id=identity,
        event=decode(topic, state),
        position=position,
        recorded_us=recorded_us,
        version=version,
        digest=bytes(digest),
        arrival_state=bytes(arrival),
    )
