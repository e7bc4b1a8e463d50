"""What passes the gate can be computed with, in every time zone, and what does not is named."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import one_of_each
from tracker.events.messages import MessageSent
from tracker.events.plausible import AHEAD, EARLIEST, LATEST_PLANNED, implausible

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ANY_INSTANT = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
FACTS = one_of_each()


def moved(fact, **fields):
    return msgspec.structs.replace(fact, **fields)


@given(ANY_INSTANT, st.sampled_from(FACTS))
def test_an_event_passes_from_1970_to_a_day_ahead(at, fact):
    problem = implausible(moved(fact, occurred_at=at), NOW)

    if EARLIEST <= at <= NOW + AHEAD:
        assert problem is None or "occurred_at" not in problem
        for zone in ("Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"):
            assert (at.astimezone(ZoneInfo(zone)) + timedelta(days=30)).year > 1900
    else:
        assert problem is not None
        assert "occurred_at" in problem


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e18])
def test_a_precision_is_a_span(seconds):
    assert "precision_seconds" in (implausible(moved(FACTS[0], precision_seconds=seconds), NOW) or "")


def test_what_is_planned_may_lie_ahead():
    sent = next(fact for fact in FACTS if isinstance(fact, MessageSent))

    assert implausible(moved(sent, occurred_at=NOW, eta=NOW + timedelta(days=30)), NOW) is None
    assert "eta" in (implausible(moved(sent, occurred_at=NOW, eta=LATEST_PLANNED + AHEAD), NOW) or "")
