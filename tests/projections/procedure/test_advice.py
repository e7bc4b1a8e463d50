"""What is due next: from the rules, the most urgent first, each command once."""

from datetime import timedelta

import pytest

from projections.procedure.advice import advice
from projections.procedure.rule import ProcedureLimits, Ruled, Status
from tests.builders import at


def asked(rule="merged_back", due=30.0, todo="git merge hotfix/v1.2.1", status=Status.UNKNOWN):
    return Ruled(rule, status, "x", None, "x", due_at=None if due is None else at(due), todo=todo)


@pytest.mark.parametrize(
    ("minute", "said"),
    [
        (7.4, "merge back to develop: 22 min left; git merge hotfix/v1.2.1"),
        (28.5, "merge back to develop: 90 s left; git merge hotfix/v1.2.1"),
        (30, "merge back to develop: 0 s left; git merge hotfix/v1.2.1"),
        (42, "merge back to develop: overdue by 12 min; git merge hotfix/v1.2.1"),
        (-100, "merge back to develop: 2 h 10 min left; git merge hotfix/v1.2.1"),
    ],
)
def test_what_is_due_says_how_long_is_left_and_what_to_type(minute, said):
    """
    Never more than is left; what is over is said to be.
    """
    [found] = advice([asked()], ProcedureLimits(), at(minute))

    assert found.said() == said


def test_the_longest_overdue_comes_first_and_what_has_no_limit_last():
    """
    Whatever order the rules have. What is merely not known, and has no limit, is no reminder.
    """
    found = advice(
        [
            asked("backported", None, "git cherry-pick", Status.MISSED),
            asked("tagged", None, "tracker ingest git PATH"),
            asked("merged_back", 30),
            asked("team_alerted", 5, "tracker message 1 initial"),
            asked("rolled_back_when_not_fixed", 1, "tracker run rollback checkout", Status.MISSED),
        ],
        ProcedureLimits(integration_branch="next"),
        at(10),
    )

    assert [each.rule for each in found] == [
        "rolled_back_when_not_fixed",
        "team_alerted",
        "merged_back",
        "backported",
    ]
    assert found[2].what == "merge back to next"
    assert found[3].said() == "take the fix to the older lines; git cherry-pick"
    assert found[3].left_seconds is None


def test_one_command_is_said_once_with_its_earliest_limit():
    """
    Watching answers three rules.
    """
    watch = "tracker watch 1"
    found = advice([asked("watched_1d", 99, watch), asked("verified", 9, watch)], ProcedureLimits(), at(0))

    assert [(each.rule, each.left_seconds) for each in found] == [("verified", 540.0)]


@pytest.mark.parametrize("status", [Status.MET, Status.WAIVED, Status.NOT_APPLICABLE])
def test_what_is_done_waived_or_not_asked_is_not_due(status):
    """
    Neither is a rule about which nothing can be done.
    """
    assert advice([asked(status=status), asked(todo=None)], ProcedureLimits(), at(0)) == []


def test_a_repository_that_was_not_read_is_to_be_read_first():
    """
    The rule is not what has to be done then.
    """
    [found] = advice([asked(todo="tracker ingest git PATH --service checkout")], ProcedureLimits(), at(0))

    assert found.what == "read its repository"
    assert found.due_at == at(30)
    assert found.left_seconds == timedelta(minutes=30).total_seconds()
