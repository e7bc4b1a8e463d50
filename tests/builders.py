"""One builder for each kind of event: what a test does not name has a plain value.

Minutes count from 14:00 UTC on the 1st of March 2026. `recorded` puts events into a log
that is only in memory, for tests of what is computed from one.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.alerts import (
    AlertFired,
    AlertResolved,
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
    DeployStarted,
    ReleaseCreated,
    RepositoryRead,
    RollbackFailed,
    RollbackFinished,
    RollbackStarted,
    TestsFinished,
    VersionReleased,
    VersionTagged,
)
from tracker.events.corrections import EventAmended, EventLinked, EventRedacted, EventRetracted, EventUnlinked
from tracker.events.housekeeping import LogSealed, SettingsChanged
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
from tracker.events.messages import EtaMissed, MessageFailed, MessagePosting, MessagePrepared, MessageSent
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


def _with(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {**defaults, **given}


# ── what sources tell ────────────────────────────────────────────────────────


def alert(minute: float = 5, **fields: Any) -> AlertFired:
    return AlertFired(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "alertmanager:prod",
                "service": "checkout",
                "name": "HighErrorRate",
                "fingerprint": "a1b2c3d4e5f60718",
                "severity": "critical",
            },
            fields,
        )
    )


def alert_end(minute: float = 25, started: float = 5, **fields: Any) -> AlertResolved:
    return AlertResolved(
        **_with(
            {
                "occurred_at": at(minute),
                "started_at": at(started),
                "source": "alertmanager:prod",
                "service": "checkout",
                "name": "HighErrorRate",
                "fingerprint": "a1b2c3d4e5f60718",
                "severity": "critical",
            },
            fields,
        )
    )


def error(minute: float = 6, **fields: Any) -> ErrorSeen:
    return ErrorSeen(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "sentry:acme",
                "service": "checkout",
                "project": "checkout",
                "error_id": f"{round(minute * 60000):032x}",
                "title": "ZeroDivisionError: division by zero",
                "group": "4711",
            },
            fields,
        )
    )


def issue(minute: float = 7, **fields: Any) -> IssueChanged:
    return IssueChanged(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "sentry:acme",
                "service": "checkout",
                "project": "checkout",
                "issue_id": "4711",
                "action": "created",
                "title": "ZeroDivisionError: division by zero",
            },
            fields,
        )
    )


def check_in(minute: float = 8, **fields: Any) -> CheckInRecorded:
    return CheckInRecorded(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "sentry:acme",
                "service": "checkout",
                "project": "checkout",
                "check_in_id": "c0ffee",
                "monitor": "nightly-invoices",
                "status": "error",
            },
            fields,
        )
    )


def outside(minute: float = 9, **fields: Any) -> OutsideIncidentReported:
    return OutsideIncidentReported(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "cdevents:status",
                "service": "checkout",
                "outside_id": "X-1",
                "status": "detected",
                "title": "Payments fail",
            },
            fields,
        )
    )


def _change(kind: Any, minute: float, fields: dict[str, Any]) -> Any:
    defaults = {"occurred_at": at(minute), "source": "run", "service": "checkout", "version": "1.4.2"}
    return kind(**_with(defaults, fields))


def deploy_start(minute: float = 1, **fields: Any) -> DeployStarted:
    found: DeployStarted = _change(DeployStarted, minute, fields)
    return found


def deploy(minute: float = 2, **fields: Any) -> DeployFinished:
    found: DeployFinished = _change(DeployFinished, minute, fields)
    return found


def deploy_failed(minute: float = 2, **fields: Any) -> DeployFailed:
    found: DeployFailed = _change(DeployFailed, minute, fields)
    return found


def rollback_start(minute: float = 19, **fields: Any) -> RollbackStarted:
    found: RollbackStarted = _change(RollbackStarted, minute, {"version": "1.4.1", **fields})
    return found


def rollback(minute: float = 20, **fields: Any) -> RollbackFinished:
    found: RollbackFinished = _change(RollbackFinished, minute, {"version": "1.4.1", **fields})
    return found


def rollback_failed(minute: float = 20, **fields: Any) -> RollbackFailed:
    found: RollbackFailed = _change(RollbackFailed, minute, {"version": "1.4.1", **fields})
    return found


def run_of_tests(minute: float = 12, **fields: Any) -> TestsFinished:
    return TestsFinished(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "run",
                "service": "checkout",
                "sha": SHA,
                "exit_code": 0,
                "command": "make test",
                "duration_seconds": 41.5,
            },
            fields,
        )
    )


def commit(minute: float = 11, **fields: Any) -> CommitMade:
    return CommitMade(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "git:checkout",
                "service": "checkout",
                "repository": "checkout",
                "sha": SHA,
                "subject_line": "Do not divide by an empty basket",
                "author": "Ada Example",
                "parents": ("0" * 40,),
            },
            fields,
        )
    )


def merge_commit(minute: float = 13, **fields: Any) -> CommitMade:
    defaults = {"sha": "5" * 40, "parents": ("0" * 40, SHA), "subject_line": "Merge branch 'hotfix/1.4.3'"}
    return commit(minute, **{**defaults, **fields})


def release_created(minute: float = 14, **fields: Any) -> ReleaseCreated:
    return ReleaseCreated(**_with({**_RELEASE, "occurred_at": at(minute)}, fields))


def released(minute: float = 15, **fields: Any) -> VersionReleased:
    return VersionReleased(**_with({**_RELEASE, "occurred_at": at(minute)}, fields))


_RELEASE: dict[str, Any] = {
    "source": "sentry:acme",
    "service": "checkout",
    "version": "checkout@1.4.3",
    "url": "https://ci.example/42",
    "sha": SHA,
}


def tag(minute: float = 14, **fields: Any) -> VersionTagged:
    return VersionTagged(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "git:checkout",
                "service": "checkout",
                "repository": "checkout",
                "name": "v1.4.3",
                "sha": SHA,
            },
            fields,
        )
    )


def branch(minute: float = 10, **fields: Any) -> BranchSeen:
    return BranchSeen(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "git:checkout",
                "service": "checkout",
                "repository": "checkout",
                "name": "hotfix/1.4.3",
                "sha": SHA,
            },
            fields,
        )
    )


def repository_read(minute: float = 70, **fields: Any) -> RepositoryRead:
    defaults = {"source": "git", "service": "checkout", "repository": "checkout"}
    return RepositoryRead(**_with({"occurred_at": at(minute), **defaults}, fields))


def samples(minute: float = 0, **fields: Any) -> MetricSampled:
    return MetricSampled(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "prometheus:prod",
                "service": "checkout",
                "metric": "error_ratio",
                "query": "error_ratio",
                "step_seconds": 15.0,
                "last_at": at(minute + 10),
                "count": 41,
                "codec": "raw1",
                "sha256": bytes(32),
            },
            fields,
        )
    )


def collected(minute: float = 0, **fields: Any) -> SourceCollected:
    return SourceCollected(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "prometheus:prod",
                "service": "checkout",
                "until": at(minute + 60),
                "asked_at": at(minute + 61),
                "what": "error_ratio",
            },
            fields,
        )
    )


def silent(minute: float = 10, **fields: Any) -> SourceSilent:
    return SourceSilent(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "prometheus",
                "expected_every_seconds": 180.0,
                "reason": "prometheus at http://127.0.0.1:9090 refused the connection",
            },
            fields,
        )
    )


def returned(minute: float = 30, since: float = 10, **fields: Any) -> SourceReturned:
    return SourceReturned(
        **_with(
            {"occurred_at": at(minute), "source": "prometheus", "silent_since": at(since)},
            fields,
        )
    )


def rule(minute: float = 0, **fields: Any) -> AlertRuleSeen:
    return AlertRuleSeen(
        **_with(
            {
                "occurred_at": at(minute),
                "source": "prometheus:prod",
                "service": "checkout",
                "name": "HighErrorRate",
                "expression": "error_ratio > 0.01",
            },
            fields,
        )
    )


# ── what people decide ───────────────────────────────────────────────────────


def _decided(kind: Any, minute: float, defaults: dict[str, Any], fields: dict[str, Any]) -> Any:
    common = {"occurred_at": at(minute), "decided_by": "ada", "incident": "INC-1"}
    return kind(**_with({**common, **defaults}, fields))


def declared(minute: float = 7, **fields: Any) -> IncidentDeclared:
    defaults = {"title": "Payments answer 500", "services": ("checkout",), "severity": "critical"}
    found: IncidentDeclared = _decided(IncidentDeclared, minute, defaults, fields)
    return found


def milestone(minute: float = 4, name: str = "started", **fields: Any) -> MilestoneSet:
    found: MilestoneSet = _decided(MilestoneSet, minute, {"milestone": name}, fields)
    return found


def severity(minute: float = 9, **fields: Any) -> SeverityChanged:
    defaults = {"severity": "major", "why": "only half of the payments fail"}
    found: SeverityChanged = _decided(SeverityChanged, minute, defaults, fields)
    return found


def lead(minute: float = 8, **fields: Any) -> LeadChanged:
    found: LeadChanged = _decided(LeadChanged, minute, {"lead": "grace"}, fields)
    return found


def stage(minute: float = 10, **fields: Any) -> StageChanged:
    found: StageChanged = _decided(StageChanged, minute, {"stage": "identified"}, fields)
    return found


def service_added(minute: float = 10, **fields: Any) -> ServiceAdded:
    found: ServiceAdded = _decided(ServiceAdded, minute, {"service": "billing"}, fields)
    return found


def service_removed(minute: float = 11, **fields: Any) -> ServiceRemoved:
    found: ServiceRemoved = _decided(ServiceRemoved, minute, {"service": "billing"}, fields)
    return found


def note(minute: float = 12, text: str = "the basket is empty", **fields: Any) -> NoteAdded:
    found: NoteAdded = _decided(NoteAdded, minute, {"text": text}, fields)
    return found


def file(minute: float = 13, **fields: Any) -> FileAttached:
    defaults = {"name": "trace.txt", "size_bytes": 5, "sha256": bytes(32)}
    found: FileAttached = _decided(FileAttached, minute, defaults, fields)
    return found


def resolved(minute: float = 40, **fields: Any) -> IncidentResolved:
    found: IncidentResolved = _decided(IncidentResolved, minute, {}, fields)
    return found


def reopened(minute: float = 50, **fields: Any) -> IncidentReopened:
    found: IncidentReopened = _decided(IncidentReopened, minute, {"why": "it came back"}, fields)
    return found


def merged(minute: float = 30, into: str = "INC-2", **fields: Any) -> IncidentMerged:
    found: IncidentMerged = _decided(IncidentMerged, minute, {"into": into, "why": "the same"}, fields)
    return found


# ── what the team was told ───────────────────────────────────────────────────


def prepared(minute: float = 8, **fields: Any) -> MessagePrepared:
    defaults = {"kind": "initial", "text": "CRITICAL ISSUE - Payments answer 500"}
    found: MessagePrepared = _decided(MessagePrepared, minute, defaults, fields)
    return found


def posting(message: Event | str, minute: float = 8.1, **fields: Any) -> MessagePosting:
    defaults = {
        "kind": "initial",
        "prepared": _id(message),
        "claim": "0123456789abcdef",
        "until": at(minute + 2),
    }
    found: MessagePosting = _decided(MessagePosting, minute, {"decided_by": "tracker", **defaults}, fields)
    return found


def sent(minute: float = 8.2, **fields: Any) -> MessageSent:
    defaults = {"kind": "initial", "text": "CRITICAL ISSUE - Payments answer 500"}
    found: MessageSent = _decided(MessageSent, minute, defaults, fields)
    return found


def not_sent(message: Event | str, minute: float = 8.3, **fields: Any) -> MessageFailed:
    defaults = {"kind": "initial", "prepared": _id(message), "reason": "Slack answered 404: no_service"}
    found: MessageFailed = _decided(MessageFailed, minute, {"decided_by": "tracker", **defaults}, fields)
    return found


def eta_missed(message: Event | str, minute: float = 23, **fields: Any) -> EtaMissed:
    defaults = {"message": _id(message), "promised_at": at(8.2)}
    found: EtaMissed = _decided(EtaMissed, minute, {"decided_by": "tracker", **defaults}, fields)
    return found


# ── what was set right ───────────────────────────────────────────────────────


def amended(target: Event | str, minute: float = 45, **fields: Any) -> EventAmended:
    """Amend a target; a new instant is given as changes={"occurred_at": at(3)}."""
    changes = fields.get("changes", {})
    new_at = changes.get("occurred_at")
    defaults = {"changes": changes, "new_at": new_at, **_pointing(target)}
    return EventAmended(**_with({"occurred_at": at(minute), "decided_by": "ada", **defaults}, fields))


def retracted(target: Event | str, minute: float = 46, **fields: Any) -> EventRetracted:
    return EventRetracted(
        **_with({"occurred_at": at(minute), "decided_by": "ada", **_pointing(target)}, fields)
    )


def redacted(target: Event | str, minute: float = 49, **fields: Any) -> EventRedacted:
    left = NoteAdded(occurred_at=at(12), decided_by="ada", incident="INC-1", text="[redacted]")
    defaults = {"target_topic": left.TOPIC, "digest": bytes(32), "left": encode(left), **_pointing(target)}
    common = {"occurred_at": at(minute), "decided_by": "ada", "why": "a password was typed into it"}
    return EventRedacted(**_with({**common, **defaults}, fields))


def linked(target: Event | str, minute: float = 47, **fields: Any) -> EventLinked:
    defaults = {"target": _id(target), "incident": "INC-1"}
    return EventLinked(**_with({"occurred_at": at(minute), "decided_by": "ada", **defaults}, fields))


def unlinked(target: Event | str, minute: float = 48, **fields: Any) -> EventUnlinked:
    defaults = {"target": _id(target), "incident": "INC-1", "why": "another team's"}
    return EventUnlinked(**_with({"occurred_at": at(minute), "decided_by": "ada", **defaults}, fields))


def _id(target: Event | str) -> str:
    return target if isinstance(target, str) else event_id(target)


def _pointing(target: Event | str) -> dict[str, Any]:
    found: dict[str, Any] = {"target": _id(target), "why": "it was mistyped"}
    if not isinstance(target, str):
        found |= {"target_scopes": target.scopes(), "incident": getattr(target, "incident", None)}
    return found


def verdict(**fields: Any) -> Verdict:
    defaults = {
        "metric": "error_ratio",
        "baseline": "healthy",
        "verdict": "recovered",
        "inputs_hash": "ab" * 32,
    }
    return Verdict(**_with(defaults, fields))


def verdicts(change: Event | str, minute: float = 40, **fields: Any) -> VerdictsGiven:
    defaults = {
        "occurred_at": at(minute),
        "decided_by": "tracker",
        "incident": "INC-1",
        "change": _id(change),
        "service": "checkout",
        "version": "1.4.2",
        "window": "10m",
        "window_from": at(minute - 7),
        "settling_seconds": 180.0,
        "judge_version": "1",
        "verdicts": (verdict(),),
    }
    return VerdictsGiven(**_with(defaults, fields))


def check(change: Event | str, minute: float = 31, **fields: Any) -> CheckMade:
    defaults = {
        "occurred_at": at(minute),
        "decided_by": "ada",
        "incident": "INC-1",
        "change": _id(change),
        "due_seconds": 60,
        "normal": ("error_ratio",),
    }
    return CheckMade(**_with(defaults, fields))


# ── what the tracker says of itself ──────────────────────────────────────────


def settings(minute: float = 0, **fields: Any) -> SettingsChanged:
    return SettingsChanged(**_with({"occurred_at": at(minute), "settings": {"prefix": "INC"}}, fields))


def seal(minute: float = 60, **fields: Any) -> LogSealed:
    return LogSealed(
        **_with(
            {
                "occurred_at": at(minute),
                "after": 0,
                "through": 3,
                "count": 3,
                "digests_sha256": bytes(32),
                "previous_head": bytes(32),
                "head": bytes(32),
            },
            fields,
        )
    )


def imported(minute: float = 60, **fields: Any) -> BundleImported:
    return BundleImported(
        **_with(
            {
                "occurred_at": at(minute),
                "decided_by": "carol",
                "number": "INC-57",
                "was": "INC-42",
                "log": "9a9c33356725fec1",
                "position": 135,
                "last_event": _id(declared()),
                "last_digest": "4821" * 16,
                "head": "3139" * 16,
                "sha256": bytes(range(32)),
                "brought": 127,
                "numbers": {"INC-42": "INC-57"},
            },
            fields,
        )
    )


def waived(minute: float = 60, **fields: Any) -> RuleWaived:
    return RuleWaived(
        **_with(
            {
                "occurred_at": at(minute),
                "decided_by": "alice",
                "incident": "INC-42",
                "rule": "merged_back",
                "why": "develop is frozen until Thursday",
            },
            fields,
        )
    )


def action(minute: float = 60, **fields: Any) -> ActionAdded:
    return ActionAdded(
        **_with(
            {
                "occurred_at": at(minute),
                "decided_by": "alice",
                "incident": "INC-42",
                "text": "Alert on the pool's connections",
                "owner": "john",
                "due_on": date(2026, 3, 2),
                "due_said": "by tomorrow",
            },
            fields,
        )
    )


def action_done(of: ActionAdded, minute: float = 90, **fields: Any) -> ActionDone:
    return ActionDone(
        **_with(
            {
                "occurred_at": at(minute),
                "decided_by": "john",
                "incident": of.incident,
                "action": event_id(of),
                "proof": "https://git.example.org/shop/pull/77",
            },
            fields,
        )
    )


def reviewed(minute: float = 70, **fields: Any) -> ReportReviewed:
    return ReportReviewed(
        **_with(
            {
                "occurred_at": at(minute),
                "decided_by": "bob",
                "incident": "INC-42",
                "position": 24,
                "changes": 2,
            },
            fields,
        )
    )


def published(minute: float = 80, **fields: Any) -> ReportPublished:
    return ReportPublished(
        **_with(
            {
                "occurred_at": at(minute),
                "decided_by": "bob",
                "incident": "INC-42",
                "position": 27,
                "sha256": bytes(range(32)),
                "waived": ("k3f9a1c",),
                "why": "the customer's own clock was wrong",
            },
            fields,
        )
    )


def one_of_each() -> list[Event]:
    """One event of every kind."""
    fact = deploy()
    return [
        *(alert(), alert_end(), error(), issue(), check_in(), outside()),
        *(deploy_start(), fact, deploy_failed(), rollback_start(), rollback(), rollback_failed()),
        *(run_of_tests(), commit(), tag(), branch(), repository_read(), release_created(), released()),
        *(samples(), collected(), rule(), silent(), returned()),
        *(declared(), milestone(), severity(), lead(), stage(), service_added(), service_removed()),
        *(note(), file(), resolved(), reopened(), merged()),
        *(amended(fact, changes={"version": "1.4.3"}), retracted(fact), linked(fact), unlinked(fact)),
        redacted(note()),
        *(verdicts(fact), check(fact)),
        *(prepared(eta=at(23)), posting(prepared()), sent(prepared=_id(prepared()), attempts=2)),
        *(not_sent(prepared()), eta_missed(sent())),
        *(waived(), action(), action_done(action()), reviewed(), published()),
        *(settings(), seal()),
        imported(),
    ]


def streams(events: Iterable[Event]) -> Sequence[Event]:
    """Only what stands alone: facts, and decisions without an incident."""
    return [each for each in events if not getattr(each, "incident", None) and each.TOPIC != "log-sealed"]
