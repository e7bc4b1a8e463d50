"""Without a tracker.toml that counts no command makes a log; `tracker run` runs all the same."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import refused
from tracker.cli.commands import COMMANDS

EVERY = {
    "declare": ("Orders fail", "--service", "orders", "--severity", "minor"),
    "note": ("1", "a note"),
    "milestone": ("1", "started", "--at", "now"),
    "severity": ("1", "minor", "--why", "x"),
    "lead": ("1", "ada"),
    "stage": ("1", "fixing"),
    "service": ("1", "add", "orders"),
    "message": ("1", "initial"),
    "resolve": ("1",),
    "reopen": ("1", "--why", "x"),
    "merge": ("1", "--into", "2", "--why", "x"),
    "link": ("1", "abc", "--as", "caused", "--why", "x"),
    "unlink": ("1", "abc", "--why", "x"),
    "amend": ("abc", "--text", "x", "--why", "x"),
    "retract": ("abc", "--why", "x"),
    "redact": ("abc", "--why", "x"),
    "history": ("abc",),
    "attach": ("1", "here.txt"),
    "action": ("add", "1", "x", "--owner", "ada", "--due", "tomorrow"),
    "deploy": ("finish", "orders", "v1"),
    "rollback": ("finish", "orders", "v1"),
    "ingest": ("git",),
    "waive": ("1", "tagged", "--why", "x"),
    "backtest": ("error_ratio > 0.1 for 2m",),
    "bundle": ("1", "-o", "x.bundle"),
    "backup": ("copy.db",),
    "impact": ("1", "some"),
    "similar": ("1",),
    "import": ("here.txt",),
    "timeline": ("1",),
    "inbox": ("list",),
    "export": ("lake",),
}
ALONE = ("show", "collect", "compare", "watch", "check", "report", "review", "publish")
ASIDE = ("init", "demo", "run", "sql")


@pytest.fixture
def clone(tracker, tmp_path, monkeypatch):
    """A folder of a repository, with no tracker.toml in it, above it or at home."""
    monkeypatch.delenv("TRACKER_STORE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "here.txt").write_text("x")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ops(tmp_path):
    """A tracker.toml somewhere else."""
    (tmp_path / "ops").mkdir()
    path = tmp_path / "ops" / "tracker.toml"
    path.write_text("[services.orders]\n")
    return path


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ASIDE])
def test_no_command_makes_a_log(tracker, clone, command):
    """
    It says what is missing, and how to name it.
    """
    answer = tracker(command, *EVERY.get(command, ("1",) if command in ALONE else ()))

    assert answer.code == 3
    told = answer.err + answer.out
    for words in ("there is no tracker.toml", "tracker init", "--config", "TRACKER_CONFIG"):
        assert words in told
    assert sorted(path.name for path in clone.iterdir()) == ["here.txt"]


def test_tracker_alone_makes_none_either(tracker, clone):
    """
    A newcomer is led to the demo.
    """
    refused(tracker(), 3, "tracker demo")
    assert sorted(path.name for path in clone.iterdir()) == ["here.txt"]


def test_an_older_log_without_settings_is_named(tracker, clone):
    """
    Versions before 0.3.0 made one wherever they were called.
    """
    (clone / "tracker.db").touch()

    refused(tracker("list"), 3, "--store tracker.db")
    assert tracker("list", "--store", "tracker.db").code == 0


def test_a_run_runs_its_child_and_is_delivered_once_there_are_settings(tracker, clone, tmp_path):
    """
    Nothing is made in the clone; the first command there that finds a tracker.toml records it.
    """
    answer = tracker("run", "test", "orders", "--sha", "feedface", "--", "sh", "-c", "echo ran; exit 7")

    assert (answer.code, answer.out) == (7, "ran\n")
    assert "not recorded in the log: there is no tracker.toml" in answer.err
    assert "kept in the spool; the next command in this folder" in answer.err
    assert sorted(path.name for path in clone.iterdir()) == ["here.txt"]
    (tmp_path / "tracker.toml").write_text("[services.orders]\n")
    assert "delivered from the spool: tests-finished of orders" in tracker("list").err
    assert "delivered" not in tracker("list").err
    assert "Tests failed on feedfac" in tracker("timeline", "--from", "10m-ago", "--to", "now").out


def test_a_run_is_not_delivered_to_a_log_that_does_not_know_its_service(tracker, clone, ops):
    """
    Evidence in the log of other people is lost, too.
    """
    tracker("run", "deploy", "elsewhere", "v1", "--", "true")

    assert "delivered" not in tracker("list", "--config", ops).err
    ops.write_text("[services.elsewhere]\n")
    assert tracker("list", "--config", ops).err.count("delivered") == 2


def test_a_run_that_is_killed_without_settings_is_delivered_too(tracker, clone, ops):
    """
    As interrupted.
    """
    program = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    words = [
        sys.executable,
        "-m",
        "tracker",
        "run",
        "deploy",
        "orders",
        "v1",
        "--",
        sys.executable,
        "-c",
        program,
    ]
    subprocess.run(words, check=False, capture_output=True)

    told = tracker("list", "--config", ops).err
    assert "deploy-started of orders v1" in told
    assert "deploy-interrupted of orders v1" in told


def test_the_environment_names_the_settings_from_any_folder(tracker, clone, ops, monkeypatch):
    """
    The log is beside them.
    """
    monkeypatch.setenv("TRACKER_CONFIG", os.path.relpath(ops, clone))

    assert (
        "recorded tests-finished" in tracker("run", "test", "orders", "--sha", "feedface", "--", "true").err
    )
    assert sorted(path.name for path in ops.parent.iterdir()) == ["tracker.db", "tracker.toml"]
    assert sorted(path.name for path in clone.iterdir()) == ["here.txt"]


def test_settings_that_the_environment_names_and_that_are_missing_are_named(tracker, clone, monkeypatch):
    """
    Not passed over for others.
    """
    (clone / "tracker.toml").write_text("")
    monkeypatch.setenv("TRACKER_CONFIG", "missing/tracker.toml")

    refused(tracker("list"), 3, "missing/tracker.toml: cannot be read")


def test_init_makes_settings_and_a_store_needs_none(tracker, clone):
    """
    `init`, `demo` and --store stand for themselves.
    """
    assert tracker("list", "--store", "mine.db").code == 0
    assert tracker("init").code == 0
    assert tracker("list").code == 0
    assert (clone / "tracker.db").exists()
