"""What payloads and people wrote neither runs by paste nor hides or turns what is read."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import DAY, Typed
from tracker.text.hidden import marked

RUNS = "$(touch ran) `touch ran`; touch ran & | touch ran ' \" touch ran # \\"
HIDES = "pay\u200bpal \u202egnp.exe \u2066in\u2069 \x1b[2J"
COMMANDS = [
    *(("show", 1), ("check", 1, "--all"), ("check", 1), ("compare", 1), ("timeline", 1), ("changes", 1)),
    *(("changes",), ("list",), ("due",), ("actions",), ("report", 1, "-o", "-"), ("message", 1, "update")),
    *(("report", 1, "--template", "google", "-o", "-"), ("report", 1, "--template", "pagerduty", "-o", "-")),
    *(("report", 1, "--format", "html", "-o", "-"), ("similar", 1), ("message", 1, "initial")),
    *(("doctor",), ("collect", 1), ("review", 1), ("watch", 1, "--once"), ("publish", 1)),
]


def recorded(tracker: Typed, text: str) -> None:
    """Record an incident in which everything that a person or a payload chooses is this text."""
    service, at = f"shop{text}", f"{DAY}T14:00:00Z"
    declare = ("declare", f"title {text}", "--service", service, "--severity", "critical")
    assert tracker(*declare, "--at", at, "--by", f"ada {text}").code == 0
    for kind in ("prevention", "impact", "hypothesis", "cause", "lesson"):
        tracker("note", 1, f"a note {text}", "--kind", kind, "--at", at)
    for what in ("start", "finish"):
        tracker("deploy", what, service, f"v1{text}", "--env", f"eu{text}", "--at", at)
        tracker("deploy", what, service, f"v2{text}", "--at", at)
    tracker("link", 1, f"{service}@v2{text}", "--as", "fixed", "--why", f"because {text}")
    tracker("action", "add", 1, f"an action {text}", "--owner", f"ada {text}", "--due", "today")
    Path(f"name {text}".replace("/", "_")[:200]).write_text("content")
    tracker("attach", 1, f"name {text}".replace("/", "_")[:200], "--at", at)


def errors_of(tracker: Typed, text: str) -> list[str]:
    """Return the answers to mistakes that repeat what was typed."""
    wrong = [
        *(("show", f"x{text}"), ("link", 1, f"shop{text}@v9{text}"), ("link", 1, f"shop{text}@v2{text}", "--as", "fixed")),
        *(("report", 1, "-o", f"none{text}/r.md"), ("import", f"none{text}"), ("verify", "--report", f"none{text}")),
        *(("declare", f"title {text}", "--severity", "minor"), ("run", "rollback", f"shop{text}", "--", "true")),
        *(("run", "rollback", f"shop{text}"), ("attach", 1, f"none{text}"), ("ingest", "git", f"none{text}")),
        *(("waive", 1, f"rule{text}"), ("timeline", f"x{text}"), ("message", f"x{text}"), ("bundle", 1, "-o", f"no{text}/b")),
        *(("note", 1, ""), ("severity", 1, "minor"), ("redact", f"INC-9{text}", "--why", "x"), ("check", 1, "--text", f"none{text}")),
        *(("list", "--store", f"none{text}/t.db"), ("list", "--config", f"none{text}.toml"), (f"no{text}",)),
        *(("backtest", f"none{text} > 1"), ("ingest", "notes", 1, f"none{text}"), ("init", "--config", f"no{text}/x")),
    ]  # fmt: skip
    answers = [tracker(*words) for words in wrong]
    return [answer.out + answer.err for answer in answers]


@pytest.fixture
def outputs(tracker: Typed, request: pytest.FixtureRequest) -> list[str]:
    """What all commands print about such an incident."""
    recorded(tracker, request.param)
    answers = [tracker(*words) for words in COMMANDS]
    assert all("Traceback" not in answer.err for answer in answers)
    tracker("report", 1, "-o", "r.md")
    tracker("report", 1, "--format", "html", "-o", "r.html")
    written = [Path(name).read_text(encoding="utf-8") for name in ("r.md", "r.html")]
    return [*written, *(answer.out + answer.err for answer in answers), *errors_of(tracker, request.param)]


@pytest.mark.parametrize("outputs", [RUNS], indirect=True)
def test_no_command_that_is_printed_runs_what_a_text_says(outputs: list[str], tmp_path: Path):
    """
    Each is pasted into a shell in which the first word does nothing.
    """
    box = tmp_path / "box"
    box.mkdir()
    for name in ("tracker", "git", "ls", "mkdir", "curl", "mv", "cat", "chmod", "fuser", "df", "gzip"):
        (box / name).write_text("#!/bin/sh\n")
        (box / name).chmod(0o755)
    (box / "touch").symlink_to(shutil.which("touch") or "touch")
    begin = r"(?:tracker [a-z]+|git -C|ls -ld?|mkdir -p|mv|cat|gzip -k|fuser(?: -v)?|df -h) "
    pasted = [
        command
        for line in "\n".join(outputs).splitlines()
        for command in re.findall(rf"(?<![\w'\"-])({begin}.*?)(?=`+(?:[.,;) |]|$)|   |$)", line)
        if "touch ran" in command
    ]
    assert len(pasted) >= 15
    for command in pasted:
        subprocess.run(
            [shutil.which("bash") or "bash", "-c", command.replace(" ·", " #").replace("&quot;", '"')],
            cwd=box,
            env={**os.environ, "PATH": str(box)},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert not (box / "ran").exists(), command


@pytest.mark.parametrize("outputs", [HIDES], indirect=True)
def test_no_character_that_hides_or_turns_text_is_printed(outputs: list[str]):
    """
    In the terminal, in markdown and in HTML they are shown as what they are.
    """
    for output in outputs:
        hidden = {
            char for char, is_hidden in marked(output) if is_hidden and char not in "\n\u00a0\u2009\u202f"
        }
        assert hidden == set(), output
    assert any("<U+202E>" in output for output in outputs)
    assert "&lt;U+202E&gt;" in outputs[0]
    assert "&lt;U+202E&gt;" in outputs[1]


def test_json_on_a_terminal_shows_what_a_pipe_gets_as_it_is(tracker: Typed):
    """
    It is the same document: a program that reads it gets the text as it was recorded.
    """
    title = "pay\u200bpal \u202egnp \u2066ünï\u2069 👩\u200d💻"
    tracker("declare", title, "--service", "s", "--severity", "minor", "--at", f"{DAY}T14:00:00Z")
    words = [sys.executable, "-m", "tracker", "list", "--json"]
    piped = subprocess.run(words, capture_output=True, check=True).stdout.decode()
    controller, terminal = os.openpty()
    child = subprocess.Popen(words, stdout=terminal, stderr=subprocess.DEVNULL)
    os.close(terminal)
    shown = b""
    with os.fdopen(controller, "rb", buffering=0) as screen, contextlib.suppress(OSError):
        while piece := screen.read(4096):
            shown += piece
    assert child.wait() == 0
    on_terminal = shown.decode().replace("\r\n", "\n")

    assert title in piped
    assert "pay\\u200bpal \\u202egnp \\u2066ünï\\u2069 👩\u200d💻" in on_terminal
    assert json.loads(on_terminal) == json.loads(piped)
