"""`tracker export`: the log's events and samples exactly once, and its answers as they are, whatever happens meanwhile."""

import contextlib
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import deltalake
import duckdb
import pandas as pd
import pytest
from deltalake import DeltaTable

from projections import frames
from tests import builders as make
from tests.lake.conftest import SECRET, START, chunks
from tracker.application import export as exporting
from tracker.application.lake_rows import event_rows
from tracker.application.redaction import redact_event
from tracker.errors import BadInputError, RefusedError, StoreError, UsageError
from tracker.events.alerts import ErrorSeen
from tracker.events.incidents import NoteAdded
from tracker.lake import folder
from tracker.lake.arrow import arrow_table
from tracker.lake.delta import DeltaFolder
from tracker.lake.duckdb_engine import query
from tracker.lake.reading import open_lake
from tracker.lake.table import EVENTS

FRAMES = (
    *("incidents", "changes", "alerts", "errors", "comparisons", "durations", "actions", "procedure"),
    *("notes", "commits", "rules", "checks", "messages", "similar", "timeline"),
)
METRICS = (("checkout", "latency"), ("checkout", "errors"), ("odd name/ü=%20", "latency"))


def assert_agrees(world):
    """The lake has each event and sample of the log once, and answers as the log does."""
    lake = open_lake(world.lake)
    assert lake.position == world.log.position
    positions = query(lake, "SELECT position FROM events ORDER BY position").rows
    assert [row[0] for row in positions] == [one.position for one in world.log.read_all()]
    with frames.open(world.store) as log, frames.open(world.lake) as read:
        for name in FRAMES:
            pd.testing.assert_frame_equal(getattr(log, name)(), getattr(read, name)())
        for service, metric in METRICS if world.log.scope_names("samples:") else ():
            span = (service, metric, START - timedelta(days=1), START + timedelta(days=40))
            pd.testing.assert_frame_equal(log.samples(*span), read.samples(*span))
            span = (service, metric, START + timedelta(hours=5), START + timedelta(hours=6, microseconds=400))
            pd.testing.assert_frame_equal(log.samples(*span), read.samples(*span))


def stored(place):
    """All bytes of all files of a folder, and what Parquet holds compressed."""
    raw = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    texts = []
    for path in place.rglob("*.parquet"):
        rows = duckdb.execute("SELECT * FROM read_parquet($path)", {"path": str(path)}).fetchall()
        texts.append(repr(rows).encode())
    return raw + b"".join(texts)


def test_each_event_and_sample_is_there_once_however_often_it_is_exported(world):
    """
    The second export has nothing to do; the third one appends what came since.
    """
    world.incident()
    world.samples()
    first, second = world.export(), world.export()
    assert first.rows["samples"] == 2 * 2 * 3 * 1440
    assert second.rows == {}
    assert_agrees(world)

    world.append(*chunks("checkout", "latency", START + timedelta(days=2), 60, pods=2))
    world.log.decide("INC-1", lambda _: [make.note(50, text="more"), make.resolved()])
    third = world.export()

    assert third.rows["samples"] == 120
    assert third.rows["events"] == 4
    assert_agrees(world)


def test_an_instant_counts_once_where_two_chunks_have_it(world):
    """
    The first recorded value, and none of a partial answer: as in every answer of the log.
    """
    world.append(*chunks("checkout", "latency", START, 100, partial=True))
    world.append(*chunks("checkout", "latency", START, 50))
    world.export()
    [again, *_] = chunks("checkout", "latency", START, 80)
    world.append(again)
    world.append(*chunks("checkout", "errors", START, 1), *chunks("odd name/ü=%20", "latency", START, 1))
    world.export()

    assert query(open_lake(world.lake), "SELECT count(*) FROM samples").rows == [(82,)]
    assert_agrees(world)


class Killed(BaseException):
    """What no code of ours catches, as no code catches SIGKILL."""


def steps_of_an_export(world):
    """Count the commits that an export of this log makes."""
    copy = world.folder / "counted"
    count = 0
    with pytest.MonkeyPatch.context() as patch:

        def counted(*arguments, **more):
            nonlocal count
            count += 1
            return write(*arguments, **more)

        write = deltalake.write_deltalake
        patch.setattr(deltalake, "write_deltalake", counted)
        kept, world.lake = world.lake, copy
        world.export()
        world.lake = kept
    shutil.rmtree(copy)
    return count


