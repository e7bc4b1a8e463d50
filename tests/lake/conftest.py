"""A log with samples of several services and days, and its export."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests import builders as make
from tracker.application.export import export
from tracker.application.session import Options, Session
from tracker.events.base import Incoming
from tracker.ingest.samples import intake
from tracker.log import Log

pytest.importorskip("deltalake")
pytest.importorskip("duckdb")

START = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "correct-horse-battery-staple"


class Column:
    """One series as a source gives it."""

    def __init__(self, labels, instants_ms, values):
        self.labels, self.instants_ms, self.values = labels, instants_ms, values


def chunks(service, metric, start, count, step_seconds=60, pods=1, **more):
    """Samples of one metric from an instant on, as `collect` records them."""
    at_ms = round(start.timestamp() * 1000) + np.arange(count, dtype=np.int64) * round(step_seconds * 1000)
    series = [
        Column({"pod": f"{service}-{pod}"}, at_ms, np.sin(at_ms / 7e6 + pod).round(6)) for pod in range(pods)
    ]
    return intake(
        series,
        {},
        service=service,
        metric=metric,
        query=f"q({metric})",
        unit="seconds",
        step_seconds=step_seconds,
        source="prometheus",
        captured_at=start,
        **more,
    )


class World:
    """A log whose clock the test moves, and its export."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.store = str(folder / "tracker.db")
        self.lake = folder / "lake"
        self.now = START
        self.log = Log(self.store, now=lambda: self.now)
        self.session = Session(Options(store=self.store, by="ada"), log=self.log)

    def append(self, *events):
        return self.log.append([one if isinstance(one, Incoming) else Incoming(event=one) for one in events])

    def incident(self):
        self.now = make.at(60)
        self.append(make.deploy(), make.alert(), make.error(title=f"failed with {SECRET}"))
        self.log.decide("INC-1", lambda _: [make.declared(), make.note(text=f"it was {SECRET}")])

    def samples(self, days=2):
        for service in ("checkout", "odd name/ü=%20"):
            for day in range(days):
                self.append(*chunks(service, "latency", START + timedelta(days=day), 1440, pods=2))
                self.append(*chunks(service, "errors", START + timedelta(days=day), 1440))
        self.now = max(self.now, START + timedelta(days=days))

    def export(self, form="delta"):
        return export(self.session, self.lake, form)

    def close(self):
        self.log.close()


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = World(tmp_path)
    yield made
    made.close()
