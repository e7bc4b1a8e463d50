"""The first screen answers from what was recorded, and where nothing was, from what is known; it claims no more."""

import re
from pathlib import Path

import pytest

from tests import builders as b
from tests.reports import histories
from tests.reports.histories import text_of, told


@pytest.fixture
def answers(tmp_path: Path):
    """Read the answers of a history's first screen by their labels."""

    def read(*events: object, template: str = "guide") -> dict[str, str]:
        text = text_of(told(tmp_path / f"{len(list(tmp_path.iterdir()))}.db", events), template=template)
        screen = re.split(r"\n## (?:Impact|What Happened)", text)[0]
        return dict(re.findall(r"^- \*\*(.+?):\*\* (.+)$", screen, re.MULTILINE))

    return read


def test_an_open_incident_says_how_long_it_lasts_what_is_guessed_and_what_comes_next(answers):
    """
    Whoever comes late to it reads where it stands; the cause is a guess, and is called one.
    """
    found = answers(
        b.deploy(-2),
        b.declared(5),
        b.note(7, text="the pool is full", kind="hypothesis", decided_by="grace"),
        b.note(20, text="we look at the pool", decided_by="grace"),
    )

    assert found["How long"].startswith("So far 15 min since it was first noticed")
    assert found["Why"].startswith("Not known yet. Last hypothesis (grace, 14:07): the pool is full.")
    assert (
        "By time alone it may be checkout 1.4.2: the deploy ended 7 min before INC-1 was noticed"
        in found["Why"]
    )
    assert found["What now"].startswith("Last note (grace, 14:20): we look at the pool.")
    assert "The next message to the team" in found["What now"]
    assert "What ended it" not in found


def test_where_nobody_named_the_fix_the_last_change_before_the_end_is_named_as_that(answers):
    """
    As the procedure and the durations take it, with the command that confirms it.
    """
    found = answers(b.deploy(-2), b.declared(5), b.rollback(15), b.milestone(16, "mitigated"), b.resolved(40))

    assert found["What ended it"].startswith(
        "The rollback to 1.4.1 at 14:15 was the last change before it was over; nobody linked it as the fix: `tracker link INC-1 "
    )


def test_two_fixes_are_each_named_with_their_service(answers):
    """
    Of two services, each version is its own service's.
    """
    first = b.deploy(20, version="1.4.3")
    second = b.deploy(22, version="7.1.1", service="search")
    found = answers(
        b.declared(5, services=("checkout", "search")),
        first,
        second,
        b.linked(first, 30, role="fixed", why="x"),
        b.linked(second, 31, role="fixed", why="x"),
        b.resolved(40),
    )

    assert (
        found["What ended it"]
        == "The deploy of checkout 1.4.3 at 14:20 and the deploy of search 7.1.1 at 14:22."
    )


def test_an_impact_that_nobody_recorded_is_what_was_measured(answers):
    """
    For how long the limit was passed; whom it hit stays unknown.
    """
    found = answers(
        histories.settings(),
        *histories.error_ratio(-70, 110, (0, 21)),
        b.declared(5),
        b.milestone(0, "started"),
        b.milestone(21, "mitigated"),
        b.resolved(40),
    )

    assert found["How bad"].startswith("Error ratio over 1 % for 21 min, with a median of 8 %.")
    assert "Whom it hit is not recorded; `tracker impact INC-1" in found["How bad"]


def test_a_resolution_that_no_metric_bears_out_says_so(answers):
    """
    It is somebody's word; of a false alarm nothing is to be shown.
    """
    over = answers(b.declared(5), b.resolved(40))
    false_alarm = answers(b.declared(5), b.resolved(12, resolution="false-alarm"))

    assert over["Is it over"] == "Resolved by ada. No metric was compared to show it."
    assert false_alarm["Is it over"] == "Closed as a false alarm by ada."


def test_an_alert_that_alone_says_when_it_started_is_not_praised_for_its_speed(tmp_path):
    """
    It is the start and the detection at once.
    """
    alone = text_of(told(tmp_path / "a.db", [b.alert(3), b.declared(5, detected_by="alert"), b.resolved(40)]))
    known = text_of(
        told(
            tmp_path / "b.db",
            [
                b.alert(3),
                b.milestone(0, "started"),
                b.milestone(3, "detected"),
                b.declared(5, detected_by="alert"),
                b.resolved(40),
            ],
        )
    )

    assert "- An alert detected it *(measured)*" in alone
    assert "- An alert detected it 3 min after it started *(measured)*" in known


def test_googles_heading_has_the_states_of_incident_items_and_report(tmp_path):
    """
    Date, authors, and three states that are not mixed up.
    """
    path = told(
        tmp_path / "a.db",
        [b.declared(5), b.resolved(40), b.action(50, incident="INC-1", decided_by="ada")],
    )

    head = text_of(path, template="google").split("## Summary")[0]

    assert "**Status:** Resolved, 0 of 1 action item done" in head
    assert "**Report:** Draft, not reviewed yet" in head
