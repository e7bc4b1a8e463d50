"""Delta tables: append at a position, replace rows, compact closed days, remove text for good.

Every commit is made on a table that was loaded before: deltalake then refuses it where another writer was
faster. By path it would accept a position twice. Nothing here writes deletion vectors, column mapping or a
change feed, so that DuckDB and Spark read the list of files without an extension.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.errors import BadInputError, SettingsError, StoreError
from tracker.lake import arrow
from tracker.lake.folder import start_again
from tracker.lake.table import SAMPLES, SCHEMA, Kind, Table

if TYPE_CHECKING:
    from arro3.core import Table as ArrowTable
    from deltalake import DeltaTable, WriterProperties

PARTITIONS = {"samples": ["service", "day"]}
MOST_FILES = 32
"""A table with more files than this is put together: each export appends one."""
ROW = "row"
"""The column that says where a row stands in its table's order."""
ROW_GROUP = 16_384
"""Rows that are read together: a window of one metric takes two of these a day."""
_FULL = re.compile("no space left|quota exceeded|file too large", re.IGNORECASE)


@contextlib.contextmanager
def reported(folder: Path, name: str) -> Iterator[None]:
    """Say in one line what deltalake could not do.

    Raises:
        BadInputError: If the disk is full or refuses the file.
        StoreError: If the table is not what its own log says.
    """
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError) as wrong:
        text = " ".join(str(wrong).split())
        if _FULL.search(text):
            raise BadInputError(
                f"cannot write table {name} in {folder}: no space left on the disk",
                hint="Free some space and type it again: what is complete stays",
            ) from wrong
        if isinstance(wrong, PermissionError) or "Permission denied" in text:
            raise BadInputError(
                f"cannot write table {name} in {folder}: permission denied", hint="Name another folder"
            ) from wrong
        raise StoreError(
            f"table {name} of the lake in {folder}: {text[:200]}", hint=start_again(folder, name)
        ) from wrong


def require_libraries() -> None:
    """Refuse in one line where the extra is not installed.

    Raises:
        SettingsError: If deltalake or duckdb is missing.
    """
    try:
        import deltalake  # noqa: F401
        import duckdb  # noqa: F401
    except ImportError as missing:
        raise SettingsError(
            f"Delta tables need the package {missing.name}",
            hint="pip install 'tracker[lake]', or write text files: --format csv or jsonl",
        ) from missing


