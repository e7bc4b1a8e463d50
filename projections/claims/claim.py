"""A statement in prose that the log contradicts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What somebody wrote, where, and what the log says instead.

    `key` is short, stands for the same words in the same place of every run, and is what
    `tracker waive INC KEY` takes. `where` is a file and line, or the handle of a note or message.
    """

    key: str
    claim: str
    where: str
    log_says: str
    evidence: tuple[str, ...] = ()
    line: int | None = None
