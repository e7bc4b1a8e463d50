"""A log of an earlier schema gets its index rows from the events anew, whole or not at all."""

import json
from pathlib import Path

import pytest

from tests.builders import one_of_each, streams
from tests.log.test_stores import raw
from tracker.log import Log, upgrade
from tracker.log.recorder import SCHEMA_VERSION

FACTS = streams(one_of_each())
VERSION = "SELECT value FROM log_settings WHERE name='schema_version'"


def make_older(store):
    """Write a log, and take from its index what an earlier tracker did not have, and add what it had."""
    with Log(store) as log:
        log.append(FACTS)
        log.seal()
    index = sorted(raw(store)("SELECT scope, occurred_us, position FROM event_index"))
    raw(store)(
        "DELETE FROM event_index WHERE scope LIKE 'incident%'",
        "INSERT INTO event_index VALUES ('of-earlier-times', 5, 1)",
        "UPDATE log_settings SET value='1' WHERE name='schema_version'",
    )
    return index


def test_the_index_is_what_this_tracker_would_have_written(store_url):
    index = make_older(store_url)

    with Log(store_url) as log:
        assert log.verify().whole

    assert sorted(raw(store_url)("SELECT scope, occurred_us, position FROM event_index")) == index
    assert raw(store_url)(VERSION) == [(SCHEMA_VERSION,)]


def test_what_is_interrupted_changes_nothing(store_url, monkeypatch):
    make_older(store_url)
    before = sorted(raw(store_url)("SELECT scope, occurred_us, position FROM event_index"))

    def fail(transaction):
        list(upgrade.events_with_index(transaction))
        transaction.rows("DELETE FROM event_index WHERE position=1 RETURNING position")
        raise KeyboardInterrupt

    monkeypatch.setattr(upgrade, "_correct_index", fail)
    with pytest.raises(KeyboardInterrupt):
        Log(store_url)

    assert sorted(raw(store_url)("SELECT scope, occurred_us, position FROM event_index")) == before
    assert raw(store_url)(VERSION) == [("1",)]
    monkeypatch.undo()
    with Log(store_url) as log:
        assert log.verify().whole


def test_the_index_rows_of_a_kind_change_only_with_the_version():
    """
    A log that was written before would be read in part. A new kind is added to the file.
    """
    pinned = json.loads((Path(__file__).parent / "stores" / f"index_rows_{SCHEMA_VERSION}.json").read_text())

    assert {event.TOPIC: [list(row) for row in event.index_rows()] for event in one_of_each()} == pinned
