"""All rules of the procedure in their order, and what was waived of them."""

import re
from dataclasses import replace

from projections.procedure.branching import branch_named, branched_from_production, no_competing_hotfix
from projections.procedure.commits import commits_minimal
from projections.procedure.communication import team_alerted, updates_on_time
from projections.procedure.merged_back import backported, merged_back
from projections.procedure.reporting import report_written
from projections.procedure.rule import Evidence, Rule, Ruled, Status
from projections.procedure.rules_fix import deployed_in_time, rolled_back_when_not_fixed, verified
from projections.procedure.testing_evidence import tested_before_deploy
from projections.procedure.versions import new_version_after_rollback, tagged, version_bumped
from projections.procedure.watching import watched_1d, watched_1h, watched_10m
from tracker.events.corrections import Effective
from tracker.events.procedure import RULE_NAMES, RuleWaived
from tracker.incident import Incident

RULES: tuple[tuple[str, Rule], ...] = (
    ("team_alerted", team_alerted),
    ("tested_before_deploy", tested_before_deploy),
    ("deployed_in_time", deployed_in_time),
    ("verified", verified),
    ("watched_10m", watched_10m),
    ("watched_1h", watched_1h),
    ("watched_1d", watched_1d),
    ("rolled_back_when_not_fixed", rolled_back_when_not_fixed),
    ("updates_on_time", updates_on_time),
    ("report_written", report_written),
    ("branched_from_production", branched_from_production),
    ("branch_named", branch_named),
    ("commits_minimal", commits_minimal),
    ("new_version_after_rollback", new_version_after_rollback),
    ("merged_back", merged_back),
    ("version_bumped", version_bumped),
    ("tagged", tagged),
    ("backported", backported),
    ("no_competing_hotfix", no_competing_hotfix),
)
"""Each rule by its name, in any order; a new one is one function, one line here, and its name in `RULE_NAMES`."""

_WORD = re.compile(r"[a-z]+(?=[ ,:;])", re.ASCII)

FOUND = (Status.LATE, Status.MISSED)
"""What counts as a finding."""


def check(evidence: Evidence) -> list[Ruled]:
    """Hold every rule against the evidence, in the order of the procedure."""
    excused = waivers(evidence.incident)
    asked = sorted(RULES, key=lambda each: RULE_NAMES.index(each[0]))
    answers = [_as_sentence(_without_trunk(name, evidence) or rule(evidence)) for name, rule in asked]
    return [_waived(each, excused[each.rule]) if each.rule in excused else each for each in answers]


def waivers(incident: Incident) -> dict[str, Effective]:
    """Return what people waived, by rule or claim; what was retracted is not waived."""
    return {
        step.event.rule: step
        for step in incident.steps
        if isinstance(step.event, RuleWaived)
        and step.retraction is None
        and step.event.incident == incident.id
    }


def findings(answers: list[Ruled]) -> list[Ruled]:
    """Keep what was late or missed."""
    return [each for each in answers if each.status in FOUND]


def _without_trunk(name: str, evidence: Evidence) -> Ruled | None:
    """Answer for a team with one trunk, which has nothing to merge back to."""
    if name != "merged_back" or evidence.procedure.integration_branch:
        return None
    says = "There is one trunk: integration_branch is empty."
    return Ruled(name, Status.NOT_APPLICABLE, "the fix on the integration branch", None, says)


def _as_sentence(answer: Ruled) -> Ruled:
    """Let what is said begin as a sentence does, where it begins with a word and not with a name, and end as one."""
    says = (
        _WORD.sub(lambda first: first[0].capitalize(), answer.says, count=1)
        if _WORD.match(answer.says)
        else answer.says
    )
    return replace(answer, says=says if says.endswith((".", "!", "?", "…")) else f"{says}.")


def _waived(answer: Ruled, waiver: Effective) -> Ruled:
    """Say who waived it and why, beside what it would be without that."""
    said = waiver.event
    assert isinstance(said, RuleWaived)
    otherwise = answer.status.value.replace("_", " ")
    return replace(
        answer,
        status=Status.WAIVED,
        says=f"Waived by {said.decided_by}: {said.why} (without that: {otherwise}. {answer.says})",
        evidence=(waiver.id, *answer.evidence),
        late_seconds=None,
        due_at=None,
        todo=None,
    )
