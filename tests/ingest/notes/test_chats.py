"""Chats as people copy and export them: each message at its instant, by its writer, whole; or refused by its lines."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.notes.reading import read, read_file, refused
from tracker.errors import BadInputError
from tracker.events.base import event_id

NARROW, MARK = "\u202f", "\u200e"


def told(text: str, **options: object) -> list[tuple[str, str, str]]:
    """Return when each message was written, by whom, and what it says."""
    return [(f"{note.occurred_at:%d %H:%M}", note.decided_by, note.text) for note in read(text, **options)]


TWO = [("01 14:26", "Ana Lee", "the queue is full"), ("01 14:39", "Ben", "errors are gone\nthanks")]
COPIES = {
    "WhatsApp, Germany": "01.03.26, 14:26 - Ana Lee: the queue is full\n01.03.26, 14:39 - Ben: errors are gone\nthanks",
    "WhatsApp, United States": f"3/1/26, 2:26{NARROW}PM - Ana Lee: the queue is full\n3/1/26, 2:39{NARROW}PM - Ben: errors are gone\nthanks",
    "WhatsApp, Spain": "1/3/26, 2:26\u00a0p.\u00a0m. - Ana Lee: the queue is full\n1/3/26, 2:39\u00a0p.\u00a0m. - Ben: errors are gone\nthanks",
    "WhatsApp, Netherlands": "01-03-2026 14:26 - Ana Lee: the queue is full\n01-03-2026 14:39 - Ben: errors are gone\nthanks",
    "WhatsApp, Sweden": "2026-03-01 14:26 - Ana Lee: the queue is full\n2026-03-01 14:39 - Ben: errors are gone\nthanks",
    "WhatsApp, iPhone": f"[01/03/2026, 14:26:00] Ana Lee: the queue is full\n{MARK}[01/03/2026, 14:39:00] ~ Ben: errors are gone\nthanks",
    "WhatsApp, copied": "[2:26 PM, 3/1/2026] Ana Lee: the queue is full\n[2:39 PM, 3/1/2026] Ben: errors are gone\nthanks",
    "Teams": "[2:26 PM] Ana Lee\n\nthe queue is full\n\nlike 2\n\n[2:39 PM] Ben\n\nerrors are gone\nthanks\n\n",
    "Teams, dated": "[01/03/2026 14:26] Ana Lee\n\nthe queue is full\n\n[01/03/2026 14:39] Ben\n\nerrors are gone\nthanks",
    "Teams, of yesterday": "[Yesterday 14:26] Ana Lee\n\nthe queue is full\n\n[Yesterday 14:39] Ben\n\nerrors are gone\nthanks",
    "Slack": "Ana Lee  2:26 PM\nthe queue is full\n:eyes:\n2\nBen  2:39 PM\nerrors are gone\nthanks (edited)\n3 replies",
    "Slack, 24 hours": "Ana Lee  14:26\nthe queue is full\n👀\n2\nBenAPP  14:39\nerrors are gone\nthanks",
    "Slack, with days": "Sunday, March 1st\nAna Lee  14:26\nthe queue is full\nBen  14:39\nerrors are gone\nthanks",
    "Slack, browser": "Ana Lee\n  2:26 PM\nthe queue is full\nBen\n  2:39 PM\nerrors are gone\nthanks",
    "Slack, dated": "Ana Lee  Mar 1st at 2:26 PM\nthe queue is full\nBen  Mar 1st at 2:39 PM\nerrors are gone\nthanks",
    "WhatsApp, France": "01/03/2026 à 14:26 - Ana Lee: the queue is full\n01/03/2026 à 14:39 - Ben: errors are gone\nthanks",
    "WhatsApp, Taiwan": "2026/3/1 下午2:26 - Ana Lee: the queue is full\n2026/3/1 下午2:39 - Ben: errors are gone\nthanks",
    "Slack, brackets": "Ana Lee [2:26 PM]\nthe queue is full\n\nBen [2:39 PM]\nerrors are gone\nthanks",
    "Rocket.Chat": "Ana Lee\n@ana\nAdmin\n2:26 PM\nthe queue is full\n\nBen\n@ben\n2:39 PM\nerrors are gone\nthanks",
    "Discord": "Ana Lee — Today at 2:26 PM\nthe queue is full\nBen — Today at 2:39 PM\nerrors are gone\nthanks",
    "Telegram": "Ana Lee, [01.03.2026 14:26]\nthe queue is full\n\nBen, [01.03.2026 14:39]\nerrors are gone\nthanks",
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_a_copied_chat_is_read_with_its_writers(name: str) -> None:
    """
    The words of several lines stay together; what nobody wrote (reactions, marks, blanks) is taken off.
    """
    assert told(COPIES[name], date_order=None) == TWO


@pytest.mark.parametrize("name", [name for name in COPIES if "iPhone" not in name])
@pytest.mark.parametrize("wrong", ["14:39 CST", "14:61", "2:39 PM CST"])
def test_a_header_that_is_not_understood_gives_nobody_anothers_words(name: str, wrong: str) -> None:
    """
    The second time of the chat is damaged: refused, never read as the first one's words.
    """
    damaged = COPIES[name].replace("2:39 PM", wrong).replace("14:39", wrong)
    if damaged == COPIES[name]:
        damaged = COPIES[name].replace(f"2:39{NARROW}PM", wrong).replace("2:39\u00a0p.\u00a0m.", wrong)
        damaged = damaged.replace("下午2:39", wrong)

    assert "line" in refused(damaged).message


LOGS = {
    "irssi": "--- Log opened Sun Mar 01 14:20:11 2026\n14:26 -!- ben [~b@host] has joined #ops\n14:26 < ana> full?\n"
    "14:26 <@ben> yes\n23:58  * ana waits\n--- Day changed Mon Mar 02 2026\n00:05 < ana> gone",
    "WeeChat": "2026-03-01 14:26:01\t-->\tben (b@host) has joined #ops\n2026-03-01 14:26:02\tana\tfull?\n"
    "2026-03-01 14:26:03\t@ben\tyes\n2026-03-01 23:58:00\t *\tana waits\n2026-03-02 00:05:00\tana\tgone",
    "HexChat": "**** BEGIN LOGGING AT Sun Mar  1 14:20:11 2026\n\nMar 01 14:26:01 *\tben (b@host) has joined\n"
    "Mar 01 14:26:02 <ana>\tfull?\nMar 01 14:26:03 <ben>\tyes\nMar 01 23:58:00 *\tana waits\nMar 02 00:05:00 <ana>\tgone",
    "ZNC": "[14:26:01] *** Joins: ben (b@host)\n[14:26:02] <ana> full?\n[14:26:03] <ben> yes\n[23:58:00] * ana waits\n"
    "[00:05:00] <ana> gone",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "[2026/03/01 14:26] Ana: the queue is full\n2026-03-01, 14:39 - Ben: rolling back",
        "01/03/2026, 14:26 - Ana: the queue is full\n[01/03/2026, 14:39:10] Ben Roy: rolling back",
    ],
)
def test_two_kinds_of_chat_in_one_file_give_nobody_anothers_words(text: str) -> None:
    """
    What Ben said is not what Ana said.
    """
    assert "line 2" in str(refused(text, date_order="dmy"))


@pytest.mark.parametrize("line", ["[14:39] build 12 failed", "14:39 errors again", "2 of 3 - see [1]: gone"])
def test_a_pasted_line_that_is_no_header_stays_with_its_message(line: str) -> None:
    """
    Only what names a date and a writer could be the next message of a dated chat.
    """
    assert told(f"01/03/2026, 14:26 - Ana: look\n{line}", date_order="dmy") == [
        ("01 14:26", "Ana", f"look\n{line}")
    ]


@pytest.mark.parametrize("name", LOGS)
def test_a_log_of_irc_is_read_with_its_nicks(name: str) -> None:
    """
    Who joined is counted, and is no note.
    """
    found = read_file(LOGS[name])

    assert found.left_out == 1
    assert told(LOGS[name]) == [
        ("01 14:26", "ana", "full?"),
        ("01 14:26", "ben", "yes"),
        ("01 23:58", "ana", "waits"),
        ("02 00:05", "ana", "gone"),
    ]


def test_a_time_that_goes_on_with_the_writer_above_is_of_the_next_half_day() -> None:
    """
    Slack leaves out name and half of the day: 2:28 after 2:26 PM, 12:03 after 11:58 PM.
    """
    text = "Ana  2:26 PM\na\n2:28\nb\nBen  11:58 PM\nc\n12:03\nd"

    assert told(text) == [
        ("01 14:26", "Ana", "a"),
        ("01 14:28", "Ana", "b"),
        ("01 23:58", "Ben", "c"),
        ("02 00:03", "Ben", "d"),
    ]


@pytest.mark.parametrize(
    ("dates", "options", "days"),
    [
        (("5/3/25", "13/3/25"), {}, ("05 03", "13 03")),
        (("3/5/25", "3/13/25"), {}, ("05 03", "13 03")),
        (("5/3/25", "6/3/25"), {"date": date(2025, 3, 5)}, ("05 03", "06 03")),
        (("5/3/25", "6/3/25"), {"date": date(2025, 5, 3)}, ("03 05", "03 06")),
        (("5/3/25", "6/3/25"), {"date_order": "dmy"}, ("05 03", "06 03")),
        (("5/3/25", "6/3/25"), {"date_order": "mdy"}, ("03 05", "03 06")),
        (("5.3.25", "6.3.25"), {}, ("05 03", "06 03")),
        (("4/4/25", "5/5/25"), {}, ("04 04", "05 05")),
    ],
)
def test_day_and_month_are_told_apart_by_the_file_or_by_the_reader(
    dates: tuple[str, str], options: dict[str, object], days: tuple[str, str]
) -> None:
    """
    One date that can be read in one way only decides for all.
    """
    text = "\n".join(f"{day}, 14:26 - Ana: x{number}" for number, day in enumerate(dates))

    assert tuple(f"{note.occurred_at:%d %m}" for note in read(text, **({"date": None} | options))) == days


def test_a_date_that_can_be_read_in_two_ways_is_never_guessed() -> None:
    """
    Nor one that contradicts the others, or the option.
    """
    unclear = refused("5/3/25, 14:26 - Ana: x\n6/3/25, 14:26 - Ana: y", date=None)

    assert "5/3/25 can be day/month or month/day" in unclear.message
    assert "--date-order" in unclear.hint
    assert refused("13/3/25, 14:26 - Ana: x\n3/14/25, 14:26 - Ana: y", date=None)
    assert refused("13/3/25, 14:26 - Ana: x", date=None, date_order="mdy")


@pytest.mark.parametrize(
    "text",
    [
        "[Yesterday 14:26] Ana Lee\n\nx",
        "Today\nAna  14:26\nx",
        "Ana  14:26\nx\nMonday\nBen  9:00\ny",
        "Ana  14:26\nx\nponiedziałek, 2 marca\nBen  14:39\ny",
        "[Yesterday 14:26] Ana Lee\n\nx\n\n[14:39] Ben Roy\n\ny",
    ],
)
def test_a_day_that_is_not_known_is_refused(text: str) -> None:
    """
    The day of a copy is not in it; only --date says it.
    """
    assert refused(text, date=None)


@pytest.mark.parametrize("time", ["2:20", "2:20 PM", "2:41 PM", "14:20", "2:20 CST"])
def test_a_time_in_somebodys_words_is_not_taken_for_that_of_words(time: str) -> None:
    """
    A line that is only a time goes on with the writer above where it follows, and is refused where it may be text.
    """
    text = f"Ana  2:40 PM\nit began at\n{time}\nI think"

    assert "line 3" in refused(text).message
    assert "line 3" in refused(text.replace("2:40 PM", "14:40").replace(time, "14:20")).message


def test_a_chat_needs_the_zone_of_its_clock() -> None:
    """
    It is that of the computer on which it was copied.
    """
    assert "has no time zone" in refused(COPIES["Teams"], zone=None).message
    assert told(COPIES["Teams"], zone=ZoneInfo("Europe/Berlin"))[0][0] == "01 13:26"


def test_what_nobody_said_is_no_note() -> None:
    """
    Joins, encryption, deleted messages, pictures without words; and they are counted.
    """
    text = (
        "01/03/2026, 14:20 - Messages and calls are end-to-end encrypted. Tap to learn more.\n"
        "01/03/2026, 14:21 - Ana added Ben\n"
        "01/03/2026, 14:22 - Ben: This message was deleted\n"
        "01/03/2026, 14:26 - Ana: the queue is full <This message was edited>\n"
        "13/02/2026, 14:27 - Ana: \n"
    )

    found = read_file(text)

    assert [note.event.text for note in found.notes] == ["the queue is full"]  # type: ignore[attr-defined]
    assert found.left_out == 4


def test_who_read_the_chat_is_kept_beside_who_wrote_it() -> None:
    """
    A note's author is the writer; its arrival names who recorded it.
    """
    (first, _) = read_file(COPIES["Slack"]).notes

    assert (first.arrival.via, first.arrival.reported_by) == ("file", "Ann")


@pytest.mark.parametrize(
    "text",
    [
        "ana 2:26 PM\nfull\nben 2:39 PM\ngone",
        "[14:50] Deployed\nall fine\n[14:55] Back\nthanks",
        "14:26 <ana> full\nsomething else",
        "Ana: full\nBen: gone",
        "ana\n2:26 PM\nfull\nben\n2:39 PM\ngone",
    ],
)
def test_what_is_like_a_chat_and_not_certain_is_refused_whole(text: str) -> None:
    """
    No writer is guessed from a line that may be text.
    """
    with pytest.raises(BadInputError, match="line"):
        read(text)


names = st.sampled_from(["Ana Lee", "ben", "Émile de la Cruz", "李雷", "Lee, Ana (Guest)"])
words = st.sampled_from(
    ["the queue is full", "12 of 12", "see https://x.example/a:b", "+1", "done?", "roll back: now"]
)
messages = st.lists(
    st.tuples(st.integers(0, 40), names, st.lists(words, min_size=1, max_size=3)), min_size=1, max_size=8
)


@settings(deadline=None)
@given(said=messages, style=st.sampled_from(["slack", "teams", "whatsapp", "iphone", "us"]))
def test_what_was_said_is_read_as_it_was_said(said: list[tuple[int, str, list[str]]], style: str) -> None:
    """
    Whatever is said, by whom, and how fast: the same words by the same people in the same order.
    """
    clock, lines, expected = 13 * 60, [], []
    for minutes, name, rows in said:
        clock += minutes
        at, half = f"{clock // 60:02d}:{clock % 60:02d}", f"{clock // 60 - 12}:{clock % 60:02d} PM"
        text = "\n".join(rows)
        lines.append(
            {
                "slack": f"{name}  {half}\n{text}",
                "teams": f"[{half}] {name}\n\n{text}\n",
                "whatsapp": f"01.03.2026, {at} - {name}: {text}",
                "iphone": f"[01.03.2026, {at}:00] {name}: {text}",
                "us": f"3/1/2026, {half} - {name}: {text}",
            }[style]
        )
        expected.append((f"01 {at}", name, text))

    assert told("\n".join(lines)) == expected


def test_the_same_words_twice_in_a_minute_are_two_messages() -> None:
    """
    By one writer, in a copied chat and in an IRC log.
    """
    slack = "Ana Lee  14:26\nok\nBen  14:26\nok\nAna Lee  14:26\nok"
    irc = "14:26 < ana> ok\n14:26 < ben> ok\n14:26 < ana> ok"
    for text in (slack, irc):
        notes = read(text)
        assert [note.text for note in notes] == ["ok"] * 3
        assert len({event_id(note) for note in notes}) == 3
        assert [event_id(note) for note in read(text)] == [event_id(note) for note in notes]