class DeltaFolder:
    """The tables of one lake that belongs to one log; made where they are missing."""

    def __init__(self, folder: Path, log: str) -> None:
        self.folder = folder
        self._app = f"tracker:{log}"
        self._log = log
        self.written: Counter[str] = Counter()
        self._dirty: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether a table is there.

        Raises:
            StoreError: If only a part of it is.
        """
        from deltalake import DeltaTable

        place = self.folder / name
        if not place.exists():
            return False
        with reported(self.folder, name):
            if DeltaTable.is_deltatable(str(place)):
                return True
            # A first export that was killed leaves a folder without any commit.
            if not any(place.rglob("*.parquet")):
                return False
        raise StoreError(
            f"table {name} of the lake in {self.folder} has lost its list of files",
            hint=start_again(self.folder, name),
        )

    def table(self, name: str, kinds: Mapping[str, Kind]) -> DeltaTable:
        """Open a table, or make it.

        Raises:
            StoreError: If some of its files are missing.
        """
        from deltalake import DeltaTable

        if not self.has(name):
            with reported(self.folder, name):
                return DeltaTable.create(
                    self.folder / name,
                    schema=arrow.schema(kinds),
                    mode="ignore",
                    partition_by=PARTITIONS.get(name),
                    configuration=self._configuration(kinds),
                    raise_if_key_not_exists=False,
                )
        return load(self.folder, name)

    def position(self, name: str) -> int:
        """Return up to which position a table holds its log; 0 where it is missing."""
        if not self.has(name):
            return 0
        with reported(self.folder, name):
            return load(self.folder, name).transaction_version(self._app) or 0

    def last_digest(self) -> tuple[int, str] | None:
        """Return the position of the last event and its digest, to compare with the log's."""
        position = self.position("events")
        if not position:
            return None
        import duckdb

        with duckdb.connect() as connection, reported(self.folder, "events"):
            found = connection.execute(
                "SELECT position, digest FROM read_parquet($uris, union_by_name=true) WHERE position = $position",
                {"uris": load(self.folder, "events").file_uris(), "position": position},
            ).fetchall()
        return found[0] if found else None

    def append(self, name: str, kinds: Mapping[str, Kind], rows: ArrowTable, position: int) -> None:
        """Append rows and move the table to a position, in one commit."""
        from deltalake import CommitProperties, Transaction, write_deltalake

        table = self.table(name, kinds)
        properties = CommitProperties(app_transactions=[Transaction(self._app, position)])
        with reported(self.folder, name):
            if len(rows):
                write_deltalake(
                    table,
                    rows,
                    mode="append",
                    schema_mode="merge",
                    writer_properties=_writer(name, kinds),
                    commit_properties=properties,
                )
            else:
                table.create_write_transaction([], "append", table.schema(), commit_properties=properties)
        self.written[name] += len(rows)

    def replace(self, table: Table) -> None:
        """Replace a table's rows in one commit; if only new rows follow the old ones, append those."""
        from deltalake import write_deltalake

        kinds: dict[str, Kind] = {**table.kinds, ROW: "integer"}
        held = self.table(table.name, kinds)
        new = [_plain(row) for row in table.rows()]
        old = self.rows(table.name, table.kinds) if _names(held) == [*kinds] else None
        if old == new:
            return
        appends = old is not None and new[: len(old)] == old and len(held.file_uris()) < MOST_FILES
        first = len(old or ()) if appends else 0
        columns = {name: values[first:] for name, values in table.columns.items()}
        columns[ROW] = range(first, len(new))
        options: dict[str, Any] = {} if old is not None else {"schema_mode": "overwrite"}
        with reported(self.folder, table.name):
            write_deltalake(
                held,
                arrow.arrow_table(Table(table.name, kinds, columns)),
                mode="append" if appends else "overwrite",
                writer_properties=_writer(table.name, kinds),
                **options,
            )
        self.written[table.name] += len(new) - first
        if not appends:
            self._dirty.add(table.name)

    def rows(self, name: str, kinds: Mapping[str, Kind]) -> list[tuple[Any, ...]]:
        """Return a derived table's rows, in its order, as the plain values that it is written from."""
        held = load(self.folder, name)
        if not (uris := held.file_uris()) or not set(kinds) <= set(_names(held)):
            return []
        import duckdb

        plain: dict[str, str] = {"instant": 'epoch_us("{0}")', "date": "(\"{0}\" - DATE '1970-01-01')"}
        columns = ", ".join(plain.get(kind, '"{0}"').format(column) for column, kind in kinds.items())
        with duckdb.connect() as connection, reported(self.folder, name):
            found = connection.execute(
                f'SELECT {columns} FROM read_parquet($uris, union_by_name=true) ORDER BY "{ROW}"',
                {"uris": uris},
            ).fetchall()
        return [_plain(row) for row in found]

    def replace_positions(
        self, name: str, kinds: Mapping[str, Kind], positions: Sequence[int], rows: ArrowTable
    ) -> None:
        """Put other rows in the place of those of some positions, in one commit."""
        from deltalake import write_deltalake

        held = self.table(name, kinds)
        predicate = f"position IN ({', '.join(str(int(one)) for one in positions)})"
        with reported(self.folder, name):
            if len(rows):
                write_deltalake(
                    held, rows, mode="overwrite", predicate=predicate, writer_properties=_writer(name, kinds)
                )
            else:
                held.delete(predicate, writer_properties=_writer(name, kinds))
        self._dirty.add(name)

    def compact_days(self, today: date, touched: set[tuple[str | None, date]]) -> None:
        """Put the samples of each closed day of a service together, sorted by metric and instant."""
        from deltalake import write_deltalake

        if not self.has("samples"):
            return
        held = load(self.folder, "samples")
        files: dict[tuple[str | None, date], list[str]] = {}
        with reported(self.folder, "samples"):
            actions = held.get_add_actions(flatten=True)
            columns = [actions[name].to_pylist() for name in ("path", "partition.service", "partition.day")]
        for path, service, day in zip(*columns, strict=True):
            files.setdefault((service, day), []).append(path)
        for (service, day), paths in sorted(files.items(), key=lambda one: (one[0][1], one[0][0] or "")):
            if len(paths) < 2 or (
                len(paths) <= (MOST_FILES if day >= today else 3)
                and (day >= today or (service, day) in touched)
            ):
                continue
            rows = _sorted_day(held, service, day)
            quoted = (
                "service IS NULL" if service is None else "service = '" + service.replace("'", "''") + "'"
            )
            with reported(self.folder, "samples"):
                write_deltalake(
                    held,
                    rows,
                    mode="overwrite",
                    predicate=f"{quoted} AND day = '{day.isoformat()}'",
                    writer_properties=_writer("samples", SAMPLES),
                )
            self._dirty.add("samples")

    def compact_events(self, kinds: Mapping[str, Kind]) -> None:
        """Put the small files of the events together."""
        held = load(self.folder, "events")
        if len(held.file_uris()) > MOST_FILES:
            with reported(self.folder, "events"):
                held.optimize.compact(target_size=128 << 20, writer_properties=_writer("events", kinds))
            self._dirty.add("events")

    def remove_unused(self, *, for_good: bool = False) -> None:
        """Remove the files that no table lists; `for_good` also the older versions of all lists of files."""
        for name in sorted(self._tables() if for_good else self._dirty):
            held = load(self.folder, name)
            with reported(self.folder, name):
                held.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
                if for_good:
                    held = load(self.folder, name)
                    held.create_checkpoint()
                    held.cleanup_metadata()
        self._dirty.clear()

    def bring_up_to_date(self) -> None:
        """Note the schema version in tables that an earlier version made."""
        for name in self._tables():
            held = load(self.folder, name)
            if held.metadata().configuration.get("tracker.schema") != str(SCHEMA):
                with reported(self.folder, name):
                    held.alter.set_table_properties(
                        {"tracker.schema": str(SCHEMA)}, raise_if_not_exists=False
                    )

    def _tables(self) -> list[str]:
        return [one.name for one in self.folder.iterdir() if one.is_dir() and self.has(one.name)]

    def _configuration(self, kinds: Mapping[str, Kind]) -> dict[str, str | None]:
        # Statistics of a text would hold its first letters in the list of files, after the text itself is gone.
        plain = [
            name for name, kind in kinds.items() if kind in ("integer", "float", "instant", "date", "boolean")
        ]
        return {
            "delta.dataSkippingStatsColumns": ",".join(plain),
            "delta.logRetentionDuration": "interval 0 seconds",
            "tracker.log": self._log,
            "tracker.schema": str(SCHEMA),
        }


