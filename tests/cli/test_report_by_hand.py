"""A report that was edited by hand and is written again: nothing that people typed is lost."""

from pathlib import Path

import pytest

from tests.cli.conftest import Typed, refused

BEHIND_IMPACT = "<!-- tracker:end impact -->\n"


@pytest.fixture
def report(declared: Typed, tmp_path: Path) -> Path:
    """INC-1.md of an incident that is over."""
    declared("note", 1, "nobody could pay", "--kind", "impact", "--at", "14:30Z")
    declared("resolve", 1, "--at", "15:00Z")
    assert declared("report", 1).code == 0
    return tmp_path / "INC-1.md"


def edit(path: Path, was: str, now: str) -> str:
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, now, 1), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def test_prose_between_the_parts_stays_when_the_report_is_written_again(declared, report):
    """
    The parts tell what was recorded since; the words between them are as they were.
    """
    edit(report, BEHIND_IMPACT, BEHIND_IMPACT + "\nWe wrote to all of them.\n")
    declared("note", 1, "the pool was full", "--kind", "root-cause", "--at", "14:40Z")

    answer = declared("report", 1)

    text = report.read_text(encoding="utf-8")
    assert answer.code == 0
    assert "INC-1.md keeps 1 line of prose by hand" in answer.err
    assert f"{BEHIND_IMPACT}\nWe wrote to all of them.\n\n<!-- tracker:begin timeline" in text
    assert "- **Cause:** the pool was full *(ada)*" in text


def test_an_edit_in_a_generated_part_is_shown_and_not_written_over(declared, report):
    """
    What was typed stands beside what the log says, with what to type; the file is as it was.
    """
    edited = edit(report, "nobody could pay *(ada)*", "two people could not pay *(ada)*")
    declared("note", 1, "later", "--at", "14:50Z")

    answer = declared("report", 1)

    refused(answer, 12, "somebody typed into a generated part: impact (line 25); nothing was written")
    assert "-- nobody could pay *(ada)*" in answer.err
    assert "+- two people could not pay *(ada)*" in answer.err
    assert "later" not in answer.err, "the diff is against what the report said when it was written"
    assert "tracker review INC-1" in answer.err
    assert report.read_text(encoding="utf-8") == edited


def test_with_force_the_log_wins(declared, report):
    """
    Asked for by name, what was typed into a part goes; prose stays all the same.
    """
    before = report.read_text(encoding="utf-8")
    edit(report, "nobody could pay *(ada)*", "two people could not pay *(ada)*")
    report.write_text(report.read_text(encoding="utf-8") + "mine\n", encoding="utf-8")

    assert declared("report", 1, "--force").code == 0
    assert report.read_text(encoding="utf-8") == before + "mine\n"


@pytest.mark.parametrize(
    ("was", "now", "where"),
    [
        (BEHIND_IMPACT, "", "INC-1.md:32: "),
        (BEHIND_IMPACT, BEHIND_IMPACT * 2, "INC-1.md:32: "),
        ("<!-- tracker:begin impact", "<!-- tracker:begun impact", "INC-1.md:25: "),
    ],
)
def test_broken_marks_are_refused_with_their_line(declared, report, was, now, where):
    """
    One line says where; --force does not go over it either.
    """
    edited = edit(report, was, now)

    for words in (("report", 1), ("report", 1, "--force"), ("report", 1, "--format", "html")):
        refused(declared(*words), 12, where)
    refused(declared("verify", "--report", "INC-1.md"), 11, where)
    assert report.read_text(encoding="utf-8") == edited


