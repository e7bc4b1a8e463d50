"""`tracker review`: an editor of one's own, and what changed becomes events; nothing typed is ever lost."""

import os
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Typed, refused
from tracker.cli import review as command
from tracker.errors import StoreAwayError


@pytest.fixture
def noted(declared: Typed) -> Typed:
    """INC-1 with a word on its impact, a root cause and a lesson."""
    declared("note", 1, "nobody could pay", "--kind", "impact", "--at", "14:30Z")
    declared("note", 1, "the pool was full", "--kind", "root-cause", "--at", "14:40Z")
    declared("note", 1, "look at the pool first", "--kind", "lesson", "--at", "14:50Z")
    return declared


@pytest.fixture
def editing(noted: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Type `tracker review` with an editor that is a real process: editing("s = s.replace(…)") runs Python on the text `s`."""
    script = tmp_path / "my editor.py"

    def edit(done: str = "", *options: object, code: int = 0) -> Answer:
        script.write_text(
            "import pathlib, subprocess, sys\n"
            "path = pathlib.Path(sys.argv[-1])\n"
            "assert sys.argv[1] == '--wait'\n"
            "s = path.read_text(encoding='utf-8')\n"
            f"{done}\n"
            "path.write_text(s, encoding='utf-8')\n"
            f"sys.exit({code})\n"
        )
        monkeypatch.setenv("EDITOR", f"{sys.executable} '{script}' --wait")
        return noted("review", 1, *options)

    return edit


def kept_in(answer: Answer) -> Path:
    """The file that the command says it kept."""
    [line] = [line for line in answer.err.splitlines() if "Your text is kept in " in line]
    return Path(line.partition("kept in ")[2])


def notes(tracker: Typed) -> list[tuple[str, str]]:
    entries = tracker("timeline", 1, "--json").json["entries"]
    return [(each["title"], each["source"]) for each in entries if each["kind"] == "note-added"]


def handle(tracker: Typed, text: str) -> str:
    entries = tracker("timeline", 1, "--json").json["entries"]
    return str(next(each["event"] for each in entries if text in each["title"])[-7:])


def test_what_changed_becomes_events(editing, noted):
    """
    A changed note is amended, a removed one retracted, a new one added, with the reason and the author.
    """
    cause = handle(noted, "the pool was full")

    answer = editing(
        "import re\n"
        "s = s.replace('the pool was full', 'the pool was full:\\n  ten of ten').replace('why: review', 'why: read it together')\n"
        "s = re.sub(r'- \\[.{7}\\] look at.*', '', s)\n"
        "s = s.replace('## Prevention', '## Prevention\\n\\nAlert on the pool\\n\\n- Test it')",
        *("--by", "bob", "--json"),
    )

    history = noted("history", cause).out
    assert answer.code == 0, answer.err
    assert answer.json["changes"] == 4
    assert answer.json["recorded"] == 5
    assert notes(noted) == [
        ("Impact: nobody could pay", "ada"),
        ("Root cause: the pool was full: ten of ten", "ada"),
        ("Prevention: Alert on the pool", "bob"),
        ("Prevention: Test it", "bob"),
    ]
    assert "reason: read it together" in history
    assert noted("show", 1, "--json").json["report"]["reviewed_by"] == "bob"


def test_a_review_that_changes_nothing_is_one(editing, noted):
    """
    That somebody went through it is worth knowing.
    """
    answer = editing()

    assert answer.code == 0
    assert "INC-1 was reviewed by ada: nothing changed" in answer.err
    assert noted("show", 1, "--json").json["report"]["state"] == "review"
    assert not list(Path(os.environ["XDG_STATE_HOME"]).rglob("*.md"))


def test_a_note_may_move_to_another_section(editing, noted):
    """
    It was a lesson, and is something to prevent it.
    """
    editing(
        "line = next(each for each in s.split('\\n') if 'look at' in each)\n"
        "s = s.replace(line, '').replace('## Prevention', f'## Prevention\\n\\n{line}')"
    )

    assert ("Prevention: look at the pool first", "ada") in notes(noted)


def test_what_was_said_on_declaring_is_set_right_there(editing, noted):
    """
    It is no note of its own, and stands under Impact all the same.
    """
    noted("amend", handle(noted, "Declared"), "--set", "impact=all fail", "--why", "x")

    assert editing("s = s.replace('all fail', 'one in three fails')").code == 0
    assert "one in three fails" in noted("report", 1, "-o", "-").out


def test_what_others_recorded_meanwhile_stays(editing, noted):
    """
    Another note, and another word on another note, are merged.
    """
    lesson = handle(noted, "look at")

    answer = editing(
        "s = s.replace('the pool was full', 'the pool was empty')\n"
        "run = lambda *words: subprocess.run([sys.executable, '-m', 'tracker', *words], check=True, capture_output=True)\n"
        "run('note', '1', 'a router hung', '--kind', 'root-cause', '--by', 'eve')\n"
        f"run('amend', '{lesson}', '--text', 'look at the graph', '--why', 'x', '--by', 'eve')"
    )

    assert answer.code == 0, answer.err
    titles = [title for title, _ in notes(noted)]
    assert "Root cause: the pool was empty" in titles
    assert "Root cause: a router hung" in titles
    assert "Lesson: look at the graph" in titles


def test_a_note_that_both_changed_is_a_conflict_and_nothing_is_lost(editing, noted):
    """
    Both texts are shown, nothing is recorded, the file is kept, and one sign lets it win.
    """
    cause = handle(noted, "the pool was full")

    answer = editing(
        "s = s.replace('the pool was full', 'my words').replace('## Fix', '## Fix\\n\\nmore of mine')\n"
        f"subprocess.run([sys.executable, '-m', 'tracker', 'amend', '{cause}', '--text', 'their words', '--why', 'x', '--by', 'eve'], check=True, capture_output=True)"
    )
    kept = kept_in(answer)

    refused(answer, 12, f"someone else changed a note that you changed: {cause}", "+their words", "+my words")
    assert "more of mine" in kept.read_text(encoding="utf-8")
    assert ("Root cause: their words", "ada") in notes(noted)

    again = editing(f"s = s.replace('[{cause}]', '[{cause}!]')", "--from", kept)

    assert again.code == 0, again.err
    assert {"Root cause: my words", "Fix: more of mine"} <= {title for title, _ in notes(noted)}
    assert not kept.exists()


def test_a_note_that_was_struck_out_meanwhile_is_a_conflict(editing, noted):
    """
    What somebody changes is not struck out behind their back, nor the other way round.
    """
    cause, lesson = handle(noted, "the pool was full"), handle(noted, "look at")

    answer = editing(
        "import re\n"
        "s = s.replace('the pool was full', 'my words')\n"
        "s = re.sub(r'- \\[.{7}\\] look at.*', '', s)\n"
        "run = lambda *words: subprocess.run([sys.executable, '-m', 'tracker', *words, '--why', 'x', '--by', 'eve'], check=True, capture_output=True)\n"
        f"run('retract', '{cause}')\n"
        f"run('amend', '{lesson}', '--text', 'look at the graph')"
    )

    refused(answer, 12, "someone else changed 2 notes that you changed", "(retracted)")


@pytest.mark.parametrize(
    ("done", "code", "says"),
    [
        ("s = s.replace('pool', 'basin')", 3, "the editor exited with 3: nothing was recorded"),
        ("s = ''", 0, "the file was empty"),
        ("s = s.replace('## Fix', '## Fixx')", 0, ":22: '## Fixx' is not one of the headings"),
        ("s = s.replace('<!-- tracker review', '')", 0, ":1: the first line"),
        ("s = s.replace('## Fix', '## Fix\\n\\n- [0000000] x')", 0, ":24: there is no note [0000000]"),
    ],
)
def test_whatever_goes_wrong_the_file_is_kept(editing, noted, done, code, says):
    """
    Nothing is recorded, and the path says where to go on.
    """
    before = notes(noted)

    answer = editing(done, code=code)

    refused(answer, 12, says, "tracker review INC-1 --from ")
    assert kept_in(answer).stat().st_size > 100
    assert notes(noted) == before
    assert noted("show", 1, "--json").json["report"]["state"] == "draft"
    assert str(kept_in(answer)) in editing().err, "the next review says what is kept"


def test_an_editor_that_fails_before_anything_is_typed_leaves_nothing_behind(editing):
    """
    There is nothing to keep.
    """
    answer = editing(code=1)

    refused(answer, 12, "the editor exited with 1", "tracker review INC-1")
    assert not list(Path(os.environ["XDG_STATE_HOME"]).rglob("*.md"))


def test_a_store_that_is_away_when_it_is_saved_keeps_the_file(editing, monkeypatch):
    """
    What was typed is not the store's to lose.
    """

    def away(*_: object, **__: object) -> None:
        raise StoreAwayError("the store does not answer", hint="Check it")

    monkeypatch.setattr(command, "_record", away)

    answer = editing("s = s.replace('pool', 'basin')")

    refused(answer, 9, "the store does not answer", "tracker review INC-1 --from ")
    assert "basin" in kept_in(answer).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("editor", "code", "says"),
    [
        ("", 3, ("VISUAL", "EDITOR", "export EDITOR")),
        ("code", 3, ("returns before the file is edited", "export EDITOR='code --wait'")),
        ("no-such-editor", 3, ("cannot be started",)),
        ("vi 'x", 3, ("cannot be parsed",)),
    ],
)
def test_an_editor_that_cannot_be_used_is_said(noted, monkeypatch, editor, code, says):
    """
    Also one that opens a window and returns at once: what is read back then is what nobody edited.
    """
    monkeypatch.setenv("EDITOR", editor)

    refused(noted("review", 1), code, *says)


def test_visual_wins_over_editor(noted, monkeypatch):
    """
    As everywhere.
    """
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", "true")

    assert noted("review", 1).code == 0


def test_a_file_of_another_incident_is_refused(editing, noted):
    """
    Its handles are others.
    """
    kept = kept_in(editing("s = s.replace('pool', 'basin')", code=1))
    noted("declare", "Another", "--service", "search", "--severity", "minor", "--at", "2026-03-02T10:00Z")

    refused(noted("review", 2, "--from", kept), 12, "is a review of INC-1, not of INC-2")
    assert kept.exists()


def test_a_merged_incident_has_no_report_of_its_own(editing, noted):
    """
    The one that it went on as has.
    """
    noted("declare", "Another", "--service", "search", "--severity", "minor", "--at", "2026-03-01T14:20Z")
    noted("merge", 1, "--into", 2, "--why", "same")

    refused(editing(), 12, "INC-1 was merged into INC-2", "tracker review INC-2")


def test_an_editor_in_this_folder_is_started(noted, monkeypatch):
    """
    ./edit means this folder's, as in a shell.
    """
    script = Path("edit")
    script.write_text("#!/bin/sh\nsed -i 's/^why: .*/why: read aloud/' \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", "./edit")

    assert noted("review", 1).code == 0
