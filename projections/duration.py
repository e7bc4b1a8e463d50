"""One duration, measured between two instants of which each may be known only roughly, and shown no more exactly."""

from dataclasses import dataclass, replace
from datetime import datetime

from projections.points import Point
from projections.reason import Reason

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

Ends = tuple[str, str]
"""What a duration runs from and to, by the codes of its formula."""


@dataclass(frozen=True)
class Duration:
    """One duration in seconds, between the instants `from_` and `to`.

    `ends` and `remarks` are its formula; `start` and `end` are the points that were taken for its ends.
    """

    ends: Ends
    state: str
    seconds: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    from_: datetime | None = None
    to: datetime | None = None
    start: Point | None = None
    end: Point | None = None
    remarks: tuple[Reason, ...] = ()

    @property
    def is_blurred(self) -> bool:
        """Whether an end is known to the minute only."""
        if self.at_least is None or self.at_most is None:
            return False
        return self.at_most - self.at_least >= MINUTE / 2

    def remarked(self, code: str) -> "Duration":
        """Add a remark to the formula."""
        return replace(self, remarks=(*self.remarks, Reason(code)))


def between(
    ends: Ends, start: Point | None, end: Point | None, is_open: bool, not_applicable: Reason | None
) -> Duration:
    """Measure from one end to the other, or say why that is impossible; `not_applicable` is a reason against it.

    Where an end is not recorded, it is pending, and uncertain without bounds once it is over: it happened all the same.
    It is recorded where both ends were named, they surely come in that order, and their precision is no worse than
    the unit in which the duration is shown: minutes, from a day on hours.
    """
    if not_applicable is not None:
        return Duration(ends, "not_applicable", remarks=(not_applicable,))
    if start is None or end is None:
        missing = Reason("end_not_recorded", {"end": ends[0 if start is None else 1]})
        return Duration(
            ends,
            "pending" if is_open else "uncertain",
            from_=start.instant if start else None,
            to=end.instant if end else None,
            remarks=(missing,),
        )
    if start == end:
        return Duration(ends, "recorded", 0.0, 0.0, 0.0, start.earliest, end.earliest, start, end)
    least = (end.earliest - start.latest).total_seconds()
    most = (end.latest - start.earliest).total_seconds()
    if most < 0:
        first, last = start.named or start.earliest, end.named or end.latest
        return Duration(ends, "invalid", from_=first, to=last, start=start, end=end)
    if start.named is not None and end.named is not None and least >= 0:
        seconds = (end.named - start.named).total_seconds()
        if (most - least) / 2 <= (MINUTE if seconds < DAY else HOUR):
            remarks = precision(most - least, seconds)
            return Duration(
                ends, "recorded", seconds, least, most, start.named, end.named, start, end, remarks
            )
    return Duration(ends, "uncertain", None, max(least, 0.0), most, start.earliest, end.latest, start, end)


def precision(spread: float, seconds: float) -> tuple[Reason, ...]:
    """Remark how exactly a number is known, where that is less than the unit in which it is shown."""
    if spread / 2 > MINUTE:
        return (Reason("known_to_the_hour"),)
    return (Reason("known_to_the_minute"),) if spread >= MINUTE / 2 and seconds < DAY else ()
