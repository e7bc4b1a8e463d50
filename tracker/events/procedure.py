"""Waivers: a rule of the procedure, or a finding in the prose, does not count for an incident."""

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
"""The rules, in the order of the procedure and of every answer."""


@topic("rule-waived", rank=86)
class RuleWaived(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A rule does not count for the incident; retracting this makes it count again.

    `rule` is the name of a rule of the procedure, or the key of a claim that `tracker check` printed.
    """

    rule: str
    why: str
