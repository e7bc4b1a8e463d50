"""What is in a store besides the tracker's own tables and indices, and can act on rows or answer in their place.

The proof covers rows. A trigger, a rule or a view that somebody added decides which rows are stored and
shown: it is named when a log is opened, by `verify` and by `doctor`. SQLite's own statistics and the
relations of PostgreSQL's extensions are no fault.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tracker.text.terminal import printable

Rows = Callable[[str], list[tuple[Any, ...]]]
"""Runs a statement and returns its rows."""

TABLES = ("stored_events", "event_index", "event_payloads", "log_settings")
INBOX_TABLE = "inbox_deliveries"
_INDICES = (
    "stored_events_pkey",
    "stored_events_stream",
    "stored_events_decision",
    "event_index_pkey",
    "event_payloads_pkey",
    "log_settings_pkey",
    f"{INBOX_TABLE}_pkey",
)
_OF_SQLITE = re.compile(r"(table sqlite_(stat[1-4]|sequence)|index sqlite_autoindex_\w+)")
_LONGEST_NAME = 100
_MOST = 20
_CONDITION = re.compile(r"\b(CHECK|GENERATED|AS|REFERENCES|COLLATE|CONFLICT|UNIQUE)\b", re.IGNORECASE)


def in_sqlite(rows: Rows, statements: Sequence[str], *, may_grow: bool = False) -> list[str]:
    """Name what a file has besides what these statements create, and what of that was altered.

    Tables that `may_grow` had columns added by later trackers, which have no condition on rows.
    """
    own = {
        text: _subject(text) for statement in statements if (text := _plain(statement)).startswith("CREATE")
    }
    names = []
    for kind, name, table, sql in rows(
        "SELECT type, name, tbl_name, sql FROM sqlite_master UNION ALL "
        "SELECT 'temporary ' || type, name, tbl_name, sql FROM sqlite_temp_master"
    ):
        text = _plain(sql or "")
        if own.get(text) == (kind, name) or (
            may_grow and (kind, name) in own.values() and not _CONDITION.search(text)
        ):
            continue
        if (kind, name) in own.values():
            names.append(f"{kind} {name}, which was altered")
        elif not (_OF_SQLITE.fullmatch(f"{kind} {name}") and (kind == "table" or sql is None)):
            names.append(f"{kind} {name}" + ("" if name == table else f" on {table}"))
    return [_shown(name) for name in names]


def _subject(statement: str) -> tuple[str, str]:
    """Return the kind and the name of what a statement creates."""
    kind, name = re.findall(r"(TABLE|INDEX) (\w+)", statement)[0]
    return kind.lower(), name


def not_ours(names: Sequence[str]) -> str:
    """Say what is in a store."""
    shown = ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
    return f"the store has what is not the tracker's: {shown}"


def _plain(sql: str) -> str:
    return " ".join(sql.replace("IF NOT EXISTS ", "").split())


def _shown(name: str) -> str:
    return printable(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…")


def in_postgres(rows: Rows, columns: Sequence[str]) -> list[str]:
    """Name what the database has besides the log's tables, which have these `table.column type`, and what was added to them."""
    return [_shown(row[0]) for row in rows(_POSTGRES.replace("COLUMNS", _list(columns)))]


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


_KIND = (
    "CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' "
    "WHEN 'f' THEN 'foreign table ' WHEN 'p' THEN 'partitioned table ' ELSE 'relation ' END || c.relname"
)
# Names of the catalogue are qualified: a search_path may put other tables of these names before it.
_POSTGRES = f"""
WITH ours AS (
    SELECT * FROM pg_catalog.pg_class WHERE oid IN (
        {", ".join(f"pg_catalog.to_regclass('{name}')" for name in (*TABLES, INBOX_TABLE))})
), log AS (SELECT * FROM ours WHERE relname <> '{INBOX_TABLE}')
SELECT 'trigger ' || t.tgname || ' on ' || c.relname
    FROM pg_catalog.pg_trigger t JOIN ours c ON t.tgrelid = c.oid WHERE NOT t.tgisinternal
UNION ALL SELECT 'rule ' || r.rulename || ' on ' || c.relname
    FROM pg_catalog.pg_rewrite r JOIN ours c ON r.ev_class = c.oid
UNION ALL SELECT 'row security policy ' || p.polname || ' on ' || c.relname
    FROM pg_catalog.pg_policy p JOIN ours c ON p.polrelid = c.oid
UNION ALL SELECT 'row security on ' || relname FROM ours WHERE relrowsecurity OR relforcerowsecurity
UNION ALL SELECT {_KIND} || ' in the place of a table' FROM ours c WHERE relkind <> 'r'
UNION ALL SELECT CASE relpersistence WHEN 't' THEN 'temporary' ELSE 'unlogged' END || ' table ' || relname
    FROM ours WHERE relpersistence <> 'p'
UNION ALL SELECT 'table ' || i.inhrelid::pg_catalog.regclass || ' that inherits from ' || i.inhparent::pg_catalog.regclass
    FROM pg_catalog.pg_inherits i JOIN ours c ON c.oid IN (i.inhparent, i.inhrelid)
UNION ALL SELECT 'constraint ' || k.conname || ' on ' || k.conrelid::pg_catalog.regclass
    FROM pg_catalog.pg_constraint k JOIN ours c ON c.oid IN (k.conrelid, k.confrelid) WHERE k.contype NOT IN ('p', 'n', 't')
UNION ALL SELECT 'default of ' || c.relname || '.' || a.attname
    FROM pg_catalog.pg_attribute a JOIN log c ON a.attrelid = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND (a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '')
UNION ALL SELECT 'column ' || column_with_type FROM (
    SELECT c.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) AS column_with_type
    FROM pg_catalog.pg_attribute a JOIN log c ON a.attrelid = c.oid WHERE a.attnum > 0 AND NOT a.attisdropped
) columns WHERE column_with_type NOT IN (COLUMNS)
UNION ALL SELECT 'index ' || x.relname || ' on ' || c.relname
    FROM pg_catalog.pg_index i JOIN ours c ON i.indrelid = c.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    WHERE x.relname NOT IN ({_list(_INDICES)}) OR NOT i.indisunique OR NOT i.indisvalid OR i.indexprs IS NOT NULL
UNION ALL SELECT 'event trigger ' || evtname FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'
UNION ALL SELECT {_KIND} FROM pg_catalog.pg_class c
    WHERE c.relnamespace IN (SELECT relnamespace FROM log) AND c.oid NOT IN (SELECT oid FROM ours)
    AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
"""