def load(folder: Path, name: str) -> DeltaTable:
    """Load a table of a lake.

    Raises:
        StoreError: If its list of files is damaged, or names files that are gone.
    """
    from deltalake import DeltaTable

    place = folder / name
    with reported(folder, name):
        table = DeltaTable(place)
        files = [Path(uri) for uri in table.file_uris()]
    missing = sum(not path.exists() for path in files)
    if missing:
        raise StoreError(
            f"table {name} of the lake in {folder} has lost {missing} of its {len(files)} files",
            hint=start_again(folder, name),
        )
    return table


def _writer(name: str, kinds: Mapping[str, Kind]) -> WriterProperties:
    from deltalake import ColumnProperties, WriterProperties

    # Spark reads these encodings, and not BYTE_STREAM_SPLIT.
    packed = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    columns = {column: packed for column, kind in kinds.items() if kind == "instant"}
    return WriterProperties(
        compression="ZSTD",
        compression_level=3,
        max_row_group_size=ROW_GROUP if name == "samples" else None,
        column_properties=columns,
    )


def _sorted_day(table: DeltaTable, service: str | None, day: date) -> ArrowTable:
    import duckdb
    from arro3.core import Table as ArrowTable

    partition = [("service", "=", "" if service is None else service), ("day", "=", day.isoformat())]
    uris = table.file_uris(file_pruning_predicate=partition)
    columns = ", ".join(f'"{name}"' for name in SAMPLES)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        relation = connection.sql(
            f"SELECT {columns} FROM read_parquet($uris, hive_partitioning=true, union_by_name=true, "
            "hive_types={'service': VARCHAR, 'day': DATE}) ORDER BY metric, occurred_at, series, position",
            params={"uris": uris},
        )
        return ArrowTable.from_arrow(relation)


def _names(table: DeltaTable) -> list[str]:
    return [field.name for field in table.schema().fields]


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(list(value) if isinstance(value, tuple) else value for value in row)
