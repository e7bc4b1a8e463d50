"""What Alertmanager and a pipeline send to a running server, and instants as they write them."""

import json
from datetime import UTC, datetime, timedelta

from tests.servers.serving import CHECKOUT, SECRETS, TrackerServer, until

TOKEN = SECRETS["TRACKER_HOOK_TOKEN"]
LABELS = {"alertname": "HighErrorRatio", "service": "checkout", "severity": "critical"}
DECLARING = f"""{CHECKOUT}auto_declare = "critical"
[services.canary]
alert_labels = {{ service = "canary" }}
auto_declare = "critical"
"""


def hook(server: TrackerServer) -> str:
    return f"{server.url}/hooks/alertmanager/prod"


def ago(**span: float) -> datetime:
    """An instant so long ago, in whole milliseconds, as Prometheus has them."""
    found = datetime.now(UTC) - timedelta(**span)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def shown(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body(*alerts: dict[str, object]) -> bytes:
    """A webhook's body, as Alertmanager words it."""
    return json.dumps({"version": "4", "status": "firing", "alerts": alerts}).encode()


def firing(starts_at: datetime, **labels: str) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {**LABELS, **labels},
        "annotations": {},
        "startsAt": shown(starts_at),
    }


def push(server: TrackerServer, *alerts: dict[str, object]) -> None:
    answer = server.request("/hooks/alertmanager/prod", body(*alerts), {"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 202


def deployed(server: TrackerServer, at: datetime, version: str = "v1.2.0") -> None:
    """Tell of a deploy as a CI does."""
    event = {
        "context": {
            "specversion": "0.5.1",
            "id": f"run-{version}",
            "source": "/ci/main",
            "type": "dev.cdevents.service.deployed.0.3.0",
            "timestamp": shown(at),
        },
        "subject": {
            "id": "checkout",
            "content": {
                "environment": {"id": "production"},
                "artifactId": f"pkg:oci/checkout@{version}",
            },
        },
    }
    answer = server.request(
        "/hooks/events",
        json.dumps(event).encode(),
        {
            "Authorization": f"Bearer {SECRETS['TRACKER_EVENTS_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    assert answer.status == 202


def settled(server: TrackerServer) -> None:
    """Wait until the rule was asked about all that was sent: it is asked in order, and an alert sent now declares."""
    push(server, firing(ago(seconds=1), service="canary", alertname=f"Canary{len(server.incidents())}"))
    until(lambda: any(each["services"] == ["canary"] for each in server.incidents()))
