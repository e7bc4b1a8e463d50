"""One table of plain events: what a test does not name has the value of its kind there.

Minutes count from 14:00 UTC on the 1st of March 2026. `recorded` puts events into a log
that is only in memory, for tests of what is computed from one.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.alerts import (
    AlertFired,
    AlertResolved,
    AlertsLeftOut,
    CheckInRecorded,
    ErrorSeen,
    IssueChanged,
    OutsideIncidentReported,
)
from tracker.events.base import Event, Incoming, Recorded, encode, encode_arrival, event_id
from tracker.events.bundles import BundleImported
from tracker.events.changes import (
    BranchSeen,
    CommitMade,
    DeployFailed,
    DeployFinished,
    DeployInterrupted,
    DeployStarted,
    ReleaseCreated,
    RepositoryRead,
    RollbackFailed,
    RollbackFinished,
    RollbackInterrupted,
    RollbackStarted,
    TestsFinished,
    TestsInterrupted,
    VersionReleased,
    VersionTagged,
)
from tracker.events.corrections import EventAmended, EventLinked, EventRedacted, EventRetracted, EventUnlinked
from tracker.events.housekeeping import AnnouncingSet, DeliveryDropped, LogSealed, SettingsChanged
from tracker.events.incidents import (
    FileAttached,
    IncidentDeclared,
    IncidentMerged,
    IncidentReopened,
    IncidentResolved,
    LeadChanged,
    MilestoneSet,
    NoteAdded,
    ServiceAdded,
    ServiceRemoved,
    SeverityChanged,
    StageChanged,
)
from tracker.events.messages import (
    EtaMissed,
    MessageFailed,
    MessagePosting,
    MessagePrepared,
    MessagePrinted,
    MessageSent,
)
from tracker.events.procedure import RuleWaived
from tracker.events.reviews import ReportPublished, ReportReviewed
from tracker.events.samples import AlertRuleSeen, MetricSampled, SourceCollected
from tracker.events.silence import SourceReturned, SourceSilent
from tracker.events.verdicts import CheckMade, Verdict, VerdictsGiven
from tracker.times import Typed, to_us

START = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
SHA = "4f2d8c1e9b7a6f5d4c3b2a1908f7e6d5c4b3a291"


def at(minute: float) -> datetime:
    """The instant so many minutes after 14:00."""
    return START + timedelta(minutes=minute)


def typed(minute: float, precision_seconds: float = 60.0) -> Typed:
    """That instant as a person typed it."""
    return Typed(at(minute), precision_seconds)


def recorded(*events: Event | Incoming, minute: float | None = None, first: int = 1) -> list[Recorded]:
    """Events as a log would hold them in this order, each recorded as it happened or at one minute."""
    held = []
    versions: dict[str, int] = {}
    for position, each in enumerate(events, first):
        incoming = each if isinstance(each, Incoming) else Incoming(event=each)
        event = incoming.event
        stream = getattr(event, "incident", None) or event_id(event)
        versions[stream] = versions.get(stream, 0) + 1
        held.append(
            Recorded(
                id=event_id(event),
                event=event,
                position=position,
                recorded_us=to_us(event.occurred_at if minute is None else at(minute)),
                version=versions[stream],
                arrival_state=encode_arrival(incoming.arrival),
            )
        )
    return held


# ── the table ────────────────────────────────────────────────────────────────

_ALERT = {
    "source": "alertmanager:prod",
    "service": "checkout",
    "name": "HighErrorRate",
    "fingerprint": "a1b2c3d4e5f60718",
    "severity": "critical",
}
_SENTRY = {"source": "sentry:acme", "service": "checkout", "project": "checkout"}
_GIT = {"source": "git:checkout", "service": "checkout", "repository": "checkout"}
_RELEASE = {
    "source": "sentry:acme",
    "service": "checkout",
    "version": "checkout@1.4.3",
    "url": "https://ci.example/42",
    "sha": SHA,
}
_DEPLOY = {"source": "run", "service": "checkout", "version": "1.4.2"}
_ROLLBACK = {**_DEPLOY, "version": "1.4.1"}
_PROMETHEUS = {"source": "prometheus:prod", "service": "checkout"}
_BY_ADA = {"decided_by": "ada", "incident": "INC-1"}
_BY_ITSELF = {"decided_by": "tracker", "incident": "INC-1"}
_INITIAL = {**_BY_ADA, "kind": "initial", "text": "CRITICAL ISSUE - Payments answer 500"}
_OF_42 = {"decided_by": "alice", "incident": "INC-42"}

DEFAULTS: dict[type[Event], tuple[float, dict[str, Any]]] = {
    # what sources report
    AlertFired: (5, _ALERT),
    AlertResolved: (25, {**_ALERT, "started_at": at(5)}),
    AlertsLeftOut: (
        6,
        {
            "source": "alertmanager",
            "service": "checkout",
            "group": '{}:{alertname="WorkerDown"}',
            "status": "firing",
            "missing_count": 85,
            "listed_count": 12,
            "name": "WorkerDown",
        },
    ),
    ErrorSeen: (
        6,
        {
            **_SENTRY,
            "error_id": lambda minute: f"{round(minute * 60000):032x}",
            "title": "ZeroDivisionError: division by zero",
            "group": "4711",
        },
    ),
    IssueChanged: (
        7,
        {**_SENTRY, "issue_id": "4711", "action": "created", "title": "ZeroDivisionError: division by zero"},
    ),
    CheckInRecorded: (
        8,
        {**_SENTRY, "check_in_id": "c0ffee", "monitor": "nightly-invoices", "status": "error"},
    ),
    OutsideIncidentReported: (
        9,
        {
            "source": "cdevents:status",
            "service": "checkout",
            "outside_id": "X-1",
            "status": "detected",
            "title": "Payments fail",
        },
    ),
    DeployStarted: (1, _DEPLOY),
    DeployFinished: (2, _DEPLOY),
    DeployFailed: (2, _DEPLOY),
    DeployInterrupted: (2, _DEPLOY),
    RollbackStarted: (19, _ROLLBACK),
    RollbackFinished: (20, _ROLLBACK),
    RollbackFailed: (20, _ROLLBACK),
    RollbackInterrupted: (20, _ROLLBACK),
    TestsInterrupted: (
        12,
        {"source": "run", "service": "checkout", "sha": SHA, "command": "make test", "signal": 2},
    ),
    TestsFinished: (
        12,
        {
            "source": "run",
            "service": "checkout",
            "sha": SHA,
            "exit_code": 0,
            "command": "make test",
            "duration_seconds": 41.5,
        },
    ),
    CommitMade: (
        11,
        {
            **_GIT,
            "sha": SHA,
            "subject_line": "Do not divide by an empty basket",
            "author": "Ada Example",
            "parents": ("0" * 40,),
        },
    ),
    ReleaseCreated: (14, _RELEASE),
    VersionReleased: (15, _RELEASE),
    VersionTagged: (14, {**_GIT, "name": "v1.4.3", "sha": SHA}),
    BranchSeen: (10, {**_GIT, "name": "hotfix/1.4.3", "sha": SHA}),
    RepositoryRead: (70, {**_GIT, "source": "git"}),
    MetricSampled: (
        0,
        {
            **_PROMETHEUS,
            "metric": "error_ratio",
            "query": "error_ratio",
            "step_seconds": 15.0,
            "last_at": lambda minute: at(minute + 10),
            "count": 41,
            "codec": "raw1",
            "sha256": bytes(32),
        },
    ),
    SourceCollected: (
        0,
        {
            **_PROMETHEUS,
            "until": lambda minute: at(minute + 60),
            "asked_at": lambda minute: at(minute + 61),
            "what": "error_ratio",
        },
    ),
    SourceSilent: (
        10,
        {
            "source": "prometheus",
            "expected_every_seconds": 180.0,
            "reason": "prometheus at http://127.0.0.1:9090 refused the connection",
        },
    ),
    SourceReturned: (30, {"source": "prometheus", "silent_since": at(10)}),
    AlertRuleSeen: (0, {**_PROMETHEUS, "name": "HighErrorRate", "expression": "error_ratio > 0.01"}),
    # what people decide
    IncidentDeclared: (
        7,
        {**_BY_ADA, "title": "Payments answer 500", "services": ("checkout",), "severity": "critical"},
    ),
    MilestoneSet: (4, {**_BY_ADA, "milestone": "started"}),
    SeverityChanged: (9, {**_BY_ADA, "severity": "major", "why": "only half of the payments fail"}),
    LeadChanged: (8, {**_BY_ADA, "lead": "grace"}),
    StageChanged: (10, {**_BY_ADA, "stage": "identified"}),
    ServiceAdded: (10, {**_BY_ADA, "service": "billing"}),
    ServiceRemoved: (11, {**_BY_ADA, "service": "billing"}),
    NoteAdded: (12, {**_BY_ADA, "text": "the basket is empty"}),
    FileAttached: (13, {**_BY_ADA, "name": "trace.txt", "size_bytes": 5, "sha256": bytes(32)}),
    IncidentResolved: (40, _BY_ADA),
    IncidentReopened: (50, {**_BY_ADA, "why": "it came back"}),
    IncidentMerged: (30, {**_BY_ADA, "into": "INC-2", "why": "the same"}),
    RuleWaived: (60, {**_OF_42, "rule": "merged_back", "why": "develop is frozen until Thursday"}),
    ActionAdded: (
        60,
        {
            **_OF_42,
            "text": "Alert on the pool's connections",
            "owner": "john",
            "due_on": date(2026, 3, 2),
            "due_said": "by tomorrow",
        },
    ),
    ActionDone: (90, {"decided_by": "john", "proof": "https://git.example.org/shop/pull/77"}),
    ReportReviewed: (70, {"decided_by": "bob", "incident": "INC-42", "position": 24, "changes": 2}),
    ReportPublished: (
        80,
        {
            "decided_by": "bob",
            "incident": "INC-42",
            "position": 27,
            "sha256": bytes(range(32)),
            "waived": ("k3f9a1c",),
            "why": "the customer's own clock was wrong",
        },
    ),
    # messages to the team
    MessagePrinted: (7.9, {**_INITIAL, "typed": {"eta": "15m"}}),
    MessagePrepared: (8, _INITIAL),
    MessagePosting: (
        8.1,
        {
            **_BY_ITSELF,
            "kind": "initial",
            "claim": "0123456789abcdef",
            "until": lambda minute: at(minute + 2),
        },
    ),
    MessageSent: (8.2, _INITIAL),
    MessageFailed: (8.3, {**_BY_ITSELF, "kind": "initial", "reason": "Slack answered 404: no_service"}),
    AnnouncingSet: (0, {"channel": "slack", "announce": ("declared", "resolved")}),
    EtaMissed: (23, {**_BY_ITSELF, "promised_at": at(8.2)}),
    # corrections
    EventAmended: (45, {"decided_by": "ada"}),
    EventRetracted: (46, {"decided_by": "ada"}),
    EventLinked: (47, _BY_ADA),
    EventUnlinked: (48, {**_BY_ADA, "why": "another team's"}),
    EventRedacted: (49, {"decided_by": "ada", "digest": bytes(32)}),
    # what the tracker records by itself
    VerdictsGiven: (
        40,
        {
            **_BY_ITSELF,
            "service": "checkout",
            "version": "1.4.2",
            "window": "10m",
            "window_from": lambda minute: at(minute - 7),
            "settling_seconds": 180.0,
            "judge_version": "1",
        },
    ),
    CheckMade: (31, {**_BY_ADA, "due_seconds": 60, "normal": ("error_ratio",)}),
    SettingsChanged: (0, {"settings": {"prefix": "INC"}}),
    DeliveryDropped: (
        50,
        {
            **{"decided_by": "ada", "route": "events", "source": "ci", "key": "17", "why": "a load test"},
            **{"received_at": at(5), "size_bytes": 300, "sha256": b"\x17" * 32},
        },
    ),
    LogSealed: (
        60,
        {
            "after": 0,
            "through": 3,
            "count": 3,
            "digests_sha256": bytes(32),
            "previous_head": bytes(32),
            "head": bytes(32),
        },
    ),
    BundleImported: (
        60,
        {
            "decided_by": "carol",
            "number": "INC-57",
            "was": "INC-42",
            "log": "9a9c33356725fec1",
            "position": 135,
            "last_digest": "4821" * 16,
            "head": "3139" * 16,
            "sha256": bytes(range(32)),
            "brought": 127,
            "numbers": {"INC-42": "INC-57"},
        },
    ),
}
"""For each kind the minute when it happens, and its fields; a function of the minute where they depend on it."""


def make(kind: type[Event], /, minute: float | None = None, **fields: Any) -> Any:
    """One event of a kind: make(DeployFinished, 2, version="1.4.3")."""
    usual, defaults = DEFAULTS[kind]
    happened = usual if minute is None else minute
    filled = {name: value(happened) if callable(value) else value for name, value in defaults.items()}
    return kind(**{"occurred_at": at(happened), **filled, **fields})


alert = partial(make, AlertFired)
error = partial(make, ErrorSeen)
issue = partial(make, IssueChanged)
check_in = partial(make, CheckInRecorded)
outside = partial(make, OutsideIncidentReported)
deploy_start = partial(make, DeployStarted)
deploy = partial(make, DeployFinished)
deploy_failed = partial(make, DeployFailed)
rollback_start = partial(make, RollbackStarted)
rollback = partial(make, RollbackFinished)
rollback_failed = partial(make, RollbackFailed)
dropped = partial(make, DeliveryDropped)
deploy_interrupted = partial(make, DeployInterrupted)
rollback_interrupted = partial(make, RollbackInterrupted)
tests_interrupted = partial(make, TestsInterrupted)
run_of_tests = partial(make, TestsFinished)
commit = partial(make, CommitMade)
release_created = partial(make, ReleaseCreated)
released = partial(make, VersionReleased)
tag = partial(make, VersionTagged)
branch = partial(make, BranchSeen)
repository_read = partial(make, RepositoryRead)
samples = partial(make, MetricSampled)
alerts_left_out = partial(make, AlertsLeftOut)
collected = partial(make, SourceCollected)
silent = partial(make, SourceSilent)
rule = partial(make, AlertRuleSeen)
declared = partial(make, IncidentDeclared)
severity = partial(make, SeverityChanged)
lead = partial(make, LeadChanged)
stage = partial(make, StageChanged)
service_added = partial(make, ServiceAdded)
service_removed = partial(make, ServiceRemoved)
file = partial(make, FileAttached)
resolved = partial(make, IncidentResolved)
reopened = partial(make, IncidentReopened)
waived = partial(make, RuleWaived)
action = partial(make, ActionAdded)
reviewed = partial(make, ReportReviewed)
published = partial(make, ReportPublished)
printed = partial(make, MessagePrinted)
prepared = partial(make, MessagePrepared)
sent = partial(make, MessageSent)
settings = partial(make, SettingsChanged)
announcing = partial(make, AnnouncingSet)
seal = partial(make, LogSealed)


# ── those that need more than a table: a second instant, or another event ──


def alert_end(minute: float = 25, started: float = 5, **fields: Any) -> AlertResolved:
    return make(AlertResolved, minute, **{"started_at": at(started), **fields})


def merge_commit(minute: float = 13, **fields: Any) -> CommitMade:
    defaults = {"sha": "5" * 40, "parents": ("0" * 40, SHA), "subject_line": "Merge branch 'hotfix/1.4.3'"}
    return commit(minute, **{**defaults, **fields})


def returned(minute: float = 30, since: float = 10, **fields: Any) -> SourceReturned:
    return make(SourceReturned, minute, **{"silent_since": at(since), **fields})


def milestone(minute: float = 4, name: str = "started", **fields: Any) -> MilestoneSet:
    return make(MilestoneSet, minute, **{"milestone": name, **fields})


def note(minute: float = 12, text: str = "the basket is empty", **fields: Any) -> NoteAdded:
    return make(NoteAdded, minute, text=text, **fields)


def merged(minute: float = 30, into: str = "INC-2", **fields: Any) -> IncidentMerged:
    return make(IncidentMerged, minute, into=into, **fields)


def posting(message: Event | str, minute: float = 8.1, **fields: Any) -> MessagePosting:
    return make(MessagePosting, minute, **{"prepared": _id(message), **fields})


def not_sent(message: Event | str, minute: float = 8.3, **fields: Any) -> MessageFailed:
    return make(MessageFailed, minute, **{"prepared": _id(message), **fields})


def eta_missed(message: Event | str, minute: float = 23, **fields: Any) -> EtaMissed:
    return make(EtaMissed, minute, **{"message": _id(message), **fields})


def action_done(of: ActionAdded, minute: float = 90, **fields: Any) -> ActionDone:
    return make(ActionDone, minute, **{"incident": of.incident, "action": event_id(of), **fields})


def amended(target: Event | str, minute: float = 45, **fields: Any) -> EventAmended:
    """Amend a target; a new instant is given as changes={"occurred_at": at(3)}."""
    changes = fields.get("changes", {})
    defaults = {"changes": changes, "new_at": changes.get("occurred_at"), **_pointing(target)}
    return make(EventAmended, minute, **{**defaults, **fields})


def retracted(target: Event | str, minute: float = 46, **fields: Any) -> EventRetracted:
    return make(EventRetracted, minute, **{**_pointing(target), **fields})


def redacted(target: Event | str, minute: float = 49, **fields: Any) -> EventRedacted:
    left = note(text="[redacted]")
    defaults = {"target_topic": left.TOPIC, "left": encode(left), **_pointing(target)}
    return make(EventRedacted, minute, **{**defaults, **fields})


def linked(target: Event | str, minute: float = 47, **fields: Any) -> EventLinked:
    return make(EventLinked, minute, **{"target": _id(target), **fields})


def unlinked(target: Event | str, minute: float = 48, **fields: Any) -> EventUnlinked:
    return make(EventUnlinked, minute, **{"target": _id(target), **fields})


def verdict(**fields: Any) -> Verdict:
    defaults = {
        "metric": "error_ratio",
        "baseline": "healthy",
        "verdict": "recovered",
        "inputs_hash": "ab" * 32,
    }
    return Verdict(**{**defaults, **fields})


def verdicts(change: Event | str, minute: float = 40, **fields: Any) -> VerdictsGiven:
    return make(VerdictsGiven, minute, **{"change": _id(change), "verdicts": (verdict(),), **fields})


def check(change: Event | str, minute: float = 31, **fields: Any) -> CheckMade:
    return make(CheckMade, minute, **{"change": _id(change), **fields})


def imported(minute: float = 60, **fields: Any) -> BundleImported:
    return make(BundleImported, minute, **{"last_event": _id(declared()), **fields})


def _id(target: Event | str) -> str:
    return target if isinstance(target, str) else event_id(target)


def _pointing(target: Event | str) -> dict[str, Any]:
    found: dict[str, Any] = {"target": _id(target), "why": "it was mistyped"}
    if not isinstance(target, str):
        found |= {"target_scopes": target.scopes(), "incident": getattr(target, "incident", None)}
    return found


def one_of_each() -> list[Event]:
    """One event of every kind."""
    fact = deploy()
    return [
        *(alert(), alert_end(), alerts_left_out(), error(), issue(), check_in(), outside()),
        *(deploy_start(), fact, deploy_failed(), rollback_start(), rollback(), rollback_failed()),
        *(deploy_interrupted(signal=15, exit_code=0), rollback_interrupted(), tests_interrupted()),
        *(run_of_tests(), commit(), tag(), branch(), repository_read(), release_created(), released()),
        *(samples(), collected(), rule(), silent(), returned()),
        *(declared(), milestone(), severity(), lead(), stage(), service_added(), service_removed()),
        *(note(), file(), resolved(), reopened(), merged()),
        *(amended(fact, changes={"version": "1.4.3"}), retracted(fact), linked(fact), unlinked(fact)),
        redacted(note()),
        *(verdicts(fact), check(fact)),
        printed(eta=at(23)),
        *(prepared(eta=at(23)), posting(prepared()), sent(prepared=_id(prepared()), attempts=2)),
        *(not_sent(prepared()), eta_missed(sent())),
        *(waived(), action(), action_done(action()), reviewed(), published()),
        *(settings(), seal(), announcing()),
        *(imported(), dropped()),
    ]


def streams(events: Iterable[Event]) -> Sequence[Event]:
    """Only what stands alone: facts, and decisions without an incident."""
    return [each for each in events if not getattr(each, "incident", None) and each.TOPIC != "log-sealed"]
