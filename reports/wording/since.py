"""What is new since somebody looked, in words."""

from projections.since import NewRow, News
from tracker.text.shell import word

_BEGINNINGS = {"new": "", "more": "again, or more of it: ", "joined": "part of this incident now: "}


def heading(incident: str, news: News, since: str) -> str:
    """Say how much is new, and since when."""
    count = len(news.rows)
    lines = {0: "Nothing is", 1: "1 line is"}.get(count, f"{count} lines are")
    position = f"position {news.after}"
    behind = "" if since == position else f" ({position} of the log)"
    return f"{incident}: {lines} new since {since}{behind}."


def left(news: News) -> str | None:
    """Name the rows that are no longer part of the incident."""
    return f"No longer part of it: {', '.join(row.handle for row in news.left)}" if news.left else None


def next_time(incident: str, news: News) -> str:
    """Name the command that goes on from here: a position is exact, where an event may have more to tell later."""
    return f"The next time: tracker show {word(incident)} --since {word(str(news.up_to))}"


def beginning(row: NewRow) -> str:
    """Begin a row that was there before."""
    return _BEGINNINGS[row.news]
