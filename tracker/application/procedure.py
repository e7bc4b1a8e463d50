"""Reading what rules are held against: shared by check, show, list, watch and the report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.attachment import linked_ids, without_other_links
from projections.changes import changes
from projections.comparison import VerdictRow
from projections.detection import detected_at
from projections.durations import Duration, durations
from projections.procedure.advice import Advice, advice
from projections.procedure.check import check
from projections.procedure.merging import fix_on_integration
from projections.procedure.rule import Evidence, ProcedureLimits, RuleAnswer
from projections.updates import messages_of
from reports.wording.durations import formula
from reports.wording.procedure import todo, what_is_due
from tracker.application.session import Session
from tracker.application.verdicts import compute_verdicts
from tracker.events.base import Recorded, Window
from tracker.events.changes import CommitMade, DeployFinished, RollbackFinished, VersionTagged
from tracker.events.corrections import Correction, effective
from tracker.events.housekeeping import SettingsChanged
from tracker.incident import Incident

#: Branches, tags and deploys so long before an incident say what its fix started from. Where no version
#: is known so shortly before it, older ones are looked for: what is seldom released breaks too.
BEFORE = (timedelta(days=30), timedelta(days=365), None)
#: A fix that is merged back later than that is not looked for any more.
AFTER = timedelta(days=30)
WORK = (
    "alert-fired", "deploy-started", "deploy-finished", "deploy-failed", "rollback-started", "rollback-finished",
    "rollback-failed", "tests-finished", "release-created", "version-released", "commit-made",
    "version-tagged", "branch-seen", "repository-read",
)  # fmt: skip
"""The kinds of fact that are looked for beyond the incident's own span."""


@dataclass(frozen=True)
class Evaluation:
    """The answers, what they were held against, and every event that was read for that."""

    rules: "list[RuleAnswer]"
    evidence: "Evidence"
    used: "list[Recorded]"


def ruled(session: Session, incident: "Incident", up_to: int | None) -> "list[RuleAnswer]":
    """Hold the rules of the procedure against an incident, up to a position of the log."""
    return evaluate_procedure(session, incident, up_to).rules


def evaluate_procedure(
    session: Session,
    incident: "Incident",
    up_to: int | None,
    *,
    verdicts: "Iterable[VerdictRow] | None" = None,
    facts: "Sequence[Recorded] | None" = None,
    procedure: "ProcedureLimits | None" = None,
) -> Evaluation:
    """Gather the evidence of an incident's own span, of the time before and a month after, and hold the rules against it.

    Without `verdicts` they are judged here. Asked live, limits run on by the clock; looking back they end
    with the last event.
    """
    if verdicts is None:
        verdicts = compute_verdicts(session, incident, up_to).rows
    work = without_other_links(incident, _work(session, incident, up_to))
    held, said = procedure_of(session, incident, up_to)
    facts = session.facts_of(incident, up_to) if facts is None else facts
    used = list({each.id: each for each in [*facts, *work, *said]}.values())
    living = [each for each in effective(used).values() if each.retraction is None]
    evidence = Evidence(
        incident=incident,
        facts=tuple(living),
        changes=tuple(changes(used)),
        messages=tuple(messages_of(incident)),
        verdicts=tuple(verdicts),
        procedure=procedure or held,
        now=_now(session, up_to),
        detected_at=detected_at(incident, living),
    )
    return Evaluation(check(evidence), evidence, used)


def _work(session: Session, incident: "Incident", up_to: int | None) -> "list[Recorded]":
    """Read what was built and deployed before and since, as far back as to the version that ran before."""
    until = incident.ends_at + AFTER if incident.ends_at else None
    found: list[Recorded] = []
    for before in BEFORE:
        since = incident.begins_at - before if before else None
        windows = [Window(f"service:{service}", since, until) for service in incident.services]
        found = session.log.select(windows, up_to, linked_ids(incident), topics=WORK)
        if _knows_what_ran(found, incident.begins_at):
            break
    return found


