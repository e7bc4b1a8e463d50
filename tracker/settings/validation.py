"""Rules of [procedure] that contradict each other: no incident could keep them, so they are refused at load."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tracker.times import duration_seconds

if TYPE_CHECKING:
    from tracker.settings.loading import Procedure

Refuse = Callable[[str, str, str], None]
"""Refuses with the place, what is wrong there, and what to write instead."""

LIMITS = {
    "alert_team_within": "5m",
    "update_every": "5m",
    "fix_deployed_within": "30m",
    "merged_back_within": "1h",
    "report_within": "5d",
}
_IN_ORDER = (
    ("alert_team_within", "fix_deployed_within", "the team would hear of it after the fix"),
    ("fix_deployed_within", "merged_back_within", "the fix would be merged back before it is deployed"),
)
"""Limits of which the second cannot end before the first, and why: all run from the detection."""
_PATTERN_LANGUAGE = set(".*+?[](){}|^$\\")


def refuse_contradictions(procedure: "Procedure", refuse: Refuse) -> None:
    """Refuse what cannot be kept; the limits are durations already, whichever they are."""
    seconds = {name: duration_seconds(getattr(procedure, name)) for name in LIMITS}
    for name, usual in LIMITS.items():
        if seconds[name] <= 0:
            said = f"{getattr(procedure, name)!r} is no time at all, and nobody could keep it"
            refuse(f"procedure.{name}", said, f'{name} = "{usual}"')
    for earlier, later, why in _IN_ORDER:
        if seconds[later] < seconds[earlier]:
            least = getattr(procedure, earlier)
            refuse(
                f"procedure.{later}",
                f"{getattr(procedure, later)!r} is less than {earlier} {least!r}: {why}",
                f'Both run from the detection: {later} = "{least}", or more',
            )
    commits = procedure.maximum_fix_commits
    if commits < 1:
        refuse("procedure.maximum_fix_commits", f"{commits} allows no fix at all", "maximum_fix_commits = 3")
    _refuse_branches(procedure, refuse)


def _refuse_branches(procedure: "Procedure", refuse: Refuse) -> None:
    production, integration = procedure.production_branch, procedure.integration_branch
    if not production.strip():
        refuse(
            "procedure.production_branch",
            "is empty, and a hotfix has to start somewhere",
            'production_branch = "main"',
        )
    if production == integration:
        refuse(
            "procedure.integration_branch",
            f"is {integration!r} like production_branch: a hotfix starts from the one and never from the other",
            'A team with one trunk has nothing to merge back to: integration_branch = ""',
        )
    for key in ("production_branch", "integration_branch"):
        if getattr(procedure, key) in procedure.maintained_branches:
            refuse(
                "procedure.maintained_branches",
                f"names {getattr(procedure, key)!r}, which is {key} and no older line",
                'maintained_branches = ["release/1.0"]',
            )
    place, hint, text = "procedure.branch_pattern", 'branch_pattern = "hotfix/.+"', procedure.branch_pattern
    if not text:
        refuse(place, "is empty, and matches no branch", hint)
    try:
        pattern = re.compile(text)
    except re.error as broken:
        refuse(place, f"is not a pattern: {broken}", hint)
        return
    for key in ("production_branch", "integration_branch"):
        name = getattr(procedure, key)
        if name and pattern.fullmatch(name):
            refuse(place, f"{text!r} matches {key} {name!r}, which is no hotfix branch", hint)
    last = text.rsplit("/", 1)[-1]
    # Without pattern language it is one name.
    if not _PATTERN_LANGUAGE & set(text) and {text, last} & set(procedure.generic_branch_names):
        refuse(place, f"{text!r} allows one name, and generic_branch_names forbids that", hint)
