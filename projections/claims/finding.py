"""What a reader of claims hands on: the words, and what is wrong with them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """Words that the log contradicts, of one kind, in one line; `says` is what holds instead, as a sentence."""

    kind: str
    words: str
    says: str
    line: int
    evidence: tuple[str, ...] = ()
