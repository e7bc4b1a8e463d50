"""What is due next: from the rules, the most urgent first, each command once."""

from datetime import timedelta

import pytest

from projections.procedure.advice import advice
from projections.procedure.rule import NextStep, ProcedureLimits, RuleAnswer, Status
from reports.wording.procedure import due, what_is_due
from tests.builders import at

MERGE = NextStep("git_merge", {"branch": "develop", "name": "hotfix/v1.2.1"})
READ = NextStep("ingest_git", {"service": "checkout"})
TYPED = "git checkout develop && git merge hotfix/v1.2.1"


def asked(rule="merged_back", due_minute=30.0, step=MERGE, status=Status.UNKNOWN, **fields):
    due_at = None if due_minute is None else at(due_minute)
    return RuleAnswer(status, "x", due_at=due_at, next_step=step, rule=rule, **fields)


@pytest.mark.parametrize(
    ("minute", "said"),
    [
        (7.4, "merge back to develop: 22 min left; " + TYPED),
        (28.5, "merge back to develop: 90 s left; " + TYPED),
        (30, "merge back to develop: 0 s left; " + TYPED),
        (42, "merge back to develop: overdue by 12 min; " + TYPED),
        (-100, "merge back to develop: 2 h 10 min left; " + TYPED),
    ],
)
def test_what_is_due_says_how_long_is_left_and_what_to_type(minute, said):
    """
    Never more than is left; what is over is said to be.
    """
    [found] = advice([asked()], at(minute))

    assert due(found) == said


def test_the_longest_overdue_comes_first_and_what_has_no_limit_last():
    """
    Whatever order the rules have. What is merely not known, and has no limit, is no reminder.
    """
    found = advice(
        [
            asked("backported", None, NextStep("git_bump"), Status.MISSED),
            asked("tagged", None, READ),
            asked("merged_back", 30, limits=ProcedureLimits(integration_branch="next")),
            asked("team_alerted", 5, NextStep("message", {"incident": "1", "kind": "initial"})),
            asked(
                "rolled_back_when_not_fixed",
                1,
                NextStep("run_rollback", {"service": "checkout"}),
                Status.MISSED,
            ),
        ],
        at(10),
    )

    assert [each.rule for each in found] == [
        "rolled_back_when_not_fixed",
        "team_alerted",
        "merged_back",
        "backported",
    ]
    assert what_is_due(found[2]) == "merge back to next"
    assert due(found[3]) == (
        "backport the fix to the maintained branches; git commit -m 'chore: bump version to …'"
    )
    assert found[3].left_seconds is None


def test_one_command_is_said_once_with_its_earliest_limit():
    """
    Watching answers three rules.
    """
    watch = NextStep("watch", {"incident": "1"})
    found = advice([asked("watched_1d", 99, watch), asked("verified", 9, watch)], at(0))

    assert [(each.rule, each.left_seconds) for each in found] == [("verified", 540.0)]


@pytest.mark.parametrize("status", [Status.MET, Status.WAIVED, Status.NOT_APPLICABLE])
def test_what_is_done_waived_or_not_asked_is_not_due(status):
    """
    Neither is a rule about which nothing can be done.
    """
    assert advice([asked(status=status), asked(step=None)], at(0)) == []


def test_a_repository_that_was_not_read_is_to_be_read_first():
    """
    The rule is not what has to be done then.
    """
    [found] = advice([asked(step=READ)], at(0))

    assert what_is_due(found) == "read its repository"
    assert found.due_at == at(30)
    assert found.left_seconds == timedelta(minutes=30).total_seconds()
