"""DuckDB over a lake's list of files: read-only, in memory, without an extension."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tracker.errors import UsageError
from tracker.lake.reading import Lake, files_by_service
from tracker.lake.result import Result, joined, require_samples
from tracker.text.shell import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deltalake import DeltaTable
    from duckdb import DuckDBPyConnection

_TYPES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
}


@contextmanager
def connected(lake: Lake, names: Sequence[str], *, alike: bool = False) -> Iterator[DuckDBPyConnection]:
    """Connect to an empty database with a view of each of these tables, and nothing else within reach.

    Where all files have the same columns, say that they are `alike`: only those that the query names are opened.
    """
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    try:
        connection.execute("SET TimeZone='UTC'")
        for name in names:
            table = lake.table(name)
            connection.execute(_view(name, table, table.file_uris(), alike=alike))
        folder = _quoted(str(lake.folder.resolve()))
        connection.execute(f"SET allowed_directories=[{folder}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        yield connection
    finally:
        connection.close()


def query(lake: Lake, sql: str, *, each_service: bool = False) -> Result:
    """Answer one SELECT; with `each_service` once for the samples of each, and return all rows together.

    Raises:
        UsageError: If it is not one SELECT, or names a table or column that there is not.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UsageError(
                "only one SELECT is run: a lake is read-only",
                hint=command("tracker", "sql", str(lake.folder), "SELECT * FROM incidents"),
            )
        named = [name for name in duckdb.get_table_names(sql) if name in lake.mark.tables]
        if each_service:
            require_samples(named)
        # Files of an older version lack columns, which DuckDB refuses unless it may look into all of them first.
        # An export that replaced files meanwhile is no error: the list is read again, once.
        for alike, passed_over in ((True, (duckdb.Error,)), (False, (duckdb.IOException,)), (False, ())):
            with suppress(*passed_over), connected(lake, named, alike=alike) as connection:
                if each_service:
                    return joined(_each_service(connection, lake, sql, alike=alike))
                return _answer(connection, sql)
    except duckdb.Error as wrong:
        lines = [line for line in str(wrong).splitlines() if line.strip()]
        raise UsageError(lines[0] if lines else "DuckDB refused it", hint=_hint(lake, lines)) from wrong
    raise AssertionError("the last attempt passes no error over")


def _each_service(connection: DuckDBPyConnection, lake: Lake, sql: str, *, alike: bool) -> Iterator[Result]:
    table = lake.table("samples")
    for uris in files_by_service(table) or [[]]:
        if uris:
            connection.execute(_view("samples", table, uris, alike=alike))
        yield _answer(connection, sql)


def _answer(connection: DuckDBPyConnection, sql: str) -> Result:
    done = connection.execute(sql)
    return Result([column[0] for column in done.description], done.fetchall())


def _hint(lake: Lake, lines: Sequence[str]) -> str:
    near = next((line for line in lines[1:] if line.startswith("Candidate")), None)
    return near or f"Tables: {', '.join(sorted(lake.mark.tables))}; their columns: docs/lake.md"


def _view(name: str, table: DeltaTable, uris: Sequence[str], *, alike: bool) -> str:
    fields = table.schema().fields
    columns = ", ".join(_identifier(field.name) for field in fields)
    if not uris:
        types = ", ".join(f"{_identifier(field.name)} {_type(field.type)}" for field in fields)
        return f"CREATE TABLE {_identifier(name)} ({types})"
    files = ", ".join(_quoted(uri) for uri in uris)
    hive = ""
    if table.metadata().partition_columns:
        hive = ", hive_partitioning=true, hive_types={'service': VARCHAR, 'day': DATE}"
    return (
        f"CREATE OR REPLACE VIEW {_identifier(name)} AS SELECT {columns} "
        f"FROM read_parquet([{files}], union_by_name={str(not alike).lower()}{hive})"
    )


def _type(kind: Any) -> str:
    name = getattr(kind, "type", "string")
    return "VARCHAR[]" if name == "array" else _TYPES[name]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
