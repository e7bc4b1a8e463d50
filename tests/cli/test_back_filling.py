"""Filling in the past declares nothing, and lists what `tracker serve` would have declared."""

import json

from tests.cli.test_collect import configure, declare

DECLARING = '[services.checkout]\nalert_labels = { service = "checkout" }\nauto_declare = "critical"'
WEEK = ("--from", "2026-03-02T00:00:00Z", "--to", "2026-03-09T00:00:00Z")


def started(entry: dict[str, object]) -> tuple[object, object, object]:
    return entry["alert"], entry["began_at"], entry["severity"]


def test_history_of_alerts_is_listed_and_declares_nothing(tracker, tmp_path, prometheus_server):
    """
    The week's two critical alerts of checkout, and not the warning of search.
    """
    configure(tmp_path, prometheus_server.url, more=DECLARING)

    answer = tracker("ingest", "prometheus", "--service", "checkout", *WEEK)

    said = [line for line in answer.err.splitlines() if line.startswith("not declared")]
    assert said == [
        "not declared, as back-filling never does: HighErrorRatio of checkout fired at "
        "2026-03-04T14:02:15.000Z until 2026-03-04T14:45:15.000Z",
        "not declared, as back-filling never does: HighErrorRatio of checkout fired at "
        "2026-03-06T02:30:00.000Z until 2026-03-06T02:41:45.000Z",
    ]
    assert "To declare one: tracker declare 'HighErrorRatio fires' --service checkout" in answer.err
    again = tracker("ingest", "prometheus", "--service", "checkout", *WEEK, "--json").json
    assert [started(each) for each in again["would_have_declared"]] == [
        ("HighErrorRatio", "2026-03-04T14:02:15.000Z", "critical"),
        ("HighErrorRatio", "2026-03-06T02:30:00.000Z", "critical"),
    ]
    assert tracker("list", "--json").json["incidents"] == []


def test_collect_does_not_list_what_its_incident_covers(tracker, tmp_path, prometheus_server):
    """
    The alert of the incident that is collected belongs to it.
    """
    configure(tmp_path, prometheus_server.url, more=DECLARING)
    declare(tracker)

    answer = tracker("collect", 1, "--json")

    assert answer.code == 0, answer.err
    assert answer.json["would_have_declared"] == []
    assert len(tracker("list", "--json").json["incidents"]) == 1


def test_a_file_of_bodies_lists_too(tracker, tmp_path, prometheus_server):
    """
    A webhook body, told again from a file; without the rule in tracker.toml there is nothing to list.
    """
    body = {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "Down", "service": "checkout", "severity": "critical"},
                "annotations": {"summary": "checkout's door is shut"},
                "startsAt": "2026-03-04T14:02:15Z",
            }
        ],
    }
    (tmp_path / "body.json").write_text(json.dumps(body))
    configure(tmp_path, prometheus_server.url)
    without = tracker("ingest", "alertmanager", "body.json", "--json").json
    configure(tmp_path, prometheus_server.url, more=DECLARING)

    answer = tracker("ingest", "alertmanager", "body.json")

    assert without["would_have_declared"] == []
    assert "Down of checkout fired at 2026-03-04T14:02:15.000Z" in answer.err
    assert (
        """tracker declare 'checkout'"'"'s door is shut' --service checkout --severity critical"""
        in answer.err
    )
    assert tracker("list", "--json").json["incidents"] == []


def test_only_the_first_of_many_are_said(tracker, tmp_path, prometheus_server):
    """
    A flapping week fills no screen: twenty lines, how many more, and where all of them are.
    """
    configure(tmp_path, prometheus_server.url, more=DECLARING)
    alerts = [
        {
            "status": "resolved",
            "labels": {"alertname": "Down", "service": "checkout", "severity": "critical"},
            "annotations": {},
            "startsAt": f"2026-03-04T{hour:02}:00:00Z",
            "endsAt": f"2026-03-04T{hour:02}:05:00Z",
        }
        for hour in range(23)
    ]
    (tmp_path / "body.json").write_text(json.dumps({"version": "4", "alerts": alerts}))

    answer = tracker("ingest", "alertmanager", "body.json")

    assert answer.err.count("not declared, as back-filling never does") == 20
    assert "… and 3 more: --json has all" in answer.err
