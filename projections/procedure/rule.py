"""What a rule answers, and what it is asked about."""

from collections.abc import Callable, Mapping
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
from tracker.settings.schema import LIMITS, Procedure
from tracker.times import duration_seconds


class Status(Enum):
    """The answer to a rule; without evidence it is unknown, never met."""

    MET = "met"
    LATE = "late"
    MISSED = "missed"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class NextStep:
    """What to do next: a code that `reports.wording.commands` turns into a command, and what the command names."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Waiver:
    """Who waived a rule, why, and what its answer was without that."""

    by: str
    why: str
    status: Status


@dataclass(frozen=True)
class RuleAnswer:
    """One rule, answered for the incident; or for one hotfix, of which `subject` is the name.

    `reason` and `facts` say why, `evidence` by which events. `due_at` is until when the rule is to be met,
    where that is an instant, and `next_step` what to do to meet it. An answer for several hotfixes
    has one for each in `parts`, and the status of the worst.
    """

    status: Status
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    late_seconds: float | None = None
    due_at: datetime | None = None
    next_step: NextStep | None = None
    subject: str | None = None
    parts: tuple["RuleAnswer", ...] = ()
    rule: str = ""
    limits: "ProcedureLimits" = field(default_factory=lambda: ProcedureLimits())
    waiver: Waiver | None = None


def _limit(text: str) -> timedelta:
    return timedelta(seconds=duration_seconds(text))


_DEFAULTS = Procedure()
_LIMITS = {name: _limit(getattr(_DEFAULTS, name)) for name in LIMITS}


@dataclass(frozen=True)
class ProcedureLimits:
    """[procedure], as the log's settings have it; tracker.settings.schema has the defaults."""

    production_branch: str = _DEFAULTS.production_branch
    integration_branch: str = _DEFAULTS.integration_branch
    branch_pattern: str = _DEFAULTS.branch_pattern
    generic_branch_names: tuple[str, ...] = _DEFAULTS.generic_branch_names
    alert_team_within: timedelta = _LIMITS["alert_team_within"]
    update_every: timedelta = _LIMITS["update_every"]
    fix_deployed_within: timedelta = _LIMITS["fix_deployed_within"]
    merged_back_within: timedelta = _LIMITS["merged_back_within"]
    maximum_fix_commits: int = _DEFAULTS.maximum_fix_commits
    report_within: timedelta = _LIMITS["report_within"]
    maintained_branches: tuple[str, ...] = _DEFAULTS.maintained_branches

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> "ProcedureLimits":
        """Read [procedure] as the log has it; a missing key has its default, and an unknown one is ignored."""
        given: dict[str, Any] = {}
        for key in fields(cls):
            value = recorded.get(key.name)
            if value is None:
                continue
            if key.name in LIMITS:
                value = _limit(value)
            elif isinstance(key.default, tuple):
                value = tuple(value)
            given[key.name] = value
        return cls(**given)


@dataclass(frozen=True)
class Evidence:
    """All that rules are checked against: what the log holds of one incident up to one position.

    `facts` are effective and living (corrections applied, retracted ones left out) of the incident's
    services, wider than what is attached to it: git facts reach back far enough to name branches,
    and forward to `now`. For a report and for any question about the past, `now` is the recording
    instant of the last event; only a question that is asked live has the clock's. `others` are the
    incidents of its services that are near: what belongs to one of them is not its own.
    `back_at` is when it was detected that it came back, if it did.
    """

    incident: Incident
    facts: tuple[Effective, ...]
    changes: tuple[ChangeRow, ...]
    messages: tuple[Message, ...]
    verdicts: tuple[VerdictRow, ...]
    procedure: ProcedureLimits
    now: datetime
    detected_at: datetime
    others: tuple[Incident, ...] = ()
    back_at: datetime | None = None
    tell: tuple[str, ...] = ()
    """Whom `[alerting.SEVERITY] tell` names for an incident of its severity."""
    own: tuple[ChangeRow, ...] | None = None
    """Those of `changes` that belong to the incident and to no other, where they were found already."""
    computed: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What `once` keeps: the history of a repository, say."""

    @property
    def burns_since(self) -> datetime:
        """From when a fix is awaited: the detection, or that of the last relapse."""
        return self.back_at or self.detected_at

    def of(self, *kinds: type[Event]) -> list[Effective]:
        """Return the facts and decisions of these kinds, in the order in which they happened."""
        return sorted((fact for fact in self.facts if isinstance(fact.event, kinds)), key=lambda f: f.order)


Rule = Callable[[Evidence], RuleAnswer]
