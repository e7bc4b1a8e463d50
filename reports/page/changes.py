"""What changed in the rows of a timeline between two positions of the log, as steps that a page carries out in order."""

from collections.abc import Mapping
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
        return f"id: {self.position}\nevent: update\ndata: {msgspec.json.encode(content, enc_hook=str).decode()}\n\n".encode()


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
    found: dict[int, Update] = {}

    def at(place: int) -> Update:
        return found.setdefault(place, Update(place))

    if gone := [key for key in before if key not in now]:
        at(after + 1).gone = gone
    for row in now.values():
        then = before.get(row.key)
        if then is None or then.version != row.version or (with_redacted and row.redacted):
            is_new = then is None
            place = row.position if is_new and row.position > after else after + 1
            at(place).rows.append({"key": row.key, "order": row.order, "html": row.html, "new": is_new})
    if parts:
        at(position).parts = parts
    return [update for _, update in sorted(found.items())]
