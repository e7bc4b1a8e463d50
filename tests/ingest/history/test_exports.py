"""Exports of other tools in JSON and CSV: which field is which milestone, and what is listed."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tracker.errors import BadInputError
from tracker.ingest.history.exports import read_csv, read_export
from tracker.ingest.history.past import PastIncident
from tracker.times import utc

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAGERDUTY = {
    "incidents": [
        {
            "id": "Q1",
            "title": "Mails are late",
            "created_at": "2024-02-01T08:05:00Z",
            "resolved_at": "2024-02-01T09:00:00Z",
            "priority": {"summary": "P2"},
            "service": {"summary": "mailer"},
            "acknowledgements": [{"at": "2024-02-01T08:07:00Z", "acknowledger": {"summary": "Kim"}}],
            "notes": [
                {"created_at": "2024-02-01T08:30:00Z", "content": "queue grows", "user": {"summary": "Ben"}}
            ],
        }
    ]
}
OPSGENIE = {
    "data": [
        {
            "id": "b-1",
            "message": "Search is slow",
            "createdAt": "2024-03-05T09:40:00.120Z",
            "impactStartDate": "2024-03-05T09:12:00Z",
            "impactEndDate": "2024-03-05T10:30:00Z",
            "priority": "P1",
            "impactedServices": ["search"],
        }
    ]
}
INCIDENT_IO = {
    "incidents": [
        {
            "id": "01H",
            "name": "Checkout fails",
            "created_at": "2024-05-01T10:00:00Z",
            "severity": {"name": "Minor"},
            "incident_timestamp_values": [
                {
                    "incident_timestamp": {"name": "Impact started at"},
                    "value": {"value": "2024-05-01T09:50:00Z"},
                },
                {"incident_timestamp": {"name": "Resolved at"}, "value": {"value": "2024-05-01T11:00:00Z"}},
                {"incident_timestamp": {"name": "Fixed at"}, "value": None},
            ],
            "incident_role_assignments": [{"role": {"role_type": "lead"}, "assignee": {"name": "Kim"}}],
            "follow_ups": [{"title": "Alert on the pool"}],
        }
    ]
}
GITHUB = [
    {"number": 7, "title": "a change", "created_at": "2024-05-01T10:00:00Z", "pull_request": {}},
    {
        "html_url": "https://git.example.org/shop/issues/8",
        "title": "Outage of search",
        "created_at": "2024-05-02T10:00:00Z",
        "closed_at": "2024-05-09T10:00:00Z",
        "labels": [{"name": "sev-1"}, {"name": "service:search"}],
        "body": "## Timeline\nAll times in UTC\n- 2024-05-02 09:30 searches time out\n- 2024-05-?? somebody asks\n",
    },
]


def told(found: PastIncident) -> list[tuple[str, str | None, str]]:
    return [(utc(line.at)[11:16], line.label, line.text) for line in found.lines]


def exported(kind: str, value: object) -> list[PastIncident]:
    return read_export(kind, json.dumps(value).encode(), file="all.json", zone=ZoneInfo("UTC"), now=NOW)


def test_pagerduty():
    """
    What people did is a line with their name; the priority is the severity.
    """
    (found,) = exported("pagerduty", PAGERDUTY)

    assert (found.id, found.title, found.severity, found.services) == (
        "Q1",
        "Mails are late",
        "P2",
        ("mailer",),
    )
    assert told(found) == [
        ("08:05", "declared", "created_at"),
        ("08:07", None, "Kim: Acknowledged"),
        ("08:30", None, "Ben: queue grows"),
        ("09:00", "resolved", "resolved_at"),
    ]


def test_opsgenie():
    """
    The end of the impact is the repair, and without a resolution the end.
    """
    (found,) = exported("opsgenie", OPSGENIE)

    assert [(at, label) for at, label, _ in told(found)] == [
        ("09:12", "started"),
        ("09:40", "declared"),
        ("10:30", "mitigated"),
    ]
    assert utc(found.resolved.at) == "2024-03-05T10:30:00.000Z"
    assert found.services == ("search",)


def test_incident_io():
    """
    Its timestamps are named by the team; only names that say a milestone are one.
    """
    (found,) = exported("incident-io", INCIDENT_IO)

    assert [(at, label) for at, label, _ in told(found)] == [
        ("09:50", "started"),
        ("10:00", "declared"),
        ("11:00", "resolved"),
    ]
    assert (found.lead, [text for _, text in found.actions]) == ("Kim", ["Alert on the pool"])


def test_github_issues():
    """
    The body is read as a post-mortem, a pull request is no incident, and closing an issue ends nothing.
    """
    (found,) = exported("github", GITHUB)

    assert (found.severity, found.services) == ("sev-1", ("search",))
    assert [(at, label) for at, label, _ in told(found)] == [
        ("00:00", None),
        ("09:30", None),
        ("10:00", "declared"),
        ("10:00", None),
    ]
    assert found.resolved is None


@pytest.mark.parametrize(
    "value", ["yesterday", "2024-13-01T00:00:00Z", "2031-01-01T00:00:00Z", "2024-05-01", 7]
)
def test_an_instant_that_is_none_is_listed(value):
    """
    It is never taken for midnight, nor left out without a word.
    """
    (found,) = exported("pagerduty", {"incidents": [{"id": "Q", "title": "x", "created_at": value}]})

    assert found.lines == []
    assert len(found.unread) == 1


@pytest.mark.parametrize("value", [[], {}, {"incidents": []}, {"incidents": None}, 7, "x", None, [None]])
def test_what_holds_no_incident_is_refused_or_listed(value):
    """
    One line, no traceback.
    """
    found, problem = [], "all.json"
    try:
        found = exported("pagerduty", value)
    except BadInputError as refused:
        problem = refused.message

    assert "all.json" in problem
    assert all(not past.lines for past in found)


def test_a_table():
    """
    The header's names are those that people use; a row's times are in the zone of the import.
    """
    found = read_csv(
        b"Key;Summary;Severity;Service;Start Time;Detected;Resolved at\n"
        b"1;Search is slow;SEV2;search;2024-03-05 09:12;2024-03-05 09:40;2024-03-05 11:00\n"
        b"2;Mails are late;;;;;soon\n",
        file="old.csv",
        zone=ZoneInfo("Europe/Berlin"),
        now=NOW,
    )

    assert [(line.label, utc(line.at)[11:16]) for line in found[0].lines] == [
        ("started", "08:12"),
        ("detected", "08:40"),
        ("resolved", "10:00"),
    ]
    assert [(one.line, one.text) for one in found[1].unread] == [(3, "resolved: soon")]


def test_a_table_without_titles_or_times_is_refused():
    """
    The second line names columns that are known.
    """
    with pytest.raises(BadInputError, match="names no title and no time"):
        read_csv(b"a,b\n1,2\n", file="old.csv", zone=ZoneInfo("UTC"), now=NOW)
