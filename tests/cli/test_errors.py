"""What every command shares: help to paste from, mistakes in two lines, pipes, Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import refused
from tracker.cli.commands import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_ends_with_a_line_to_paste(tracker, name):
    """
    Of this command.
    """
    answer = tracker(name, "--help")

    assert (answer.code, answer.err) == (0, "")
    last = answer.out.strip().splitlines()[-1]
    assert re.search(rf"\btracker {name}\b", last), last
    assert "COMMAND" not in last


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("help",)])
def test_help_lists_every_command(tracker, words):
    """
    In groups; the exit codes are there too.
    """
    answer = tracker(*words)

    assert answer.code == 0
    listed = {line.split()[0] for line in answer.out.splitlines() if line.startswith("  ")}
    assert listed >= set(COMMANDS)
    assert "130 Ctrl-C" in answer.out
    assert answer.out.endswith("Start here: tracker demo\n")


def test_the_version_is_told(tracker):
    """
    For bug reports.
    """
    assert re.fullmatch(r"tracker \d+\.\d+\S*\n", tracker("--version").out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("declar",), "Did you mean: tracker declare"),
        (("frobnicate",), "tracker --help"),
        (("-x", "list"), "must come after the command"),
        (("list", "-x"), "tracker list --help"),
        (("list", "extra"), "unrecognized arguments: extra"),
        (("--store",), "--store"),
        (("ingest",), "SOURCE"),
        (("ingest", "nagios"), "'alertmanager'"),
    ],
)
def test_a_mistyped_command_says_what_was_meant(tracker, words, said):
    """
    Exit code 2.
    """
    refused(tracker(*words), 2, said)


@pytest.mark.parametrize(
    "words", [("note", 9, "x"), ("show", "zzzzzzz"), ("timeline", 9), ("resolve", 9), ("collect", 9)]
)
def test_a_refusal_with_json_leaves_stdout_empty(tracker, words):
    """
    A program sees the exit code; half a document would be worse than none.
    """
    answer = tracker(*words, "--json")

    assert answer.code in (11, 12)
    refused(answer, answer.code)


def test_every_answer_with_json_is_one_document(declared):
    """
    Nothing before it and nothing behind it.
    """
    handle = declared("note", 1, "x", "--json").json["events"][0]
    questions = [
        *(("list",), ("show", 1), ("show", handle), ("timeline", 1), ("changes",), ("changes", 1)),
        *(("history", handle), ("verify",), ("spool",), ("report", 1), ()),
    ]

    for words in questions:
        answer = declared(*words, "--json")
        assert answer.code == 0
        json.loads(answer.out)


def test_a_bug_keeps_its_traceback_and_has_exit_code_1(tracker, monkeypatch):
    """
    It is not dressed up as the user's mistake.
    """
    monkeypatch.setattr("tracker.cli.list.run", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        tracker("list")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("before 1970", ("timeline", "--from", "0001-01-01T00:00Z", "--to", "now")),
        ("too far ahead", ("timeline", "--from", "1h-ago", "--to", "9999-12-31T23:59:59Z")),
        ("before 1970", ("changes", "--from", "0001-01-01T00:00Z")),
        ("too far ahead", ("changes", "--to", "9999-12-31T23:59:59Z")),
        (
            "before 1970",
            ("declare", "x", "--service", "s", "--severity", "minor", "--at", "0001-01-01T00:00Z"),
        ),
        (
            "before 1970",
            ("ingest", "prometheus", "--service", "s", "--from", "0001-01-01T00:00Z", "--to", "now"),
        ),
        ("before 1970", ("ingest", "git", "--from", "99999d-ago")),
    ],
)
def test_the_ends_of_the_calendar_are_refused(tracker, reason, words):
    """
    An overflow would be a traceback.
    """
    refused(tracker(*words), 2, reason)


def test_a_place_that_cannot_be_written_is_said(declared, tmp_path):
    """
    Whatever is written there.
    """
    (tmp_path / "a.txt").write_text("x")
    handle = declared("attach", 1, "a.txt", "--json").json["events"][0][-7:]

    refused(declared("show", handle, "--raw", "-o", "nowhere/a.txt"), 11, "nowhere/a.txt: cannot be written")
    refused(declared("report", 1, "-o", "nowhere/r.md"), 11, "mkdir -p nowhere")
    refused(declared("report", 1, "-o", "."), 11, "Is a directory")
    assert sorted(path.name for path in tmp_path.glob("INC-1*")) == []


# ── as processes ─────────────────────────────────────────────────────────────


def test_a_closed_pipe_is_no_error(declared):
    """
    `tracker timeline | head -1` prints one line and nothing else.
    """
    for number in range(30):
        declared("note", 1, f"{number} " + "x" * 180, "--at", "14:10Z")
    command = f"{sys.executable} -m tracker timeline 1 --json | head -1; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("{\n0\n", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("timeline", "1"),
        ("show", "1"),
        ("changes",),
        ("history", "HANDLE"),
        ("report", "1", "-o", "-"),
        ("show", "HANDLE", "--raw"),
        ("timeline", "1", "--json"),
    ],
    ids=" ".join,
)
def test_a_full_disk_behind_stdout_is_said_once(declared, tmp_path, words, unbuffered):
    """
    Neither a traceback nor a second message when Python leaves.
    """
    (tmp_path / "a.txt").write_text("x" * 20_000)
    handle = declared("attach", 1, "a.txt", "--json").json["events"][0][-7:]
    words = [handle if word == "HANDLE" else word for word in words]

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tracker", *words],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 11
    assert done.stderr == (
        "tracker: cannot write to stdout: no space left on device\n  Free some disk space, or write to another disk\n"
    )


def test_ctrl_c_is_130_and_one_line(tracker, tmp_path):
    """
    While it waits for a source, or for stdin; it is heard where a shell's `&` had it ignored, too.
    """
    (tmp_path / "tracker.toml").write_text("")
    os.mkfifo(tmp_path / "feed")
    # Python takes SIGINT only where it was not ignored when it started.
    heard = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    running = subprocess.Popen(
        [sys.executable, "-c", heard, sys.executable, "-m", "tracker", "ingest", "alertmanager", "feed"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with (tmp_path / "feed").open("wb"):  # opens when the tracker has opened it to read
        running.send_signal(signal.SIGINT)
        running.wait(timeout=120)
    out, err = running.communicate(timeout=120)

    assert (running.returncode, out) == (130, "")
    assert err == "tracker: stopped by Ctrl-C\n"


def test_a_folder_that_was_deleted_under_us_is_said(tracker, tmp_path):
    """
    Another terminal removed it.
    """
    command = f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -P -m tracker list"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "the current folder no longer exists" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_encoding_gets_an_answer(declared, encoding):
    """
    An emoji must not end in a traceback where the terminal cannot show it.
    """
    declared("note", 1, "🔥 支付")

    done = subprocess.run(
        [sys.executable, "-m", "tracker", "timeline", "1"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Declared critical: Payments answer 500" in done.stdout


def test_json_loses_no_letter_on_such_a_terminal(declared):
    """
    It is escaped there.
    """
    declared("note", 1, "🔥 支付")

    done = subprocess.run(
        [sys.executable, "-m", "tracker", "timeline", "1", "--json"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout)["entries"][-1]["title"] == "🔥 支付"


def test_bytes_that_are_no_text_are_refused(declared):
    """
    A paste from a Latin-1 file.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tracker", "note", "1", b"caf\xe9"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "is not UTF-8" in done.stderr


