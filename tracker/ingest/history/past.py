"""What another tool's record says of one incident of the past, and what of it could not be read."""

from dataclasses import dataclass, field
from datetime import datetime

MILESTONE_NAMES = ("started", "detected", "declared", "mitigated", "resolved")


@dataclass(frozen=True)
class PastLine:
    """Something that the record dates: at `at`, or somewhere between `at` and `until`.

    `line` is its number in the file, from 1. `label` is the milestone that it names, if it is one of
    `MILESTONE_NAMES`; `offset_minutes` the offset from UTC of the zone that it was written in.
    """

    at: datetime
    text: str
    line: int
    until: datetime | None = None
    label: str | None = None
    offset_minutes: int = 0


@dataclass(frozen=True)
class Unread:
    """A line that says when something was, or what is to be done, and was not understood."""

    line: int
    text: str
    why: str


@dataclass
class PastIncident:
    """One incident as its record tells it; what the record does not say is None.

    `id` names it where a file holds several, by the tool's own number.
    `notes` are the record's own words by kind of note (`root-cause`, `impact` …).
    """

    file: str
    id: str = ""
    title: str = ""
    severity: str | None = None
    services: tuple[str, ...] = ()
    lead: str | None = None
    lines: list[PastLine] = field(default_factory=list)
    actions: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    is_template: bool = False

    def milestone(self, name: str) -> PastLine | None:
        """Return the first line that names this milestone."""
        return next((line for line in self.lines if line.label == name), None)

    @property
    def resolved(self) -> PastLine | None:
        """When it was over: resolved, or where only that is said, repaired."""
        return self.milestone("resolved") or self.milestone("mitigated")
