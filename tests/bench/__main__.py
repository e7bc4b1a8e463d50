"""Measure, and print a table as markdown: python -m tests.bench [--small] [--json]. Exit code 0 always: it informs."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from _pytest.outcomes import Skipped

from tests.bench import bugsink, commands, growth, log, reading, samples, server, storm
from tests.bench.measure import FULL, SMALL, Row, Sizes
from tests.servers.postgres import postgres

HEAD = """| what | measured | reference | ratio | wanted | met | |
| --- | --- | --- | --- | --- | --- | --- |"""


def measured(sizes: Sizes, folder: Path, picture: Path | None = None) -> Iterator[Row]:
    """Measure everything, in parts that do not disturb each other."""
    yield from log.on_sqlite(sizes, folder)
    yield from samples.rows(sizes, folder)
    yield from reading.rows(sizes)
    yield from commands.answers(sizes, folder)
    yield from commands.starts(sizes, folder)
    yield from storm.rows(sizes, folder)
    yield from growth.rows(sizes, folder, picture)
    sized = partial(bugsink.digested_a_second, folder, sizes.server_seconds, server.ENVELOPE_PADDING)
    peer = sized if sizes.peers and bugsink.installed() else None
    yield from server.rows(sizes, folder / "file", str(folder / "served.db"), "serve on SQLite", peer)
    try:
        with postgres() as cluster:
            yield from log.on_postgresql(sizes, cluster)
            with cluster.database() as url:
                yield from server.rows(sizes, folder / "database", url, "serve on PostgreSQL")
    except Skipped as missing:
        yield Row("PostgreSQL", "", note=f"not measured: it {missing.msg}")


def machine() -> dict[str, object]:
    """Say where this was measured: a number without its machine says little."""
    import sqlite3

    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--small", action="store_true", help="a minute or two, to see that it works; the figures say little"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--growth", type=int, help="the log grows to so many events (default: 1,000,000)")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="draw how cost grows into this file (.svg, .png)"
    )
    arguments = parser.parse_args()
    before = machine()
    sizes = SMALL if arguments.small else FULL
    if arguments.growth:
        sizes = replace(sizes, growth=arguments.growth)
    rows = []
    if not arguments.json:
        print(", ".join(f"{name} {value}" for name, value in before.items()) + f"\n\n{HEAD}", flush=True)
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as folder:
        for row in measured(sizes, Path(folder), arguments.picture):
            sys.stderr.write(f"  {row.what}\n")
            rows.append(row)
            if not arguments.json:
                print(line(row), flush=True)
    after = machine()["load_1m"]
    if arguments.json:
        found = {"machine": before, "load_1m_after": after, "rows": [asdict(row) for row in rows]}
        print(json.dumps(found, indent=2))
    else:
        print(f"\nload after {after}")
    return 0


def line(row: Row) -> str:
    """Write a row as a line of the table."""
    met = {True: "yes", False: "**no**", None: ""}[row.met]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    cells = (row.what, row.measured, row.reference, ratio, row.wanted, met, row.note)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
