"""A text of any length on one line of a table, a heading or a message."""


def short(text: str, length: int = 100) -> str:
    """Cut a text to one line of at most this many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
