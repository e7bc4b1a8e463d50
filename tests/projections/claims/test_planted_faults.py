"""A whole review that is true throughout, and what is planted in it."""

from pathlib import Path

import pytest

from projections.claims.check import check_texts
from projections.claims.prose import Text
from tests.projections.claims.incidents import UPLOAD_HEIGHTS, UPLOADS, known

REVIEW = (Path(__file__).parent / "uploads.md").read_text(encoding="utf-8")
PLANTED = {
    "between 13:35 and 15:02, users": "between 13:35 and 15:32, users",
    "We could not go back to v5.3.0, because it is unable to read the new table of thumbnails.": "We went back to v5.3.0.",
    "- 214 users who had": "- 941 users who had",
    "- Duration: 87 minutes": "- Duration: 137 minutes",
    "| Sam declares an incident (major)": "| Hannah declares an incident (major)",
    "| 14:21 | Yuki finds the root cause": "| 14:31 | Yuki finds the root cause",
    "fix expected by 15:00 |": "fix expected by 14:30 |",
    "it took 35 minutes.": "it took 12 minutes.",
    "- The promise to have a fix by three o'clock was kept.": "- The alert cleared before v5.4.1 was live.",
    "(Yuki, 2026-03-13)": "(Sam, 2026-03-13)",
    "- [ ] Alert on disk usage": "- [x] Alert on disk usage",
}


@pytest.fixture(scope="module")
def log():
    """What the log knows of the incident of the review."""
    return known(*UPLOADS, peaks=UPLOAD_HEIGHTS)


def findings(text, log):
    return [each for each in check_texts([Text(text, "review.md")], log) if not each.is_notice]


def test_nothing_is_found_in_a_review_that_is_true(log):
    """
    A page with a table, bullets, check boxes and times of a whole afternoon.
    """
    assert findings(REVIEW, log) == []


@pytest.mark.parametrize("true", PLANTED)
def test_a_fault_that_is_planted_is_found_in_its_line_and_nowhere_else(log, true):
    """
    A wrong time, person, count, duration, order, promise, rollback, owner or state.
    """
    assert true in REVIEW
    text = REVIEW.replace(true, PLANTED[true])
    line = text[: text.index(PLANTED[true])].count("\n") + 1

    assert {each.line for each in findings(text, log)} == {line}
