"""A statement in prose that the log contradicts."""

from dataclasses import dataclass, field

from projections.claims.stamps import Span, Stamp


@dataclass(frozen=True)
class Finding:
    """Words that cannot be true beside what is known; `code` says why, and the rest what is known.

    `is_notice` is one that fits nothing, and contradicts nothing: it is no fault. `line` is where the words begin.
    """

    kind: str
    code: str
    words: str
    stamps: tuple[Stamp, ...] = ()
    spans: tuple[Span, ...] = ()
    values: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    is_notice: bool = False
    asks: bool = False
    line: int = 0
    key: str = field(default="", compare=False)
    where: str = field(default="", compare=False)

    @property
    def evidence(self) -> tuple[str, ...]:
        """The events that it stands on, each once."""
        ends = [stamp for span in self.spans for stamp in (span.start, span.end)]
        found = [*self.events, *(stamp.event for stamp in (*self.stamps, *ends) if stamp.event)]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Claim:
    """What somebody wrote, where, and what the log says instead, in words.

    `key` is short, is the same for the same words in the same place on every run, and is what
    `tracker waive INC KEY` takes. `where` is a file and line, or the handle of a note or message.
    """

    key: str
    claim: str
    where: str
    log_says: str
    evidence: tuple[str, ...] = ()
    line: int | None = None
    asks: bool = False
