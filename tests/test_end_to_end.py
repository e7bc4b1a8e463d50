"""From recorded feeds to the timeline: the order in which they came, and how often, does not show."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.feeds import payload
from tests.servers.postgres import Postgres
from tracker.cli import main

pytestmark = pytest.mark.slow

SPAN = ("--from", "2026-01-01T00:00Z", "--to", "2027-01-01T00:00Z")
SETTINGS = """
[services.checkout]
sentry_projects = ["shop", "python", "1"]
alert_labels = { service = "checkout" }
"""


def feeds() -> list[tuple[str, str, bytes]]:
    """Cut every recorded feed into the pieces in which it may come: source, name, bytes."""
    pieces = []
    for source, name in (("alertmanager", "alertmanager_webhook.jsonl"), ("events", "cdevents.jsonl")):
        pieces += [(source, f"{name}.{n}", line) for n, line in enumerate(payload(name).splitlines()) if line]
    pieces += [
        (source, name, payload(name))
        for source, name in (
            ("alertmanager", "alertmanager_api_v2_alerts.json"),
            ("alertmanager", "alertmanager_webhook.jsonl"),
            ("sentry", "sentry_issue.json"),
            ("sentry", "sentry_event_alert.json"),
            ("sentry", "sentry_sdk_event.envelope"),
            ("sentry", "sentry_sdk_check_in.envelope"),
            ("events", "cdevents.jsonl"),
        )
    ]
    return pieces


def timeline(capsys: pytest.CaptureFixture[str], store: str) -> list[dict[str, Any]]:
    """Ask for all rows, without what only says when we learned of them."""
    import json

    capsys.readouterr()
    assert main(["timeline", *SPAN, "--json", "--store", store]) == 0
    rows = json.loads(capsys.readouterr().out)["entries"]
    return [{k: v for k, v in row.items() if k not in ("recorded_at", "late_seconds")} for row in rows]


@pytest.fixture
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Give the address of a new log each time: make_store("sqlite")."""
    with ExitStack() as databases:
        made: list[str] = []

        def make(kind: str) -> str:
            made.append(kind)
            if kind == "sqlite":
                return str(tmp_path / f"{len(made)}.db")
            server: Postgres = request.getfixturevalue("postgres_server")
            return databases.enter_context(server.database())

        yield make


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_order_and_any_repetition_of_feeds_gives_one_timeline(
    kind, make_store, tmp_path, monkeypatch, capsys
):
    """
    Webhooks overtake each other, are sent twice, and are exported once more afterwards.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKER_USER", "ada")
    (tmp_path / "tracker.toml").write_text(SETTINGS)
    pieces = feeds()
    for _, name, data in pieces:
        (tmp_path / name).write_bytes(data)

    def told(order: list[tuple[str, str, bytes]]) -> list[dict[str, Any]]:
        store = make_store(kind)
        for source, name, _ in order:
            assert main(["ingest", source, name, "--store", store]) == 0
        return timeline(capsys, store)

    expected = told(pieces)
    assert len(expected) > 5
    choose = random.Random(20260301)
    for _ in range(5):
        order = pieces + choose.choices(pieces, k=6)
        choose.shuffle(order)
        assert told(order) == expected


def test_both_stores_tell_the_same(make_store, tmp_path, monkeypatch, capsys):
    """
    The same feeds, one timeline, whatever holds the log.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKER_USER", "ada")
    (tmp_path / "tracker.toml").write_text(SETTINGS)
    found = []
    for kind in ("sqlite", "postgresql"):
        store = make_store(kind)
        for source, name, data in feeds():
            (tmp_path / name).write_bytes(data)
            assert main(["ingest", source, name, "--store", store]) == 0
        found.append(timeline(capsys, store))

    assert found[0] == found[1]
