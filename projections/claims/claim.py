"""A statement in prose that the log contradicts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Words of one kind that the log contradicts; `says` is what holds instead, as a sentence.

    A reader of single sentences leaves `line` out: it is the line on which the words begin.
    """

    kind: str
    words: str
    says: str
    evidence: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Claim:
    """What somebody wrote, where, and what the log says instead.

    `key` is short, is the same for the same words in the same place on every run, and is what
    `tracker waive INC KEY` takes. `where` is a file and line, or the handle of a note or message.
    """

    key: str
    claim: str
    where: str
    log_says: str
    evidence: tuple[str, ...] = ()
    line: int | None = None
