"""Single sentences in many styles: what is true is let pass, what is not is found.

They stand in the .txt files of this folder, one a line: T is true, F false, ? is what no log can tell, and f is false and not
found today. An f that is found by now is to become an F.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projections.claims.prose import Text
from tests import builders as b
from tests.projections.claims.incidents import (
    BACKUPS,
    HEIGHTS,
    LEDGER,
    MAIL,
    PEAKS,
    SMS,
    TICKETS,
    UPLOAD_HEIGHTS,
    UPLOADS,
    findings,
    known,
)
from tests.projections.claims.story import STORY, claims, facts, said
from tracker.text.mojibake import find_mojibake

INCIDENTS = {"ledger": (LEDGER, PEAKS), "mail": (MAIL, {}), "checkout": (STORY, {})}
AFRESH = {
    "tickets": (TICKETS, HEIGHTS),
    "backups": (BACKUPS, {}),
    "ledger_more": (LEDGER, PEAKS),
    "uploads": (UPLOADS, UPLOAD_HEIGHTS),
    "sms": (SMS, {}),
}
"""Sentences that were written before it was known how they are read."""


def written(names, half=None):
    """Every sentence of the files, or of one half of them: incident, truth, kind, heading, text."""
    for name in names:
        for line in (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line[:1] in "#" or (
                half is not None and half != hashlib.sha1(line[2:].encode()).digest()[0] % 2
            ):
                continue
            if name == "checkout":
                yield name, line[0], "", None, line[2:]
                continue
            head, heading, text = re.split(r"(?<!\\)\|", line, maxsplit=2)
            truth, kind = head.split()
            yield name, truth, kind, heading.strip(), text.strip().replace("\\|", "|").replace("\\n", "\n")


LOOKED_AT, HELD_BACK = 0, 1
"""The halves of what was written afresh: the second was not looked at while the checks were changed."""
WRITTEN_DOWN = list(written(INCIDENTS))


@pytest.fixture(scope="module")
def logs():
    """What the log of each incident knows."""
    return {name: known(*events, peaks=peaks) for name, (events, peaks) in (INCIDENTS | AFRESH).items()}


@pytest.mark.parametrize("half", [LOOKED_AT, HELD_BACK])
def test_of_sentences_written_afresh_seven_in_ten_false_ones_are_found_and_hardly_a_true_one_is_accused(
    logs, half
):
    """
    One half was held back while the checks were changed: there is no other way to know how they do on what nobody foresaw.
    """
    accused = [
        (truth, bool(findings(logs[name], text, heading)))
        for name, truth, kind, heading, text in written(AFRESH, half)
    ]

    found = [yes for truth, yes in accused if truth == "F"]
    wrongly = [yes for truth, yes in accused if truth != "F"]
    assert sum(found) >= 0.7 * len(found) > 35
    assert sum(wrongly) <= 0.02 * len(wrongly)


@pytest.mark.parametrize(
    ("incident", "truth", "heading", "text"), [(s[0], s[1], s[3], s[4]) for s in WRITTEN_DOWN]
)
def test_each_sentence_is_accused_if_it_is_false_and_only_then(logs, incident, truth, heading, text):
    """
    In digits and in words, active and passive, in tables and under headings, in other zones; plans, settings, questions.
    """
    found = findings(logs[incident], text, heading)

    assert bool(found) == (truth == "F")
    assert all(each.words for each in found)


def test_of_the_false_ones_nine_in_ten_are_found_and_of_each_kind_half():
    """
    What is not found is listed in the files, too, and not left out of the count.
    """
    kinds = {kind for _, _, kind, _, _ in WRITTEN_DOWN}
    for kind in kinds:
        truths = [truth for _, truth, one, _, _ in WRITTEN_DOWN if one == kind]
        assert truths.count("F") >= (0.5 if kind else 0.9) * (truths.count("F") + truths.count("f")), kind


SECOND = (
    b.alert(35),
    b.declared(37, lead="Alice", detected_by="alert"),
    b.milestone(30, "started"),
    b.milestone(35, "detected"),
    b.deploy(21, version="v1.2.0"),
    b.deploy(50, version="v1.2.1"),
    b.rollback(60, version="v1.2.0"),
    b.commit(70, sha="a" * 40, subject_line="fix: give it back"),
    b.commit(71, sha="b" * 40, subject_line="fix: test that"),
    b.commit(72, sha="c" * 40, subject_line="chore: bump version to 1.2.2"),
    b.deploy(80, version="v1.2.2"),
    b.note(81, "1,140 orders were not paid", kind="impact"),
    b.milestone(82, "mitigated"),
    b.resolved(90),
)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Two commits fixed it.", "Five commits fixed it."),
        ("Two deploys were needed.", "Four deploys were needed."),
        ("We rolled back once.", "We rolled back twice."),
        ("One rollback was needed.", "No rollback was needed."),
        ("Rolled back to v1.2.0 at 15:00 UTC.", "Rolled back to v1.1.0 at 15:00 UTC."),
        ("v1.2.1 was rolled back.", "v1.3.1 was rolled back."),
        ("One alert fired.", "Three alerts fired."),
        ("The alert fired at 14:35 UTC.", "The alert fired at 14:47 UTC."),
        ("Detected by monitoring.", "Detected by a customer."),
        ("Detected within 5 minutes.", "Detected within 3 minutes."),
        ("1,140 orders were not paid.", "2,500 orders were not paid."),
        ("Alice led the incident.", "John led the incident."),
        (
            "Rolled back 10 minutes after the deploy of v1.2.1.",
            "Rolled back 25 hours after the deploy of v1.2.1.",
        ),
        ("v1.2.2 was deployed at 15:20 UTC.", "v1.2.2 was deployed at 14:50 UTC."),
        ("It was resolved by ada.", "It was resolved by Bob."),
        (
            "v1.2.0 was deployed at 14:21 UTC and caused it.",
            "v1.2.0 was deployed at 14:31 UTC and caused it.",
        ),
    ],
)
def test_counts_names_versions_and_rollbacks(true, false):
    """
    An incident with a fix that did not work, and one that did.
    """
    assert said(true, *SECOND) == []
    assert said(false, *SECOND) != []


def test_a_peak_is_held_against_the_samples():
    """
    "Rose to" may be any height below the highest; "peaked at" is the highest.
    """
    options = {"peaks": {"error_ratio": ((47.0,), "ratio")}}

    for true in (
        "The error rate peaked at 47 %.",
        "Error rate rose to 40 %.",
        "Error rate peaked at about 45%.",
    ):
        assert said(true, *STORY, **options) == []
    for false in (
        "The error rate peaked at 40 %.",
        "Error rate rose to 80 %.",
        "Error ratio hit 60% at its peak.",
    ):
        assert said(false, *STORY, **options) != []
    assert said("The error rate peaked at 99 %.") == []


def test_times_without_a_zone_take_that_of_the_text_or_the_one_that_was_given():
    """
    A report from Berlin is read in Berlin's time where it says so.
    """
    berlin = "All times are Europe/Berlin.\n\nThe fix was deployed at 16:10. It was declared at 15:50."
    assert said(berlin) == []
    assert said(berlin.replace("Europe/Berlin", "UTC")) != []
    assert said("The fix was deployed at 16:10.", zones=[ZoneInfo("Europe/Berlin")]) == []
    assert said("The fix was deployed at 16:10.") != []


def test_a_timeline_without_a_zone_is_named_once():
    """
    Everybody would read it in their own; where the zone is known from elsewhere, nothing is said.
    """
    rows = "- 2:45 PM: It burns\n- 2:50 PM: Issue confirmed\n- 3:10 PM: Fix deployed\n"

    [found] = said(rows)

    assert found.log_says.startswith("No zone and no date is named")
    assert said("All times UTC, 2026-03-01\n\n" + rows) == []
    assert said(rows, zone_known=True) == []
    assert said(rows.replace(" PM", " PM CET")) != [found]


# ── properties ───────────────────────────────────────────────────────────────

seconds = st.integers(120, 20_000)
WRITTEN = {
    "minutes": lambda s: (f"{s // 60} minutes", 60),
    "min": lambda s: (f"{round(s / 60)} min", 60),
    "h and min": lambda s: (
        (f"{s // 3600} h {s % 3600 // 60:02d} min", 60) if s >= 3600 else (f"{s // 60}m", 60)
    ),
    "seconds": lambda s: (f"{s} seconds", 1),
    "min and s": lambda s: (f"{s // 60} min {s % 60} s", 1),
    "iso": lambda s: (f"PT{s // 60}M{s % 60}S", 1),
}
SENTENCES = (
    "Payments were down for {}.",
    "Downtime: {}",
    "The outage lasted {}, then it was over.",
    "A downtime of {}.",
)


@settings(deadline=None)
@given(
    took=seconds,
    name=st.sampled_from(sorted(WRITTEN)),
    sentence=st.sampled_from(SENTENCES),
    off=st.integers(2, 50),
)
@example(took=1504, name="minutes", sentence=SENTENCES[0], off=2)
@example(took=3600, name="h and min", sentence=SENTENCES[0], off=2)
def test_a_duration_of_the_log_is_no_finding_and_one_that_is_off_is(took, name, sentence, off):
    """
    In every way of writing it, to the grain in which it is written.
    """
    log = (b.declared(1), b.milestone(0, "started"), b.milestone(took / 60, "mitigated"), b.resolved(400))
    written, grain = WRITTEN[name](took)
    longer, _ = WRITTEN[name](took + off * grain)
    assert said(sentence.format(written), *log) == []
    assert [each.log_says for each in said(sentence.format(longer), *log)] != []


offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
CLOCKS = {
    "iso": lambda at: (at.isoformat(), 1),
    "minute with offset": lambda at: (at.isoformat(" ", "minutes"), 60),
    # Behind UTC it could be a span: 03:10-05:00.
    "clock with offset": lambda at: (
        at.astimezone(timezone(abs(at.utcoffset()))).isoformat(" ", "minutes")[11:],
        60,
    ),
    "seconds": lambda at: (at.astimezone(UTC).strftime("%H:%M:%S UTC"), 1),
    "minutes": lambda at: (at.astimezone(UTC).strftime("%H:%M UTC"), 60),
    "Z": lambda at: (at.astimezone(UTC).strftime("%H:%MZ"), 60),
    "AM and PM": lambda at: (at.astimezone(UTC).strftime("%I:%M %p UTC"), 60),
    "am and pm, short": lambda at: (
        at.astimezone(UTC).strftime("%I:%M%p UTC").lstrip("0").lower().replace("utc", "UTC"),
        60,
    ),
}


@settings(deadline=None, max_examples=40)
@given(
    second=st.integers(0, 86_399),
    offset=offsets,
    name=st.sampled_from(sorted(CLOCKS)),
    off=st.integers(2, 600),
)
@example(second=4204, offset=timedelta(0), name="minutes", off=2)
def test_an_instant_of_the_log_is_no_finding_and_one_that_is_off_is(second, offset, name, off):
    """
    In every zone and every way of writing it, cut to the minute or not.
    """
    at = b.at(second / 60)
    log = (b.declared(0), b.deploy(second / 60, version="v1.2.1"), b.resolved(2000))
    right, grain = CLOCKS[name](at.astimezone(timezone(offset)))
    wrong, _ = CLOCKS[name]((at + timedelta(seconds=off * grain)).astimezone(timezone(offset)))
    for sentence in ("At {} we deployed v1.2.1.", "v1.2.1 was deployed at {}", "- {}: Fix deployed (v1.2.1)"):
        assert said(sentence.format(right), *log) == [], sentence.format(right)
        assert said(sentence.format(wrong), *log) != [], sentence.format(wrong)


@settings(deadline=None)
@given(text=st.text(max_size=300))
@example("1:00-99:99")
@example("v1.2.1 0000-00-00 24:61 PM")
def test_any_text_is_read_and_the_same_twice(text):
    """
    Never a traceback, whatever somebody pasted; each key is its finding's own.
    """
    known = facts(*STORY)

    found = claims([Text(text, "report.md")], known)

    assert found == claims([Text(text, "report.md")], known)
    assert len({each.key for each in found}) == len(found)


# No œ: Ãœ is what a misread Ü looks like, and no language writes it.
SCRIPTS = "äöüßéèêñçãõåøæşğıİĞÜŞÖÇăâîșțđĐơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝ"


@given(
    words=st.lists(
        st.text(st.sampled_from("abcdefgh" + SCRIPTS), min_size=1, max_size=9), min_size=1, max_size=6
    )
)
def test_no_letters_of_european_turkish_or_vietnamese_words_are_taken_for_damage(words):
    """
    Whatever letters follow each other, as long as they are letters.
    """
    assert find_mojibake(" ".join(words)) is None


@given(
    text=st.text(st.sampled_from("abc äöüßéñçşğı"), max_size=12),
    sign=st.sampled_from("🚨✅🚀🔧📊–“€"),
    encoding=st.sampled_from(["cp1252", "cp1254", "latin-1"]),
)
def test_utf_8_read_as_something_else_is_always_damage(text, sign, encoding):
    """
    With a sign in it that needs three bytes or four.
    """
    misread = "".join(
        bytes([each]).decode(encoding, errors="ignore") or chr(each) for each in (text + sign).encode()
    )

    assert find_mojibake(misread) is not None


@pytest.mark.parametrize(
    "piece",
    [
        "a ",
        "15 minutes ",
        "was down for 15 minutes ",
        "from x to ",
        "14:45 ",
        "[",
        "(",
        "an hour and ",
        "twenty ",
        "A. ",
        "|a",
        "<!-- ",
        "ğŸš¨",
        "1,",
        "2026-03-01 ",
    ],
)
def test_a_text_four_times_as_long_takes_about_four_times_as_long(piece):
    """
    Counted in calls, not in seconds: no text makes the reader look at everything for everything.
    """
    import sys

    known = facts(*STORY)

    def calls(lines):
        count = 0

        def step(frame, event, argument):
            nonlocal count
            count += event in ("call", "c_call")

        text = "\n\n".join([(piece * 200)[:400]] * lines)
        sys.setprofile(step)
        try:
            claims([Text(text, "x")], known)
        finally:
            sys.setprofile(None)
        return count

    calls(2)
    assert calls(40) < 6 * calls(10) + 2_000


def test_one_line_of_a_megabyte_is_read_as_far_as_people_read():
    """
    A log file pasted into a report stops nobody.
    """
    known = facts(*STORY)

    found = claims([Text("was down for 15 minutes " * 50_000, "x")], known)

    assert 1 <= len(found) <= 400


def test_where_the_log_knows_of_no_deploy_a_version_is_named():
    """
    Nothing in the log speaks of it: that is a finding too; a note that names it is enough.
    """
    bare = (b.declared(5), b.resolved(60))

    [found] = said("Fix deployed (v1.2.1).", *bare)

    assert "no deploy at all" in found.log_says
    assert said("Fix deployed (v1.2.1).", *bare, b.note(40, "v1.2.1 is out")) == []


def test_now_is_a_datetime_in_utc():
    """
    The facts carry when the log was last told of anything.
    """
    assert facts(*STORY).now == datetime(2026, 3, 1, 15, 15, tzinfo=UTC)
