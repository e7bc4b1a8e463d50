"""What acts on rows, or answers in their place, is named; and an append whose rows do not stand records nothing."""

import sqlite3
from contextlib import closing

import pytest

from tests import builders as b
from tests.log.test_stores import raw
from tracker.errors import LogNotWholeError, StoreError
from tracker.events.base import Incoming
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import Delivery
from tracker.log import Log

DELIVERY = Delivery(route="r", source="s", key="k", received_us=1, headers={}, body=b"{}")
_MOVED = "ALTER TABLE stored_events RENAME TO hidden; CREATE VIEW stored_events AS SELECT * FROM hidden"
ON_SQLITE = {
    "CREATE TRIGGER t BEFORE INSERT ON stored_events BEGIN SELECT raise(ignore); END": [
        "trigger t on stored_events"
    ],
    "CREATE TRIGGER t AFTER INSERT ON event_index BEGIN DELETE FROM event_index; END": [
        "trigger t on event_index"
    ],
    "CREATE VIEW v AS SELECT * FROM stored_events": ["view v"],
    _MOVED: ["table hidden", "view stored_events"],
    "CREATE TABLE more (x)": ["table more"],
    "CREATE UNIQUE INDEX i ON stored_events (topic)": ["index i on stored_events"],
    "DROP INDEX stored_events_decision; CREATE INDEX stored_events_decision ON stored_events (decision_id)": [
        "index stored_events_decision, which was altered"
    ],
    "ALTER TABLE stored_events ADD COLUMN x INTEGER GENERATED ALWAYS AS (position + 1)": [
        "table stored_events, which was altered"
    ],
    "ALTER TABLE event_payloads ADD COLUMN x TEXT DEFAULT 'y' CHECK (x <> 'z')": [
        "table event_payloads, which was altered"
    ],
    "CREATE VIRTUAL TABLE words USING fts5(x)": ["table words"],
}
ON_POSTGRES = {
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
    "CREATE TRIGGER t BEFORE INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION f()": "trigger t on stored_events",
    "CREATE RULE r AS ON INSERT TO stored_events WHERE new.topic = 'x' DO INSTEAD NOTHING": "rule r on stored_events",
    "ALTER TABLE stored_events ENABLE ROW LEVEL SECURITY": "row security on stored_events",
    "CREATE POLICY p ON event_index USING (position > 5)": "row security policy p on event_index",
    _MOVED: "view stored_events in the place of a table",
    "CREATE VIEW v AS SELECT * FROM stored_events": "view v",
    "CREATE MATERIALIZED VIEW v AS SELECT * FROM stored_events": "materialized view v",
    "CREATE TABLE more (x integer)": "table more",
    "CREATE TABLE child () INHERITS (stored_events)": "table child that inherits from stored_events",
    "ALTER TABLE stored_events ADD CHECK (position > 0)": "constraint stored_events_position_check on stored_events",
    "ALTER TABLE log_settings ALTER COLUMN value SET DEFAULT 'x'": "default of log_settings.value",
    "ALTER TABLE stored_events ADD COLUMN x bigint GENERATED ALWAYS AS (position + 1) STORED": "default of stored_events.x",
    "ALTER TABLE event_payloads ADD COLUMN x text": "column event_payloads.x text",
    "ALTER TABLE stored_events ALTER COLUMN topic TYPE varchar(40)": "column stored_events.topic character varying(40)",
    "CREATE INDEX i ON stored_events (topic)": "index i on stored_events",
    "ALTER TABLE event_payloads SET UNLOGGED": "unlogged table event_payloads",
    "CREATE RULE r AS ON INSERT TO inbox_deliveries DO INSTEAD NOTHING": "rule r on inbox_deliveries",
    "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; "
    "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION e()": "event trigger e",
}


@pytest.fixture
def store(store_url):
    with Log(store_url) as log:
        log.append([b.deploy(1), b.deploy(2)])
    open_inbox(store_url).close()
    return store_url


def plant(store, statements):
    if "://" in store:
        raw(store)(statements)
    else:
        with closing(sqlite3.connect(store)) as connection:
            connection.executescript(statements)


def named(store):
    with Log(store) as log:
        verified = log.verify()
        assert verified.foreign_objects == log.foreign_objects
    if verified.foreign_objects:
        assert not verified.whole
    return verified.foreign_objects


