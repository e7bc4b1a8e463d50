"""What is compared of an incident, and what comes out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IncidentText:
    """One incident as words and evidence.

    `fingerprints` are error groups. `files` are those that its cause or its fix changed, `versions`
    those that were linked to it as its cause, with their service.
    """

    id: str
    title: str
    text: str
    services: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """An earlier incident, nearest first.

    `score` is from 0 to 1 and orders the matches. `claimed` says that it was the same thing;
    without it the match is only the nearest. Each reason names something that both have.
    """

    id: str
    score: float
    claimed: bool
    reasons: list[str]
