"""tracker.toml: where it is looked for, what of it is recorded, and what never is."""

import pytest

from tests.cli.conftest import refused

DECLARE = ("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
METRIC = """
[services.checkout.metrics.error_ratio]
query = "errors"
unit = "ratio"
"""


@pytest.fixture(autouse=True)
def _no_store_but_the_files(tracker, monkeypatch):
    """Let tracker.toml say where the log is."""
    monkeypatch.delenv("TRACKER_STORE")


def recorded_settings(path):
    from tracker.log import Log

    with Log(str(path)) as log:
        return [each.event for each in log.read_all(("settings-changed",))]


def test_the_settings_are_recorded_when_they_change_and_not_else(tracker, tmp_path):
    """
    What answers depend on is in the log: once for all, once for each service, again for the one that changed.
    """
    file = tmp_path / "tracker.toml"
    file.write_text("[services.checkout]\n[services.search]\n" + METRIC)
    tracker(*DECLARE)
    tracker("note", 1, "x")
    assert [each.service for each in recorded_settings("tracker.db")] == [None, "checkout", "search"]

    file.write_text("# a comment\n[services.checkout]\n[services.search]\n" + METRIC)
    tracker("note", 1, "y")
    tracker("list")
    assert len(recorded_settings("tracker.db")) == 3

    file.write_text(file.read_text() + "threshold = 0.01\n")
    tracker("note", 1, "z")
    last = recorded_settings("tracker.db")[3:]
    assert [(each.service, each.settings["metrics"]["error_ratio"]["threshold"]) for each in last] == [
        ("checkout", 0.01)
    ]


def test_reading_records_no_settings(tracker, tmp_path):
    """
    A question appends nothing.
    """
    tracker(*DECLARE, "--store", "tracker.db")
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n" + METRIC)

    for words in (("list",), ("show", 1), ("timeline", 1), ("changes",), ("report", 1), ("verify",)):
        assert tracker(*words).code == 0
    assert recorded_settings("tracker.db") == []


def test_no_secret_and_no_address_is_in_the_log(tracker, tmp_path, monkeypatch):
    """
    Neither what the file names, nor what the environment holds.
    """
    monkeypatch.setenv("PROM_TOKEN", "hunter2")
    (tmp_path / "tracker.toml").write_text(
        '[prometheus]\nurl = "http://me:hunter2@127.0.0.1:1"\nbearer_token_env = "PROM_TOKEN"\n'
        '[slack]\nwebhook_url_env = "SLACK_URL"\n[services.checkout]\n' + METRIC
    )
    tracker(*DECLARE)
    answer = tracker("collect", 1)
    tracker("report", 1)

    assert answer.code == 10
    assert "hunter2" not in answer.out + answer.err
    for path in tmp_path.glob("tracker.db*"):
        assert b"hunter2" not in path.read_bytes()
        assert b"PROM_TOKEN" not in path.read_bytes()


def test_the_file_is_looked_for_upwards_and_its_paths_are_relative_to_it(tracker, tmp_path, monkeypatch):
    """
    From any folder of the project it is the same log.
    """
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "logs/incidents.db"\n')
    (tmp_path / "logs").mkdir()
    (tmp_path / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "src" / "deep")

    assert tracker(*DECLARE).code == 0
    assert (tmp_path / "logs" / "incidents.db").exists()


def test_the_store_is_the_options_then_the_environments_then_the_files(tracker, tmp_path, monkeypatch):
    """
    --store wins over TRACKER_STORE, which wins over the file.
    """
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "file.db"\n')
    tracker("list")
    monkeypatch.setenv("TRACKER_STORE", "environment.db")
    tracker("list")
    tracker("--store", "option.db", "list")

    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["environment.db", "file.db", "option.db"]


@pytest.mark.parametrize("words", [("--config", "other.toml", "list"), ("list", "--config=other.toml")])
def test_another_file_can_be_named(tracker, tmp_path, words):
    """
    Before the command or behind it.
    """
    (tmp_path / "other.toml").write_text('[tracker]\nstore = "other.db"\n')

    assert tracker(*words).code == 0
    assert (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[[", "is not TOML"),
        ("[tracker]\nstor = 'x'\n", "tracker.store"),
        ("[services.checkout]\nrepositorys = []\n", "services.checkout.repositories"),
        ("[prometheus]\nstep_seconds = 'often'\n", "prometheus.step_seconds"),
        ("[prometheus]\nstep_seconds = 0\n", "at least 1"),
        ("[tracker]\ntime_zone = 'Mars'\n", "'Mars' is not a time zone"),
        ("[tracker]\nprefix = '-'\n", "is not a prefix"),
        ("[services.checkout.metrics.x]\nquery = 'q'\nunit = 'apples'\n", "ratio"),
        ("[services.checkout.metrics.x]\nquery = ' '\n", "is empty"),
        ("[procedure]\nupdate_every = 'soon'\n", "'soon' is not a duration"),
        ("[procedure]\nbranch_pattern = '('\n", "is not a pattern"),
    ],
)
def test_what_the_file_may_not_say_is_refused_with_its_place(tracker, tmp_path, text, said):
    """
    Exit code 3, whatever the command; the nearest known key is named.
    """
    (tmp_path / "tracker.toml").write_text(text)

    refused(tracker("list"), 3, "tracker.toml", said)


def test_a_file_that_is_not_there_is_refused(tracker):
    """
    Where it was named; else the defaults hold.
    """
    refused(tracker("list", "--config", "nothing.toml"), 3, "nothing.toml", "tracker init")


def test_init_writes_a_file_that_can_be_read_and_refuses_to_overwrite_it(tracker, tmp_path):
    """
    Typing it twice loses nothing.
    """
    assert tracker("init").out == "tracker.toml\n"
    assert tracker("list").code == 0
    (tmp_path / "tracker.toml").write_text("# mine\n")

    refused(tracker("init"), 12, "was not overwritten", "cat tracker.toml")
    assert (tmp_path / "tracker.toml").read_text() == "# mine\n"


def test_every_line_of_the_template_is_a_setting(tracker, tmp_path):
    """
    What is uncommented works.
    """
    tracker("init")
    path = tmp_path / "tracker.toml"
    lines = path.read_text().splitlines()[2:]
    bare = [
        line.removeprefix("# ")
        for line in lines
        if line not in ("#", "# One table for each service that you deploy.")
    ]
    path.write_text("\n".join(bare) + "\n")

    answer = tracker("list")
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("store", "code", "said"),
    [
        ("nowhere/tracker.db", 9, "mkdir -p"),
        (".", 9, "is a folder"),
        ("notes.txt", 9, "not a SQLite file"),
        ("foreign.db", 9, "of another program"),
        ("mysql://host/x", 3, "mysql:// is not supported"),
        ("postgresql://tracker@127.0.0.1:1/x", 9, "does not answer"),
    ],
)
def test_a_store_that_is_none_is_refused(tracker, tmp_path, store, code, said):
    """
    And what is there is left as it is.
    """
    import sqlite3

    (tmp_path / "notes.txt").write_text("dear diary\n")
    with sqlite3.connect(tmp_path / "foreign.db") as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()

    refused(tracker("--store", store, "list"), code, said)
    assert (tmp_path / "notes.txt").read_text() == "dear diary\n"