def test_a_file_of_somebody_elses_is_left_alone(declared, report, tmp_path):
    """
    A thesis, another incident's report, a report of a version that set no marks.
    """
    thesis = tmp_path / "thesis.md"
    thesis.write_text("# All of it\n")
    old = tmp_path / "old.md"
    old.write_text(
        f"# INC-1: x\n\nLog position 3, last event `x` with digest `y`, head `{'0' * 64}`. Written by\n"
    )
    declared("declare", "Another", "--service", "search", "--severity", "minor", "--at", "2026-03-02T10:00Z")

    refused(declared("report", 1, "-o", "thesis.md"), 12, "no report of the tracker's", "mv thesis.md")
    refused(declared("report", 1, "-o", "old.md"), 12, "was written by an earlier tracker")
    refused(declared("report", 2, "-o", "INC-1.md"), 12, "INC-1.md is the report of INC-1")

    assert thesis.read_text() == "# All of it\n"
    assert declared("report", 1, "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_an_empty_file_is_none(declared, report):
    """
    There is nothing in it to keep.
    """
    before = report.read_bytes()
    report.write_bytes(b"\n")

    assert declared("report", 1).code == 0
    assert report.read_bytes() == before


def test_a_report_keeps_its_headings_and_its_zone(declared, report):
    """
    Nobody has to remember with which options it was written.
    """
    assert declared("report", 1, "-o", "g.md", "--template", "google", "--tz", "Europe/Berlin").code == 0
    before = Path("g.md").read_bytes()

    assert declared("report", 1, "-o", "g.md").code == 0

    assert Path("g.md").read_bytes() == before
    assert b"## Timeline (Europe/Berlin)" in before


def test_other_headings_have_no_place_for_prose(declared, report):
    """
    Without prose the report is written in the others; with it, it is written beside.
    """
    assert declared("report", 1, "--template", "pagerduty").code == 0
    edit(report, BEHIND_IMPACT, BEHIND_IMPACT + "\nmine\n")

    answer = declared("report", 1, "--template", "google")

    refused(answer, 12, "is in the headings of pagerduty", "--template google -o INC-1-google.md")


def test_verify_says_what_stands_between_the_parts(declared, report):
    """
    Prose is nobody's proof, and no fault; a changed part is one, and is named.
    """
    edit(report, BEHIND_IMPACT, BEHIND_IMPACT + "\none\n\ntwo\n")

    held = declared("verify", "--report", "INC-1.md")
    answer = declared("verify", "--report", "INC-1.md", "--json").json
    edit(report, "nobody could pay *(ada)*", "somebody could pay *(ada)*")
    broken = declared("verify", "--report", "INC-1.md")

    assert held.code == 0
    assert "each of its 14 generated parts is reproduced byte for byte." in held.out
    assert (
        "2 lines of prose by hand (in lines 33, 35) are outside the generated parts and cannot be checked."
        in held.out
    )
    assert (answer["report_same"], answer["report_lines_by_hand"]) == (True, 2)
    assert broken.code == 5
    assert "INC-1.md differs: impact (line 25)" in broken.out


@pytest.mark.parametrize("template", ["guide", "google", "pagerduty"])
@pytest.mark.parametrize("kind", ["markdown", "html"])
def test_verify_knows_how_a_report_was_written(declared, report, template, kind):
    """
    Its own marks say in which headings, zone and form.
    """
    file = f"r.{kind}"
    words = ("report", 1, "--template", template, "--format", kind, "-o", file, "--tz", "Asia/Kathmandu")

    assert declared(*words).code == 0
    held = declared("verify", "--report", file)

    assert held.code == 0
    assert f"{file} is reproduced byte for byte." in held.out


def test_what_somebody_saves_while_it_is_written_is_not_written_over(declared, report, monkeypatch):
    """
    An editor that is open beside it loses nothing.
    """
    from tracker.cli import report as command

    written = command.document

    def slowly(*words: object, **options: object) -> object:
        report.write_text(report.read_text(encoding="utf-8") + "saved meanwhile\n", encoding="utf-8")
        return written(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "document", slowly)

    refused(declared("report", 1), 12, "INC-1.md was saved by somebody", "Type the same again")
    assert report.read_text(encoding="utf-8").endswith("saved meanwhile\n")
