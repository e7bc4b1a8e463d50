"""What is still due of a resolved incident, and what presses while one is open."""

import pytest

from tests.cli.conftest import refused


@pytest.fixture
def burning(tracker):
    """INC-1 of checkout, declared ten minutes ago."""
    words = ("--service", "checkout", "--severity", "critical", "--at", "10m-ago")
    assert tracker("declare", "Payments answer 500", *words).code == 0
    return tracker


@pytest.fixture
def resolved(burning):
    """The same after a deploy, just resolved."""
    burning("deploy", "finish", "checkout", "v2", "--at", "5m-ago")
    assert burning("resolve", 1).code == 0
    return burning


def test_what_is_due_of_a_resolved_incident_is_listed(resolved):
    """
    By `tracker` alone, and as JSON: the day after the fix, the merge back, the report.
    """
    said = resolved().out
    [due] = resolved("due", "--json").json["still_due"]

    assert "INC-1 (resolved): write and publish the report: " in said
    assert due["incident"] == "INC-1"
    assert "report_written" in [item["rule"] for item in due["next"]]


def test_a_dot_is_the_resolved_incident_of_which_something_is_due(resolved):
    """
    As long as none is open: then it is that one.
    """
    assert resolved("show", ".", "--json").json["incident"] == "INC-1"
    assert resolved("note", ".", "the pool was full").code == 0

    resolved("declare", "Search is slow", "--service", "search", "--severity", "minor")

    assert resolved("show", ".", "--json").json["incident"] == "INC-2"


def test_a_dot_is_refused_where_it_may_be_two(resolved):
    """
    With the list of them; and where nothing is open or due.
    """
    resolved("declare", "Search is slow", "--service", "search", "--severity", "minor")
    resolved("resolve", 2)

    refused(
        resolved("show", "."), 2, "INC-1 Payments answer 500", "INC-2 Search is slow", "have something due"
    )


def test_without_anything_due_a_dot_is_refused(burning):
    """
    A false alarm needs nothing.
    """
    burning("resolve", 1, "--as", "false-alarm")

    refused(burning("show", "."), 2, "there is no open incident, and nothing is due")
    assert "(resolved)" not in burning().out


def test_while_it_burns_check_is_what_is_late_and_due(burning):
    """
    In a screen, with the way to all; all of it once it is over, and for programs.
    """
    short = burning("check", 1)
    every = burning("check", 1, "--all")
    names = [rule["rule"] for rule in burning("check", 1, "--json").json["rules"]]

    assert len(short.out.splitlines()) <= 24
    assert "deployed_in_time" in short.out
    assert "tracker check INC-1 --all" in short.err
    assert "branch_named" not in short.out
    assert all(name in every.out for name in names)
    burning("resolve", 1)
    assert all(name in burning("check", 1).out for name in names)
