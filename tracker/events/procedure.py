"""What people said of the procedure: a rule, or a finding in the prose, that is not to be held against an incident."""

from tracker.events.base import Decision, topic

RULE_NAMES = (
    "team_alerted",
    "branched_from_production",
    "branch_named",
    "commits_minimal",
    "tested_before_deploy",
    "deployed_in_time",
    "verified",
    "watched_10m",
    "watched_1h",
    "watched_1d",
    "rolled_back_when_not_fixed",
    "new_version_after_rollback",
    "merged_back",
    "version_bumped",
    "tagged",
    "backported",
    "no_competing_hotfix",
    "updates_on_time",
    "report_written",
)
"""The rules, in the order in which the procedure names them and every answer does."""


@topic("rule-waived", rank=86)
class RuleWaived(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody said that a rule does not count here, and why; to take that back is to retract it.

    `rule` is the name of a rule of the procedure, or the key of a claim that `tracker check` printed.
    """

    rule: str
    why: str