@pytest.mark.slow
def test_an_export_that_is_stopped_anywhere_is_completed_by_the_next(world, monkeypatch):
    """
    Before and after each commit, with a redaction in between: nothing is lost, nothing twice, no text is left.
    """
    world.incident()
    world.samples(days=1)
    write = deltalake.write_deltalake
    for step in range(0, 2 * steps_of_an_export(world), 13):
        shutil.rmtree(world.lake, ignore_errors=True)
        if step % 2:
            world.export()
            world.log.decide("INC-1", lambda _, at=step: [make.note(70 + at, text=f"{SECRET} {at}")])
            world.export()
            [secret] = [
                one for one in world.log.read_all([NoteAdded.TOPIC]) if one.event.text == f"{SECRET} {step}"
            ]
            redact_event(world.session, secret.id, why="a password")
        left = [step // 2]

        def stopped(*arguments, left=left, after=step % 2, **more):
            left[0] -= 1
            if left[0] < 0 and not after:
                raise Killed
            write(*arguments, **more)
            if left[0] < 0:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(deltalake, "write_deltalake", stopped)
            with contextlib.suppress(Killed):
                world.export()
        world.export()

        assert_agrees(world)
        if step % 2:
            assert f"{SECRET} {step}".encode() not in stored(world.lake)


def test_what_was_redacted_is_in_no_file_after_the_next_export(world):
    """
    Not in a table, not in a statistic, not in a list of files; and lake and log agree.
    """
    world.incident()
    world.samples(days=1)
    world.export()
    assert SECRET.encode() in stored(world.lake)

    for kind in (NoteAdded, ErrorSeen):
        [one] = world.log.read_all([kind.TOPIC])
        redact_event(world.session, one.id, why="a password", also=True)
    made = world.export()

    assert made.redacted == 2
    assert SECRET.encode() not in stored(world.lake)
    assert_agrees(world)
    assert query(open_lake(world.lake), "SELECT count(*) FROM events WHERE redacted").rows == [(2,)]


def test_statistics_hold_no_text(world):
    """
    The list of files is public in a lake: it says instants and numbers, and no first letter of a text.
    """
    world.incident()
    world.samples(days=1)
    world.export()

    logs = b"".join(path.read_bytes() for path in world.lake.rglob("_delta_log/*"))
    assert b"failed with" not in logs
    assert b"q(latency)" not in logs
    assert b"minValues" in logs


@pytest.mark.slow
def test_two_exports_at_once_are_one_after_the_other(world):
    """
    Neither loses a row, neither writes one twice.
    """
    world.incident()
    world.samples(days=1)
    command = [sys.executable, "-m", "tracker", "export", str(world.lake), "--store", world.store, "--json"]

    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(one.communicate()[0]) for one in running]

    assert [one.returncode for one in running] == [0, 0]
    assert sorted(sum(one["rows"].values()) > 0 for one in answers) == [False, True]
    assert_agrees(world)


@pytest.mark.slow
def test_a_day_that_is_over_is_one_file_sorted_so_that_a_window_reads_little(world):
    """
    Many small exports leave one file a service and day; ten minutes of one metric are two groups of rows at most.
    """
    for hour in range(0, 30, 6):
        start = START + timedelta(hours=hour)
        world.append(*chunks("checkout", "latency", start, 36_000, step_seconds=0.6, pods=2))
        world.append(*chunks("checkout", "errors", start, 360))
        world.append(*chunks("odd name/ü=%20", "latency", start, 18))
        world.now = start + timedelta(hours=6)
        world.export()

    table = DeltaTable(world.lake / "samples")
    files = [path for path in table.file_uris() if "day=2026-03-01" in path]
    assert len(files) == 2
    assert sorted(world.lake.glob("samples/*/day=2026-03-01/*")) == sorted(Path(one) for one in files)
    groups = duckdb.execute(
        "SELECT row_group_id, any_value(row_group_bytes) FROM parquet_metadata($files) "
        "GROUP BY file_name, row_group_id "
        "HAVING bool_or(path_in_schema = 'metric' AND stats_min_value <= 'latency' AND stats_max_value >= 'latency') "
        "AND bool_or(path_in_schema = 'occurred_at' AND stats_min_value < '2026-03-01 12:10' AND stats_max_value >= '2026-03-01 12:00')",
        {"files": [one for one in files if "checkout" in one]},
    ).fetchall()
    assert len(groups) <= 2
    assert_agrees(world)


def test_a_lake_of_another_log_is_refused(world, tmp_path):
    """
    Two histories in one table would be none.
    """
    world.incident()
    world.export()
    (tmp_path / "other").mkdir()
    other = type(world)(tmp_path / "other")
    other.incident()
    other.lake = world.lake

    with pytest.raises(RefusedError, match="is of the log") as refused:
        other.export()
    other.close()

    assert "--store" in refused.value.hint


def test_a_lake_that_is_ahead_of_its_log_is_refused(world):
    """
    The log was restored from a backup: the lake has what the log never had.
    """
    world.incident()
    older = world.folder / "older.db"
    with type(world.log)(str(older)) as copy:
        world.log.copy_into(copy)
    world.samples(days=1)
    world.export()
    world.close()
    shutil.copy(older, world.store)
    for rest in ("-wal", "-shm"):
        Path(world.store + rest).unlink(missing_ok=True)
    restored = type(world)(world.folder)

    with pytest.raises(RefusedError, match="restored from an older copy") as refused:
        restored.export()
    assert "rm -r" in refused.value.hint

    restored.now = START + timedelta(days=9)
    restored.append(*[make.deploy(minute, version=f"9.{minute}") for minute in range(40)])
    with pytest.raises(RefusedError, match="another event at position"):
        restored.export()
    restored.close()


