"""What is new since somebody looked, in words."""

from projections.since import NewRow
from tracker.text.shell import word


def heading(incident: str, rows: list[NewRow], since: str, position: int) -> str:
    """Say how much is new, and since when."""
    count = {0: "Nothing is", 1: "1 line is"}.get(len(rows), f"{len(rows)} lines are")
    return f"{incident}: {count} new since {since} (position {position} of the log)."


def next_time(incident: str, rows: list[NewRow]) -> str | None:
    """Name the command that goes on from here."""
    return f"The next time: tracker show {word(incident)} --since {rows[-1].entry.handle}" if rows else None


def beginning(row: NewRow) -> str:
    """Begin a row that was there before."""
    return "" if row.is_new else "again, or more of it: "
