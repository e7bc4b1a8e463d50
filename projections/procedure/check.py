"""All rules of the procedure in their order, and what was waived of them."""

from projections.procedure.branching import branch_named, branched_from_production, no_competing_hotfix
from projections.procedure.commits import commits_minimal
from projections.procedure.merged_back import backported, merged_back
from projections.procedure.rule import Evidence, Rule, Ruled
from projections.procedure.versions import new_version_after_rollback, tagged, version_bumped

RULES: tuple[tuple[str, Rule], ...] = (
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
"""Each rule by its name; a new one is one function and one line here."""


def check(evidence: Evidence) -> list[Ruled]:
    """Hold every rule against the evidence."""
    return [rule(evidence) for _, rule in RULES]