def test_a_lake_of_a_newer_tracker_is_refused(world):
    """
    What its columns mean is not known here.
    """
    world.incident()
    world.export()
    mark = world.lake / folder.MARK
    mark.write_text(mark.read_text().replace('"schema": 1', '"schema": 2'))

    with pytest.raises(RefusedError, match="has schema 2"):
        world.export()
    with pytest.raises(RefusedError, match="has schema 2"):
        open_lake(world.lake)


def test_a_column_that_came_later_is_empty_for_what_was_exported_before(world, monkeypatch):
    """
    An older lake is brought up to date by the next export, answers and events alike.
    """
    world.incident()
    older = {name: kind for name, kind in exporting.EVENTS.items() if name != "via"}

    def older_rows(recorded):
        table = event_rows(recorded)
        return type(table)("events", older, {name: table.columns[name] for name in older})

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "EVENTS", older)
        patch.setattr(exporting, "event_rows", older_rows)
        world.export()
    world.samples(days=1)
    world.export()

    rows = query(
        open_lake(world.lake), "SELECT via IS NULL, count(*) FROM events GROUP BY ALL ORDER BY 1"
    ).rows
    assert len(rows) == 2
    assert_agrees(world)


@pytest.mark.slow
def test_a_deleted_table_is_made_again_and_a_lost_file_is_named(world):
    """
    Half a lake is never read as a whole one.
    """
    world.incident()
    world.samples(days=1)
    world.export()
    shutil.rmtree(world.lake / "incidents")
    with pytest.raises(StoreError, match="has no table incidents") as missing:
        query(open_lake(world.lake), "SELECT * FROM incidents")
    assert "tracker export" in missing.value.hint
    world.export()
    assert_agrees(world)

    shutil.rmtree(world.lake / "samples")
    world.export()
    assert_agrees(world)

    next(world.lake.glob("samples/*/*/*.parquet")).unlink()
    with pytest.raises(StoreError, match="has lost 1 of its 2 files") as lost:
        query(open_lake(world.lake), "SELECT count(*) FROM samples")
    assert "rm -r" in lost.value.hint
    world.append(*chunks("checkout", "latency", START + timedelta(days=3), 10))
    with pytest.raises(StoreError, match="has lost 1 of its 2 files"):
        world.export()

    shutil.rmtree(world.lake / "samples" / "_delta_log")
    with pytest.raises(StoreError, match="has lost its list of files"):
        world.export()


def test_a_folder_of_something_else_is_refused(world):
    """
    An export deletes what it does not know: never in a folder of other files.
    """
    world.incident()
    world.lake.mkdir()
    (world.lake / "thesis.txt").write_text("years of work")

    with pytest.raises(RefusedError, match=r"holds other files \(thesis.txt\)"):
        world.export()


def test_a_full_disk_is_one_line(world, monkeypatch):
    """
    What is complete stays, and the next export goes on.
    """
    world.incident()
    world.samples(days=1)
    with monkeypatch.context() as patch:

        def full(*_, **__):
            raise OSError("Generic LocalFileSystem error: No space left on device (os error 28)")

        patch.setattr(deltalake, "write_deltalake", full)
        with pytest.raises(BadInputError, match="no space left on the disk"):
            world.export()
    world.export()

    assert_agrees(world)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_text_files_have_the_same_rows(world, form):
    """
    For everybody else: as many rows as the log has, and after a redaction without its text.
    """
    world.incident()
    world.samples(days=1)
    world.export(form)
    assert SECRET.encode() in stored(world.lake)
    for kind in (NoteAdded, ErrorSeen):
        [one] = world.log.read_all([kind.TOPIC])
        redact_event(world.session, one.id, why="a password", also=True)

    made = world.export(form)

    assert SECRET.encode() not in stored(world.lake)
    read = duckdb.read_csv if form == "csv" else duckdb.read_json
    for name, rows in made.rows.items():
        path = world.lake / f"{name}.{form}"
        if rows:
            assert read(str(path)).aggregate("count(*)").fetchall() == [(rows,)], name
    assert made.rows["events"] == world.log.position
    assert made.rows["samples"] == 2 * 3 * 1440
    with pytest.raises(UsageError, match=f"holds {form} files"):
        open_lake(world.lake)
    with pytest.raises(RefusedError, match=f"was exported as {form}"):
        world.export()


def test_a_lock_that_is_held_too_long_is_said(world):
    """
    An export that hangs does not make the next ones hang with it.
    """
    waiting = folder.locked(world.lake, wait_seconds=0.1)

    with (
        folder.locked(world.lake),
        pytest.raises(StoreError, match="another process has been exporting"),
        waiting,
    ):
        raise AssertionError


def test_a_position_is_never_committed_twice(world):
    """
    Should the lock not hold, as on some network file systems, the table itself refuses the second writer.
    """
    world.incident()
    world.export()
    world.samples(days=1)
    page = world.log.read(world.export().position - 3)
    lake = DeltaFolder(world.lake, world.log.id)
    held = lake.table("events", EVENTS)
    lake.append("events", EVENTS, arrow_table(event_rows(page)), 10_000)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake, "table", lambda *_: held)
        with pytest.raises(StoreError):
            lake.append("events", EVENTS, arrow_table(event_rows(page)), 10_000)
