"""Notes by hand become decisions, whole or not at all, and every wrong line is named."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.ingest.notes.reading import DAY, NOW, at, read, read_file, refused
from tracker.errors import BadInputError, UsageError
from tracker.events.base import event_id
from tracker.events.incidents import NOTE_KINDS

BERLIN = ZoneInfo("Europe/Berlin")


def test_the_guides_timeline_is_read_as_it_stands() -> None:
    """
    Markdown bullets, twelve hours, a colon after the time, a heading above.
    """
    found = read(
        "## Timeline\n"
        "- 2:45 PM: First report from customer\n"
        "- 2:50 PM: Issue confirmed (500 errors)\n"
        "\n"
        "- 3:10 PM: Fix deployed (v1.2.1)\n"
    )

    assert [(note.occurred_at, note.text) for note in found] == [
        (at("14:45"), "First report from customer"),
        (at("14:50"), "Issue confirmed (500 errors)"),
        (at("15:10"), "Fix deployed (v1.2.1)"),
    ]
    assert {(n.precision_seconds, n.kind, n.decided_by, n.incident) for n in found} == {
        (60.0, "note", "Ann", "INC-1")
    }


@given(st.lists(st.sampled_from(["14:10 ok", "14:10 done", "14:11 ok", "14:10 [lesson] ok"]), max_size=9))
def test_equal_lines_of_one_minute_are_as_many_notes(lines: list[str]) -> None:
    """
    And the same ones when the file is read again, or a longer copy of it.
    """
    text = "\n".join(lines)
    first, again = ([event_id(note) for note in read(text)] for _ in range(2))
    longer = [event_id(note) for note in read(f"{text}\n14:10 ok")]

    assert len(set(first)) == len(lines)
    assert again == first
    assert set(first) < set(longer)
    assert len(set(longer)) == len(lines) + 1


@pytest.mark.parametrize(
    ("line", "instant", "precision", "offset"),
    [
        ("14:50 x", at("14:50"), 60.0, 0),
        ("14:50Z x", at("14:50"), 60.0, 0),
        ("14:50 UTC x", at("14:50"), 60.0, 0),
        ("14:50+01:00 x", at("13:50"), 60.0, 60),
        ("14:50 -0330 x", at("18:20"), 60.0, -210),
        ("14:50:07 x", at("14:50:07"), 1.0, 0),
        ("14:50:07.25 x", at("14:50:07.250"), 0.01, 0),
        ("2:50 PM x", at("14:50"), 60.0, 0),
        ("2:50pm x", at("14:50"), 60.0, 0),
        ("2:50 p.m. x", at("14:50"), 60.0, 0),
        ("12:05 AM x", at("00:05"), 60.0, 0),
        ("12:05 PM x", at("12:05"), 60.0, 0),
        ("2:50 PM UTC: x", at("14:50"), 60.0, 0),
        ("[14:50] x", at("14:50"), 60.0, 0),
        ("(14:50Z) x", at("14:50"), 60.0, 0),
        ("* **14:50:** x", at("14:50"), 60.0, 0),
        ("- **14:50** - x", at("14:50"), 60.0, 0),
        ("14:50 – x", at("14:50"), 60.0, 0),
        ("14:50 | x", at("14:50"), 60.0, 0),
        ("2026-03-02T14:50:01Z x", at("14:50:01", 2), 1.0, 0),
        ("2026-03-02 14:50+02:00 x", at("12:50", 2), 60.0, 120),
        ("[2026-03-02T14:50:00.125Z] x", at("14:50:00.125", 2), 0.001, 0),
        ("  - 14:50 x", at("14:50"), 60.0, 0),
    ],
)
def test_times_as_people_write_them(line: str, instant: datetime, precision: float, offset: int) -> None:
    """
    The text is what follows the time, and nothing of the time stays in it.
    """
    (note,) = read(line)

    assert (note.text, note.occurred_at) == ("x", instant)
    assert note.precision_seconds == pytest.approx(precision)
    assert note.utc_offset_minutes == offset


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        ("14:55 root-cause: pool depleted", "root-cause", "pool depleted"),
        ("14:55 [hypothesis] the pool", "hypothesis", "the pool"),
        ("- 2:55 PM: Fix: close it", "fix", "close it"),
        ("14:55 note: seen", "note", "seen"),
        ("14:55 todo: call", "note", "todo: call"),
        ("14:55 [checkout] slow", "note", "[checkout] slow"),
        ("14:55 fix:it", "note", "fix:it"),
        ("14:55 Root cause identified", "note", "Root cause identified"),
        ("14:55 -5 % errors", "note", "-5 % errors"),
    ],
)
def test_a_kind_is_taken_only_where_it_is_one(line: str, kind: str, text: str) -> None:
    """
    Other words before a colon belong to the sentence.
    """
    (note,) = read(line)

    assert (note.kind, note.text) == (kind, text)


def test_every_kind_can_be_written() -> None:
    """
    As in `tracker note --kind`.
    """
    assert [n.kind for n in read("\n".join(f"14:55 {kind}: x" for kind in NOTE_KINDS))] == list(NOTE_KINDS)


def test_indented_lines_go_on_with_the_note_above() -> None:
    """
    Also below a time with nothing after it.
    """
    found = read("14:50 first\n    more\n\n    and more\n15:00\n  below\n")

    assert [note.text for note in found] == ["first\nmore\nand more", "below"]


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    """
    Notepad writes both.
    """
    found = read(b"\xef\xbb\xbf# notes\r\n14:50 first\r\n\r\n  more\r\n")

    assert [(note.text, note.occurred_at) for note in found] == [("first\nmore", at("14:50"))]


def test_nothing_to_read_is_nothing() -> None:
    """
    A template with headings only records nothing.
    """
    assert read("") == read("# Timeline\n\n") == []


def test_the_clock_goes_past_midnight() -> None:
    """
    23:50, then 00:10: the next day. A line that is a little out of order is not.
    """
    found = read("23:50 a\n00:10 b\n00:05 out of order\n13:00 c\n00:30 d", date=date(2026, 2, 27), now=NOW)

    days = [note.occurred_at.date().isoformat()[5:] for note in found]
    assert days == ["02-27", "02-28", "02-28", "02-28", "03-01"]


def test_midnight_is_the_writers_midnight() -> None:
    """
    In Berlin 00:10 comes after 23:50, though both are the same day in UTC.
    """
    found = read("23:50 a\n00:10 b\n00:20+01:00 c", zone=BERLIN)

    assert [note.occurred_at for note in found] == [at("22:50"), at("23:10"), at("23:20")]


def test_clock_times_below_a_full_stamp_take_its_date() -> None:
    """
    Also without --date.
    """
    found = read("2026-02-20T23:50Z a\n00:10Z b", date=None, zone=None)

    assert found[1].occurred_at == datetime(2026, 2, 21, 0, 10, tzinfo=UTC)


def test_without_a_date_notes_fall_into_the_incident() -> None:
    """
    As for every other time that is typed.
    """
    found = read("23:50 a\n00:10 b", date=None, earliest=at("23:00", 1), latest=at("01:00", 2))

    assert [note.occurred_at for note in found] == [at("23:50", 1), at("00:10", 2)]


@pytest.mark.parametrize(
    ("text", "said", "newest_first"),
    [
        ("14:39 d\n14:37 c\n14:37 b\n14:26 a", ["14:26", "14:37", "14:37", "14:39"], True),
        ("00:12 d\n00:05 c\n23:58 b\n23:50 a", ["23:50", "23:58", "00:05", "00:12"], True),
        ("14:37 a\n14:37 b\n14:36 c\n14:38 d", ["14:37", "14:37", "14:36", "14:38"], False),
        ("2026-03-01T14:37Z c\n2026-03-01T14:37Z b\n2026-02-28T14:38Z a", ["14:38", "14:37", "14:37"], True),
        ("14:37 a\n14:37 b", ["14:37", "14:37"], False),
    ],
)
def test_a_file_whose_newest_line_is_first_is_read_from_its_end(
    text: str, said: list[str], newest_first: bool
) -> None:
    """
    The order within a minute is then the reverse of the lines', and midnight lies the other way.
    """
    found = read_file(text)

    assert found.newest_first == newest_first
    notes = [note.event for note in found.notes]
    assert [note.occurred_at.strftime("%H:%M") for note in notes] == said
    assert "".join(note.text for note in notes) == "abcd"[: len(said)]  # type: ignore[attr-defined]
    if newest_first:
        assert [note.occurred_at for note in notes] == sorted(note.occurred_at for note in notes)


def test_a_line_that_may_be_of_the_day_before_is_refused() -> None:
    """
    08:55, 08:50, 22:30: written in any order, or newest first?
    """
    error = refused("08:55 c\n08:50 b\n22:30 a")

    assert "line 3: it may be of the same day as the line above, or of the day before" in error.message


@pytest.mark.parametrize(
    "line", ["14:37 PST x", "2:37 PM PST - x", "10:37 p. m. x", "23:37 CET x", "22:37:00,000 x"]
)
def test_what_qualifies_a_time_leaves_the_text(line: str) -> None:
    """
    Zones, halves of the day and fractions: tests/test_clock_text.py has them all.
    """
    (note,) = read(line, date=date(2026, 3, 1))

    assert (note.text, note.occurred_at.strftime("%H:%M")) == ("x", "22:37")


@pytest.mark.parametrize(
    "line", ["[10:37] PM x", "**10:37** PST x", "14:37 CST x", "14:37 PDT x", "14:37:00:123 x"]
)
def test_what_may_qualify_a_time_is_refused_by_its_line(line: str) -> None:
    """
    Never a note with the rest of its time as its text.
    """
    assert "line 2: " in refused(f"14:00 y\n{line}").message


def test_a_time_without_a_zone_is_refused_with_what_to_type() -> None:
    """
    A wrong hour is worse than one more word.
    """
    error = refused("14:50Z a\n14:55 b", zone=None)

    assert error.message == "notes.txt: line 2: '2026-03-01T14:55' has no time zone"
    assert "--at-tz" in error.hint
    assert "Z" in error.hint


@pytest.mark.parametrize(("day", "says"), [(29, "does not exist"), (25, "comes twice")])
def test_an_hour_that_a_clock_change_spoils_is_refused_by_its_line(day: int, says: str) -> None:
    """
    With an offset it is clear, and so is the same hour of the next day.
    """
    month = 3 if day == 29 else 10
    options = {
        "zone": BERLIN,
        "date": date(2026, month, day),
        "now": datetime(2026, 12, 1, tzinfo=UTC),
    }

    error = refused("01:00 a\n02:30 b", **options)

    assert f"line 2: '2026-{month:02d}-{day}T02:30' {says}" in error.message
    assert "+02:00" in error.hint
    assert len(read("02:30+01:00 b", **options)) == 1
    assert read("23:50 a\n02:30 b", **options)[1].occurred_at.day == day + 1


def test_all_wrong_lines_are_named_at_once_and_nothing_is_taken() -> None:
    """
    Ten of them, and how many more there are.
    """
    error = refused("14:50 right\n" + "no time here\n" * 13)

    lines = error.message.split("\n")
    assert lines[0] == "notes.txt: 13 lines cannot be read, so none was recorded"
    assert lines[1] == "  line 2: 'no time here' does not start with a time"
    assert len(lines) == 12
    assert lines[-1] == "  and 3 more"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("25:00 x", "is not a time of day"),
        ("14:61 x", "is not a time"),
        ("14:50 PM x", "is not a time of day"),
        ("14:50", "nothing after it"),
        ("14:50 fix:", "nothing after it"),
        ("yesterday", "does not start with a time"),
        ("- [ ] 14:50 call", "does not start with a time"),
        ("14:50x", "does not start with a time"),
        ("[14:50 x", "does not start with a time"),
        ("    indented", "does not start with a time"),
        ("14:50-15:10 down", "no offset that any place has"),
        ("2026-02-30T14:50Z x", "is not a time"),
        ("2026-03-02T18:01Z x", "in the future"),
        ("0001-01-01T00:00+01:00 x", "outside the calendar"),
    ],
)
@pytest.mark.parametrize("day", [DAY, None])
def test_wrong_lines_say_why(line: str, says: str, day: date | None) -> None:
    """
    Each in a sentence, with its number.
    """
    error = refused(f"# x\n{line}\n", date=day)

    assert error.message.startswith("notes.txt: line 2: ")
    assert says in error.message
    assert error.hint


def test_what_is_indented_below_a_wrong_line_is_no_second_mistake() -> None:
    """
    One cause, one line in the answer.
    """
    error = refused("14:50 right\nno time\n  more of it\n")

    assert error.message == "notes.txt: line 2: 'no time' does not start with a time"


def test_bytes_that_are_not_utf_8_are_named_by_line() -> None:
    """
    An old editor's umlaut, and a whole UTF-16 file.
    """
    assert refused(b"14:50 a\n14:51 \xfc\n").message == "notes.txt: line 2: byte 7 is not UTF-8"
    assert "UTF-8" in refused("14:50 a".encode("utf-16")).message
    assert "UTF-8" in refused("14:50 a".encode("utf-16-be")).hint


@pytest.mark.parametrize("encoding", ["cp1252", "cp1254", "latin-1"])
@pytest.mark.parametrize("text", ["🚨 critical", "✅ verified", "naïve", "it’s – over", "Größe", "⚠️ slow"])
def test_misread_utf_8_is_named_with_what_it_should_be(text: str, encoding: str) -> None:
    """
    The guide itself was saved like this: ğŸš¨ for 🚨.
    """
    damaged = "".join(bytes([byte]).decode(encoding, errors="ignore") or chr(byte) for byte in text.encode())

    error = refused(f"14:50 fine\n14:51 {damaged}")

    assert "line 2" in error.message
    assert f"should be '14:51 {text}'" in error.message
    assert "as UTF-8" in error.hint


@pytest.mark.parametrize("damaged", ["âŒ DON'T", "ğŸ“ report", "â±ï¸ Downtime"])
def test_misread_utf_8_that_lost_characters_is_named_too(damaged: str) -> None:
    """
    All stand in the guide: the byte that cp1254 has no character for was dropped.
    """
    assert "characters got lost" in refused(f"14:51 {damaged}").message


@pytest.mark.parametrize(
    "text",
    [
        "Größe über 5 µs – „gut“",
        "CAFÉ… fermé",
        "kâğıt",
        "5 °C ± 2",
        "MANHÃ “sim”",
        "« VOILÀ »",
        "Привет",
        "日本 ✅ 🚨",
    ],
)
def test_other_peoples_letters_are_no_damage(text: str) -> None:
    """
    Only what no language writes is refused.
    """
    assert read(f"14:50 {text}")[0].text == text


instants = st.integers(0, 36_500).map(
    lambda days: datetime(1990, 1, 1, 12, tzinfo=UTC) + timedelta(hours=7 * days)
)
clocks = st.builds(
    "{}{}:{}{}{}{} {}{}".format,
    st.sampled_from(["", "- ", "[", "**", "  ", "# ", "2026-03-01T", "0001-01-01 ", "9999-12-31T"]),
    st.integers(0, 99),
    st.sampled_from(["00", "30", "59", "61", "5", "٣٠"]),
    st.sampled_from(["", ":00", ":59.9", ":60", "]", "**", ":"]),
    st.sampled_from(["", " AM", "pm", " p.m."]),
    st.sampled_from(["", "Z", "+01:00", "-1200", "+99:99", " UTC"]),
    st.sampled_from(["", "fix: ", "[note] ", "- "]),
    st.text(max_size=8),
)
texts = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(str.encode),
    st.lists(clocks, max_size=6).map(lambda lines: "\n".join(lines).encode()),
)


@settings(deadline=None)
@given(
    text=texts,
    day=st.none() | st.dates(),
    zone=st.sampled_from([None, UTC, BERLIN, ZoneInfo("America/St_Johns")]),
    now=instants,
    span=st.none() | st.tuples(instants, st.none() | instants),
)
@example(b"14:50 x", date.max, BERLIN, NOW, None)
@example(b"23:50 x\n00:10 x", date.max, UTC, NOW, None)
@example(b"0001-01-01T00:00 x\n14:50 x", None, BERLIN, NOW, None)
@example(b"9999-12-31T23:59-12:00 x", None, UTC, NOW, None)
def test_any_bytes_are_read_or_refused(
    text: bytes,
    day: date | None,
    zone: Any,
    now: datetime,
    span: tuple[datetime, datetime | None] | None,
) -> None:
    """
    Never a traceback, never the future, never an empty note; and the same twice.
    """
    options = {"date": day, "zone": zone, "now": now}
    earliest, latest = span or (None, None)
    try:
        found = read(text, **options, earliest=earliest, latest=latest)
    except (BadInputError, UsageError):
        return

    assert all(note.text and note.occurred_at <= now + timedelta(seconds=1) for note in found)
    assert found == read(text, **options, earliest=earliest, latest=latest)
