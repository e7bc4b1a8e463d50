"""The first screen answers from what was recorded, and where nothing was, from what is known; it claims no more."""

import re
from pathlib import Path

import pytest

from tests import builders as b
from tests.reports import histories
from tests.reports.histories import report, text_of, told


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

    assert found["How long"].startswith("So far 15 min since it was declared")
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

    assert found["How bad"].startswith("Error ratio over 1 % for 21 min, highest 8 %.")
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


def test_a_fix_after_which_it_came_back_is_not_what_ended_it(answers):
    """
    While it is open again nothing has ended it; afterwards the fix since then has.
    """
    first, second = b.deploy(18, version="1.4.3"), b.deploy(45, version="1.4.4")
    until_reopened = [
        b.declared(5),
        first,
        b.linked(first, 19, role="fixed", why="looked fine"),
        b.resolved(22),
        b.reopened(35, why="errors are back"),
    ]
    did_not_hold = "The deploy of 1.4.3 at 14:18 did not hold: it was reopened at 14:35."

    again = answers(*until_reopened)
    tried = answers(*until_reopened, second, b.linked(second, 47, role="fixed", why="x"))
    over = answers(*until_reopened, second, b.linked(second, 47, role="fixed", why="x"), b.resolved(70))

    assert again["What ended it"] == did_not_hold
    assert tried["What ended it"] == (
        f"Not confirmed yet; the deploy of 1.4.4 at 14:45 is linked as the fix. {did_not_hold}"
    )
    assert over["What ended it"] == f"The deploy of 1.4.4 at 14:45. {did_not_hold}"
    assert "1.4.3" not in over["Is it over"]
    assert "resolved at 14:22, reopened at 14:35 (errors are back), resolved at 15:10" in over["How long"]


def test_an_incident_that_went_away_was_closed_without_a_fix(answers):
    """
    When it went away is not when somebody closed it.
    """
    found = answers(b.declared(5), b.milestone(21, "ended"), b.resolved(40, resolution="went-away"))

    assert (
        "impact over at 14:21, closed without a fix at 14:40, 35 min after it was declared"
        in found["How long"]
    )
    assert found["What ended it"] == "It went away by itself."
    assert found["Is it over"].startswith("Closed without a fix by ada.")


def test_an_alert_before_the_declaration_is_when_it_was_detected(answers):
    """
    As the durations have it; an incident is counted from what people gave, and that is named.
    """
    found = answers(b.alert(3), b.declared(5, detected_by="alert"), b.resolved(40))

    assert found["How long"] == (
        "It lasted at most 37 min on 2026-03-01: detected by an alert at 14:03 UTC, declared at 14:05, "
        "resolved at 14:40, 35 min after it was declared."
    )


def test_what_is_unknown_is_called_unknown(answers):
    """
    A version, a duration, when a customer noticed it, and who led.
    """
    fix = b.deploy(30, version="unknown")
    found = answers(
        b.deploy(-4, version="unknown"),
        b.declared(5, detected_by="customer"),
        fix,
        b.linked(fix, 33, role="fixed", why="x"),
        b.resolved(40),
    )

    assert found["How long"].startswith(
        "The duration is unknown. On 2026-03-01: declared at 14:05 UTC (detected by a customer; when is not recorded), "
    )
    assert "By time alone it may be an unknown version of checkout: the deploy ended" in found["Why"]
    assert found["What ended it"] == "The deploy of an unknown version at 14:30."
    assert found["Who"] == "No lead is recorded; declared by ada."


def test_an_imported_record_that_names_no_end_has_none(answers):
    """
    Neither its severity nor who was on it nor how it ended is made up.
    """
    found = answers(
        b.declared(5, severity="unknown", record="markdown:old.md", decided_by="post-mortem"),
        b.resolved(40, resolution="unknown", precision_seconds=86_400.0, decided_by="post-mortem"),
    )

    assert found["How long"].endswith("declared at 14:05 UTC, resolved at a time that is not recorded.")
    assert found["What ended it"] == "Not recorded."
    assert found["Is it over"] == "Yes, as far as post-mortem says; how it ended is not recorded."
    assert found["Who"] == "Not recorded; imported from markdown:old.md."


def test_the_time_until_it_came_back_is_drawn_as_no_part_of_the_incident(tmp_path):
    """
    Each outage has a bar; the end before it came back and the reopening are marked.
    """
    history = [
        histories.settings(),
        *histories.error_ratio(-70, 110, (0, 50)),
        b.declared(5),
        b.milestone(0, "started"),
        b.resolved(22),
        b.reopened(35),
        b.milestone(50, "mitigated"),
        b.resolved(70),
    ]

    [picture] = report(told(tmp_path / "a.db", history)).pictures.values()

    for words in (
        "incident INC-1 14:00–14:22",
        "incident INC-1 14:35–14:50",
        "14:35 reopened",
        "14:22 resolved",
    ):
        assert words in picture.decode()


def test_the_fix_section_tells_a_fix_that_held_from_one_that_did_not(tmp_path):
    """
    Both are linked as the fix, and who said so stands with each.
    """
    first, second = b.deploy(18, version="1.4.3"), b.deploy(45, version="1.4.4")
    history = [
        b.declared(5),
        first,
        b.linked(first, 19, role="fixed", why="looked fine"),
        b.resolved(22),
        b.reopened(35),
        second,
        b.linked(second, 47, role="fixed", why="pool is right"),
        b.resolved(70),
    ]

    section = text_of(told(tmp_path / "a.db", history)).partition("## Fix")[2].partition("<!--")[0]

    assert (
        "did not hold, it was reopened at 2026-03-01 14:35:00 UTC; linked as the fix, says ada: looked fine"
        in section
    )
    assert ": fixed it, says ada: pool is right" in section
