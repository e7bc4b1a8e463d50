"""What follows a clock time and could move its instant is understood or refused, and never left in the text."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.clock_text import ClockTextError, read_clock
from tracker.errors import UsageError
from tracker.times import parse, utc
from tracker.zone_names import BLANK

WINTER, SUMMER = date(2026, 1, 15), date(2026, 7, 15)
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def instant(text: str, day: date = WINTER) -> tuple[str, str]:
    """Return the hour, minute and second in UTC that a text begins with, and the text after it."""
    found = read_clock(text)
    assert found is not None
    clock, rest = found
    at = datetime(day.year, day.month, day.day, clock.hour, clock.minute, tzinfo=UTC)
    if clock.zone is not None:
        at -= timedelta(minutes=clock.zone.offset_at(at.replace(tzinfo=None)))
    return f"{at:%H:%M}{clock.second}{clock.fraction}", rest.strip(" -–:|,")


@pytest.mark.parametrize(
    "written",
    [
        "14:37 PST", "14:37 pst", "14:37 (PST)", "2:37 PM PST", "2:37pm (Pacific)", "14:37 Pacific Time", "14:37 PT",
        "14:37 Pacific Standard Time", "14:37 America/Los_Angeles", "14:37 PST (UTC-8)", "17:37 EST", "17:37 ET",
        "23:37 CET", "23:37 MEZ", "23:37 Uhr MEZ", "23:37h CET", "23:37 Europe/Berlin", "23:37 UTC+1", "23:37 GMT+01:00",
        "23:37 (UTC+1)", "23:37 (+01:00)", "23:37+0100", "23:37 CET (+01:00)", "17:37 UTC\u22125", "22:37Z", "22:37 Zulu",
        "22:37 GMT", "22:37 [UTC]", "22:37 h", "10:37 p. m.", "10:37 p.m.", "10:37 P.M.", "10:37PM", "10:37 nachm.",
        "10:37\u202fPM", "10:37\u00a0PM", "10:37\u2009p.\u202fm.", "10:37\u3000PM", "10:37\u200ePM", "10:37 μ.μ.",
        "10:37 μμ", "10:37 ÖS", "10:37 下午", "下午10:37", "午後 10:37", "오후 10:37", "04:22 NPT +05:45",
        "07:37 JST", "19:07 GMT-03:30", "14:37 PST8PDT", "14:37 pacific standard time", "17:37 eastern time",
        "22:37 UT", "22:37 uur UTC", "22:37 heures UTC", "23:37 horas CET", "10:37 ös",
    ],
)  # fmt: skip
@pytest.mark.parametrize("follows", [" rolling back", ": rolling back", " - rolling back", " – rolling back"])
def test_a_qualifier_is_understood(written: str, follows: str) -> None:
    """
    All are 22:37 UTC in winter, whatever comes after it.
    """
    assert instant(written + follows) == ("22:37", "rolling back")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("22:37:00,123", ":00.123"), ("22:37:05.5", ":05.5"), ("22:37:05,123Z", ":05.123")],
)
def test_a_fraction_may_have_a_comma(written: str, seconds: str) -> None:
    """
    As log files write it.
    """
    assert instant(f"{written} ERROR") == (f"22:37{seconds}", "ERROR")


@pytest.mark.parametrize(
    "text",
    [
        "14:37 CST x", "14:37 IST x", "14:37 ist x", "14:37 est x", "14:37 CT x", "14:37 MET x", "14:37 SST x",
        "14:37 (Berlin) x", "14:37 (local) x", "14:37 local time x", "14:37 our time x", "14:37 Berlin time x",
        "14:37 UK time x", "14:37 Pacific x", "14:37 Europe/Atlantis x", "14:37 +1 x", "14:37 Berlin +01:00 x",
        "14:37 CET+1 x", "14:37 PST (UTC-7) x", "14:37 CET PST x", "14:37: PST x", "14:37, PST x", "14:37 | UTC | x",
        "2:37 - PM x", "2:37 PM PM x", "2:37 CET PM x", "2:37 in the afternoon x", "2:37 afternoon x",
        "2:37 nachmittags x", "2:37 de la tarde x", "2:37 du matin x", "2:37 вечера x", "2:37 du. x", "2:37 em. x",
        "2:37 CH x", "14:37 PM x", "0:37 AM x", "14:37:00:123 x", "14:37,5 x", "14:37.5 x", "14:37 - 14:45 x",
        "14:37–14:45 x", "14:37 to 14:45 x", "14:37 (15:37 CET) x", "14:37 yesterday x", "14:37 17.11. x",
        "14:37 17/11/2026 x", "14:37 Nov 17 x", "14:37 17th Nov x", "14:37 2026-11-17 x", "14:37 Monday x",
        "25:00 x", "14:60 x", "14:37+15:00 x", "2:37 (pm) x", "2:37 [PM] x", "2:37-PM x", "2:37/pm x", "2:37 noche x",
        "2:37 ö.s. x", "2:37 em x", "2:37 popołudniu x", "2:37 вечора x", "2:37 p x", "2:37 this afternoon x",
        "14:37 (next day) x", "14:37 the day before x", "14:37 local: x", "14:37 Ortszeit x", "14:37 India time x",
    ],
)  # fmt: skip
def test_what_may_qualify_a_time_and_is_not_understood_is_refused(text: str) -> None:
    """
    Also typed after --at: where one place takes it, all do.
    """
    with pytest.raises(ClockTextError) as caught:
        read_clock(text)

    assert caught.value.hint
    with pytest.raises(UsageError):
        parse(text.removesuffix(" x"), now=NOW, default_zone=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "DB is down", "met Ana", "cat is full", "may be the queue", "(ana) yes", "(retry 3) ok", "[checkout] slow",
        "Response time is up", "Monday's deploy", "3 nodes down", "404 pages", "500s everywhere", "-5 % errors",
        "-5ms faster", "1.5 % errors", "5.3 released", "3/5 pods ready", "VM rebooted", "API down", "PST-based",
        "evening deploy", "UTC's clock", "z x", "West is up",
        "local cache is full", "ut av drift", "eastern region is down", "next deploy is out", "hours of work lost",
        "(am Freitag) more", "P1 raised", "Indian users fail",
    ],
)  # fmt: skip
def test_a_word_that_could_qualify_no_time_is_text(text: str) -> None:
    """
    At 14:37, where no half of the day is missing.
    """
    if text == "am":
        pytest.skip("refused: 14:37 am is no time of day")
    assert instant(f"14:37 {text}") == (
        "14:37",
        text.strip(" -:|,") if not text.startswith("-") else text[1:],
    )


@pytest.mark.parametrize(
    ("zone", "day", "there"),
    [
        ("PDT", WINTER, "PST"),
        ("PST", SUMMER, "PDT"),
        ("CEST", WINTER, "CET"),
        ("CET", SUMMER, "CEST"),
        ("BST", WINTER, "GMT"),
    ],
)
def test_a_zone_of_the_other_season_is_refused(zone: str, day: date, there: str) -> None:
    """
    Many write CET in July and mean the clock on the wall: one of the two is wrong.
    """
    with pytest.raises(UsageError) as caught:
        parse(f"{day}T14:37 {zone}", now=NOW)

    assert there in caught.value.message


@pytest.mark.parametrize(("zone", "expected"), [("EDT", "05:30"), ("EST", "06:30")])
def test_a_zone_tells_the_two_hours_apart_that_the_clocks_repeat(zone: str, expected: str) -> None:
    """
    1:30 of 1 November comes twice in New York; the place alone does not say which.
    """
    assert utc(parse(f"2026-11-01 1:30 {zone}", now=NOW).at)[11:16] == expected
    with pytest.raises(UsageError, match="not one instant"):
        parse("2026-11-01 1:30 America/New_York", now=NOW)


blanks = st.sampled_from(["", " ", "\t", "\u00a0", "\u202f", "\u2009", "\u200e\u202f"])
halves = st.sampled_from(["PM", "pm", "P.M.", "p.m.", "p. m.", "p.\u00a0m."])
clocks = st.tuples(st.integers(1, 12), st.integers(0, 59))


@settings(deadline=None)
@given(
    clock=clocks,
    blank=blanks,
    half=halves,
    zone=st.sampled_from(["", " UTC", " Z", " (GMT)", "\u00a0+00:00"]),
)
def test_every_blank_and_spelling_of_the_afternoon_is_one(
    clock: tuple[int, int], blank: str, half: str, zone: str
) -> None:
    """
    The instant is that of 24 hours, and nothing of it stays in the text.
    """
    hour, minute = clock

    assert instant(f"{hour}:{minute:02d}{blank}{half}{zone} x") == (f"{hour % 12 + 12:02d}:{minute:02d}", "x")


@settings(deadline=None)
@given(rest=st.text(max_size=20), clock=clocks)
def test_any_text_after_a_time_is_text_or_refused(rest: str, clock: tuple[int, int]) -> None:
    """
    Never another error, and what is taken for text is the end of what was written.
    """
    text = f"{clock[0]}:{clock[1]:02d}{rest}"
    try:
        found = read_clock(text)
    except ClockTextError:
        return

    assert found is not None
    assert text.endswith(found[1])


def test_the_blanks_are_all_that_unicode_has() -> None:
    """
    But for line ends, which end a note.
    """
    known = re.compile(BLANK)
    spaces = [
        chr(code)
        for code in range(0x10000)
        if chr(code).isspace() and chr(code) not in "\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"
    ]
    assert all(known.fullmatch(space) for space in spaces)
