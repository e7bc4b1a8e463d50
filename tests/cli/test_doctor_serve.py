"""`tracker doctor` and the server: whether it runs on this log, with which settings, on which port."""

import os
import time

import pytest

from tests.cli.test_doctor import findings, only
from tests.servers.process import until
from tracker.application.running_server import running


def doctor(server, *words):
    found = server.cli("doctor", "--json", *words)
    return [each for each in found.json["findings"] if each["check"] == "serve"]


def test_a_server_that_runs_is_named_with_its_settings_and_port(server):
    """
    Whatever port it has: nobody types it again.
    """
    [finding] = doctor(server)

    assert finding["status"] == "ok"
    assert f"127.0.0.1:{server.port}" in finding["says"]
    assert f"with {server.folder / 'tracker.toml'}" in finding["says"]


def test_a_server_that_stopped_or_was_killed_does_not_run(server):
    """
    What it left behind says nothing.
    """
    server.stop()
    assert "not running" in doctor(server)[0]["says"]
    server.start()
    assert doctor(server)[0]["status"] == "ok"
    server.kill()

    [finding] = doctor(server)
    assert (finding["status"], finding["fix"]) == ("warning", "tracker serve")
    assert "webhooks in tracker.toml need it" in finding["says"]


def test_a_server_that_is_not_needed_is_not_missed(tracker, tmp_path):
    """
    A log that people write by hand is well without one.
    """
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n")

    code, found = findings(tracker)
    assert code == 0
    assert "nothing in tracker.toml needs it" in only(found, "serve", "ok")["says"]


def test_a_server_with_other_settings_is_named(server):
    """
    Two files on one log: what it does is not what this one says.
    """
    other = server.folder / "other.toml"
    other.write_text((server.folder / "tracker.toml").read_text())

    [finding] = doctor(server, "--config", other)
    assert finding["status"] == "warning"
    assert f"reads {server.folder / 'tracker.toml'}, which is not the one that counts here" in finding["says"]


def test_a_server_that_could_not_read_a_change_is_named(server):
    """
    Where it is valid by now, SIGHUP lets it read again.
    """
    path = server.folder / "tracker.toml"
    valid = path.read_text()
    path.write_text("[[[")
    until(lambda: "was not read again" in server.log())
    os.kill(server.pid, 19)  # it sleeps while the file is mended
    try:
        path.write_text(valid + "# mended\n")
        os.utime(path, (time.time() - 60, time.time() - 60))
        [finding, *_] = doctor(server)
    finally:
        os.kill(server.pid, 18)

    assert finding["status"] == "warning"
    assert "has not read" in finding["says"]
    assert f"kill -HUP {server.pid}" in finding["fix"]
    until(lambda: doctor(server)[0]["status"] == "ok")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_damaged_mark_is_none(tmp_path, content):
    """
    It is no server.
    """
    (tmp_path / "tracker.db.serve").write_bytes(content)

    assert running(str(tmp_path / "tracker.db")) is None