def test_a_store_of_ours_has_nothing_foreign(store):
    assert named(store) == []


def test_statistics_are_no_fault(store):
    plant(store, "ANALYZE")

    assert named(store) == []


@pytest.mark.parametrize("statements", ON_SQLITE)
def test_what_was_planted_in_a_file_is_named(tmp_path, statements):
    path = str(tmp_path / "tracker.db")
    with Log(path) as log:
        log.append([b.deploy(1)])

    plant(path, statements)

    assert set(named(path)) >= set(ON_SQLITE[statements])


@pytest.mark.slow
@pytest.mark.parametrize("statements", ON_POSTGRES)
def test_what_was_planted_in_a_database_is_named(postgres_url, statements):
    with Log(postgres_url) as log:
        log.append([b.deploy(1)])
    open_inbox(postgres_url).close()

    plant(postgres_url, statements)

    assert ON_POSTGRES[statements] in named(postgres_url)


SWALLOWS = {
    "sqlite": [
        "CREATE TRIGGER t BEFORE INSERT ON stored_events BEGIN SELECT raise(ignore); END",
        "CREATE TRIGGER t AFTER INSERT ON stored_events BEGIN DELETE FROM stored_events WHERE position=new.position; END",
        "CREATE TRIGGER t AFTER INSERT ON stored_events "
        "BEGIN UPDATE stored_events SET digest=x'00' WHERE position=new.position; END",
        "CREATE TRIGGER t BEFORE INSERT ON event_index BEGIN SELECT raise(ignore); END",
        "CREATE TRIGGER t AFTER INSERT ON event_payloads BEGIN DELETE FROM event_payloads; END",
        _MOVED + "; CREATE TRIGGER t INSTEAD OF INSERT ON stored_events BEGIN SELECT 1; END",
    ],
    "postgresql": [
        "CREATE RULE r AS ON INSERT TO stored_events DO INSTEAD NOTHING",
        "CREATE RULE r AS ON INSERT TO event_payloads DO INSTEAD NOTHING",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE TRIGGER t BEFORE INSERT ON event_index FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN DELETE FROM stored_events WHERE position = NEW.position; RETURN NULL; END'; "
        "CREATE TRIGGER t AFTER INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN DELETE FROM stored_events WHERE position = NEW.position; RETURN NULL; END'; "
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON stored_events DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION f()",
        _MOVED + "; CREATE RULE r AS ON INSERT TO stored_events DO INSTEAD NOTHING",
    ],
}


@pytest.mark.parametrize("number", range(6))
def test_an_append_whose_rows_do_not_stand_is_an_error_and_records_nothing(store, number):
    plant(store, SWALLOWS["postgresql" if "://" in store else "sqlite"][number])

    with Log(store) as log:
        with pytest.raises(LogNotWholeError, match="did not keep what was written"):
            log.append([Incoming(event=b.deploy(5), payload=b"x")])
        assert log.position == 2


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("sqlite", "CREATE TRIGGER t BEFORE INSERT ON deliveries BEGIN SELECT raise(ignore); END"),
        ("sqlite", "CREATE TRIGGER t AFTER INSERT ON deliveries BEGIN DELETE FROM deliveries; END"),
        ("postgresql", "CREATE RULE r AS ON INSERT TO inbox_deliveries DO INSTEAD NOTHING"),
        (
            "postgresql",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM inbox_deliveries; RETURN NULL; "
            "END'; CREATE TRIGGER t AFTER INSERT ON inbox_deliveries FOR EACH ROW EXECUTE FUNCTION f()",
        ),
    ],
)
def test_a_delivery_that_the_inbox_does_not_keep_is_not_answered_as_kept(request, tmp_path, kind, statement):
    store = str(tmp_path / "tracker.db") if kind == "sqlite" else request.getfixturevalue("postgres_url")
    inbox = open_inbox(store)
    inbox.put([DELIVERY])
    plant(f"{store}.inbox" if kind == "sqlite" else store, statement)

    try:
        with pytest.raises(StoreError):
            inbox.put([DELIVERY])
        assert inbox.counts().waiting == 1
        if kind == "sqlite":
            assert inbox.foreign_objects() == [f"trigger t on deliveries in {store}.inbox"]
    finally:
        inbox.close()
