"""Post-mortems in markdown: what is read of them, and what is listed as unread."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tracker.errors import BadInputError
from tracker.ingest.history.markdown import read
from tracker.ingest.history.past import PastIncident
from tracker.times import utc

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def past(text: str, *, zone: str = "Europe/Berlin", file: str = "outage.md") -> PastIncident:
    return read(text.encode(), file=file, zone=ZoneInfo(zone), now=NOW)


def times(found: PastIncident) -> list[tuple[str, str | None, str]]:
    """Return each line that was read: its minute, the end of its span, its words."""
    return [(utc(line.at)[:16], line.until and utc(line.until)[:16], line.text) for line in found.lines]


def unread(found: PastIncident) -> list[tuple[int, str]]:
    return [(one.line, one.why) for one in found.unread]


def test_a_table_in_the_zone_that_the_file_names():
    """
    The file's own word wins over the zone of the import.
    """
    found = past(
        "# Search is slow\n\n## Timeline\n\nAll times in UTC.\n\n"
        "| Time | Event |\n|---|---|\n| 2024-03-05 09:12 | Index rebuild starts |\n| 2024-03-05 9:40 | Pager rings |\n"
    )

    assert found.title == "Search is slow"
    assert times(found) == [
        ("2024-03-05T09:12", None, "Index rebuild starts"),
        ("2024-03-05T09:40", None, "Pager rings"),
    ]
    assert [line.line for line in found.lines] == [9, 10]
    assert found.unread == []


@pytest.mark.parametrize(
    ("said", "minute"),
    [
        ("", "08:12"),
        ("(all times PST)", "17:12"),
        ("Times are UTC+5:30", "03:42"),
        ("All times are in CET.", "08:12"),
        ("Timestamps in America/New_York", "14:12"),
        ("All times in CET/CEST", "08:12"),
        ("All times Tokyo time", "00:12"),
    ],
)
def test_zones_as_people_write_them(said, minute):
    """
    Without a word the times are those of the zone that the import names.
    """
    found = past(f"# x\n## Timeline {said}\n- 2024-03-05 09:12 it breaks\n")

    assert times(found)[0][0][11:] == minute


def test_a_zone_that_may_be_several_is_refused_for_each_line():
    """
    IST is India, Israel and Ireland; the import's zone decides only if it is one of them.
    """
    text = "# x\nAll times in IST.\n\n- 2024-03-05 09:12 it breaks\n"

    assert times(past(text)) == []
    assert unread(past(text))[0][0] == 4
    assert times(past(text, zone="Asia/Kolkata")) == [("2024-03-05T03:42", None, "it breaks")]


@pytest.mark.parametrize(
    ("written", "at", "until"),
    [
        ("2024-03-05 14:??", "2024-03-05T14:00", "2024-03-05T14:59"),
        ("2024-03-05 HH:mm", "2024-03-05T00:00", "2024-03-05T23:59"),
        ("2024-03-05 --:--", "2024-03-05T00:00", "2024-03-05T23:59"),
        ("2024-03-05", "2024-03-05T00:00", "2024-03-05T23:59"),
        ("2024-03-?? ??:??", "2024-03-01T00:00", "2024-03-31T23:59"),
        ("2023/24-??-?? HH:mm", "2023-01-01T00:00", "2024-12-31T23:59"),
        ("2024-03-05 09:00 - 11:30", "2024-03-05T09:00", "2024-03-05T11:30"),
        ("2024-03-05 23:30–00:15", "2024-03-05T23:30", "2024-03-06T00:15"),
        ("2024-03-05 12:26-12:??", "2024-03-05T12:26", "2024-03-05T12:59"),
        ("~2024-03-05 12:00", "2024-03-05T11:45", "2024-03-05T12:15"),
        ("2024-03-05 12:00~", "2024-03-05T11:45", "2024-03-05T12:15"),
        ("2024-03-05T12:00:30Z", "2024-03-05T12:00", None),
        ("2024-03-05 2:05 PM", "2024-03-05T14:05", None),
        ("2024-03-05 11.50", "2024-03-05T11:50", None),
        ("2024-03-05 1600", "2024-03-05T16:00", None),
        ("5 March 2024 16:00", "2024-03-05T16:00", None),
        ("Mar 5th, 2024 at 4:00 pm", "2024-03-05T16:00", None),
        ("2024-03-05 16:00 CET", "2024-03-05T15:00", None),
    ],
)
def test_a_time_is_as_exact_as_it_is_written(written, at, until):
    """
    A day alone is a span, and never midnight.
    """
    found = past(f"# x\n| Time | Event |\n|--|--|\n| {written} | somebody looks |\n", zone="UTC")

    assert times(found) == [(at, until, "somebody looks")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("20240-03-05 12:00", "'20240-03-05' is not a date"),
        ("2024-13-05 12:00", "'2024-13-05' is not a date"),
        ("2024-02-30 12:00", "'2024-02-30' is not a date"),
        ("2024-03-05 25:00", "the time is not a time of day"),
        ("2027-03-05 12:00", "it is in the future"),
        ("1969-03-05 12:00", "it is before 1970"),
        ("5/3/2024 12:00", "5/3/2024 can be day/month or month/day"),
        ("5 March 12:00", "'5 March' names no year"),
        ("Monday 12:00", "which day is 'Monday'?"),
        ("2024-03-05 1600 pods are gone", "'1600' may be a time of day"),
        ("2024-03-31 02:30", "02:30 comes twice or not at all on 2024-03-31, because the clocks change"),
    ],
)
def test_what_is_no_time_is_listed_with_its_line(line, why):
    """
    Refused rather than guessed, and never silent.
    """
    found = past(f"# x\n\n- {line} something\n")

    assert times(found) == []
    assert unread(found) == [(3, why)]


def test_days_and_months_are_told_apart_by_another_date_of_the_file():
    """
    25/3 has one reading, so 5/3 is in March.
    """
    found = past("# x\n- 5/3/2024 12:00 one\n- 25/3/2024 12:00 two\n", zone="UTC")

    assert [at for at, _, _ in times(found)] == ["2024-03-05T12:00", "2024-03-25T12:00"]


def test_times_under_a_day_go_over_midnight():
    """
    00:10 after 23:50 is the next day's.
    """
    found = past(
        "# x\n## Timeline\n### 2024-03-05\n- 23:50 it breaks\n- 00:10 it is noticed\n- ?? whoever\n"
        "### 7 March 2024\n- **08:00** it is told\n",
        zone="UTC",
    )

    assert [at for at, _, _ in times(found)] == ["2024-03-05T23:50", "2024-03-06T00:10", "2024-03-07T08:00"]


def test_a_time_without_any_day_is_listed():
    """
    No day is taken from anywhere else.
    """
    found = past("# x\n## Timeline\n- 23:50 it breaks\n")

    assert times(found) == []
    assert unread(found) == [(3, "a time without a day")]


def test_a_line_with_the_year_of_last_year_is_set_aside():
    """
    In January people write the old year.
    """
    found = past(
        "# x\n- 2024-01-05 10:00 a\n- 2023-01-05 10:05 b\n- 2024-01-05 10:10 c\n- 2024-01-05 10:15 d\n",
        zone="UTC",
    )

    assert [text for _, _, text in times(found)] == ["a", "c", "d"]
    assert unread(found) == [(3, "its year is not that of the lines around it")]


def test_milestones_come_from_labels_not_from_sentences():
    """
    "First detected" is no start, and "Backup started" is none either.
    """
    found = past(
        "# x\n- **Key events**\n  - First detected: 2024-03-05 10:43\n  - Incident declared 2024-03-05 11:01\n"
        "  - Repaired 5 March 2024 11:30\n  - Resolved 2024-03-05 11:38\n- 2024-03-05 10:00 Backup started\n",
        zone="UTC",
    )
    named = {line.label: utc(line.at)[11:16] for line in found.lines if line.label}

    assert named == {"detected": "10:43", "declared": "11:01", "mitigated": "11:30", "resolved": "11:38"}


def test_front_matter_says_what_the_headings_do_not():
    """
    Its keys are those that teams use.
    """
    found = past(
        "---\ntitle: Checkout outage\nseverity: SEV-1\nservices: [checkout, 'payments db']\nlead: Kim\n"
        "started: 2024-03-05T09:12:00Z\nresolved: 2024-03-05 11:00 UTC\n---\n\nText.\n"
    )

    assert (found.title, found.severity, found.services, found.lead) == (
        "Checkout outage",
        "SEV-1",
        ("checkout", "payments db"),
        "Kim",
    )
    assert [(line.label, utc(line.at)[11:16]) for line in found.lines] == [
        ("started", "09:12"),
        ("resolved", "11:00"),
    ]


def test_action_items_of_lists_and_tables():
    """
    What says that there is none is none.
    """
    found = past(
        "# x\n## Follow-up actions\n- [ ] Alert on the [queue](https://example.org/q)\n- N/A\n"
        "* **Owner**: write a runbook\n\n## Action Items\n| Owner | Action |\n|--|--|\n| kim | Test restores |\n| - | none |\n"
    )

    assert [text for _, text in found.actions] == [
        "Alert on the queue",
        "Owner: write a runbook",
        "Test restores",
    ]


def test_a_template_is_no_incident_and_its_row_is_no_event():
    """
    A row that was left in is listed.
    """
    template = past("# Title\n| Time | Event |\n|--|--|\n| 20xx-MM-DD HH:mm | Short event description |\n")
    left_in = past(
        "# x\n| Time | Event |\n|--|--|\n| 2024-03-05 HH:mm | Short event description |\n| 2024-03-05 10:00 | a |\n"
    )

    assert template.is_template
    assert not left_in.is_template
    assert [text for _, _, text in times(left_in)] == ["a"]
    assert unread(left_in) == [(4, "the words of a template")]


def test_no_dated_line_disappears():
    """
    In prose, in code, without a time: each is listed.
    """
    found = past(
        "# x\nThe index of 2024-03-01 was gone.\n\n```\n2024-03-05 10:00 ERROR x\n```\n\n"
        "| Time | Event |\n|--|--|\n| | later |\n\n2024-03-05 was a Tuesday.\n"
    )

    assert times(found) == []
    assert [line for line, _ in unread(found)] == [2, 5, 10, 12]


def test_a_file_that_is_no_text_is_refused():
    """
    One line says where.
    """
    with pytest.raises(BadInputError, match=r"outage\.md: not UTF-8 text at byte 0"):
        read(b"\xff\xfe", file="outage.md", zone=ZoneInfo("UTC"), now=NOW)
