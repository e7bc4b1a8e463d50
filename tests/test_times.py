"""The time grammar: every form that is promised, and what to type instead of the rest."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import at
from tracker.errors import UsageError
from tracker.times import (
    date_of,
    duration_seconds,
    from_ms,
    from_us,
    parse,
    spoken,
    to_ms,
    to_us,
    utc,
    zone,
)

NOW = datetime(2026, 3, 1, 16, 0, 20, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
instants = st.datetimes(timezones=st.just(UTC))


def read(text, now=NOW, **options):
    return utc(parse(text, now=now, **options).at)


@pytest.mark.parametrize(
    ("text", "expected", "precision", "offset"),
    [
        ("now", "2026-03-01T16:00:20.000Z", 0.001, 0),
        ("5m-ago", "2026-03-01T15:55:20.000Z", 60, 0),
        ("90s-ago", "2026-03-01T15:58:50.000Z", 1, 0),
        ("2h-ago", "2026-03-01T14:00:20.000Z", 3600, 0),
        ("1d-ago", "2026-02-28T16:00:20.000Z", 86400, 0),
        ("14:45Z", "2026-03-01T14:45:00.000Z", 60, 0),
        ("14:45z", "2026-03-01T14:45:00.000Z", 60, 0),
        ("14:45+01:00", "2026-03-01T13:45:00.000Z", 60, 60),
        ("9:05-05:00", "2026-03-01T14:05:00.000Z", 60, -300),
        ("14:45:07Z", "2026-03-01T14:45:07.000Z", 1, 0),
        ("14:45:07.25Z", "2026-03-01T14:45:07.250Z", 0.01, 0),
        ("2026-03-01T14:45:00Z", "2026-03-01T14:45:00.000Z", 1, 0),
        ("2026-03-01t14:45:00z", "2026-03-01T14:45:00.000Z", 1, 0),
        ("2026-03-01 14:45Z", "2026-03-01T14:45:00.000Z", 60, 0),
        ("2026-03-01T14:45:00.123456789Z", "2026-03-01T14:45:00.123Z", 1e-9, 0),
        ("2026-03-01T20:30:00+05:45", "2026-03-01T14:45:00.000Z", 1, 345),
        (" 14:45Z ", "2026-03-01T14:45:00.000Z", 60, 0),
    ],
)
def test_a_time_is_read_as_it_was_typed(text, expected, precision, offset):
    """
    The instant, how exact it is, and the offset that was written.
    """
    typed = parse(text, now=NOW)

    assert utc(typed.at) == expected
    assert typed.precision_seconds == pytest.approx(precision)
    assert typed.utc_offset_minutes == offset
    assert typed.at.tzinfo is UTC


def test_a_bare_clock_time_takes_the_zone_that_was_given():
    """
    --at-tz, or TRACKER_TZ.
    """
    typed = parse("14:45", now=NOW, default_zone=BERLIN)

    assert (utc(typed.at), typed.utc_offset_minutes) == ("2026-03-01T13:45:00.000Z", 60)
    assert read("2026-02-01T14:45", default_zone=BERLIN) == "2026-02-01T13:45:00.000Z"


@pytest.mark.parametrize("text", ["14:45", "2026-03-01T14:45", "2026-03-01 14:45:00"])
def test_a_time_without_a_zone_is_refused_with_what_to_type(text):
    """
    What the hint says can be typed as it stands.
    """
    with pytest.raises(UsageError, match=r"--at: .* has no time zone") as refused:
        parse(text, now=NOW, option="--at")

    suggested = refused.value.hint.split()[1]
    assert parse(suggested, now=NOW).at == at(45)
    assert "--at-tz" in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "noon",
            "14.45Z",
            "25:00Z",
            "14:60Z",
            "14:45:60Z",
            "2026-02-30T14:45Z",
            "2026-03-01",
            "14:45+99:00",
        ),
        *("5m", "-5m-ago", "5 m-ago", "1456Z", "١٤:٤٥Z", "99999999999999d-ago", "0001-01-01T00:00+12:00"),
    ],
)
def test_what_is_no_time_is_refused_in_a_line(text):
    """
    Naming the option and what was typed.
    """
    with pytest.raises(UsageError) as refused:
        parse(text, now=NOW, option="--started")

    assert refused.value.message.startswith("--started: ")
    assert repr(text) in refused.value.message
    assert "\n" not in refused.value.message


def test_a_clock_time_takes_the_latest_day_past():
    """
    Later today is yesterday's.
    """
    assert read("16:00Z") == "2026-03-01T16:00:00.000Z"
    assert read("16:01Z") == "2026-02-28T16:01:00.000Z"


def test_a_clock_time_takes_the_day_of_its_own_zone():
    """
    At 20:00 in New York it is tomorrow in UTC; 23:00 there was yesterday there.
    """
    evening = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

    assert read("23:00", now=evening, default_zone=NEW_YORK) == "2026-03-01T04:00:00.000Z"
    assert read("19:30", now=evening, default_zone=NEW_YORK) == "2026-03-02T00:30:00.000Z"
    assert read("23:00-12:00", now=evening) == "2026-03-01T11:00:00.000Z"
    assert read("01:00+14:00", now=evening) == "2026-03-01T11:00:00.000Z"


@given(
    instants.filter(lambda instant: 3 < instant.year < 9990),
    st.integers(min_value=0, max_value=1439),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_a_clock_time_is_the_latest_past_in_any_zone(now, minute, offset):
    """
    It lies at most a day before now, and reads as typed there.
    """
    text = f"{minute // 60:02d}:{minute % 60:02d}"

    found = parse(text, now=now, default_zone=timezone(timedelta(minutes=offset))).at

    assert timedelta(0) <= now - found < timedelta(days=1)
    assert f"{found.astimezone(timezone(timedelta(minutes=offset))):%H:%M}" == text


def test_a_clock_time_takes_the_incident_s_date():
    """
    Typed two days after an incident that went from 23:40 to 00:30.
    """
    night = {
        "earliest": datetime(2026, 2, 26, 23, 40, tzinfo=UTC),
        "latest": datetime(2026, 2, 27, 0, 30, tzinfo=UTC),
    }

    assert read("23:55Z", **night) == "2026-02-26T23:55:00.000Z"
    assert read("00:10Z", **night) == "2026-02-27T00:10:00.000Z"
    assert read("23:40Z", **night) == "2026-02-26T23:40:00.000Z"


def test_a_clock_time_outside_the_incident_is_the_latest_past():
    """
    As the interface says; the full instant is echoed.
    """
    night = {
        "earliest": datetime(2026, 2, 26, 23, 40, tzinfo=UTC),
        "latest": datetime(2026, 2, 27, 0, 30, tzinfo=UTC),
    }

    assert read("12:00Z", **night) == "2026-03-01T12:00:00.000Z"


def test_a_clock_time_of_an_open_incident_lies_between_its_start_and_now():
    """
    Declared at 23:50, typed at 00:20.
    """
    now = datetime(2026, 3, 2, 0, 20, tzinfo=UTC)
    start = datetime(2026, 3, 1, 23, 50, tzinfo=UTC)

    assert read("23:55Z", now=now, earliest=start) == "2026-03-01T23:55:00.000Z"
    assert read("00:10Z", now=now, earliest=start) == "2026-03-02T00:10:00.000Z"
    assert read("23:30Z", now=now, earliest=start) == "2026-03-01T23:30:00.000Z"


def test_the_minute_in_which_it_began_counts_as_inside():
    """
    It began at 14:00:30, and who types 14:00 means that minute.
    """
    days_later = NOW + timedelta(days=3)

    assert read("14:00Z", now=days_later, earliest=at(0.5), latest=at(60)) == "2026-03-01T14:00:00.000Z"


@pytest.mark.parametrize("text", ["2026-03-01T16:00:22Z", "2027-01-01T00:00Z"])
def test_the_future_is_refused(text):
    """
    Unless it was asked for, as the end of a span is.
    """
    with pytest.raises(UsageError, match="in the future") as refused:
        parse(text, now=NOW, option="--at")

    assert refused.value.hint
    assert parse(text, now=NOW, allow_future=True).at > NOW


def test_clocks_may_differ_by_a_second():
    """
    Another machine's now is not the future.
    """
    assert read("2026-03-01T16:00:21Z")


# ── when the clocks change ───────────────────────────────────────────────────

SPRING = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "text", "said"),
    [
        (SPRING, "02:30", "does not exist on 2026-03-29 in Europe/Berlin"),
        (SPRING, "2026-03-29T02:30", "does not exist"),
        (AUTUMN, "02:30", "comes twice on 2026-10-25 in Europe/Berlin"),
        (AUTUMN, "2026-10-25T02:30:00", "comes twice"),
    ],
)
def test_an_hour_that_a_change_of_clocks_makes_ambiguous_is_refused(now, text, said):
    """
    Both readings are offered, and both can be typed.
    """
    with pytest.raises(UsageError, match=said) as refused:
        parse(text, now=now, default_zone=BERLIN)

    first, second = refused.value.hint.removeprefix("Type it with its offset: ").split(" or ")
    apart = abs(parse(first, now=now).at - parse(second, now=now).at)
    assert apart == timedelta(hours=1)


def test_the_hours_beside_it_are_clear():
    """
    01:59 and 03:00 are themselves.
    """
    assert read("01:59", now=SPRING, default_zone=BERLIN) == "2026-03-29T00:59:00.000Z"
    assert read("03:00", now=SPRING, default_zone=BERLIN) == "2026-03-29T01:00:00.000Z"
    assert read("03:00", now=AUTUMN, default_zone=BERLIN) == "2026-10-25T02:00:00.000Z"


def test_a_change_of_clocks_on_another_day_does_not_matter():
    """
    02:30 on Monday is clear, though on Sunday it was not.
    """
    monday = SPRING + timedelta(days=1)

    assert read("02:30", now=monday, default_zone=BERLIN) == "2026-03-30T00:30:00.000Z"


def test_an_offset_says_which_of_the_two_hours_is_meant():
    """
    Then nothing is ambiguous.
    """
    assert read("02:30+02:00", now=AUTUMN, default_zone=BERLIN) == "2026-10-25T00:30:00.000Z"
    assert read("02:30+01:00", now=AUTUMN, default_zone=BERLIN) == "2026-10-25T01:30:00.000Z"


def test_zones_have_names():
    """
    What is none is refused, and no path is opened.
    """
    assert zone("Europe/Berlin") == BERLIN
    assert zone("utc") is UTC
    for name in ("Berlin", "", "../../etc/passwd", "Europe", "CEST+1"):
        with pytest.raises(UsageError, match="is not a time zone"):
            zone(name)


# ── numbers and words ────────────────────────────────────────────────────────


@given(instants)
def test_what_is_written_is_read_back(instant):
    """
    To the millisecond, in any year.
    """
    cut = instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    assert parse(utc(instant), now=NOW, allow_future=True).at == cut


@given(instants)
def test_microseconds_are_exact(instant):
    """
    No float lies between.
    """
    assert from_us(to_us(instant)) == instant
    assert to_ms(instant) == to_us(instant) // 1000
    assert from_ms(to_ms(instant)) <= instant < from_ms(to_ms(instant)) + timedelta(milliseconds=1)


@given(instants, instants)
def test_microseconds_keep_the_order(one, other):
    """
    Before 1970 too.
    """
    assert (to_us(one) < to_us(other)) == (one < other)


def test_instants_are_written_in_utc_with_three_digits():
    """
    Cut, not rounded: an instant is never written later than it was.
    """
    written = utc(datetime(2026, 3, 1, 15, 45, 0, 999_999, tzinfo=timezone(timedelta(hours=1))))

    assert written == "2026-03-01T14:45:00.999Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("2m", 120), ("1h30m", 5400), ("5d", 432_000), ("500ms", 0.5), ("1w", 604_800)],
)
def test_a_duration_is_read_as_seconds(text, seconds):
    """
    Units may follow each other.
    """
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1h 30m", "-5m", "1.5h", "5M"])
def test_what_is_no_duration_is_refused(text):
    """
    With examples.
    """
    with pytest.raises(UsageError, match="is not a duration") as refused:
        duration_seconds(text)

    assert "1h30m" in refused.value.hint


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (40.4, "40 s"),
        (38.5, "39 s"),
        (39.5, "40 s"),
        (-0.4, "0 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (125, "2 min"),
        (149.4, "2 min"),
        (289.7, "5 min"),
        (720, "12 min"),
        (2089.7, "35 min"),
        (3599, "1 h 00 min"),
        (86_390, "1 d 0 h"),
        (3900, "1 h 05 min"),
        (183_600, "2 d 3 h"),
        (-65, "-65 s"),
    ],
)
def test_a_duration_is_said_as_a_colleague_would(seconds, words):
    """
    As exact as is useful, and rounded one way: half a unit counts as one.
    """
    assert spoken(seconds) == words


def test_a_date_is_read():
    """
    Or refused with how to write it.
    """
    assert date_of("2026-03-01").isoformat() == "2026-03-01"
    with pytest.raises(UsageError, match="is not a date"):
        date_of("01.03.2026")


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("10:37 p. m.", "22:37Z"),
        ("2:37 PM", "14:37Z"),
        ("2026-02-27 2:37 PM", "2026-02-27T14:37Z"),
        ("14:37", "14:37Z"),
    ],
)
def test_what_to_type_for_utc_is_in_24_hours(text, typed):
    """
    The hint can be typed as it stands.
    """
    with pytest.raises(UsageError) as caught:
        parse(text, now=NOW)

    assert f"Type {typed} for UTC" in caught.value.hint
    parse(typed, now=NOW)
