"""Which spans sources answered only in part, by their own account, and nobody answered in whole since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tracker.events.samples import SourceCollected, covered, lacking


@dataclass(frozen=True)
class PartialAnswer:
    """A span of a metric that its source answered in part; `reported` are the source's own words."""

    source: str
    start: datetime
    end: datetime
    reported: tuple[str, ...]

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether it has a part of [start, end)."""
        return self.start < end and start < self.end


def partial_answers(
    collected: Iterable[SourceCollected], metric: str, query: str | None
) -> tuple[PartialAnswer, ...]:
    """Return what is still known in part of a metric's query, oldest first; spans that touch are one."""
    answers = [each for each in collected if each.what == metric and each.query == query]
    found: list[PartialAnswer] = []
    for answer in sorted(
        answers, key=lambda each: (each.source, each.incomplete, each.occurred_at, each.until)
    ):
        if not answer.incomplete or answer.problem is not None:
            continue
        whole = covered(answers, round(answer.step_seconds or 1))
        for start, end in lacking(answer.occurred_at, answer.until, whole):
            last = found[-1] if found else None
            same = last is not None and (last.source, last.reported) == (answer.source, answer.incomplete)
            if last is not None and same and start <= last.end:
                found[-1] = PartialAnswer(last.source, last.start, max(last.end, end), last.reported)
                continue
            found.append(PartialAnswer(answer.source, start, end, answer.incomplete))
    return tuple(sorted(found, key=lambda each: (each.start, each.end, each.source, each.reported)))
