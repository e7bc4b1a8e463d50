"""Removing redacted text from unused parts of PostgreSQL's tables, as far as a client can.

An UPDATE keeps the old row until it is vacuumed, a plain VACUUM keeps its bytes until the
space is reused, and ANALYZE keeps samples of columns in a catalogue. A client cannot clean the
server's write-ahead log, its own log, replicas and backups: they are named in the result.
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
TIMEOUT_SECONDS = 10.0


def clean_tables(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> list[str]:
    """Rewrite the tables; return what could not be cleaned.

    Raises:
        StoreAwayError: If another transaction still sees what was removed.
    """
    not_cleaned = []
    with psycopg.connect(
        url, autocommit=True, connect_timeout=5, application_name="tracker redact"
    ) as connection:
        connection.execute(f"SET lock_timeout = '{round(timeout_seconds)}s'".encode())
        _wait_for_older(connection, timeout_seconds)
        for name in TABLES:
            before = _node(connection, name)
            if before is None:
                continue
            for column in _SAMPLED.get(name, ()):
                # Without statistics ANALYZE copies no text of events.
                connection.execute(f"ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS 0".encode())
            connection.execute(f"VACUUM (FULL, ANALYZE) {name}".encode())
            if _node(connection, name) == before:
                raise StoreAwayError(
                    f"PostgreSQL did not rewrite its table {name}: this user has no permission",
                    hint=f"The redaction is recorded; the table's owner must type: VACUUM (FULL, ANALYZE) {name}",
                )
        if not _forget_samples(connection):
            not_cleaned.append(
                "PostgreSQL's catalogue of statistics (a superuser can: VACUUM FULL pg_statistic)"
            )
        try:
            connection.execute("CHECKPOINT")
        except psycopg.errors.InsufficientPrivilege:
            not_cleaned.append("files that its next checkpoint deletes")
    not_cleaned.append(
        "PostgreSQL's write-ahead log until it is recycled, its server log, replicas and backups"
    )
    return not_cleaned


def _node(connection: psycopg.Connection[tuple[object, ...]], table: str) -> object:
    """Return which file a table is in; it changes when the table is rewritten."""
    row = connection.execute("SELECT pg_relation_filenode(to_regclass(%s))", (table,)).fetchone()
    return row[0] if row else None


def _wait_for_older(connection: psycopg.Connection[tuple[object, ...]], timeout_seconds: float) -> None:
    """Wait until no transaction sees an earlier state of the database: VACUUM keeps the rows it sees."""
    began = connection.execute("SELECT clock_timestamp()").fetchone()
    assert began is not None
    give_up = time.monotonic() + timeout_seconds
    while True:
        older = connection.execute(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %s LIMIT 1",
            (began[0],),
        ).fetchone()
        if older is None:
            return
        if time.monotonic() > give_up:
            raise StoreAwayError(
                f"process {older[0]} of PostgreSQL ({older[1] or 'without a name'}) still reads what was removed",
                hint="The redaction is recorded; when that process has ended, type the same again to clean the tables",
            )
        time.sleep(0.1)


def _forget_samples(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Remove samples of our columns from the catalogue; return False if this user is no superuser."""
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
