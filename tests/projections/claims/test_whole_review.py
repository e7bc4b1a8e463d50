"""A whole review of the incident of tickets.txt: true throughout, and with one statement changed at a time."""

from pathlib import Path

import pytest

from projections.claims.check import check_texts
from projections.claims.prose import Text
from tests.projections.claims.incidents import HEIGHTS, TICKETS, findings, known

REVIEW = (Path(__file__).parent / "tickets.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def log():
    return known(*TICKETS, peaks=HEIGHTS)


def test_a_review_that_is_true_throughout_has_no_finding(log):
    """
    Roles, relative times, ideas that were wrong, plans, what other tests showed: all of it is told, and none is accused.
    """
    assert findings(log, REVIEW) == []


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("(64 minutes)", "(94 minutes)"),
        ("We went back to v2.8.0", "We went back to v2.7.0"),
        ("four minutes later Marta declared", "twenty minutes later Marta declared"),
        ("It was Nadia who found", "It was Tess who found"),
        ("the alert cleared at 14:47", "the alert cleared at 14:37"),
        ("At 14:50 everybody", "At 15:20 everybody"),
        ("No hotfix was needed", "A hotfix was shipped"),
        ("117 customers gave up", "217 customers gave up"),
        ("At worst 38 %", "At worst 70 %"),
        ("within six minutes of knowing", "within one minute of knowing"),
        ("Ivo, 3 April", "Ivo, 3 May"),
    ],
)
def test_one_false_statement_in_it_is_found_on_its_line(log, true, false):
    """
    And nothing else is.
    """
    text = REVIEW.replace(true, false)
    changed = [
        n
        for n, (old, new) in enumerate(zip(REVIEW.split("\n"), text.split("\n"), strict=True), 1)
        if old != new
    ]

    found = findings(log, text)

    assert {each.line for each in found} == set(changed)
    assert len(changed) == 1


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        ("The second incident was opened eight minutes after the merge into develop.", "nothing"),
        ("The incident was resolved at 13:20 UTC.", ""),
    ],
)
def test_what_fits_nothing_and_contradicts_nothing_is_a_notice(log, sentence, code):
    """
    A span from an event that nobody recorded is no fault; a wrong time of a known event is one.
    """
    found = check_texts([Text(sentence, "review.md")], log)

    assert [each.code for each in found if each.is_notice] == ([code] if code else [])
    assert any(not each.is_notice for each in found) == (not code)
