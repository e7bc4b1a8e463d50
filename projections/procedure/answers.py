"""What the rules that stand on git have in common: of several hotfixes the worst counts, and when there is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from projections.procedure.deploys import own_changes
from projections.procedure.fix_attempts import no_fix
from projections.procedure.hotfix import hotfixes
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.known_hotfixes import histories_of
from projections.procedure.rule import Evidence, Ruled, Status

_WORST = (Status.MISSED, Status.LATE, Status.UNKNOWN, Status.MET, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Part:
    """How one hotfix stands with a rule; `says` without its name."""

    status: Status
    actual: str | None
    says: str
    evidence: tuple[str, ...] = ()
    late_seconds: float | None = None
    due_at: datetime | None = None
    todo: str | None = None


def for_each(
    evidence: Evidence,
    rule: str,
    expected: str,
    judge: Callable[[Hotfix], Part],
    which: Callable[[Evidence], Sequence[Hotfix]] = hotfixes,
) -> Ruled:
    """Answer a rule for every hotfix of the incident; the worst of the answers is the rule's."""
    known = which(evidence)
    off = no_fix(evidence)
    if off is not None:
        return Ruled(rule, Status.NOT_APPLICABLE, expected, None, f"no hotfix was asked for: {off}")
    if not known:
        return _without(evidence, rule, expected)
    parts = [(each, judge(each)) for each in known]
    worst = min((part for _, part in parts), key=lambda part: _WORST.index(part.status))
    alone = len(parts) == 1
    actual = [part.actual if alone else f"{each.name}: {part.actual}" for each, part in parts if part.actual]
    says = [part.says if alone else f"{each.name}: {part.says}" for each, part in parts]
    return Ruled(
        rule,
        worst.status,
        expected,
        "; ".join(actual) or None,
        "; ".join(dict.fromkeys(says)),
        tuple(dict.fromkeys(event for _, part in parts for event in part.evidence)),
        worst.late_seconds,
        worst.due_at,
        worst.todo,
    )


def _without(evidence: Evidence, rule: str, expected: str) -> Ruled:
    """Answer for an incident that has no hotfix: it needed none, or none is known."""
    rows = [row for row in own_changes(evidence) if row.at >= evidence.incident.begins_at]
    rolled_back = next((row for row in reversed(rows) if row.status == "finished"), None)
    over = evidence.incident.ends_at is not None
    if over and rolled_back is not None and rolled_back.kind == "rollback":
        kept = "what was tried was taken back" if hotfixes(evidence) else "no code was changed"
        says = f"it ended by the rollback to {rolled_back.version}; {kept}"
        return Ruled(rule, Status.NOT_APPLICABLE, expected, None, says, rolled_back.evidence)
    taken_back = hotfixes(evidence)
    if taken_back:
        names = ", ".join(each.name for each in taken_back)
        proof = tuple(dict.fromkeys(event for each in taken_back for event in each.evidence))
        says = (
            f"{names} {'was' if len(taken_back) == 1 else 'were'} rolled back, and no other hotfix is known"
        )
        return Ruled(rule, Status.UNKNOWN, expected, None, says, proof)
    return Ruled(rule, Status.UNKNOWN, expected, None, why_none(evidence))


def why_none(evidence: Evidence) -> str:
    """Say why no hotfix is known, and what to type."""
    if not histories_of(evidence):
        return f"its repository was not read: {how_to_know(evidence)}"
    pattern = evidence.procedure.branch_pattern
    return f"no commit of that time is known on a branch like {pattern}, nor by a deploy: {how_to_know(evidence)}"


def how_to_know(evidence: Evidence) -> str:
    """Return the command that feeds what is missing."""
    services = evidence.incident.services
    return f"tracker ingest git --service {services[0]}" if services else "tracker ingest git PATH"


def counted(number: int, what: str) -> str:
    """Say a number of things: 1 commit, 2 commits."""
    return f"{number} {what}{'s' * (number != 1)}"
