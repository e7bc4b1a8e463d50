"""What changed in the rows of a timeline between two positions of the log, as steps that a page carries out in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from reports.page.row import Row


@dataclass
class Update:
    """What one position of the log changes on the page."""

    position: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    parts: Mapping[str, str] = field(default_factory=dict)

    def message(self, *, with_id: bool = True) -> bytes:
        """Write it as a server-sent event, whose id is the position; without one where nothing was recorded."""
        content = {"position": self.position, "rows": self.rows, "gone": self.gone, "parts": self.parts}
        return (
            f"id: {self.position}\nevent: update\ndata: {msgspec.json.encode(content).decode()}\n\n".encode()
        )


def updates(
    before: Mapping[str, Row],
    now: Mapping[str, Row],
    parts: Mapping[str, str],
    *,
    after: int,
    position: int,
    with_redacted: bool = False,
) -> list[Update]:
    """Return what leads from the rows as of `after` to those as of `position`, in ascending positions.

    A new row has the position of its first event. What else changed has the first position behind `after`: a
    reader who resumes anywhere between is told again rather than not at all. The last update has the other parts.
    With `with_redacted` rows whose text was removed are always told: as of any position the log has them so,
    and a page may have been sent before.
    """
    kept = [key for key in before if key in now]
    in_order = kept == [key for key in now if key in before]
    present = dict.fromkeys(before)
    found: dict[int, Update] = {}

    def at(place: int) -> Update:
        return found.setdefault(place, Update(place))

    at(after + 1).gone = [key for key in before if key not in now]
    for key in at(after + 1).gone:
        del present[key]
    changed = [
        row
        for row in now.values()
        if key_differs(before.get(row.key), row) or not in_order or (with_redacted and row.redacted)
    ]
    placed = [
        (row.position if row.key not in before and row.position > after else after + 1, row)
        for row in changed
    ]
    following = _Following(list(now))
    for place, row in sorted(placed, key=lambda pair: pair[0]):
        at(place).rows.append(
            {
                "key": row.key,
                "html": row.html,
                "before": following.next_present(row.key, present),
                "new": row.key not in before,
            }
        )
        present[row.key] = None
    if parts:
        at(position).parts = parts
    return [update for _, update in sorted(found.items()) if update.rows or update.gone or update.parts]


def key_differs(before: Row | None, now: Row) -> bool:
    """Whether a row is new, or another than it was."""
    return before is None or before.version != now.version


class _Following:
    """Finds what comes behind a row."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = order
        self._places = {key: place for place, key in enumerate(order)}

    def next_present(self, key: str, present: Mapping[str, None]) -> str | None:
        behind = range(self._places[key] + 1, len(self._order))
        return next((self._order[place] for place in behind if self._order[place] in present), None)
