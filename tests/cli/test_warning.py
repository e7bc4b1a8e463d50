"""What looks like a secret is warned of before it is recorded and before it leaves; nothing is refused."""

import json
import subprocess
from pathlib import Path

import pytest

from tracker.application.secret_warnings import secret_notices

TOKEN = "ghp_" + "aB3d" * 9
WARNED = "tracker: warning: {} contains what looks like a GitHub token: ghp_… (40 characters)"


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("note", 1, f"use {TOKEN}"), "the text"),
        (("severity", 1, "major", "--why", f"use {TOKEN}"), "the reason"),
        (("message", 1, "initial", "--text", f"use {TOKEN}", "--sent"), "the text"),
        (("declare", f"use {TOKEN}", "--service", "checkout", "--severity", "minor", "--new"), "the title"),
        (
            ("declare", "x", "--service", "checkout", "--severity", "minor", "--new", "--impact", TOKEN),
            "its impact",
        ),
        (("lead", 1, TOKEN), "its lead"),
        (("deploy", "finish", "checkout", TOKEN), "its version"),
        (("amend", "HANDLE", "--text", TOKEN, "--why", "typo"), "the amendment"),
        (("retract", "HANDLE", "--why", TOKEN), "the reason"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_typed_is_warned_of_with_what_takes_it_out(declared, words, where, tmp_path):
    """
    Whatever command it was typed into; the line to type works as it stands.
    """
    handle = declared("note", 1, "the pool is empty", "--json").json["events"][0][-7:]

    answer = declared(*(handle if word == "HANDLE" else word for word in words))

    assert answer.code == 0, answer.err
    assert WARNED.format(where) in answer.err
    assert TOKEN not in "".join(line for line in answer.err.splitlines() if "warning" in line)
    command = next(line for line in answer.err.splitlines() if "to take it out: tracker redact" in line)
    words = command.partition("tracker ")[2].split(" ", 3)
    redacted = declared(words[0], words[1], "--why", "a secret was typed into it", "--also")
    assert redacted.code == 0, redacted.err
    stored = subprocess.run(["cat", *tmp_path.glob("tracker.db*")], capture_output=True, check=True).stdout
    assert TOKEN.encode() not in stored


def test_a_command_line_that_is_run_is_recorded_without_its_secrets(declared):
    """
    Known by their shape, too, where no word before them says what they are.
    """
    answer = declared(
        "run", "deploy", "checkout", "v1", "--", "true", "--with", TOKEN, "--password", "hunter2"
    )

    assert "warning" not in answer.err
    shown = declared("show", "checkout@v1").out
    assert "command = true --with *** --password ***" in shown


def test_what_holds_none_is_not_warned_of(declared):
    """
    Not by any word of an ordinary incident.
    """
    assert "warning" not in declared("note", 1, "token expired, users are logged out").err
    assert "warning" not in declared("deploy", "finish", "checkout", "v1.2.0", "--sha", "4f2d8c1e9b7a").err


def test_the_warning_stands_before_the_recording(declared):
    """
    And for programs stdout is the answer alone.
    """
    answer = declared("note", 1, TOKEN, "--json")
    assert answer.json["recorded"] == 1
    assert "warning" in answer.err

    text = declared("note", 1, f"x {TOKEN}").err
    assert text.index("warning") < text.index("noted on INC-1")


def test_an_attached_file_is_looked_into(declared):
    """
    A dump of an environment, for one.
    """
    Path("env.txt").write_text(f"HOME=/root\nGITHUB_TOKEN={TOKEN}\n")
    Path("graph.png").write_bytes(b"\x89PNG\0" + TOKEN.encode())

    assert WARNED.format("its file") in declared("attach", 1, "env.txt").err
    assert "warning" not in declared("attach", 1, "graph.png").err


def test_a_feed_is_counted_by_kind_and_its_events_are_named(declared):
    """
    Once: what was known already is not told again.
    """
    body = Path(__file__).parents[1] / "ingest/payloads/alertmanager_webhook.jsonl"
    told = json.loads(body.read_text().splitlines()[0])
    for each in told["alerts"]:
        each["annotations"]["summary"] = f"call it with {TOKEN}"
    Path("alerts.json").write_text(json.dumps(told))

    first = declared("ingest", "alertmanager", "alerts.json")
    again = declared("ingest", "alertmanager", "alerts.json")

    assert "what looks like a secret: a GitHub token in" in first.err
    assert "tracker show " in first.err
    assert TOKEN not in first.err
    assert "warning" not in again.err


def test_what_leaves_is_looked_at_before(declared):
    """
    A report and a message are files and posts that others read.
    """
    declared("note", 1, TOKEN)

    for words, where in (
        (("report", 1, "--pictures", "none"), "INC-1.md"),
        (("report", 1, "-o", "-"), "the report"),
        (("message", 1, "update", "--text", f"use {TOKEN}"), "the message"),
    ):
        answer = declared(*words)
        assert answer.code == 0
        assert WARNED.format(where) in answer.err, words
        assert TOKEN not in answer.err


def test_a_long_list_of_them_is_cut():
    """
    A dump of a vault does not fill the screen.
    """
    notices = secret_notices("\n".join(f"password=hunter{number}x" for number in range(10, 110)), "it")

    assert (
        "it contains what looks like a password: … (9 characters), lines 1, 2, 3, 4, 5 and 85 more"
        in notices[0]
    )
    assert len(notices) == 3
    assert secret_notices("nothing", "it") == []


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_prose_that_stays_in_a_report_is_looked_at_in_both_of_its_forms(declared, form):
    """
    Nobody typed it into the log: it stands in the file only. The same secret is said once, with its lines.
    """
    declared("report", 1)
    report = Path("INC-1.md")
    head, mark, rest = report.read_text().partition("<!-- tracker:end summary -->\n")
    report.write_text(f"{head}{mark}\nUse {TOKEN}.\n\nOr {TOKEN}.\n{rest}")

    answer = declared("report", 1, "--format", form)

    assert answer.code == 0, answer.err
    where = {"markdown": "INC-1.md", "html": "INC-1.html"}[form]
    [warned] = [line for line in answer.err.splitlines() if "warning" in line]
    assert warned.startswith(WARNED.format(where))
    assert (", lines " in warned) == (form == "markdown")


def test_a_bundle_says_which_of_its_events_hold_a_secret(declared):
    """
    What was typed and what a source sent, before the file is written.
    """
    noted = declared("note", 1, f"use {TOKEN}", "--json").json["events"][0][-7:]
    Path("conf.env").write_text(f"KEY={TOKEN}\n")
    kept = declared("attach", 1, "conf.env", "--json").json["events"][0][-7:]

    answer = declared("bundle", 1)

    assert "INC-1.bundle contains what looks like a secret in 2 events: a GitHub token in 2" in answer.err
    assert all(f"tracker redact {each} --why" in answer.err for each in (noted, kept))
    assert TOKEN not in answer.err + answer.out
    for each in (noted, kept):
        declared("redact", each, "--why", "a secret")
    assert "warning" not in declared("bundle", 1).err
