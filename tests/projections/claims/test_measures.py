"""A measure that a text gives beside its own times, without any log: `tracker check --text FILE` of no incident."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.claims.of_incident import claims_alone
from projections.claims.prose import Text
from reports.wording.claims import claim

NOW = datetime(2026, 5, 1, tzinfo=UTC)
REVIEW = """# The lift stood still

| When | What |
| --- | --- |
| 2026-04-02 21:40 | The controller restarts |
| 2026-04-02 22:15 | A guest presses the alarm button |
| 2026-04-05 07:05 | The spare part is built in |
| 2026-04-05 09:00 | The lift goes again |

- {}
"""


def found(text):
    return [claim(each) for each in claims_alone(Text(text, "lift.md"), now=NOW) if not each.is_notice]


@pytest.mark.parametrize(
    "field",
    [
        "Time to detection: 35 minutes",
        "Time to recovery: 59 h 20 min",
        "MTTR: 3560 minutes",
        "Downtime: 2 d 11 h 20 min",
        "**Time to resolve**: 59.3 hours",
        "Time to detection: 0 minutes",
        "Time to detection: 15 minutes longer than we want",
        "The alarm button may be pressed for 90 minutes.",
    ],
)
def test_a_measure_that_follows_from_two_times_of_the_text_is_let_pass(field):
    """
    From whichever row people counted; what is no measure of this incident is not compared.
    """
    assert found(REVIEW.format(field)) == []


@pytest.mark.parametrize(
    "field",
    [
        "Time to detection: 53 minutes",
        "Time to recovery: 61 h 20 min",
        "MTTR: 3650 minutes",
        "Total downtime: 5 days",
        "**Time to repair**: 35h 36m",
    ],
)
def test_a_measure_that_no_two_times_of_the_text_bear_out_is_found(field):
    """
    However long it is: nobody can check three days in the head.
    """
    assert [each.line for each in found(REVIEW.format(field))] == [10]


def test_a_measure_of_support_hours_alone_is_asked_about():
    """
    By the clock it is another, and the text says why.
    """
    (one,) = found(REVIEW.format("Time to repair: 9h 16m (during support hours 10:00-17:00)"))

    assert one.asks
    assert one.log_says.startswith("Does this count such hours only?")


@given(start=st.integers(0, 5000), minutes=st.integers(2, 4000), wrong=st.integers(2, 5000))
def test_of_two_times_only_what_lies_between_them_is_a_right_measure(start, minutes, wrong):
    """
    To the minute, over midnight and months.
    """
    first = NOW - timedelta(minutes=start + 10_000)
    last = first + timedelta(minutes=minutes)
    page = f"# Review\n\n- {first:%Y-%m-%d %H:%M} the pump stops\n- {last:%Y-%m-%d %H:%M} the pump is replaced\n\n"

    assert found(page + f"- MTTR: {minutes} min\n") == []
    assert bool(found(page + f"- MTTR: {minutes + wrong} min\n"))