# ── verify ───────────────────────────────────────────────────────────────────


def test_a_whole_log_says_so(declared):
    """
    With its head, to be kept elsewhere.
    """
    declared("resolve", 1, "--at", "14:40Z")

    answer = declared("verify", "--json").json

    assert set(answer) >= {"whole", "events", "position", "unsealed", "head", "first_problem"}
    assert (answer["whole"], answer["events"], answer["position"], answer["first_problem"]) == (
        True,
        5,
        5,
        None,
    )
    assert re.fullmatch("[0-9a-f]{64}", answer["head"])
    assert declared("verify", "--head", answer["head"]).code == 0


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM log_settings", "log_settings"),
        ("DROP TABLE event_index", "its table event_index is missing"),
        ("DROP INDEX stored_events_stream", "its index stored_events_stream is missing"),
    ],
)
def test_verify_says_in_a_line_which_part_is_gone(declared, tmp_path, statement, said):
    """
    Exit code 5; it does not send anybody to itself.
    """
    import sqlite3

    with sqlite3.connect(tmp_path / "tracker.db") as store:
        store.execute(statement)
    store.close()

    answer = declared("verify")

    assert answer.code == 5
    assert said in (answer.out + answer.err).splitlines()[0]
    assert "tracker verify" not in answer.err
    assert "position 0" not in answer.out


def test_a_changed_event_is_found(declared, tmp_path):
    """
    Exit code 5, and which one it is.
    """
    import sqlite3

    declared("note", 1, "the pool is empty")
    with sqlite3.connect(tmp_path / "tracker.db") as store:
        store.execute("UPDATE stored_events SET state=replace(state, 'pool', 'disk') WHERE position=4")
        store.execute(
            "UPDATE stored_events SET state=CAST(replace(CAST(state AS TEXT), 'empty', 'ready') AS BLOB) WHERE position=4"
        )
    store.close()

    answer = declared("verify", "--json")
    assert answer.code == 5
    assert answer.json["whole"] is False
    assert answer.json["first_problem"]["position"] == 4
    assert "position 4" in declared("verify").out


def test_a_tail_that_was_cut_off_is_found_by_a_kept_head(declared, tmp_path):
    """
    The rest is whole in itself; only what was kept elsewhere shows it.
    """
    import sqlite3

    declared("note", 1, "about to vanish")
    head = declared("verify", "--json").json["head"]
    with sqlite3.connect(tmp_path / "tracker.db") as store:
        store.execute("DELETE FROM stored_events WHERE position=4")
        store.execute("DELETE FROM event_index WHERE position=4")
    store.close()

    assert declared("verify").code == 0
    answer = declared("verify", "--head", head)
    assert answer.code == 5
    assert "That head is not in this log" in answer.out
    refused(declared("verify", "--head", "12"), 2, "64 hexadecimal digits")


def test_a_closed_stdout_is_no_traceback(tmp_path):
    """
    A command in a script that closed stdout does its work and says nothing of it.
    """
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m tracker init >&-"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert (tmp_path / "tracker.toml").exists()
