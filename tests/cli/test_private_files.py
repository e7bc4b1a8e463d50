"""Who may read what was recorded: its owner alone, unless the owner chose otherwise."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import DAY
from tests.cli.test_doctor import findings


@pytest.fixture(autouse=True)
def _usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_holds_payloads_is_private_from_its_creation(declared, tmp_path):
    """
    The log, the bundle, an attached file that is written out, the spool; a report is for its readers.
    """
    (tmp_path / "pool.txt").write_text("10 of 10\n")
    handle = declared("attach", 1, "pool.txt", "--json").json["events"][0]
    declared("show", handle, "--raw", "-o", "copy.txt")
    declared("bundle", 1, "-o", "one.bundle")
    declared("deploy", "finish", "checkout", "v1", "--store", "postgresql://x@127.0.0.1:1/none")
    declared("report", 1)

    private = [*tmp_path.glob("tracker.db*"), tmp_path / "one.bundle", tmp_path / "copy.txt"]
    spool = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert spool
    assert {path.name: oct(mode(path)) for path in (*private, *spool) if mode(path) != 0o600} == {}
    assert mode(tmp_path / "INC-1.md") == 0o644


def test_what_sqlite_keeps_beside_an_open_log_is_private(server):
    """
    Its write-ahead log holds the same payloads, and so does the inbox.
    """
    beside = list(server.folder.glob("tracker.db*"))

    assert {path.name for path in beside} >= {"tracker.db-wal", "tracker.db.inbox", "tracker.db.inbox-wal"}
    assert {path.name: oct(mode(path)) for path in beside if mode(path) != 0o600} == {}


def test_a_mode_that_the_owner_chose_stays(declared, tmp_path):
    """
    A group that reads the log goes on to.
    """
    (tmp_path / "tracker.db").chmod(0o640)
    declared("bundle", 1, "-o", "one.bundle")
    (tmp_path / "one.bundle").chmod(0o644)

    declared("note", 1, "x", "--at", f"{DAY}T14:10:00Z")
    declared("bundle", 1, "-o", "one.bundle")

    assert (mode(tmp_path / "tracker.db"), mode(tmp_path / "one.bundle")) == (0o640, 0o644)


def test_doctor_warns_of_a_log_that_others_may_read(declared, tmp_path):
    """
    Those of earlier versions are; it says what to type.
    """
    assert "warning" not in {each["status"] for each in findings(declared)[1]["store"]}
    (tmp_path / "tracker.db").chmod(0o644)

    code, found = findings(declared)
    [warning] = [each for each in found["store"] if each["status"] == "warning"]
    assert code == 0
    assert "other users may read tracker.db" in warning["says"]
    assert warning["fix"] == f"chmod go-rwx {tmp_path / 'tracker.db'}"


# ── pictures ─────────────────────────────────────────────────────────────────


def test_a_picture_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """
    Ctrl-C or a full disk in the middle leaves the earlier file as it was, and no other.
    """
    from tracker.application import report_files

    target = tmp_path / "INC-1.md"
    report_files.write_report(target, b"text", {"INC-1/a.svg": b"<svg>before</svg>"})
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        report_files.write_report(target, b"other", {"INC-1/a.svg": b"<svg>after</svg>"})

    assert (tmp_path / "INC-1" / "a.svg").read_bytes() == b"<svg>before</svg>"
    assert sorted(path.name for path in (tmp_path / "INC-1").iterdir()) == ["a.svg"]
    shutil.rmtree(tmp_path / "INC-1")


# ── numbers ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("typed", ["9" * 10, "INC-" + "9" * 5000, "9" * 5000, "1" * 20_000])
def test_a_number_without_bound_is_no_incident(declared, typed):
    """
    One line, not Python's own limit.
    """
    answer = declared("lead", typed, "ada")

    assert answer.code == 2
    assert "is not an incident" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("script", ["yes", "yes & exec sleep 600", "yes >&2"])
def test_an_answer_of_git_without_end_is_ended(declared, tmp_path, monkeypatch, script):
    """
    One plain line, and no memory without bound; what git started is ended with it.
    """
    (tmp_path / "bin").mkdir()
    git = tmp_path / "bin" / "git"
    git.write_text(f"#!/bin/sh\n{script}\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("tracker.ingest.git.asking.MOST_BYTES", 2 << 20)
    monkeypatch.setattr("tracker.ingest.git.refs.QUICK_SECONDS", 600 if ">&2" not in script else 0.5)

    answer = declared("ingest", "git", ".", "--service", "checkout")

    expected = (
        "git answered with more than 2 MB" if ">&2" not in script else "git did not answer within 0.5 s"
    )
    assert expected in answer.err
    assert answer.code in (10, 11)


def test_a_hung_git_has_a_time_limit(declared, tmp_path, monkeypatch):
    """
    The run it belongs to goes on without the commit.
    """
    (tmp_path / "bin").mkdir()
    git = tmp_path / "bin" / "git"
    git.write_text("#!/bin/sh\nexec sleep 600\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("tracker.ingest.git.refs.QUICK_SECONDS", 0.2)

    answer = declared("run", "test", "checkout", "--", "echo", "ran")
    assert (answer.code, answer.out) == (0, "ran\n")
    assert "git did not answer within 0.2 s" in answer.err

    refused = declared("ingest", "git", ".", "--service", "checkout")
    assert refused.code == 10
    assert "git did not answer within 0.2 s" in refused.err
