"""What a rule answers, and what it is asked about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from projections.changes import ChangeRow
from projections.comparison import VerdictRow
from projections.messages import Message
from tracker.events.base import Event
from tracker.events.corrections import Effective
from tracker.incident import Incident
from tracker.times import duration_seconds


class Status(Enum):
    """How an incident stands with a rule; without evidence it is unknown, never met."""

    MET = "met"
    LATE = "late"
    MISSED = "missed"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Ruled:
    """One rule, answered. `expected`, `actual` and `says` are sentences for people, `evidence` event ids.

    `due_at` is until when it is to be met, where that is an instant; `todo` what to type to meet it.
    """

    rule: str
    status: Status
    expected: str
    actual: str | None
    says: str
    evidence: tuple[str, ...] = ()
    late_seconds: float | None = None
    due_at: datetime | None = None
    todo: str | None = None


@dataclass(frozen=True)
class ProcedureLimits:
    """[procedure], as the log's settings have it; what a key says is in docs and in tracker.toml's comments."""

    production_branch: str = "main"
    integration_branch: str = "develop"
    branch_pattern: str = "hotfix/.+"
    generic_branch_names: tuple[str, ...] = ("critical-bug", "bug", "fix", "hotfix")
    alert_team_within: timedelta = timedelta(minutes=5)
    update_every: timedelta = timedelta(minutes=5)
    fix_deployed_within: timedelta = timedelta(minutes=30)
    merged_back_within: timedelta = timedelta(hours=1)
    maximum_fix_commits: int = 3
    report_within: timedelta = timedelta(days=5)
    maintained_branches: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "ProcedureLimits":
        """Read [procedure] as the log has it; a key that is missing has its default, and one that is new is left out."""
        given: dict[str, Any] = {}
        for each in fields(cls):
            value = said.get(each.name)
            if value is None:
                continue
            if isinstance(each.default, timedelta):
                value = timedelta(seconds=duration_seconds(value))
            elif isinstance(each.default, tuple):
                value = tuple(value)
            given[each.name] = value
        return cls(**given)


@dataclass(frozen=True)
class Evidence:
    """All that rules are held against: what the log holds of one incident up to one position.

    `facts` are effective and living (corrections applied, retracted ones left out) of the incident's
    services, wider than what is attached to it: git facts reach back far enough to name branches,
    and forward to `now`. For a report and for any question about the past, `now` is the recording
    instant of the last event; only a question that is asked live has the clock's.
    """

    incident: Incident
    facts: tuple[Effective, ...]
    changes: tuple[ChangeRow, ...]
    messages: tuple[Message, ...]
    verdicts: tuple[VerdictRow, ...]
    procedure: ProcedureLimits
    now: datetime
    detected_at: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)
    computed: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What one rule worked out and others need: the history of a repository, say."""

    def of(self, *kinds: type[Event]) -> list[Effective]:
        """Return the facts and decisions of these kinds, in the order in which they happened."""
        return sorted((each for each in self.facts if isinstance(each.event, kinds)), key=lambda e: e.order)


Rule = Callable[[Evidence], Ruled]
Answers = Sequence[Ruled]
