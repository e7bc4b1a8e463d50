"""`tracker serve` tells the log's head, so that a log that was put back is noticed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import deploy
from tests.servers.serving import TrackerServer, until
from tracker.application import told_heads
from tracker.application.session import Options, Session
from tracker.log import Log


@pytest.fixture
def session(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A session on a log with two events."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Log(store_url) as log:
        log.append([deploy(1), deploy(2)])
    session = Session(Options(store=store_url, by="ada"))
    yield session
    session.close()


def test_a_head_that_was_told_is_in_the_log_that_goes_on(session: Session, store_url: str):
    """
    Whatever is recorded, sealed and told since.
    """
    told = told_heads.tell(session)
    session.log.append([deploy(3)])
    session.log.seal()
    told_heads.tell(session)

    assert told is not None
    assert told_heads.lost(session.log, store_url) is None
    assert session.log.verify((told.head[:12],)).heads == {told.head[:12]: told.position}
    assert told_heads.path_of(store_url).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("recorded_since", [0, 1, 2, 9])
def test_a_log_that_was_put_back_lacks_the_head(tmp_path: Path, monkeypatch, recorded_since: int):
    """
    However far it went on, and although later heads of the new history were logged.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    store, kept = tmp_path / "tracker.db", tmp_path / "kept.db"

    def session() -> Session:
        return Session(Options(store=str(store), by="ada"))

    first = session()
    first.log.append([deploy(1), deploy(2)])
    first.close()
    shutil.copy(store, kept)
    second = session()
    second.log.append([deploy(3)])
    told = told_heads.tell(second)
    second.close()
    shutil.copy(kept, store)

    third = session()
    third.log.append([deploy(10 + number) for number in range(recorded_since)])
    told_heads.tell(third)
    assert told_heads.lost(third.log, str(store)) == told
    says, fix = told_heads.described(told, str(store))
    assert told.head in says
    assert str(told_heads.path_of(str(store))) in fix
    third.close()


def heads_told_by(server: TrackerServer) -> list[dict[str, Any]]:
    return [line for line in server.said() if "head" in line]


def test_a_server_tells_the_head_and_warns_of_a_log_that_was_put_back(
    make_server: Callable[..., TrackerServer], tmp_path: Path
):
    """
    At its start, at each seal and at its end; doctor warns, too.
    """
    server = make_server(running=False)
    server.cli("declare", "x", "--service", "checkout", "--severity", "minor")
    server.cli("backup", "kept.db")
    server.cli("note", 1, "after the backup")
    server.start()
    until(lambda: heads_told_by(server))
    server.cli("resolve", 1)
    server.stop()
    heads = heads_told_by(server)
    assert len({line["head"] for line in heads}) > 1
    for line in heads:
        assert server.answer("verify", "--head", line["head"], "--json")["head_found_at"] == line["position"]

    [store] = [path for path in server.folder.glob("*.db") if path.name != "kept.db"]
    for path in server.folder.glob(f"{store.name}*"):
        path.unlink()
    shutil.copy(server.folder / "kept.db", store)
    server.start()

    assert "does not have the head that the server told" in server.log()
    assert heads[-1]["head"] in server.log().rpartition("warning")[2]
    assert "does not have the head" in server.cli("doctor").out
