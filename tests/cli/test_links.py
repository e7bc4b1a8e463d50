"""What people say of an event's part: each of several people, each role taken back alone."""

import pytest

from tests.cli.conftest import DAY, refused


@pytest.fixture
def deployed(declared):
    """INC-1 with a deploy of checkout v1 shortly before it."""
    declared("deploy", "finish", "checkout", "v1", "--at", f"{DAY}T13:50:00Z")
    return declared


def link(tracker, role, by, *more):
    answer = tracker("link", 1, "checkout@v1", "--as", role, "--why", f"{by} says so", "--by", by, *more)
    assert answer.code == 0, answer.err


def roles(tracker):
    [change] = tracker("changes", 1, "--json").json["changes"]
    return [(said["as"], said["by"]) for said in change["attribution"]]


def unlink(tracker, *more):
    return tracker("unlink", 1, "checkout@v1", "--why", "it was not so", *more)


def test_a_role_that_is_taken_back_leaves_what_others_said(deployed):
    """
    Ben was wrong; Ana's word counts again.
    """
    link(deployed, "caused", "ana")
    link(deployed, "dismissed", "ben")
    assert roles(deployed) == [("dismissed", "ben")]

    answer = unlink(deployed, "--as", "dismissed", "--by", "ben")

    assert answer.code == 0
    assert "is no longer linked to INC-1 as dismissed by ben" in answer.err
    assert roles(deployed) == [("caused", "ana")]


def test_one_takes_back_ones_own_role_before_that_of_another(deployed):
    """
    Two people named it the cause; one of them no longer does.
    """
    link(deployed, "caused", "ana")
    link(deployed, "caused", "ben")

    unlink(deployed, "--as", "caused", "--by", "ana")
    assert roles(deployed) == [("caused", "ben")]
    unlink(deployed, "--as", "caused", "--by", "ana")
    assert roles(deployed) == []


def test_an_event_whose_only_role_is_taken_back_is_as_before(deployed):
    """
    It stays a candidate by its time, and in the timeline: nobody took it out.
    """
    before = deployed("changes", 1, "--json").json["changes"]
    link(deployed, "suspect", "ana")
    unlink(deployed, "--as", "suspect", "--by", "ben")

    assert deployed("changes", 1, "--json").json["changes"] == before
    assert "v1" in deployed("timeline", 1).out


def test_without_a_role_the_event_is_taken_out(deployed):
    """
    Whatever anybody said of it.
    """
    link(deployed, "caused", "ana")
    link(deployed, "suspect", "ben")
    unlink(deployed)

    assert roles(deployed) == []
    assert "Deployed v1" not in deployed("timeline", 1).out
    refused(unlink(deployed), 12, "already unlinked")


def test_a_role_that_nobody_gave_is_refused(deployed):
    """
    It says where to look.
    """
    link(deployed, "caused", "ana")

    refused(unlink(deployed, "--as", "fixed"), 12, "nobody linked", "as fixed", "tracker history")


def test_a_role_taken_back_twice_is_refused(deployed):
    """
    There is none left.
    """
    link(deployed, "caused", "ana")
    assert unlink(deployed, "--as", "caused").code == 0

    refused(unlink(deployed, "--as", "caused"), 12, "nobody linked")


def test_what_was_taken_back_is_told_in_the_order_of_recording(deployed):
    """
    With whose role it was, and why.
    """
    link(deployed, "caused", "ana")
    unlink(deployed, "--as", "caused", "--by", "ben")

    rows = deployed("timeline", 1, "--order", "recorded").out
    assert "as caused, which ana had said" in rows
    assert "it was not so" in rows


# ── SERVICE@VERSION ──────────────────────────────────────────────────────────


def test_a_version_with_an_incident_is_the_deploy_of_that_incident(deployed):
    """
    The same version was deployed again after it was over.
    """
    deployed("resolve", 1, "--at", f"{DAY}T15:00:00Z")
    deployed("deploy", "finish", "checkout", "v2", "--at", f"{DAY}T14:50:00Z")
    deployed("deploy", "finish", "checkout", "v1", "--at", f"{DAY}T20:00:00Z")
    first = deployed("changes", 1, "--json").json["changes"][-1]["event"]
    again = deployed("show", "checkout@v1", "--json").json["event"]

    linked = deployed("link", 1, "checkout@v1", "--as", "caused", "--why", "x", "--json").json["event"]

    assert linked == first != again
    assert {
        row["change"] for row in deployed("compare", 1, "--change", "checkout@v1", "--json").json["rows"]
    } <= {first}


def test_a_version_that_was_first_deployed_after_the_incident_is_found_too(deployed):
    """
    A fix that went out when it was over.
    """
    deployed("resolve", 1, "--at", f"{DAY}T15:00:00Z")
    deployed("deploy", "finish", "checkout", "v9", "--at", f"{DAY}T15:10:00Z")
    first = deployed("show", "checkout@v9", "--json").json["event"]
    deployed("deploy", "finish", "checkout", "v9", "--at", f"{DAY}T22:10:00Z")

    assert deployed("link", 1, "checkout@v9", "--as", "fixed", "--why", "x", "--json").json["event"] == first


def test_a_role_that_was_taken_back_is_given_again_in_the_same_minute(deployed):
    """
    By the same person, for the same reason.
    """
    at = ("--at", f"{DAY}T14:30Z")
    link(deployed, "caused", "ana", *at)
    assert unlink(deployed, "--as", "caused", *at).code == 0
    link(deployed, "caused", "ana", *at)
    assert roles(deployed) == [("caused", "ana")]
    assert unlink(deployed, "--as", "caused", *at).code == 0
    assert roles(deployed) == []


@pytest.mark.parametrize("place", ["staging", "Preview-7", "eu/pre-prod"])
@pytest.mark.parametrize("step", ["start", "finish"])
def test_what_went_elsewhere_is_not_linked_as_the_fix(deployed, place, step):
    """
    Production is not fixed by it; that it caused something there may be said.
    """
    words = ("deploy", step, "checkout", "v2", "--env", place, "--at", f"{DAY}T14:30:00Z", "--json")
    handle = deployed(*words).json["events"][0]

    refused(
        deployed("link", 1, handle, "--as", "fixed", "--why", "x"), 12, f"went to {place}", "production = ["
    )
    assert deployed("link", 1, handle, "--as", "caused", "--why", "it shares the database").code == 0


def test_a_version_in_production_is_meant_where_it_went_elsewhere_too(deployed):
    """
    An incident is about production.
    """
    production = deployed("show", "checkout@v1", "--json").json["event"]
    deployed("deploy", "finish", "checkout", "v1", "--env", "staging", "--at", f"{DAY}T13:58:00Z")

    assert deployed("link", 1, "checkout@v1", "--json").json["event"] == production
