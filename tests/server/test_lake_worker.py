"""`tracker serve` with [lake]: the log is exported by itself, and what does not work is said and tried again."""

import threading

import pytest

from tests.lake.conftest import World
from tracker.application.session import Options, Session
from tracker.lake.reading import open_lake
from tracker.server import lake_worker
from tracker.server.telemetry import Telemetry

pytest.importorskip("deltalake")


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = World(tmp_path)
    made.incident()
    yield made
    made.close()


def worker(world, monkeypatch, lines):
    (world.folder / "tracker.toml").write_text(
        f'[tracker]\nstore = "{world.store}"\n[lake]\nfolder = "lake"\nevery = "1m"\n'
    )
    monkeypatch.setattr(lake_worker, "log_line", lambda *words, **more: lines.append((words, more)))
    session = Session(Options(config=str(world.folder / "tracker.toml")), log=world.log)
    return lake_worker.LakeWorker(session, Telemetry())


def test_serve_exports_into_the_folder_of_the_settings(world, monkeypatch):
    """
    Relative to tracker.toml, up to the log's end.
    """
    lines = []
    worker(world, monkeypatch, lines).export(threading.Event())

    assert open_lake(world.lake).position == world.log.position
    [(words, more)] = lines
    assert words == ("exported the log",)
    assert more["position"] == world.log.position


def test_an_export_that_fails_is_one_line_of_the_log(world, monkeypatch):
    """
    The server goes on; the line says what to type.
    """
    world.lake.mkdir()
    (world.lake / "thesis.txt").touch()
    lines = []
    worker(world, monkeypatch, lines).export(threading.Event())

    [(words, more)] = lines
    assert words[0].startswith("the log was not exported")
    assert "holds other files" in more["why"]
    assert more["next"] == "Name an empty folder"
