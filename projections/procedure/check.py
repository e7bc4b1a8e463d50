"""All rules of the procedure in their order, and what was waived of them."""

from dataclasses import replace

from projections.procedure.branching import branch_named, branched_from_production, no_competing_hotfix
from projections.procedure.commits import commits_minimal
from projections.procedure.communication import team_alerted, updates_on_time
from projections.procedure.fix_attempts import no_fix_needed, no_procedure_needed
from projections.procedure.merged_back import backported, merged_back
from projections.procedure.reporting import report_written
from projections.procedure.rule import Evidence, Rule, RuleAnswer, Status, Waiver
from projections.procedure.rules_fix import deployed_in_time, rolled_back_when_not_fixed, verified
from projections.procedure.testing_evidence import tested_before_deploy
from projections.procedure.versions import new_version_after_rollback, tagged, version_bumped
from projections.procedure.watching import watched_1d, watched_1h, watched_10m
from tracker.events.corrections import Effective
from tracker.events.procedure import RULE_NAMES, RuleWaived
from tracker.incident import Incident

RULES: dict[str, Rule] = {
    "team_alerted": team_alerted,
    "tested_before_deploy": tested_before_deploy,
    "deployed_in_time": deployed_in_time,
    "verified": verified,
    "watched_10m": watched_10m,
    "watched_1h": watched_1h,
    "watched_1d": watched_1d,
    "rolled_back_when_not_fixed": rolled_back_when_not_fixed,
    "updates_on_time": updates_on_time,
    "report_written": report_written,
    "branched_from_production": branched_from_production,
    "branch_named": branch_named,
    "commits_minimal": commits_minimal,
    "new_version_after_rollback": new_version_after_rollback,
    "merged_back": merged_back,
    "version_bumped": version_bumped,
    "tagged": tagged,
    "backported": backported,
    "no_competing_hotfix": no_competing_hotfix,
}
"""Each rule by its name; a new one is one function, one line here, and its name in `RULE_NAMES`."""

_WITHOUT_FIX = ("team_alerted", "updates_on_time", "report_written")
"""The rules that an incident has to keep that went away without a fix."""
FINDINGS = (Status.LATE, Status.MISSED)


def check(evidence: Evidence) -> list[RuleAnswer]:
    """Answer every rule from the evidence, in the order of the procedure."""
    waived = waivers(evidence.incident)
    answers = []
    for name in sorted(RULES, key=RULE_NAMES.index):
        answer = replace(_answer(name, evidence), rule=name, limits=evidence.procedure)
        answers.append(_waived(answer, waived[name]) if name in waived else answer)
    return answers


def _answer(name: str, evidence: Evidence) -> RuleAnswer:
    if name == "merged_back" and not evidence.procedure.integration_branch:
        return RuleAnswer(Status.NOT_APPLICABLE, "one_trunk")
    not_needed = (no_procedure_needed if name in _WITHOUT_FIX else no_fix_needed)(evidence)
    if not_needed is not None:
        return RuleAnswer(Status.NOT_APPLICABLE, not_needed, {"merged_into": evidence.incident.merged_into})
    return RULES[name](evidence)


def waivers(incident: Incident) -> dict[str, Effective]:
    """Return what people waived, by rule or claim; without retracted waivers."""
    return {
        step.event.rule: step
        for step in incident.steps
        if isinstance(step.event, RuleWaived)
        and step.retraction is None
        and step.event.incident == incident.id
    }


def findings(answers: list[RuleAnswer]) -> list[RuleAnswer]:
    """Keep what was late or missed."""
    return [answer for answer in answers if answer.status in FINDINGS]


def _waived(answer: RuleAnswer, waiver: Effective) -> RuleAnswer:
    event = waiver.event
    assert isinstance(event, RuleWaived)
    return replace(
        answer,
        status=Status.WAIVED,
        waiver=Waiver(event.decided_by, event.why, answer.status),
        evidence=(waiver.id, *answer.evidence),
        facts={**answer.facts, "todo": answer.next_step},
        late_seconds=None,
        due_at=None,
        next_step=None,
    )
