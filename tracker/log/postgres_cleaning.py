"""Leaving nothing of what was removed in the files of PostgreSQL's tables, as far as a client can.

An UPDATE keeps the old row until it is vacuumed, a plain VACUUM keeps its bytes until the
place is used again, and ANALYZE keeps samples of columns in a catalogue. The server's
write-ahead log, its own log, replicas and backups are out of a client's reach: that is said.
"""

import time

import psycopg

from tracker.errors import StoreAwayError

TABLES = ("stored_events", "event_payloads", "event_index", "inbox_deliveries")
_SAMPLED = {
    "stored_events": ("state", "arrival"),
    "event_payloads": ("data",),
    "inbox_deliveries": ("body", "headers"),
}
PATIENCE_SECONDS = 10.0


def clean_tables(url: str, patience_seconds: float = PATIENCE_SECONDS) -> list[str]:
    """Write the tables anew; return what stays to be said.

    Raises:
        StoreAwayError: If another transaction still sees what was removed.
    """
    said = []
    with psycopg.connect(
        url, autocommit=True, connect_timeout=5, application_name="tracker redact"
    ) as connection:
        connection.execute(f"SET lock_timeout = '{round(patience_seconds)}s'".encode())
        _wait_for_older(connection, patience_seconds)
        there = [name for name in TABLES if _node(connection, name) is not None]
        for name in there:
            before = _node(connection, name)
            for column in _SAMPLED.get(name, ()):
                # From now on no ANALYZE samples what events say.
                connection.execute(f"ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS 0".encode())
            connection.execute(f"VACUUM (FULL, ANALYZE) {name}".encode())
            if _node(connection, name) == before:
                raise StoreAwayError(
                    f"PostgreSQL did not write its table {name} anew: this user may not",
                    hint=f"The redaction stands; let the table's owner type: VACUUM (FULL, ANALYZE) {name}",
                )
        if not _forget_samples(connection):
            said.append("PostgreSQL's catalogue of statistics (its superuser can: VACUUM FULL pg_statistic)")
        try:
            connection.execute("CHECKPOINT")
        except psycopg.errors.InsufficientPrivilege:
            said.append("files that its next checkpoint deletes")
    said.append("PostgreSQL's write-ahead log until it is recycled, its server log, replicas and backups")
    return said


def _node(connection: psycopg.Connection[tuple[object, ...]], table: str) -> object:
    found = connection.execute("SELECT pg_relation_filenode(to_regclass(%s))", (table,)).fetchone()
    return found[0] if found else None


def _wait_for_older(connection: psycopg.Connection[tuple[object, ...]], patience_seconds: float) -> None:
    """Wait until nobody reads a state of the database from before: VACUUM keeps what he could see."""
    began = connection.execute("SELECT clock_timestamp()").fetchone()
    assert began is not None
    give_up = time.monotonic() + patience_seconds
    while True:
        found = connection.execute(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %s LIMIT 1",
            (began[0],),
        ).fetchone()
        if found is None:
            return
        if time.monotonic() > give_up:
            raise StoreAwayError(
                f"process {found[0]} of PostgreSQL ({found[1] or 'without a name'}) still reads what was removed",
                hint="The redaction stands; when that has ended, type the same again to clean the tables",
            )
        time.sleep(0.1)


def _forget_samples(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Remove old samples of our columns from the catalogue; only a superuser may."""
    before = _node(connection, "pg_statistic")
    try:
        connection.execute(
            "DELETE FROM pg_statistic s USING pg_attribute a WHERE s.starelid = a.attrelid AND s.staattnum = a.attnum "
            "AND s.starelid = ANY (%s::regclass[]) AND a.attname IN ('state', 'arrival', 'data', 'body', 'headers')",
            ([name for name in TABLES if _node(connection, name) is not None],),
        )
        connection.execute("VACUUM FULL pg_statistic")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return _node(connection, "pg_statistic") != before
