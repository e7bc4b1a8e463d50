"""While the store is away: what was typed is kept, said, and delivered once."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import DAY, refused
from tests.servers import postgres as servers
from tests.servers.process import start
from tracker.application.spool import contents, entries, files
from tracker.inbox.sqlite import SqliteInbox

DECLARE = ("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
AWAY = "postgresql://tracker@127.0.0.1:1/nowhere"


@pytest.fixture
def locked(tracker, tmp_path, monkeypatch):
    """A context in which another program holds the SQLite store."""
    monkeypatch.setattr("tracker.log.sqlite.LOCK_TIMEOUT_SECONDS", 0.05)
    tracker("list")

    @contextlib.contextmanager
    def hold() -> Iterator[None]:
        other = sqlite3.connect(tmp_path / "tracker.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.rollback()
            other.close()

    return hold


def titles(tracker, *more):
    return [row["title"] for row in tracker("timeline", 1, "--json", *more).json["entries"]]


def waiting(tracker, *more):
    return tracker("spool", "--json", *more).json["waiting"]


@pytest.mark.parametrize(
    "words",
    [
        DECLARE,
        ("note", 1, "the pool is empty"),
        ("deploy", "finish", "checkout", "v1"),
        ("rollback", "finish", "checkout", "v1"),
    ],
    ids=lambda words: words[0],
)
def test_what_is_typed_while_the_store_is_locked_is_spooled_and_said(tracker, locked, words):
    """
    Exit code 0: nobody has to type it again; it says so, and when.
    """
    tracker(*DECLARE[:1], "first", "--service", "other", "--severity", "minor")
    with locked():
        answer = tracker(*words)

        assert (answer.code, answer.out) == (0, "")
        assert "locked" in answer.err
        assert "kept in the spool" in answer.err
    assert len(waiting(tracker)) == 1
    later = tracker("list")
    assert "delivered from the spool" in later.err
    assert waiting(tracker) == []


@pytest.mark.parametrize(
    "words",
    [DECLARE, ("note", 1, "the pool is empty"), ("deploy", "finish", "checkout", "v1")],
    ids=lambda words: words[0],
)
def test_a_full_disk_under_the_store_keeps_nobody_from_typing(tracker, tmp_path, words):
    """
    What is typed then is kept where there is room, and delivered when there is room again.
    """
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    store = ("--store", small / "tracker.db")
    try:
        tracker(*DECLARE[:1], "first", "--service", "other", "--severity", "minor", *store)
        with contextlib.suppress(OSError), (small / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

        answer = tracker(*words, *store)

        assert (answer.code, answer.out) == (0, "")
        assert "the disk is full" in answer.err
        assert "kept in the spool" in answer.err
        (small / "filler").unlink()
        assert "delivered from the spool" in tracker("list", *store).err
        assert waiting(tracker, *store) == []
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_json_of_a_spooled_command_is_one_document(tracker):
    """
    A script learns that it has no number yet.
    """
    answer = tracker(*DECLARE, "--json", "--store", AWAY)

    assert answer.code == 0
    assert answer.json == {
        "incident": None, "event": None, "spooled": True, "recorded": 0, "known": 0, "events": [],
    }  # fmt: skip


@pytest.mark.parametrize("held", ["store", "delivery"])
def test_who_only_reads_does_not_wait_for_the_delivery(tracker, tmp_path, held):
    """
    Another program holds the write lock, or delivers: the answer comes while it does, and says what is not in it.
    """
    tracker(*DECLARE)
    tracker("note", 1, "into the spool", "--store", AWAY)
    store = str(tmp_path / "tracker.db")
    files.path_of(AWAY).rename(files.path_of(store))
    with contextlib.ExitStack() as holding:
        if held == "store":
            other = holding.enter_context(
                contextlib.closing(sqlite3.connect(tmp_path / "tracker.db", isolation_level=None))
            )
            other.execute("BEGIN IMMEDIATE")
        else:
            holding.enter_context(files.locked(store))

        answer = tracker("timeline", 1)

    assert answer.code == 0
    assert answer.err == "1 entry waits in the spool: tracker spool\n"
    assert "Declared critical" in answer.out
    assert "into the spool" in tracker("timeline", 1).out
    assert waiting(tracker) == []


def test_the_instant_of_typing_holds(tracker, locked):
    """
    Whenever it is delivered: relative instants and clock times are fixed when they are typed.
    """
    with locked():
        tracker(*DECLARE, "--at", f"{DAY}T14:05Z", "--started", "14:00Z", "--by", "eve")
        tracker("note", ".", "now", "--by", "grace")
    [first, second] = waiting(tracker)

    rows = {row["title"]: row for row in tracker("timeline", 1, "--json").json["entries"]}
    assert rows["Incident started"]["occurred_at"] == f"{DAY}T14:00:00.000Z"
    assert rows["Declared critical: Payments answer 500"]["source"] == "eve"
    assert rows["now"]["source"] == "grace"
    assert rows["now"]["occurred_at"][:19] == second["at"][:19]
    assert first["arguments"]["started"] == f"{DAY}T14:00+00:00"


def test_a_dot_means_what_was_declared_before_it(tracker, locked):
    """
    Though another incident is open by then.
    """
    tracker("declare", "other", "--service", "search", "--severity", "minor")
    with locked():
        tracker(*DECLARE)
        tracker("note", ".", "the pool is empty")

    tracker("list")

    assert "the pool is empty" in [r["title"] for r in tracker("timeline", 2, "--json").json["entries"]]


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_delivery_that_is_cut_off_is_repeated_and_nothing_doubles(tracker, locked, monkeypatch, after):
    """
    Killed between recording and forgetting: the identity of what was recorded is its content.
    """
    tracker("declare", "other", "--service", "search", "--severity", "minor")
    with locked():
        tracker(*DECLARE)
        tracker("note", ".", "the pool is empty")
        tracker("run", "deploy", "checkout", "v1", "--", "true")
    real, calls = SqliteInbox.finish, []

    def cut_off(queue, numbers):
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt
        real(queue, numbers)

    monkeypatch.setattr(SqliteInbox, "finish", cut_off)
    assert tracker("list").code == 130
    monkeypatch.setattr(SqliteInbox, "finish", real)

    listed = tracker("list", "--json").json["incidents"]
    assert [each["title"] for each in listed] == ["Payments answer 500", "other"]
    found = [row["title"] for row in tracker("timeline", 2, "--json").json["entries"]]
    assert sorted(found) == [
        "Declared critical: Payments answer 500",
        "Deploy of v1 started",
        "Deployed v1",
        "the pool is empty",
    ]
    assert waiting(tracker) == []


def test_what_is_refused_on_delivery_is_shown(tracker, locked):
    """
    It is not lost, and it does not keep the rest from being delivered.
    """
    with locked():
        tracker(*DECLARE)
        tracker("note", 9, "into nothing")
        tracker("note", ".", "the pool is empty")

    answer = tracker("list")

    assert answer.code == 0
    assert "refused when delivered from the spool: note 'into nothing'" in answer.err
    assert titles(tracker) == ["Declared critical: Payments answer 500", "the pool is empty"]
    assert "refused: note 'into nothing'" in tracker("spool").out
    assert "there is no INC-9" in tracker("spool").out
    [entry] = tracker("spool", "--json").json["refused"]
    assert entry["refused"] == "there is no INC-9"


def test_what_a_run_saw_waits_too(tracker, locked):
    """
    The child ran, its code is returned, and start and end are delivered with their instants.
    """
    with locked():
        answer = tracker("run", "deploy", "checkout", "v1", "--", "sh", "-c", "echo out; exit 3")

    assert (answer.code, answer.out) == (3, "out\n")
    assert answer.err.count("was kept in the spool") == 2
    assert "waiting: deploy-started of checkout v1 at" in tracker("spool").out
    [change] = tracker("changes", "--json").json["changes"]
    assert (change["status"], change["by"]) == ("failed", "ada")


@pytest.mark.parametrize(
    "command", [("resolve", 1), ("timeline", 1), ("lead", 1, "eve"), ("attach", 1, "here.txt")]
)
def test_other_commands_say_that_the_store_is_away(tracker, tmp_path, command):
    """
    They need an answer from it: exit code 9.
    """
    (tmp_path / "here.txt").write_text("x")

    refused(tracker(*command, "--store", AWAY), 9, "the store does not answer")
    assert waiting(tracker, "--store", AWAY) == []


def test_a_mistake_is_told_at_once_not_on_delivery(tracker, tmp_path):
    """
    What can be seen without the store is refused without it.
    """
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n")
    away = ("--store", AWAY)

    refused(tracker("note", ".", "x", "--at", "14:05", *away), 2, "no time zone")
    refused(
        tracker("declare", "x", "--service", "chekout", "--severity", "minor", *away),
        11,
        "Did you mean checkout?",
    )
    assert waiting(tracker, *away) == []


def test_a_spool_that_cannot_be_written_is_said(tracker, tmp_path):
    """
    Then nothing was kept, and the exit code says so.
    """
    (tmp_path / "state").write_text("a file where the folder should be")

    answer = tracker(*DECLARE, "--store", AWAY)

    assert answer.code == 9
    assert "the spool cannot be written either" in answer.err


def test_a_damaged_entry_does_not_stop_the_rest(tracker, locked, tmp_path):
    """
    It is put aside and shown; what was typed after it is delivered.
    """
    store = str(tmp_path / "tracker.db")
    with locked():
        tracker(*DECLARE)
        with files.opened(store) as queue:
            queue.put([entries.delivery(b'{"type": "AddN', "", 0)])
        tracker("note", ".", "the pool is empty")

    tracker("list")

    assert titles(tracker) == ["Declared critical: Payments answer 500", "the pool is empty"]
    assert "refused: a damaged line" in tracker("spool").out
    assert contents.waiting(store) == []


def test_no_password_of_the_store_is_in_the_spool(tracker):
    """
    The file and its answer hold what was typed, not how to reach the store.
    """
    store = "postgresql://tracker:hunter2@127.0.0.1:1/x"
    tracker(*DECLARE, "--store", store)

    answer = tracker("spool", "--json", "--store", store)
    assert "hunter2" not in answer.out
    assert "hunter2" not in Path(answer.json["file"]).read_bytes().decode(errors="replace")


def test_nothing_waits(tracker):
    """
    The usual answer.
    """
    assert tracker("spool").out == "The spool is empty: everything that was typed is in the log.\n"


def test_postgresql_stopped_and_started_again(tracker, tmp_path):
    """
    A real server goes away in the middle of an incident; what four people typed meanwhile is there afterwards, once.
    """
    with servers.postgres() as server, server.database() as url:
        assert tracker("--store", url, *DECLARE).out == "INC-1\n"
        server.stop()

        running = [
            subprocess.Popen(
                [sys.executable, "-m", "tracker", "--store", url, "note", "1", f"note {n}", "--by", f"p{n}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for n in range(4)
        ]
        assert all("kept in the spool" in each.communicate()[1] for each in running)
        assert [each.returncode for each in running] == [0] * 4
        assert tracker("--store", url, "deploy", "finish", "checkout", "v2").code == 0
        assert tracker("--store", url, "run", "rollback", "checkout", "v1", "--", "true").code == 0
        refused(tracker("--store", url, "timeline", 1), 9, "does not answer")

        owner = servers.database_user()
        program = servers._binaries() / "postgres"
        server.process = start(
            [program, "-D", server.folder / "data", "-p", str(server.port),
             "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
            ready=lambda: _answers(server.url()),
            log=server.folder / "postgres.log",
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
        )  # fmt: skip

        delivering = [
            subprocess.Popen(
                [sys.executable, "-m", "tracker", "--store", url, "list"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for _ in range(3)
        ]
        assert [each.wait() for each in delivering] == [0] * 3
        for each in delivering:
            each.communicate()
        found = titles(tracker, "--store", url)
        assert sorted(title for title in found if title.startswith("note")) == [f"note {n}" for n in range(4)]
        assert [each for each in found if "note" not in each] == [
            "Declared critical: Payments answer 500", "Deployed v2", "Rollback to v1 started", "Rolled back to v1",
        ]  # fmt: skip
        assert waiting(tracker, "--store", url) == []


def _answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


OLD_LINES = (
    b'{"kind": "command", "command": "declare", "arguments": {"title": "Payments answer 500", '
    b'"service": ["checkout"], "severity": "critical", "started": null, "new": false}, '
    b'"at": "2026-03-01T14:05+00:00", "by": "eve", "config": null}\n'
    b'{"kind": "command", "command": "note", "arguments": {"incident": ".", "text": "the pool is empty", '
    b'"kind": "hypothesis"}, "at": "2026-03-01T14:06:01.5+00:00", "by": "eve", "config": null}\n'
    b'{"kind": "command", "command": "rollback", "arguments": {"step": "finish", "service": "checkout", '
    b'"version": "v1", "env": "staging", "sha": null, "url": null}, '
    b'"at": "2026-03-01T14:09+00:00", "by": "eve", "config": null}\n'
    b'{"kind": "comm'
)


def test_a_spool_of_an_earlier_version_is_delivered_once(tracker, tmp_path):
    """
    Until 0.2.0 it was a file of JSON lines; nothing that was typed then is lost.
    """
    old = files.path_of(str(tmp_path / "tracker.db")).with_suffix(".jsonl")
    old.parent.mkdir(parents=True)
    old.write_bytes(OLD_LINES)

    tracker("list")

    rows = tracker("timeline", 1, "--json").json["entries"]
    assert [row["title"] for row in rows] == [
        "Declared critical: Payments answer 500",
        "Hypothesis: the pool is empty",
        "Rolled back to v1 in staging",
    ]
    [change] = tracker("changes", "--from", "2026-03-01T00:00Z", "--json").json["changes"]
    assert (change["kind"], change["version"], change["environment"]) == ("rollback", "v1", "staging")
    assert not old.exists()
    assert waiting(tracker) == []
    assert "refused: a damaged line" in tracker("spool").out
