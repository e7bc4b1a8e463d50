"""The rows of the tables that are about all incidents, or about what sources reported of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from projections.frames.columns import CHECKS, COMMITS, ERRORS, MESSAGES
from projections.population import Population
from projections.procedure.check import check
from projections.updates import messages_of
from tracker.application.all_incidents import AllIncidents
from tracker.events.alerts import AlertFired, ErrorSeen
from tracker.events.base import Decision
from tracker.events.changes import CommitMade
from tracker.events.corrections import Effective
from tracker.events.incidents import NoteAdded
from tracker.events.samples import AlertRuleSeen
from tracker.events.verdicts import CheckMade
from tracker.incident import Incident

Row = dict[str, Any]
_Step = TypeVar("_Step", bound=Decision)


def notes(known: AllIncidents) -> Iterator[Row]:
    for incident, step, note in _steps(known, NoteAdded):
        yield {
            **_event(step),
            "incident": incident.id,
            "kind": note.kind,
            "text": note.text,
            "by": note.decided_by,
            "recorded_at": step.recorded.recorded_at,
            "amended": bool(step.amendments),
        }


def errors(known: AllIncidents) -> Iterator[Row]:
    seen = known.observed(ErrorSeen)
    incident_of = incidents_of_facts(Population(known.incidents, seen))
    for fact in _ordered(seen):
        yield {**ERRORS.of(fact.event), **_event(fact), "incident": incident_of.get(fact.id)}


def commits(known: AllIncidents) -> Iterator[Row]:
    for fact in _ordered(known.observed(CommitMade)):
        event = fact.event
        assert isinstance(event, CommitMade)
        yield {
            **COMMITS.of(event),
            **_event(fact),
            "title": event.subject_line,
            "files": event.changed_paths or event.brought_paths or (),
        }


def rules(known: AllIncidents) -> Iterator[Row]:
    """One for each rule of a service, as it was last seen, and for each name of an alert that fired without one."""
    fired = Counter(
        (fact.event.name, fact.event.service)
        for fact in known.observed(AlertFired)
        if isinstance(fact.event, AlertFired)
    )
    newest: dict[tuple[str, str | None], Effective] = {}
    for fact in sorted(known.observed(AlertRuleSeen), key=lambda each: each.recorded.position):
        if isinstance(fact.event, AlertRuleSeen):
            newest[fact.event.name, fact.event.service] = fact
    # A rule that is for all services fires for one of them.
    for_all = {name for name, service in newest if service is None}
    names = {*newest, *((name, None if name in for_all else service) for name, service in fired)}
    for name, service in sorted(names, key=lambda each: (each[0], each[1] or "")):
        rule = newest.get((name, service))
        row: Row = {"name": name, "service": service, "fired": fired[name, service]}
        if service is None:
            row["fired"] = sum(count for (other, _), count in fired.items() if other == name)
        if rule is not None and isinstance(event := rule.event, AlertRuleSeen):
            row |= {
                **_event(rule),
                "expression": event.expression,
                "for_seconds": event.for_seconds,
                "severity": event.labels.get("severity"),
                "seen_at": event.occurred_at,
            }
        yield row


def checks(known: AllIncidents) -> Iterator[Row]:
    for incident, step, made in _steps(known, CheckMade):
        yield {**CHECKS.of(made), **_event(step), "incident": incident.id, "by": made.decided_by}


def messages(known: AllIncidents) -> Iterator[Row]:
    found = [(message.prepared_at, message) for each in known.incidents for message in messages_of(each)]
    for _, message in sorted(found, key=lambda each: (each[0], each[1].event)):
        yield {**MESSAGES.of(message), "state": message.state.value, "eta_at": message.eta}


def procedure_rows(known: AllIncidents, incidents: Iterable[Incident]) -> Iterator[Row]:
    for incident in incidents:
        for answer in check(known.evidence(incident)):
            yield {
                "incident": incident.id,
                "services": incident.services,
                "severity": incident.severity,
                "rule": answer.rule,
                "status": answer.status.value,
                "reason": answer.reason,
                "late_seconds": answer.late_seconds,
                "due_at": answer.due_at,
                "waived_by": answer.waiver.by if answer.waiver else None,
                "waived_why": answer.waiver.why if answer.waiver else None,
                "evidence": answer.evidence,
            }


def incidents_of_facts(population: Population) -> dict[str, str]:
    """Return by fact the incident that it belongs to."""
    return {fact.id: incident.id for incident in population.incidents for fact in population.own(incident)}


def root_cause(incident: Incident) -> str | None:
    """Return what people wrote last as the cause."""
    causes = [
        step.event.text
        for step in incident.own_steps
        if isinstance(step.event, NoteAdded) and step.event.kind == "root-cause"
    ]
    return causes[-1] if causes else None


def _steps(known: AllIncidents, kind: type[_Step]) -> list[tuple[Incident, Effective, _Step]]:
    found = [
        (incident, step, step.event)
        for incident in known.incidents
        for step in incident.own_steps
        if isinstance(step.event, kind)
    ]
    return sorted(found, key=lambda each: each[1].order)


def _ordered(facts: list[Effective]) -> list[Effective]:
    return sorted(facts, key=lambda fact: fact.order)


def _event(fact: Effective) -> Row:
    return {"occurred_at": fact.event.occurred_at, "handle": fact.handle, "event": fact.id}
