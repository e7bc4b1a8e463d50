"""Instants that nobody can have seen: they are refused by name, and a log that holds one stays readable."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import refused
from tracker.events.alerts import AlertFired
from tracker.events.changes import DeployFinished
from tracker.log import Log

FAR = ["9999-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "1900-06-01T12:00:00Z", "0001-01-01T00:00:00Z"]
ZONES = ["UTC", "Asia/Tokyo", "America/Los_Angeles"]


def cdevent(at: str) -> str:
    return json.dumps(
        {
            "context": {
                "version": "0.4.1",
                "id": f"deploy-{at}",
                "source": "/ci",
                "type": "dev.cdevents.service.deployed.0.3.0",
                "timestamp": at,
            },
            "subject": {
                "id": "checkout",
                "content": {"environment": {"id": "production"}, "artifactId": "pkg:oci/checkout@v9"},
            },
        }
    )


def alert(at: str) -> str:
    fired = {
        "status": "firing",
        "labels": {"alertname": "Ancient", "service": "checkout"},
        "annotations": {},
        "startsAt": at,
        "fingerprint": "a",
    }
    return json.dumps({"version": "4", "status": "firing", "alerts": [fired]})


@pytest.mark.parametrize("at", FAR)
@pytest.mark.parametrize(("source", "written"), [("events", cdevent), ("alertmanager", alert)])
def test_a_feed_that_says_so_is_refused_and_nothing_of_it_recorded(declared, source, written, at):
    Path("feed.json").write_text(written(at))

    refused(declared("ingest", source, "feed.json"), 11)

    kinds = {row["kind"] for row in declared("timeline", 1, "--json").json["entries"]}
    assert kinds.isdisjoint({"deploy-finished", "alert-fired"})


@pytest.mark.parametrize("at", FAR)
@pytest.mark.parametrize(
    "words",
    [
        ("note", 1, "hello"),
        ("milestone", 1, "mitigated"),
        ("deploy", "finish", "checkout", "v2"),
        ("resolve", 1),
    ],
)
def test_a_typed_instant_is_refused(declared, words, at):
    assert declared(*words, "--at", at).code in (2, 12)


def test_one_odd_commit_does_not_keep_the_others_out(declared):
    def git(*words: str, at: str = "2026-03-01T14:10:00Z") -> None:
        dates = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}
        subprocess.run(["env", *(f"{k}={v}" for k, v in dates.items()), "git", *words], check=True)

    git("init", "-q", "r")
    git("-C", "r", "commit", "-q", "--allow-empty", "-m", "sound")
    git("-C", "r", "commit", "-q", "--allow-empty", "-m", "far", at="@253402300799 +0000")
    git("-C", "r", "commit", "-q", "--allow-empty", "-m", "sound again")

    answer = declared("ingest", "git", "r", "--service", "checkout")

    assert answer.code == 0, answer.err
    assert "left out" in answer.out + answer.err
    rows = declared("timeline", "--from", "2026-03-01T00:00Z", "--to", "2026-03-02T00:00Z", "--json").json
    titles = [row["title"].partition(" ")[2] for row in rows["entries"] if row["kind"] == "commit-made"]
    assert sorted(titles) == ["sound", "sound again"]


@pytest.mark.parametrize("year", [1, 1900, 2300, 9999])
def test_a_log_that_holds_one_stays_readable_in_every_zone(declared, year):
    """
    Earlier trackers took it.
    """
    edge = (12, 31, 23, 59) if year == 9999 else (1, 1, 0, 0)
    at = datetime(year, *edge, tzinfo=UTC)
    with Log("tracker.db") as log:
        log.append(
            [
                DeployFinished(
                    occurred_at=at, source="ci", service="checkout", version="v9", environment="production"
                ),
                AlertFired(occurred_at=at, source="am", service="checkout", name="Far", fingerprint="f"),
            ]
        )

    for zone in ZONES:
        for words in ("timeline 1", "changes", "changes 1", "report 1 -o -"):
            answer = declared(*words.split(), "--tz", zone)
            assert answer.code == 0, (words, zone, answer.err)
    for words in (
        "compare 1",
        "check 1",
        "show 1",
        "message 1 update",
        "bundle 1 -o b",
        "list",
        "due",
        "verify",
    ):
        answer = declared(*words.split())
        assert answer.code in (0, 4), (words, answer.err)
