"""Every rule of the procedure, answered from a dossier."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from projections.comparison import VerdictRow
from projections.dossier import Dossier
from projections.procedure.check import check
from projections.procedure.rule import Evidence, ProcedureLimits, RuleAnswer
from projections.updates import messages_of
from tracker.events.base import Recorded
from tracker.events.corrections import Correction


@dataclass(frozen=True)
class Evaluation:
    """The answers, the evidence for them, and the events that they name or depend on."""

    rules: list[RuleAnswer]
    evidence: Evidence
    used: list[Recorded]


def procedure(
    dossier: Dossier, verdicts: Iterable[VerdictRow] = (), *, limits: ProcedureLimits | None = None
) -> Evaluation:
    """Answer every rule. Asked live, limits run on by the clock; looking back they end with the last event.

    Without `verdicts` those that were recorded count; `limits` replace those of the log.
    """
    return _evaluation(dossier, evidence_of(dossier, verdicts, limits=limits))


def procedure_for_report(
    dossier: Dossier, verdicts: Sequence[VerdictRow], used: Sequence[Recorded]
) -> Evaluation:
    """Answer every rule as of the last event that the report depends on: `used`, and what the answers name.

    What was recorded later moves neither the position nor a limit, so the same position gives the same
    bytes. An answer as of an earlier position may name less: it is asked again there until it names
    all that it was given.
    """
    _, said = dossier.settings(None)
    least = max(each.position for each in [*used, *said, *_corrections(dossier)])
    position = max([least, *(each.position for each in (*dossier.work, *dossier.change_events))])
    while True:
        found = _evaluation(dossier, evidence_of(dossier, verdicts, position=position))
        last = max([least, *(each.position for each in found.used)])
        if last == position:
            return found
        position = last


def evidence_of(
    dossier: Dossier,
    verdicts: Iterable[VerdictRow] = (),
    *,
    limits: ProcedureLimits | None = None,
    position: int | None = None,
) -> Evidence:
    """Gather what rules are asked about: all of it, or what the log had up to a position.

    No correction may come after that position: corrections are applied already.
    """
    living = dossier.work_facts
    now = dossier.now
    if position is not None:
        living = [fact for fact in living if fact.recorded.position <= position]
        now = _recorded_at(dossier, position)
    settings = dossier.settings(None)[0]
    return Evidence(
        incident=dossier.incident,
        facts=tuple(living),
        changes=tuple(dossier.changes_up_to(position)),
        messages=tuple(messages_of(dossier.incident)),
        verdicts=tuple(verdicts),
        procedure=limits or ProcedureLimits.of(settings.get("procedure", {})),
        now=now,
        detected_at=dossier.detected_at,
        tell=tuple(settings.get("tell", {}).get(dossier.incident.severity, ())),
        others=dossier.neighbours,
        back_at=dossier.relapse.detected.instant if dossier.relapse else None,
    )


def _evaluation(dossier: Dossier, evidence: Evidence) -> Evaluation:
    rules = check(evidence)
    named = {event for rule in rules for event in rule.evidence}
    used = [each for each in dossier.recorded if each.id in named]
    _, said = dossier.settings(None)
    return Evaluation(rules, evidence, [*used, *_corrections(dossier), *said])


def _corrections(dossier: Dossier) -> list[Recorded]:
    return [each for each in dossier.work if isinstance(each.event, Correction)]


def _recorded_at(dossier: Dossier, position: int) -> datetime:
    return next(each.recorded_at for each in reversed(dossier.recorded) if each.position == position)
