"""A folder, a command line typed into it, and what came back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tracker.cli import main

DAY = "2026-03-01"


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be one JSON document."""
        return json.loads(self.out)


Typed = Callable[..., Answer]


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Typed:
    """Type a command into a new folder: tracker("note", 1, "text") gives its exit code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKER_USER", "ada")
    monkeypatch.setenv("TRACKER_STORE", str(tmp_path / "tracker.db"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*words: object) -> Answer:
        capfd.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return run


@pytest.fixture
def declared(tracker: Typed) -> Typed:
    """A tracker with INC-1: checkout, from 14:00Z on the 1st of March 2026, told of afterwards."""
    answer = tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", f"{DAY}T14:05:00Z", "--started", "14:00Z", "--detected", "14:03Z"),
    )
    assert answer.code == 0, answer.err
    return tracker


def refused(answer: Answer, code: int, *words: str) -> None:
    """Check what every error is: its exit code, nothing on stdout, one line what, a second what to type."""
    assert answer.code == code, answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    lines = [line for line in answer.err.splitlines() if not line.startswith("--")]
    assert lines[0].startswith("tracker: "), answer.err
    assert len(lines) > 1, answer.err
    assert all(line.startswith("  ") for line in lines[1:]), answer.err
    for word in words:
        assert word in answer.err
