"""Due dates are days of the zone in which they are typed; what is not one plain day is refused."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections.actions import end_of
from tracker.decisions.due_dates import due, offset_at_end, spelled
from tracker.errors import UsageError

THURSDAY = datetime(2026, 11, 26, 14, 45, tzinfo=UTC)
BERLIN, AUCKLAND, HONOLULU = (
    ZoneInfo(name) for name in ("Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu")
)


@pytest.mark.parametrize(
    ("typed", "on"),
    [
        ("2026-12-01", "2026-12-01"),
        ("today", "2026-11-26"),
        ("tomorrow", "2026-11-27"),
        ("by tomorrow", "2026-11-27"),
        ("By  Tomorrow.", "2026-11-27"),
        ("friday", "2026-11-27"),
        ("fri", "2026-11-27"),
        ("wednesday", "2026-12-02"),
        ("thursday", "2026-12-03"),
        ("next friday", "2026-12-04"),
        ("next monday", "2026-11-30"),
        ("in 2 weeks", "2026-12-10"),
        ("in a week", "2026-12-03"),
        ("in 3 days", "2026-11-29"),
        ("in 1 day", "2026-11-27"),
    ],
)
def test_what_people_type_becomes_a_date(typed, on):
    """
    Counted from a Thursday, the 26th of November 2026.
    """
    parsed = due(typed, at=THURSDAY, zone=None)

    assert parsed.on.isoformat() == on
    assert parsed.zone_name == "UTC"


def test_how_it_was_typed_is_kept_unless_it_was_a_date():
    """
    A date says itself; of words, the reader wants to know which.
    """
    assert due("by  tomorrow", at=THURSDAY, zone=None).said == "by tomorrow"
    assert due("2026-12-01", at=THURSDAY, zone=None).said is None


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "sprint end",
            "soon",
            "asap",
            "tbd",
            "never",
            "",
            "next week",
            "end of month",
            "in 2",
            "in 3 months",
        ),
        *("3/12", "1 dec", "2026-13-01", "2026-02-30", "20261201", "14:45Z", "m", "before friday", "next x"),
    ],
)
def test_anything_else_is_refused_with_what_to_type(typed):
    """
    "By sprint end" is a different day to everybody, and 3/12 is two.
    """
    with pytest.raises(UsageError, match="is not a day") as refused:
        due(typed, at=THURSDAY, zone=None)

    assert "2026-12-03" in refused.value.hint


def test_a_day_that_is_past_is_refused():
    """
    It names the day, today, and how to record an earlier promise.
    """
    with pytest.raises(UsageError, match="which is past: today is Thursday 2026-11-26 in UTC") as refused:
        due("2026-11-25", at=THURSDAY, zone=None)

    assert "--at T" in refused.value.hint


def test_a_year_that_was_mistyped_is_refused():
    """
    2206 is not 2026.
    """
    with pytest.raises(UsageError, match="180 years ahead"):
        due("2206-12-01", at=THURSDAY, zone=None)


def test_a_day_is_one_of_the_zone_in_which_it_is_typed():
    """
    At 14:45 UTC it is tomorrow already in Auckland, and its day ends at 11:00 UTC.
    """
    found = due("tomorrow", at=THURSDAY, zone=AUCKLAND)

    assert (found.on, found.zone_name) == (date(2026, 11, 28), "Pacific/Auckland")
    assert end_of(found.on, found.ends_offset_minutes) == datetime(2026, 11, 28, 11, tzinfo=UTC)
    assert due("today", at=datetime(2026, 11, 26, 5, tzinfo=UTC), zone=HONOLULU).on == date(2026, 11, 25)


def test_a_day_on_which_the_clocks_change_ends_when_it_ends():
    """
    Berlin leaves summer time on the 25th of October 2026: that day ends at 23:00 UTC, the one before at 22:00.
    """
    ends = [end_of(day, offset_at_end(day, BERLIN)) for day in (date(2026, 10, 24), date(2026, 10, 25))]

    assert ends == [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)]


def test_a_day_is_echoed_in_full():
    """
    With its weekday, which is how people notice a mistake.
    """
    assert spelled(date(2026, 11, 27)) == "Friday 2026-11-27"


ZONES = st.sampled_from(
    [
        *(
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kathmandu",
            "Pacific/Auckland",
            "Pacific/Kiritimati",
        ),
        *("America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Pago_Pago", "Africa/Cairo", "America/Havana"),
    ]
).map(ZoneInfo)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WORDS = st.sampled_from(["today", "tomorrow", "friday", "monday", "next friday", "in 2 weeks", "in 1 day"])


@hypothesis_settings(max_examples=300, deadline=None)
@given(WORDS, INSTANTS, ZONES)
@example("tomorrow", datetime(2026, 10, 24, 12, tzinfo=UTC), BERLIN)
@example("today", datetime(2026, 3, 8, 4, 30, tzinfo=UTC), ZoneInfo("America/Havana"))
def test_in_any_zone_at_any_instant_a_day_to_come_ends_at_its_midnight(typed, now, zone):
    """
    It is not before the local today; it ends after now, at the local midnight, and typed as its own date it is the same.
    """
    found = due(typed, at=now, zone=zone)

    today = now.astimezone(zone).date()
    assert found.on >= today
    ends = end_of(found.on, found.ends_offset_minutes)
    assert ends > now
    midnight = datetime.combine(found.on + timedelta(days=1), time(), tzinfo=zone)
    assert ends == midnight.astimezone(UTC)
    again = due(found.on.isoformat(), at=now, zone=zone)
    assert (again.on, again.ends_offset_minutes) == (found.on, found.ends_offset_minutes)
    if typed == "tomorrow":
        assert found.on == today + timedelta(days=1)
    if typed == "today":
        assert found.on == today
