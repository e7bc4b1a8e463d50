"""Requests that were recorded with their headers are read as their bodies."""

import json

from tracker.events.alerts import AlertFired, ErrorSeen
from tracker.ingest import alertmanager
from tracker.ingest.sentry import webhook
from tracker.ingest.services import ServiceRules

FIRING = {
    "version": "4",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighErrorRatio", "service": "checkout"},
            "annotations": {},
            "startsAt": "2026-03-04T14:02:15.256Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "5f433b28affb2722",
        }
    ],
}


def test_a_recorded_request_is_its_body():
    """
    Headers beside a body change no event, and their secrets do not reach the payload.
    """
    bare = json.dumps(FIRING).encode()
    recorded = json.dumps({"headers": {"Authorization": "Bearer s3cret"}, "body": FIRING}).encode()

    found = alertmanager.read(recorded, where="request.json", rules=ServiceRules())

    assert [each.event for each in found] == [
        each.event for each in alertmanager.read(bare, where="body.json", rules=ServiceRules())
    ]
    assert isinstance(found[0].event, AlertFired)
    assert b"s3cret" not in found[0].payload


def test_the_header_says_which_webhook_of_sentry_it_was():
    """
    Sentry names the resource in a header only.
    """
    body = {
        "action": "triggered",
        "data": {
            "event": {
                "event_id": "e" * 32,
                "issue_id": "7",
                "title": "PoolTimeout",
                "project": 1,
                "datetime": "2026-03-04T14:02:15Z",
            }
        },
    }
    recorded = json.dumps({"headers": {"Sentry-Hook-Resource": "event_alert"}, "body": body}).encode()

    found = webhook.read(recorded, where="request.json", rules=ServiceRules())

    assert [type(each.event) for each in found] == [ErrorSeen]
