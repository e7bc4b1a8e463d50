"""What the rules about git have in common: of several hotfixes the worst counts, and what to answer without any."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from projections.procedure.deploys import last_in_life, rollback_of
from projections.procedure.fix_attempts import deployed_fixes
from projections.procedure.hotfix import hotfixes, standing_hotfixes
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.known_hotfixes import histories_of
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status

_WORST = (Status.MISSED, Status.LATE, Status.UNKNOWN, Status.MET, Status.NOT_APPLICABLE)


def for_each_hotfix(
    evidence: Evidence,
    judge: Callable[[Hotfix], RuleAnswer],
    which: Callable[[Evidence], Sequence[Hotfix]] = hotfixes,
) -> RuleAnswer:
    """Answer a rule for every hotfix of the incident; the worst of the answers is the rule's."""
    answers = [(hotfix.name, judge(hotfix)) for hotfix in which(evidence)]
    return (
        worst_of(answers)
        if answers
        else _without_hotfix(evidence, rolled_back_too=which is not standing_hotfixes)
    )


def worst_of(answers: Sequence[tuple[str, RuleAnswer]]) -> RuleAnswer:
    """Return the worst of the answers, each with what it is about; with several all are its parts."""
    parts = [replace(answer, subject=name, evidence=unique(answer.evidence)) for name, answer in answers]
    worst = min(parts, key=lambda part: _WORST.index(part.status))
    if len(parts) == 1:
        return worst
    events = unique(event for part in parts for event in part.evidence)
    return replace(worst, parts=tuple(parts), evidence=events, subject=None)


def _without_hotfix(evidence: Evidence, *, rolled_back_too: bool) -> RuleAnswer:
    """Answer for an incident that has no hotfix: it needed none, or none is known."""
    last = last_in_life(evidence)
    attempts = hotfixes(evidence)
    tried = [row for row in deployed_fixes(evidence) if rolled_back_too or rollback_of(evidence, row) is None]
    if evidence.incident.ends_at is not None and last is not None and last.kind == "rollback":
        if tried and not attempts:
            hint = {"names": [row.version for row in tried], "hint": ingest_git(evidence)}
            proof = unique(event for row in tried for event in row.evidence)
            return RuleAnswer(Status.UNKNOWN, "deployed_hotfix_unknown", hint, proof)
        reason = "ended_by_rollback_of_fix" if attempts else "ended_by_rollback"
        return RuleAnswer(Status.NOT_APPLICABLE, reason, {"version": last.version}, last.evidence)
    if attempts:
        names = [hotfix.name for hotfix in attempts]
        proof = unique(event for hotfix in attempts for event in hotfix.evidence)
        return RuleAnswer(Status.UNKNOWN, "all_hotfixes_rolled_back", {"names": names}, proof)
    known = bool(histories_of(evidence))
    facts = {"pattern": evidence.procedure.branch_pattern, "hint": ingest_git(evidence)}
    return RuleAnswer(Status.UNKNOWN, "no_hotfix_known" if known else "repository_not_read", facts)


def unknown(reason: str, facts: Mapping[str, Any], proof: tuple[str, ...], step: NextStep) -> RuleAnswer:
    """Answer that something is unknown until a command is run."""
    return RuleAnswer(Status.UNKNOWN, reason, facts, proof, next_step=step)


def ingest_git(evidence: Evidence) -> NextStep:
    """Return the step that reads the repository."""
    services = evidence.incident.services
    return NextStep("ingest_git", {"service": services[0] if services else None})


def unique(events: Any) -> tuple[str, ...]:
    """Keep each event once, in order."""
    return tuple(dict.fromkeys(events))