def _knows_what_ran(facts: "Iterable[Recorded]", begins_at: datetime) -> bool:
    """Whether a version of before an incident is there with its commit, or nothing tells of any commit."""
    commits: set[str] = set()
    versions: set[str] = set()
    for each in facts:
        event = each.event
        if isinstance(event, CommitMade):
            commits.add(event.sha)
        elif isinstance(event, DeployFinished | RollbackFinished | VersionTagged):
            versions |= {event.sha} if event.sha and event.occurred_at < begins_at else set()
    return not commits.isdisjoint(versions)


def evaluate_for_report(
    session: Session,
    incident: "Incident",
    up_to: int | None,
    *,
    verdicts: "Sequence[VerdictRow]",
    facts: "Sequence[Recorded]",
    among: "Sequence[Recorded]",
) -> Evaluation:
    """Answer for a report, which stands on `among` besides: at the position of the last event that anything in it names.

    What others did since moves neither the position nor a limit, so the same position gives the same bytes.
    """
    while True:
        found = evaluate_procedure(session, incident, up_to, verdicts=verdicts, facts=facts)
        named = {event for each in found.rules for event in each.evidence}
        _, said = procedure_of(session, incident, up_to)
        used = [
            *said,
            *(each for each in found.used if each.id in named or isinstance(each.event, Correction)),
        ]
        last = max(each.position for each in [*among, *facts, *used])
        if last == up_to:
            return Evaluation(found.rules, found.evidence, used)
        up_to = last


def _now(session: Session, up_to: int | None) -> datetime:
    if up_to is None:
        return session.now
    # Not the position's own instant: what came in a bundle was recorded when its first log says.
    last = session.log.read(up_to - 1, 1, up_to)
    return last[0].recorded_at if last else session.now


def procedure_of(
    session: Session, incident: "Incident", up_to: int | None
) -> "tuple[ProcedureLimits, list[Recorded]]":
    """Return [procedure] as the log has it, and the event that says so; the defaults where it has none."""
    last = session.settings_recorded(None, up_to, incident.id)
    if last is None or not isinstance(last.event, SettingsChanged):
        return ProcedureLimits(), []
    return ProcedureLimits.of(last.event.settings.get("procedure", {})), [last]


def settings_differ(session: Session) -> bool:
    """Whether tracker.toml says another [procedure] than the log: it counts once something is recorded."""
    if session.settings.path is None:
        return False
    last = session.log.latest("settings:")
    held = last.event.settings.get("procedure") if last and isinstance(last.event, SettingsChanged) else None
    return bool(held != session.settings.facts()[None]["procedure"])


def incident_durations(
    incident: "Incident", facts: "Iterable[Recorded]", evidence: "Evidence"
) -> "dict[str, Duration]":
    """Measure an incident, with when its fix was merged back."""
    at, _ = fix_on_integration(evidence) or (None, "")
    trunk = not evidence.procedure.integration_branch
    return durations(incident, facts, integrated=at, one_trunk=trunk)


def durations_json(measured: "Mapping[str, Duration]") -> dict[str, dict[str, object]]:
    """Return durations as JSON keys."""
    return {
        name: {
            "seconds": duration.seconds,
            "at_least": duration.at_least,
            "at_most": duration.at_most,
            "state": duration.state,
            "from": duration.from_,
            "to": duration.to,
            "formula": formula(duration),
        }
        for name, duration in measured.items()
    }


def due_items(session: Session, incident: "Incident", up_to: int | None = None) -> "list[Advice]":
    """Return what is due next of an incident that was read with all its decisions.

    It stands on the verdicts that were recorded, and reads neither samples nor errors: it must come at once.
    What is still to be done follows tracker.toml as it is now; what was done, in `check`, the log.
    """
    if incident.imported:
        return []
    own = [step.recorded for step in incident.steps]
    today = None
    if up_to is None and session.settings.path is not None:
        today = ProcedureLimits.of(session.settings.facts()[None]["procedure"])
    found = evaluate_procedure(session, incident, up_to, verdicts=(), facts=own, procedure=today)
    return advice(found.rules, found.evidence.now)


def due_json(due: "Iterable[Advice]") -> list[dict[str, object]]:
    """Return what is due as JSON keys; how long is left a program knows from the instant, and that ticks."""
    return [
        {"rule": item.rule, "what": what_is_due(item), "todo": todo(item.next_step), "due_at": item.due_at}
        for item in due
    ]
