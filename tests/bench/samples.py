"""A million samples: from columns as Prometheus gave them into the log, beside Prometheus' own blocks."""

import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.bench.log import START
from tests.bench.measure import Row, Sizes, at_most, fastest, seconds
from tests.servers.prometheus import open_metrics
from tracker.ingest.prometheus.series import FetchedSeries
from tracker.ingest.samples import intake
from tracker.log import Log

STEP_MS = 15_000


def series(sizes: Sizes) -> list[FetchedSeries]:
    """Make what services export: counters, some with resets, gauges of whole and of broken numbers, constants.

    85 % of the scrapes are on time, 10 % within 4 ms and 5 % within 60 ms, as was seen on a real server.
    """
    chance = np.random.default_rng(20260301)
    count = sizes.samples_in_a_series
    found = []
    for number in range(sizes.series):
        late = chance.choice([0, 4, 60], count, p=[0.85, 0.1, 0.05])
        jitter = chance.integers(-late, late + 1)
        instants = round(START.timestamp() * 1000) + STEP_MS * np.arange(count, dtype=np.int64) + jitter
        steps = chance.poisson(20, count).astype(np.float64)
        values = {
            0: lambda steps=steps: np.cumsum(steps),
            1: lambda steps=steps: np.cumsum(steps) % 40_000,
            2: lambda steps=steps: np.cumsum(steps * 0.25),
            3: lambda: 4096.0 * chance.integers(20_000, 60_000, count),
            4: lambda steps=steps: steps,
            5: lambda: np.ones(count),
            6: lambda: np.round(chance.gamma(2.0, 0.05, count), 2),
            7: lambda: chance.gamma(2.0, 0.05, count),
        }[number % 8]()
        found.append(FetchedSeries({"pod": f"shop-{number:03}"}, instants, values))
    return found


def rows(sizes: Sizes, folder: Path) -> Iterator[Row]:
    """Time the intake and weigh what it wrote."""
    made = series(sizes)
    count = sizes.series * sizes.samples_in_a_series
    stored: list[int] = []

    def work(log: Log) -> None:
        chunks = intake(
            made,
            {},
            service="shop",
            metric="requests",
            query="requests_total",
            unit="count",
            step_seconds=STEP_MS / 1000,
            source="prometheus:prod",
            captured_at=START,
        )
        log.append(chunks)

    def ours() -> float:
        place = Path(tempfile.mkdtemp(dir=folder))
        with Log(str(place / "tracker.db")) as log:
            taken = seconds(lambda: work(log))
        with closing(sqlite3.connect(place / "tracker.db")) as database:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        stored.append((place / "tracker.db").stat().st_size)
        shutil.rmtree(place)
        return taken

    [taken] = fastest([ours], sizes.repeats)
    yield at_most("append 1,000,000 samples, from columns", taken * 1_000_000 / count, 2.0, 1, "s")
    promtool = shutil.which("promtool")
    if promtool is None:
        yield Row(
            "size of samples, against Prometheus' blocks", "", note="not measured: apt-get install prometheus"
        )
        return
    text = open_metrics(
        (
            "requests_total",
            one.labels,
            list(zip((one.instants_ms / 1000).tolist(), one.values.tolist(), strict=True)),
        )
        for one in made
    )
    history, blocks = folder / "history.om", folder / "blocks"
    history.write_text(text, encoding="utf-8")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(history), str(blocks)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    theirs = sum(path.stat().st_size for path in blocks.rglob("*") if path.is_file())
    yield at_most(
        "size of samples, against Prometheus' 2 h blocks", stored[-1] / count, theirs / count, 0.6, "bytes/sample",
        "the whole log file: headers, index and proof too",
    )  # fmt: skip
